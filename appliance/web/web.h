/*
 * web/web: the WEB thread: HTTPS on https.port and wss.port, HTTP on http.port (redirects, except /healthz), static pages,
 * the TLS side of TURN (there and on turns.port), a small router for JSON resources, and /ws. libwebsockets behind it; nothing else includes it.
 */
#ifndef WEB_WEB_H
#define WEB_WEB_H

#include "core/addr.h"
#include "core/ask.h"
#include "core/buf.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mbox;
struct web;
struct web_push;
struct web_route;
struct http_head;
struct guard;
struct sip_stack;

/* A connection by TLS that speaks STUN or TURN, on its way to who serves that. */
struct web_stream {
    int fd;
    struct tls *tls;
    struct addr peer, local;
    uint8_t *early; /* plain bytes that have come, at most 16 KiB, malloc'd */
    size_t early_len;
    /* To be called once when the connection is over, by any thread, before web_free: until then it counts among its source's. */
    void (*overh)(void *arg, const struct addr *peer);
    void *over_arg;
};
/* WEB thread; must not block. 0: all of it is the taker's now. Otherwise it stays ours, overh is not called. */
typedef int(web_stream_h)(const struct web_stream *s, void *arg);

struct web_config {
    struct addr bind[2]; /* addresses; ports below */
    size_t bind_count;
    uint16_t http_port, https_port, wss_port, turns_port; /* 0 = any free (tests) */
    bool http_on, https_on, wss_on, turns_on;
    bool turns_optional; /* does without turns_port when another program has it, and says so in the log */
    char cert[512], key[512]; /* PEM files; watched: new files are used for new connections within 5 s */
    char origins[1024]; /* further allowed Origins of /ws, space or comma separated; own host always is */
    bool
        require_origin; /* of /ws: refuse who names none, that is, whoever is no browser (web_require_origin changes it) */
    uint32_t rate_per_s; /* requests per second and source address (burst 4×); 0 = off */
    uint32_t body_max;   /* bytes; 0 = 1 MiB */
    uint32_t conns_max, conns_per_ip;
    /* ms; 0 = 10 s for TLS and head, 60 s between requests, 25 s of silence before a ping, 10 s for its answer */
    uint32_t head_ms, idle_ms, ping_ms, pong_ms;
    /* ms; 0 = 30 s for a body, an answer that is taken (both and a second for 8 KiB), a WebSocket message from its first byte */
    uint32_t body_ms, send_ms, message_ms;
    struct guard
        *guard; /* banned sources get a page that says so, and a few connections for it; may be NULL */
    /* WEB thread: whoever shows this Cookie is known, and served whatever others at his address did; may be NULL. */
    bool (*known)(const char *cookie, void *arg);
    void *known_arg;
    struct sip_stack *sip; /* /ws goes here; NULL = 503 */
    struct web_push *push; /* the live push (web/push); NULL = none */
    web_stream_h *turn;    /* whoever speaks STUN by TLS goes here; NULL: is answered as bad HTTP */
    void *turn_arg;
};

/* EADDRINUSE with the port in why; certificate errors. Logs `listening proto=https port=…` etc. */
int web_start(struct web **wp, const struct web_config *cfg, char *why, size_t whysz);
/* Closes WebSockets with 1001, flushes for at most half a second, joins the thread. */
void web_stop(struct web *w);
/* After web_stop, and after signalling has ended: it posts to our mailbox as long as it lives. */
void web_free(struct web *w);
/* Looks at the certificate files now, not at the next tick. Any thread. */
void web_reload(struct web *w);
/* The setting ws.require_origin, live. Any thread. */
void web_require_origin(struct web *w, bool require);
/* Bytes that came and went by all its connections. Any thread. */
uint64_t web_bytes(void);
/* The real port of "http", "https", "wss" or "turns". */
uint16_t web_port(const struct web *w, const char *proto);

struct web_req {                       /* valid during the handler */
    const char *method, *path, *query; /* query "" when none */
    const char *params[4]; /* what stands for the {names} of the route's path, decoded, in their order */
    const struct addr *peer;
    const char *content_type;
    const char *authorization, *cookie, *csrf; /* "" when absent */
    const char *host;
    const struct web_route *route; /* the entry of the table that serves it */
    const struct http_head *head;  /* for web_header */
    const uint8_t *body;           /* gathered; empty when the route takes it in chunks */
    size_t body_len;
};
/* A header of the request, "" when absent; name in lower case. */
const char *web_header(const struct web_req *req, const char *name);
struct web_resp {
    int status;
    const char *content_type; /* static string; default application/json */
    struct buf body;
    char headers[512]; /* further "Name: value\r\n" lines */
    uint32_t delay_ms; /* hold the answer back (throttling) without blocking the thread; ≤ 8000 */
    /* An answer in pieces, for what is long: called when the body so far is sent, with an empty one to write the next piece into;
     * nothing written is the end, false breaks the connection off. May ask (web_ask) where the piece is in another thread. */
    bool (*piece)(struct web_resp *resp);
    void *state;               /* the handlers' own, for piece and for a body in chunks … */
    void (*drop)(void *state); /* … freed so, when all is over; NULL: nothing to free */
};

/* Handlers run on the WEB thread and must not block. What is not at hand they ask another thread for (web_ask). */
typedef void(web_h)(const struct web_req *req, struct web_resp *resp, void *arg);
/* A part of the body; when the last was taken h is called. A status of 400 and more in resp refuses the rest. While a question asked
 * here is open no more is read: who writes to a disk holds the sender back. */
typedef void(web_chunk_h)(const struct web_req *req, const void *p, size_t n, struct web_resp *resp,
                          void *arg);

struct ws_service;
/* One resource and method. Static tables of these are all there is to know about our resources. */
struct web_route {
    const char *method;
    const char *
        path; /* "/api/v1/dns/{dn}": {name} is one segment, not empty, at most WEB_PARAM_MAX bytes of UTF-8 */
    web_h *h;
    web_chunk_h *chunk;          /* NULL: the body is gathered */
    uint64_t body_max;           /* of the body; 0, when it is gathered: http.body_max */
    const struct ws_service *ws; /* instead of all of these: a WebSocket is opened here (web/ws) */
};
enum { WEB_PARAM_MAX = 255, WEB_ASK_MS = 8000 };
/* Adds a table, which is kept, not copied. Before web_start. Embedded pages come first; a literal segment goes before a {name}; HEAD is
 * served by GET's. ENOSPC. */
int web_routes(const struct web_route *v, size_t n, void *arg);
void web_routes_clear(void); /* web_free() does */

/* A question for another thread, and what becomes of the request with its answer. */
struct web_question {
    struct ask_call call;
    void (*later)(void *value, struct web_resp *resp,
                  void *arg); /* WEB thread; not called when the asker has gone */
};
#define WEB_QUESTION(var, type, answer_, later_)                                                             \
    static const struct web_question var = {                                                                 \
        {.size = sizeof(type), .ms = WEB_ASK_MS, .answer = (answer_), .done = web_answered}, later_}
/* From a handler: the request waits until the answer has come; without one in time it is answered 503. One question at a time. What the
 * value holds is the question's from now on, whatever becomes of it (call.drop). */
void web_ask(struct web_resp *resp, struct mbox *to, const struct web_question *q, const void *value,
             void *arg);
void web_answered(int err, void *value, void *arg); /* for WEB_QUESTION only */
/* application/problem+json (RFC 9457). */
void web_problem(struct web_resp *resp, int status, const char *title, const char *detail_fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* The 429 of a banned source, with the time left. */
void web_banned(struct web_resp *resp, uint32_t left_ms);

#endif
