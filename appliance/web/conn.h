/*
 * web/conn: one connection as a state machine over bytes; HTTP/1.1 requests one after the other, until a request makes it a
 * WebSocket. edge.c feeds it and sends what it queues; request.c serves what it has read, answer.c queues. WEB thread.
 *
 *   HEAD ──► BODY ◄──► WAIT ◄──► REPLY ──► HEAD …      an error's REPLY ──► LINGER ──► closed
 *     └─────────────────────────► WS
 */
#ifndef WEB_CONN_H
#define WEB_CONN_H

#include "core/addr.h"
#include "core/buf.h"
#include "web/http.h"
#include "web/server.h"

/* What a phase has in all, whatever trickles: no byte that comes or goes buys time. */
enum {
    CONN_HEAD_MS = 10000, /* default: TLS handshake and first head; a later head from its first byte */
    CONN_IDLE_MS = 60000, /* default: between requests */
    CONN_BODY_MS = 30000, /* default: a body, and … */
    CONN_SEND_MS =
        30000, /* default: an answer (of one that is made in pieces, each) that the peer takes, both besides … */
    CONN_SLOWEST = 8192, /* … a second for so many bytes */
    CONN_LINGER_MS =
        1000, /* what an error's sender still sends is thrown away, lest a reset eat our answer … */
    CONN_LINGER_MAX = 65536, /* … up to so many bytes; then it is not even read */
    CONN_REST_MAX =
        65536, /* bytes that wait for what is under way; the peer is not read beyond a quarter of it */
    CONN_BANNED_MAX = 64, /* connections of banned sources */
};

enum conn_phase { CONN_HEAD, CONN_BODY, CONN_WAIT, CONN_REPLY, CONN_WS, CONN_LINGER };

struct budget_account;
struct exchange;
struct tls;
struct ws;

struct conn {
    struct web *w;
    struct lws *wsi;
    struct tls *tls; /* NULL: a plain one, or no byte has come yet */
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
    bool held;        /* reads nothing until what came is done with */
    bool stuck;       /* reads nothing until the kernel takes what there is to send */
    bool begun;       /* plain bytes have come by TLS */
    bool turn;        /* they are TURN's: it is about to leave (web/handoff) */
    bool moved;       /* has left, and still counts with its source */
    bool banned;      /* its source was when it came: it is here for the page that says so */

    struct budget_account *account; /* the source's: what all its connections hold */
    struct buf in;                  /* head being received; http_head points into it */
    size_t scan;
    struct http_head *head;
    uint64_t got;       /* bytes of the body that have come */
    struct buf rest;    /* what came too early */
    struct exchange *x; /* the request that a route serves */

    struct buf out; /* bytes to send, from out_pos */
    size_t out_pos;
    size_t sending;      /* of these, in a record of the TLS session that is not all with the kernel yet */
    const uint8_t *tail; /* then these: a page's, or the exchange's */
    size_t tail_len;
    bool chunked;    /* the answer is in pieces (RFC 9112 7.1) */
    size_t lingered; /* bytes thrown away */

    struct { /* for the access log */
        uint64_t start_us, bytes;
        int status;
        bool open;
    } access;
    struct ws *ws;
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
/* Serves what came too early, now that something is over. False: close it. */
bool conn_resume(struct conn *c);

#endif
