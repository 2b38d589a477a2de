#include "web/push.h"
#include "core/mbox.h"
#include "core/metric.h"
#include "core/table.h"
#include "web/edge.h"
#include "web/ws.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EVENTS_MAX = 256, OUT_MAX = 1024 /* snapshots for all, as after a start */, MESSAGE_MAX = 1024 };

METRIC_LIMIT(listeners, "push_connections", PUSH_CONNS_MAX);
METRIC_COUNTER(sent, "dngate_push_messages_total", NULL,
               "Messages of the live push, one for each browser that it went to");
METRIC_COUNTER(sent_bytes, "dngate_push_bytes_total", NULL, "Bytes of the live push, likewise");

struct peer { /* WEB thread */
    struct conn *c;
    bool welcome;
};

enum out_type { OUT_WELCOME, OUT_SEND, OUT_CLOSE };

struct out {
    enum out_type type;
    uint64_t conn;
    char *text;
    size_t len;
    uint16_t code;
    char reason[48];
};

struct web_push {
    struct web_push_config cfg;
    struct ws_service service;
    struct web_route route;
    struct mbox *events; /* of struct web_push_event */
    struct mbox *out;    /* of struct out */
    struct peer peers[PUSH_CONNS_MAX];
    size_t count;
};

/* ---------------------------------------------------------------- WEB thread */

static struct peer *peer_find(struct web_push *p, uint64_t conn)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->peers[i].c->id == conn)
            return &p->peers[i];
    return NULL;
}

/* The value of the cookie of this name; "" when there is none, or a longer one than any of ours. */
static void cookie_take(char out[PUSH_COOKIE_MAX], const char *cookies, const char *name)
{
    const size_t n = strlen(name);

    out[0] = 0;
    for (const char *s = cookies; *s; s += *s == ';') {
        size_t len;

        s += strspn(s, " ");
        len = strcspn(s, ";");
        if (len > n + 1 && len - n - 1 < PUSH_COOKIE_MAX && !strncmp(s, name, n) && s[n] == '=')
            (void)snprintf(out, PUSH_COOKIE_MAX, "%.*s", (int)(len - n - 1), s + n + 1);
        s += len;
    }
}

static int open_h(struct conn *c, void *arg)
{
    struct web_push *p = arg;
    struct web_push_event ev = {.type = WEB_PUSH_OPENED, .conn = c->id, .peer = c->peer};
    int err = p->count == PUSH_CONNS_MAX ? ENOSPC : 0;

    if (err)
        return err;
    cookie_take(ev.cookie, http_field(c->head, "cookie"), p->cfg.cookie);
    err = mbox_post(p->events, &ev);
    explicit_bzero(ev.cookie, sizeof(ev.cookie));
    if (err)
        return err;
    p->peers[p->count++] = (struct peer){.c = c};
    metric_set(&listeners, (int64_t)p->count);
    return 0;
}

static int message_h(struct conn *c, const void *text, size_t n, void *arg)
{
    (void)c;
    (void)text;
    (void)n;
    (void)arg;
    return 0;
}

static void closed_h(struct conn *c, void *arg)
{
    struct web_push *p = arg;
    const struct web_push_event ev = {.type = WEB_PUSH_CLOSED, .conn = c->id};
    struct peer *peer = peer_find(p, c->id);

    if (peer)
        *peer = p->peers[--p->count];
    metric_set(&listeners, (int64_t)p->count);
    (void)mbox_post_sure(p->events, &ev);
}

static void peer_tell(struct conn *c, const struct out *o)
{
    ws_send(c, o->text, o->len);
    metric_add(&sent, 1);
    metric_add(&sent_bytes, (int64_t)o->len);
}

static void out_h(void *msg, void *arg)
{
    struct out *o = msg;
    struct web_push *p = arg;
    struct peer *peer = peer_find(p, o->conn);
    struct conn *over[PUSH_CONNS_MAX];
    size_t n = 0;

    if (peer && o->type == OUT_WELCOME) {
        peer->welcome = true;
        ws_known(peer->c);
    } else if (peer && o->type == OUT_CLOSE) {
        ws_close(peer->c, o->code, o->reason);
    } else if (o->type == OUT_SEND) {
        for (size_t i = 0; i < p->count; i++)
            if (o->conn ? peer == &p->peers[i] : p->peers[i].welcome)
                peer_tell(p->peers[i].c, o);
    }
    for (size_t i = 0; i < p->count; i++)
        if (p->peers[i].c->dead)
            over[n++] = p->peers[i].c;
    while (n)
        edge_kill(over[--n]);
    free(o->text);
}

int web_push_out_fd(const struct web_push *p)
{
    return mbox_fd(p->out);
}

void web_push_out(struct web_push *p)
{
    (void)mbox_drain(p->out, out_h, p);
}

/* ---------------------------------------------------------------- the owner */

int web_push_alloc(struct web_push **pp, const struct web_push_config *cfg)
{
    struct web_push *p = calloc(1, sizeof(*p));
    int err;

    if (!p)
        return ENOMEM;
    p->cfg = *cfg;
    p->service = (struct ws_service){
        .protocol = cfg->protocol,
        .what = "This address is a WebSocket: the console's live push.",
        .message_max = MESSAGE_MAX,
        .out_max = PUSH_OUT_MAX,
        .origin_needed = true, /* who has a cookie is a browser, and a browser names one */
        .open = open_h,
        .message = message_h,
        .closed = closed_h,
    };
    p->route = (struct web_route){.method = "GET", .path = cfg->path, .ws = &p->service};
    err = mbox_alloc(&p->events, "push_events", sizeof(struct web_push_event), EVENTS_MAX);
    if (!err)
        mbox_reserve(p->events, PUSH_CONNS_MAX);
    if (!err)
        err = mbox_alloc(&p->out, "push_out", sizeof(struct out), OUT_MAX);
    if (!err)
        mbox_reserve(p->out, 2 * PUSH_CONNS_MAX); /* each is welcome once, and is closed once */
    if (!err)
        err = web_routes(&p->route, 1, p);
    if (err)
        web_push_free(p);
    else
        *pp = p;
    return err;
}

static void out_drop(void *msg, void *arg)
{
    (void)arg;
    free(((struct out *)msg)->text);
}

void web_push_free(struct web_push *p)
{
    if (!p)
        return;
    mbox_free(p->events, NULL, NULL);
    mbox_free(p->out, out_drop, NULL);
    free(p);
}

int web_push_fd(const struct web_push *p)
{
    return mbox_fd(p->events);
}

struct draining {
    web_push_h *h;
    void *arg;
};

static void event_h(void *msg, void *arg)
{
    struct draining *d = arg;

    d->h(msg, d->arg);
    explicit_bzero(msg, sizeof(struct web_push_event));
}

void web_push_drain(struct web_push *p, web_push_h *h, void *arg)
{
    struct draining d = {h, arg};

    (void)mbox_drain(p->events, event_h, &d);
}

static int post(struct web_push *p, const struct out *o)
{
    const int err = mbox_post(p->out, o);

    if (err)
        free(o->text);
    return err;
}

void web_push_welcome(struct web_push *p, uint64_t conn)
{
    (void)mbox_post_sure(p->out, &(struct out){.type = OUT_WELCOME, .conn = conn});
}

int web_push_send(struct web_push *p, uint64_t conn, char *text, size_t len)
{
    return text ? post(p, &(struct out){.type = OUT_SEND, .conn = conn, .text = text, .len = len}) : 0;
}

void web_push_close(struct web_push *p, uint64_t conn, uint16_t code, const char *reason)
{
    struct out o = {.type = OUT_CLOSE, .conn = conn, .code = code};

    (void)snprintf(o.reason, sizeof(o.reason), "%s", reason);
    (void)mbox_post_sure(p->out, &o);
}
