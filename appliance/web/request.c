#include "web/request.h"
#include "core/clock.h"
#include "core/guard.h"
#include "web/answer.h"
#include "web/edge.h"
#include "web/reply.h"
#include "web/route.h"
#include "web/source.h"
#include "web/static.h"
#include "web/certfile.h"
#include "web/ws.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---------------------------------------------------------------- who may ask */

static bool rate_passes(struct conn *c)
{
    uint32_t retry_s;
    char extra[40];

    if (source_request(c->w->sources, &c->peer, clock_ms(), &retry_s))
        return true;
    metric_add(&web_drop_rate, 1);
    c->close_after = true;
    snprintf(extra, sizeof(extra), "Retry-After: %u\r\n", retry_s);
    answer_error(c, 429, extra, NULL);
    return false;
}

static bool is_known(const struct conn *c)
{
    const struct web_config *cfg = &c->w->cfg;

    return cfg->known && cfg->known(http_field(c->head, "cookie"), cfg->known_arg);
}

/* Whoever is banned is told for how long. (A WebSocket that is open stays: its calls run.) sound: the head is. */
static bool ban_passes(struct conn *c, bool sound)
{
    char extra[40], detail[REPLY_DETAIL_MAX];
    uint32_t left_ms, left_s;

    if (!c->w->cfg.guard || guard_check(c->w->cfg.guard, &c->peer, &left_ms) != GUARD_BAN ||
        (sound && is_known(c)))
        return true;
    metric_add(&web_drop_banned, 1);
    c->close_after = true;
    left_s = left_ms / 1000 + 1;
    snprintf(extra, sizeof(extra), "Retry-After: %u\r\n", left_s);
    answer_error(c, 429, extra, reply_ban_detail(detail, sizeof(detail), left_s));
    return false;
}

static bool host_is_ours(const struct conn *c)
{
    size_t n = http_host_namelen(c->head->host);
    char name[256], own[ADDR_STRLEN];
    struct addr literal;

    snprintf(name, sizeof(name), "%.*s", (int)n, c->head->host);
    if (!addr_parse_ip(&literal, name, 0))
        return addr_eq_ip(&literal, &c->local) ||
               certfile_has_name(c->w->cert, addr_ip(&literal, own, sizeof(own)));
    return (!strcasecmp(name, "localhost") && addr_is_loopback(&c->local)) ||
           certfile_has_name(c->w->cert, name);
}

/* The absolute form is what proxies are asked with (RFC 9112 3.2.2): ours when the host is, and we are no proxy. */
static bool host_passes(struct conn *c)
{
    if (!c->head->absolute || host_is_ours(c))
        return true;
    c->close_after = true;
    answer_error(c, 421, "", NULL);
    return false;
}

/* ---------------------------------------------------------------- what it asks for */

/* http.port: one thing is served, everything else lives on https.port. */
static void redirect(struct conn *c)
{
    const struct http_head *h = c->head;
    char extra[HTTP_TARGET_MAX + 400], port[8] = "";

    if (!*h->host) {
        answer_refuse(c, 400);
        return;
    }
    if (c->w->ports[LISTEN_HTTPS] != 443)
        snprintf(port, sizeof(port), ":%u", c->w->ports[LISTEN_HTTPS]);
    snprintf(extra, sizeof(extra), "Location: https://%.*s%s%s%s%s\r\n", (int)http_host_namelen(h->host),
             h->host, port, h->target, *h->query ? "?" : "", h->query);
    answer_redirect(c, extra);
}

static void describe(struct exchange *x, const struct conn *c)
{
    const struct http_head *h = c->head;

    x->req.method = http_method_name(h->method);
    x->req.path = h->path;
    x->req.query = h->query;
    x->req.peer = &c->peer;
    x->req.host = h->host;
    x->req.content_type = http_field(h, "content-type");
    x->req.authorization = http_field(h, "authorization");
    x->req.cookie = http_field(h, "cookie");
    x->req.csrf = http_field(h, "x-csrf-token");
    x->req.head = h;
    x->req.route = x->route;
    x->req.body = (const uint8_t *)"";
}

const char *web_header(const struct web_req *req, const char *name)
{
    return req->head ? http_field(req->head, name) : "";
}

static void answered_h(struct exchange *x, void *owner)
{
    struct conn *c = owner;

    (void)x;
    request_go_on(c);
    if (c->phase == CONN_BODY && !c->dead)
        (void)conn_resume(c);
    if (c->dead)
        edge_kill(c);
}

/* A question is open: nothing moves until its answer or its time has come. */
static void wait_begin(struct conn *c)
{
    if (c->phase != CONN_WAIT)
        c->x->waits_ms = clock_ms();
    conn_move(c, CONN_WAIT, 0);
}

/* More of the body may come; what we were slow with is not the sender's fault. */
static void body_go_on(struct conn *c)
{
    uint64_t now = clock_ms();

    if (c->phase == CONN_BODY)
        return;
    if (c->phase == CONN_WAIT)
        c->x->until_ms += now - c->x->waits_ms;
    conn_move(c, CONN_BODY, c->x->until_ms > now ? c->x->until_ms - now : 1);
}

/* The body is here. */
static void run(struct conn *c)
{
    struct exchange *x = c->x;

    x->stage = EXCHANGE_ANSWER;
    if (x->body.len) {
        x->req.body = (const uint8_t *)x->body.data;
        x->req.body_len = x->body.len;
    }
    x->route->h(&x->req, &x->resp, x->arg);
}

void request_go_on(struct conn *c)
{
    struct exchange *x = c->x;
    uint32_t delay;

    if (x->stage == EXCHANGE_BODY && !x->question) {
        if (x->resp.status >= 400) { /* refuses the rest */
            x->stage = EXCHANGE_ANSWER;
            c->close_after = true;
        } else if (c->got < c->head->length) {
            body_go_on(c);
            return;
        } else {
            run(c);
        }
    }
    delay = x->resp.delay_ms < WEB_DELAY_MAX_MS ? x->resp.delay_ms : WEB_DELAY_MAX_MS;
    if (x->question) {
        wait_begin(c);
    } else if (x->stage == EXCHANGE_PIECES) {
        answer_piece(c);
    } else if (delay) {
        x->resp.delay_ms = 0;
        conn_move(c, CONN_WAIT, delay);
    } else {
        answer_exchange(c);
    }
}

/* What no handler serves: another place, a page, or nothing. Its body was read and thrown away. */
static void serve_plain(struct conn *c)
{
    const struct http_head *h = c->head;
    const struct www_file *f = static_find(h->path);
    const char *moved = static_moved(h->path);
    char allow[128], extra[160];
    int status;

    if (c->kind == LISTEN_HTTP && strcmp(h->path, "/healthz")) {
        redirect(c);
    } else if (f) {
        answer_page(c, f);
    } else if (moved) {
        snprintf(extra, sizeof(extra), "Location: %s\r\n", moved);
        answer_redirect(c, extra);
    } else {
        status = route_find(c->x, http_method_name(h->method), h->path, allow, sizeof(allow));
        snprintf(extra, sizeof(extra), "Allow: %s\r\n", allow);
        answer_error(c, status, status == 405 ? extra : "", NULL);
    }
}

static bool has_route(const struct conn *c)
{
    return c->x && c->x->route;
}

static void body_begin(struct conn *c)
{
    uint64_t ms = c->w->cfg.body_ms + c->head->length * 1000 / CONN_SLOWEST;

    if (c->x)
        c->x->until_ms = clock_ms() + ms;
    conn_move(c, CONN_BODY, ms);
    if (c->head->expect_continue) {
        buf_puts(&c->out, "HTTP/1.1 100 Continue\r\n\r\n");
        edge_want_write(c);
    }
}

/* Finds the route, if that is what serves it. False: no memory. */
static bool exchange_begin(struct conn *c)
{
    const struct http_head *h = c->head;
    char allow[128];

    if ((c->kind == LISTEN_HTTP && strcmp(h->path, "/healthz")) || static_find(h->path))
        return true;
    if (exchange_alloc(&c->x, c->w->box, c->w->cfg.body_max, c->account, answered_h, c))
        return false;
    (void)route_find(c->x, http_method_name(h->method), h->path, allow, sizeof(allow));
    if (c->x->route && c->x->route->body_max)
        c->x->body.max = (size_t)c->x->route->body_max;
    describe(c->x, c);
    return true;
}

static void upgrade(struct conn *c)
{
    ws_upgrade(c, c->x->route->ws, c->x->arg);
    if (c->phase != CONN_WS)
        return;
    exchange_leave(c->x);
    c->x = NULL;
}

/* The head is sound and its sender may ask. */
static void request_take(struct conn *c)
{
    uint64_t body_max = c->w->cfg.body_max;

    if (!exchange_begin(c)) {
        c->dead = true;
        return;
    }
    if (has_route(c) && c->x->route->body_max)
        body_max = c->x->route->body_max;
    if (c->head->length > body_max)
        answer_refuse(c, 413);
    else if (has_route(c) && c->x->route->ws)
        upgrade(c);
    else if (c->head->length)
        body_begin(c);
    else if (has_route(c))
        request_go_on(c);
    else
        serve_plain(c);
}

void request_begin(struct conn *c)
{
    struct http_head *h = malloc(sizeof(*h));
    int status;

    if (!h) {
        c->dead = true;
        return;
    }
    c->access.open = true;
    c->access.start_us = clock_us();
    c->got = 0;
    status = http_head_decode(h, c->in.data, c->in.len);
    c->head = h;
    if (!rate_passes(c) || !ban_passes(c, !status))
        return;
    if (status)
        answer_refuse(c, status);
    else if (host_passes(c))
        request_take(c);
}

size_t request_body(struct conn *c, const uint8_t *p, size_t n)
{
    uint64_t left = c->head->length - c->got;
    size_t take = n < left ? n : (size_t)left;
    struct exchange *x = c->x;
    bool whole;

    c->got += take;
    whole = c->got == c->head->length;
    if (!has_route(c)) {
        if (whole)
            serve_plain(c);
        return take;
    }
    if (x->route->chunk) {
        x->route->chunk(&x->req, p, take, &x->resp, x->arg);
    } else if (buf_write(&x->body, p, take)) {
        metric_add(&web_drop_memory, 1);
        c->close_after = true;
        answer_error(c, 503, "Retry-After: 5\r\n", NULL);
        return take;
    }
    if (x->route->chunk || whole)
        request_go_on(c);
    return take;
}

bool request_sent(struct conn *c)
{
    struct exchange *x = c->x;

    if (x && x->resp.piece) {
        buf_clear(&x->resp.body);
        if (x->resp.piece(&x->resp))
            request_go_on(c);
        else
            c->dead = true;
        return !c->dead;
    }
    answer_log(c);
    free(c->head);
    c->head = NULL;
    exchange_leave(x);
    c->x = NULL;
    buf_reset(&c->in);
    c->scan = 0;
    if (c->close_after) {
        conn_move(c, CONN_LINGER, CONN_LINGER_MS);
        edge_shutdown(c);
        return true;
    }
    conn_move(c, CONN_HEAD, c->w->cfg.idle_ms);
    c->idle = true;
    return conn_resume(c);
}
