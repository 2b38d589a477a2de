/*
 * web/conn: one connection as a state machine over bytes; HTTP/1.1 requests one after the other, until a request makes it a
 * WebSocket. edge.c feeds it and sends what it queues. WEB thread.
 *
 *   HEAD ──► BODY ──► (WAIT) ──► REPLY ──► HEAD …      an error's REPLY ──► LINGER ──► closed
 *     └─────────────────────────► WS
 */
#ifndef WEB_CONN_H
#define WEB_CONN_H

#include "core/addr.h"
#include "core/buf.h"
#include "web/http.h"
#include "web/route.h"
#include "web/server.h"

/* What a phase has in all, whatever trickles: no byte that comes or goes buys time. */
enum {
    CONN_HEAD_MS = 10000, /* default: TLS handshake and first head; a later head from its first byte */
    CONN_IDLE_MS = 60000, /* default: between requests */
    CONN_BODY_MS = 30000, /* default: a body, and … */
    CONN_SEND_MS = 30000, /* default: an answer that the peer takes, both besides … */
    CONN_SLOWEST = 8192,  /* … a second for so many bytes */
    CONN_LINGER_MS =
        1000, /* what an error's sender still sends is thrown away, lest a reset eat our answer … */
    CONN_LINGER_MAX = 65536, /* … up to so many bytes; then it is not even read */
    CONN_REST_MAX = 65536,   /* pipelined bytes that wait while an answer is on its way */
    CONN_BANNED_MAX = 64,    /* connections of banned sources */
};

enum conn_phase { CONN_HEAD, CONN_BODY, CONN_WAIT, CONN_REPLY, CONN_WS, CONN_LINGER };

struct wsconn;

struct conn {
    struct web *w;
    struct lws *wsi;
    struct conn *next, **prevp;
    uint64_t id;
    enum listener_kind kind;
    struct addr peer, local;
    uint8_t phase;    /* enum conn_phase; changed by conn_move only */
    bool tls_up;      /* handshake done (or plain) */
    bool idle;        /* between requests */
    bool close_after; /* after this answer */
    bool dead;        /* to be closed by edge.c */
    bool deaf;        /* reads no more: what the peer sends stays with it */
    bool banned;      /* its source was when it came: it is here for the page that says so */

    struct buf in; /* head being received; http_head points into it */
    size_t scan;
    struct http_head *head;
    struct buf body, rest;
    struct web_resp resp; /* while in CONN_WAIT */
    bool resp_held;

    struct buf out; /* bytes to send, from out_pos */
    size_t out_pos;
    size_t lingered;     /* bytes thrown away */
    size_t sending;      /* of these, given to lws but not all with the kernel yet */
    const uint8_t *page; /* then these, not ours */
    size_t page_len;

    struct { /* for the access log */
        uint64_t start_us, bytes;
        int status;
        bool open;
    } access;
    struct wsconn *ws;
};

/* Counts against the source's and the server's limits. EUSERS, ENOSPC, EACCES (banned, and enough of its kind are served), ENOMEM. */
int conn_alloc(struct conn **cp, struct web *w, enum listener_kind kind, const struct addr *peer,
               const struct addr *local);
void conn_free(struct conn *c);
/* False from any of these: close it now. */
bool conn_rx(struct conn *c, const uint8_t *p, size_t n);
bool conn_timer(struct conn *c);
/* What to send next (at most what is contiguous), and how much of it was taken. */
size_t conn_out(struct conn *c, const uint8_t **p);
bool conn_sent(struct conn *c, size_t n);
size_t conn_queued(const struct conn *c);

/* To another phase, which has ms; 0 = no end. */
void conn_move(struct conn *c, enum conn_phase to, uint64_t ms);
/* Answers with an error in the form that fits the path; extra = further header lines or "". */
void conn_error(struct conn *c, int status, const char *extra, const char *detail);
/* One line per request. */
void conn_access(struct conn *c);

#endif
