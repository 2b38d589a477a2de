/*
 * web/web: the WEB thread: HTTPS on https.port and wss.port, HTTP on http.port (redirects, except /healthz), static pages,
 * a small router for JSON resources, and /ws. libwebsockets behind it; nothing else includes it.
 */
#ifndef WEB_WEB_H
#define WEB_WEB_H

#include "core/addr.h"
#include "core/buf.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct web;
struct guard;
struct sip_stack;

struct web_config {
    struct addr bind[2]; /* addresses; ports below */
    size_t bind_count;
    uint16_t http_port, https_port, wss_port; /* 0 = any free (tests) */
    bool http_on, https_on, wss_on;
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
    struct sip_stack *sip; /* /ws goes here; NULL = 503 */
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
/* The real port of "http", "https" or "wss". */
uint16_t web_port(const struct web *w, const char *proto);

struct web_req {                       /* valid during the handler */
    const char *method, *path, *query; /* query "" when none */
    const struct addr *peer;
    const char *content_type;
    const char *authorization, *cookie, *csrf; /* "" when absent */
    const char *host;
    const uint8_t *body;
    size_t body_len;
};
struct web_resp {
    int status;
    const char *content_type; /* static string; default application/json */
    struct buf body;
    char headers[512]; /* further "Name: value\r\n" lines */
    uint32_t delay_ms; /* hold the answer back (throttling) without blocking the thread; ≤ 8000 */
};
/* Handlers run on the WEB thread and must not block. Before web_start; method and path are kept, not copied. path may end
 * in "*"; the longest match wins; embedded pages come first; HEAD is served by GET's. ENOSPC. */
typedef void(web_h)(const struct web_req *req, struct web_resp *resp, void *arg);
int web_route(const char *method, const char *path, web_h *h, void *arg);
void web_routes_clear(void);
/* application/problem+json (RFC 9457). */
void web_problem(struct web_resp *resp, int status, const char *title, const char *detail_fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* The 429 of a banned source, with the time left. */
void web_banned(struct web_resp *resp, uint32_t left_ms);

#endif
