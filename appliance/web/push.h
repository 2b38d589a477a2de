/*
 * web/push: live push: one way, from another thread to browsers by WebSocket.
 *
 *   WEB thread                                     owner (main thread)
 *   GET PATH, Origin right ── opened, cookie ────► who is it? ── web_push_welcome() or web_push_close()
 *   its peers ◄── text, to one or all of them ──── web_push_send()
 *              ── closed ────────────────────────►
 *
 * Peers say nothing: what they send is taken and thrown away. One who does not take what is sent is closed (1013) when PUSH_OUT_MAX waits for it.
 */
#ifndef WEB_PUSH_H
#define WEB_PUSH_H

#include "core/addr.h"
#include <stddef.h>
#include <stdint.h>

struct web_push;

enum {
    PUSH_CONNS_MAX = 64,
    PUSH_OUT_MAX = 4 << 20, /* bytes that wait for one */
    PUSH_COOKIE_MAX = 128,
};

struct web_push_config { /* texts are static */
    const char *path, *protocol;
    const char *cookie; /* the one that says who it is */
};

struct web_push_event {
    enum { WEB_PUSH_OPENED, WEB_PUSH_CLOSED } type;
    uint64_t conn;
    struct addr peer;
    char cookie[PUSH_COOKIE_MAX]; /* its value; "" = none */
};

/* Registers the route; then web_config.push. ENOMEM, ENOSPC. */
int web_push_alloc(struct web_push **pp, const struct web_push_config *cfg);
void web_push_free(struct web_push *p); /* after web_free */

/* --- the owner */
int web_push_fd(const struct web_push *p); /* readable when events wait */
typedef void(web_push_h)(const struct web_push_event *ev, void *arg);
void web_push_drain(struct web_push *p, web_push_h *h, void *arg);
/* Is told from now on what is sent to all. What is sent to it alone needs no welcome. */
void web_push_welcome(struct web_push *p, uint64_t conn);
/* text becomes ours, malloc'd or NULL (nothing is done). conn 0: to all who are welcome. ENOBUFS: WEB is so far behind that nobody gets it. */
int web_push_send(struct web_push *p, uint64_t conn, char *text, size_t len);
void web_push_close(struct web_push *p, uint64_t conn, uint16_t code, const char *reason);

/* --- for edge.c, on the WEB thread */
int web_push_out_fd(const struct web_push *p);
void web_push_out(struct web_push *p);

#endif
