#include "web/conn.h"
#include "core/clock.h"
#include "core/fsm.h"
#include "core/guard.h"
#include "core/log.h"
#include "web/edge.h"
#include "web/reply.h"
#include "web/source.h"
#include "web/static.h"
#include "web/tls.h"
#include "web/wsconn.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { OUT_MAX = WEB_BODY_OUT_MAX + 65536, OUT_DROP = 128 * 1024, LOG_PATH_MAX = 201 };

METRIC_COUNTER(requests_2xx, "dngate_http_requests_total", "code=\"2xx\"",
               "HTTP requests answered, by class of status");
METRIC_COUNTER(requests_3xx, "dngate_http_requests_total", "code=\"3xx\"",
               "HTTP requests answered, by class of status");
METRIC_COUNTER(requests_4xx, "dngate_http_requests_total", "code=\"4xx\"",
               "HTTP requests answered, by class of status");
METRIC_COUNTER(requests_5xx, "dngate_http_requests_total", "code=\"5xx\"",
               "HTTP requests answered, by class of status");

int conn_alloc(struct conn **cp, struct web *w, enum listener_kind kind, const struct addr *peer,
               const struct addr *local)
{
    struct conn *c;
    int err;

    bool banned = w->cfg.guard && guard_check(w->cfg.guard, peer, NULL) == GUARD_BAN;

    if (w->conn_count >= w->cfg.conns_max)
        return ENOSPC;
    if (w->conn_count >= w->cfg.conns_max - w->cfg.conns_max / 4 &&
        source_conns(w->sources, peer) >= SOURCE_FEW)
        return EUSERS; /* the last quarter is for those who have few */
    if (banned && w->banned_count >= CONN_BANNED_MAX)
        return EACCES;
    err = source_enter(w->sources, peer, banned);
    if (err)
        return banned && err == EUSERS ? EACCES : err;
    c = calloc(1, sizeof(*c));
    if (!c) {
        source_leave(w->sources, peer, banned);
        return ENOMEM;
    }
    c->banned = banned;
    w->banned_count += banned;
    c->w = w;
    c->id = ++w->next_id;
    c->kind = kind;
    c->peer = *peer;
    c->local = *local;
    c->tls_up = kind == LISTEN_HTTP;
    buf_init_charged(&c->in, HTTP_HEAD_MAX);
    buf_init_charged(&c->rest, CONN_REST_MAX);
    buf_init_charged(&c->body, w->cfg.body_max);
    buf_init_charged(&c->out, OUT_MAX);
    c->next = w->conns;
    c->prevp = &w->conns;
    if (c->next)
        c->next->prevp = &c->next;
    w->conns = c;
    w->conn_count++;
    metric_add(&web_conns, 1);
    *cp = c;
    return 0;
}

void conn_free(struct conn *c)
{
    if (!c)
        return;
    conn_access(c);
    ws_free(c);
    if (c->resp_held)
        web_resp_reset(&c->resp);
    *c->prevp = c->next;
    if (c->next)
        c->next->prevp = c->prevp;
    c->w->conn_count--;
    metric_add(&web_conns, -1);
    c->w->banned_count -= c->banned;
    source_leave(c->w->sources, &c->peer, c->banned);
    buf_reset(&c->in);
    buf_reset(&c->rest);
    buf_reset(&c->body);
    buf_reset(&c->out);
    free(c->head);
    free(c);
}

static const struct fsm_state phases[] = {
    [CONN_HEAD] = {"head", FSM(CONN_BODY) | FSM(CONN_WAIT) | FSM(CONN_REPLY) | FSM(CONN_WS)},
    [CONN_BODY] = {"body", FSM(CONN_WAIT) | FSM(CONN_REPLY)},
    [CONN_WAIT] = {"wait", FSM(CONN_REPLY)},
    [CONN_REPLY] = {"reply", FSM(CONN_HEAD) | FSM(CONN_LINGER)},
    [CONN_WS] = {"websocket", FSM(CONN_LINGER)},
    [CONN_LINGER] = {"linger", 0},
};
FSM_DEFINE(machine, "web", phases, NULL);

void conn_move(struct conn *c, enum conn_phase to, uint64_t ms)
{
    char label[32];

    snprintf(label, sizeof(label), "conn=%llu", (unsigned long long)c->id);
    fsm_move(&machine, &c->phase, to, c, label);
    edge_timer(c, ms);
}

static void count_status(int status)
{
    struct metric *m = status < 300   ? &requests_2xx
                       : status < 400 ? &requests_3xx
                       : status < 500 ? &requests_4xx
                                      : &requests_5xx;

    metric_add(m, 1);
}

/* Refusals are what floods are made of: their lines are few, their number is in /metrics. */
static bool access_silent(const struct conn *c)
{
    static struct log_limit limit;
    uint32_t suppressed;
    bool refusal = c->access.status == 429 || !c->head || !*c->head->target;

    return refusal && !log_limit_pass(&limit, 20, &suppressed);
}

/* Monitoring asks all the time; only its failures are worth a line. */
static bool is_probe(const struct conn *c)
{
    static const char *const paths[] = {"/healthz", "/readyz", "/metrics"};

    for (size_t i = 0; c->head && c->access.status == 200 && i < sizeof(paths) / sizeof(paths[0]); i++)
        if (!strcmp(c->head->target, paths[i]))
            return true;
    return false;
}

void conn_access(struct conn *c)
{
    char peer[ADDR_STRLEN], path[LOG_PATH_MAX];
    const struct http_head *h = c->head;

    if (!c->access.open)
        return;
    c->access.open = false;
    count_status(c->access.status);
    if (access_silent(c))
        return;
    log_write(is_probe(c) ? LOG_DEBUG : LOG_INFO, "http",
              "peer=%s method=%s path=\"%s\" status=%d bytes=%llu ms=%llu answered",
              addr_ip(&c->peer, peer, sizeof(peer)), h && *h->target ? http_method_name(h->method) : "-",
              log_quotable(path, sizeof(path), h && *h->target ? h->target : "-"), c->access.status,
              (unsigned long long)c->access.bytes,
              (unsigned long long)(clock_us() - c->access.start_us) / 1000);
}

/* ---------------------------------------------------------------- answering */

/* Queues an answer; the body is copied unless it is a page, which outlives us. */
static void reply(struct conn *c, struct reply *r, const void *body, bool page)
{
    bool bodyless = c->head && c->head->method == HTTP_HEAD;

    if (!c->head || !c->head->keep_alive || c->w->stopping)
        c->close_after = true;
    r->tls = c->kind != LISTEN_HTTP;
    r->close = c->close_after;
    r->host = c->head && c->head->host ? c->head->host : "";
    c->access.status = r->status;
    c->access.bytes = bodyless ? 0 : r->length;
    reply_head(&c->out, r);
    if (!bodyless && r->length && r->status != 304) {
        if (page) {
            c->page = body;
            c->page_len = r->length;
        } else {
            buf_write(&c->out, body, r->length);
        }
    }
    if (c->out.err) {
        c->dead = true;
        return;
    }
    conn_move(c, CONN_REPLY, c->w->cfg.send_ms + conn_queued(c) * 1000 / CONN_SLOWEST);
    edge_want_write(c);
}

/* The form of an error's body: problem+json below /api/, otherwise a page for people or a line of text. */
static void error_body(struct conn *c, struct buf *body, const char **type, int status, const char *detail)
{
    const char *path = c->head ? c->head->path : "", *reason = http_reason(status);

    if (!strncmp(path, "/api/", 5)) {
        struct web_resp resp;

        web_resp_init(&resp);
        web_problem(&resp, status, reason, "%s", detail);
        *type = resp.content_type;
        buf_write(body, resp.body.data, resp.body.len);
        web_resp_reset(&resp);
    } else if (c->head && strstr(http_field(c->head, "accept"), "text/html")) {
        *type = "text/html; charset=utf-8";
        buf_printf(
            body,
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>%d %s</title></head>\n"
            "<body><h1>%s</h1><p>%s</p><p><a href=\"/\">dngate</a></p></body></html>\n",
            status, reason, reason, detail);
    } else {
        *type = "text/plain; charset=utf-8";
        buf_printf(body, "%d %s\n%s\n", status, reason, detail);
    }
}

void conn_error(struct conn *c, int status, const char *extra, const char *detail)
{
    struct reply r = {.status = status, .extra = extra};
    struct buf body;

    buf_init(&body, 4096);
    error_body(c, &body, &r.type, status, detail ? detail : reply_detail(status));
    r.length = body.len;
    reply(c, &r, body.data, false);
    buf_reset(&body);
}

/* The framing of what follows cannot be trusted after these: answer and close. */
static void refuse(struct conn *c, int status)
{
    if (!c->access.open) {
        c->access.open = true;
        c->access.start_us = clock_us();
    }
    c->close_after = true;
    metric_add(&web_drop_malformed, 1);
    conn_error(c, status, status == 405 ? "Allow: " HTTP_ALLOW "\r\n" : "", NULL);
}

static void reply_page(struct conn *c, const struct www_file *f)
{
    struct static_reply s;
    char extra[256];
    struct reply r;

    if (c->head->method != HTTP_GET && c->head->method != HTTP_HEAD) {
        conn_error(c, 405, "Allow: GET, HEAD\r\n", NULL);
        return;
    }
    static_reply(&s, f, c->head);
    snprintf(extra, sizeof(extra), "ETag: %s\r\nVary: Accept-Encoding\r\n%s%s%s", s.etag,
             s.coding ? "Content-Encoding: " : "", s.coding ? s.coding : "", s.coding ? "\r\n" : "");
    r = (struct reply){.status = s.status,
                       .type = s.status == 304 ? NULL : f->mime,
                       .extra = extra,
                       .cache = f->immutable ? "public, max-age=31536000, immutable" : "no-cache",
                       .length = s.status == 304 ? 0 : s.len};
    reply(c, &r, s.data, true);
}

static void reply_resp(struct conn *c, struct web_resp *resp)
{
    struct reply r = {.status = resp->status,
                      .type = resp->body.len ? resp->content_type : NULL,
                      .extra = resp->headers,
                      .length = resp->body.len};

    if (resp->body.err) {
        log_error("http", "error=\"%s\" answer could not be made", strerror(resp->body.err));
        conn_error(c, 500, "", "The answer could not be made; see the server's log.");
    } else {
        reply(c, &r, resp->body.data, false);
    }
}

/* http.port: one thing is served, everything else lives on https.port. */
static void redirect(struct conn *c)
{
    const struct http_head *h = c->head;
    char extra[HTTP_TARGET_MAX + 400], port[8] = "";
    struct reply r = {.extra = extra};

    if (!*h->host) {
        refuse(c, 400);
        return;
    }
    if (c->w->ports[LISTEN_HTTPS] != 443)
        snprintf(port, sizeof(port), ":%u", c->w->ports[LISTEN_HTTPS]);
    snprintf(extra, sizeof(extra), "Location: https://%.*s%s%s%s%s\r\n", (int)http_host_namelen(h->host),
             h->host, port, h->target, *h->query ? "?" : "", h->query);
    r.status = h->method == HTTP_GET || h->method == HTTP_HEAD ? 301 : 308;
    reply(c, &r, NULL, false);
}

/* ---------------------------------------------------------------- requests */

static void route(struct conn *c)
{
    const struct http_head *h = c->head;
    struct web_req req = {
        .method = http_method_name(h->method),
        .path = h->path,
        .query = h->query,
        .peer = &c->peer,
        .host = h->host,
        .content_type = http_field(h, "content-type"),
        .authorization = http_field(h, "authorization"),
        .cookie = http_field(h, "cookie"),
        .csrf = http_field(h, "x-csrf-token"),
        .body = c->body.len ? (const uint8_t *)c->body.data : (const uint8_t *)"",
        .body_len = c->body.len,
    };
    char allow[128], extra[160];
    struct web_resp resp;

    web_resp_init(&resp);
    switch (route_run(&req, &resp, allow, sizeof(allow))) {
    case ROUTE_NONE:
        conn_error(c, 404, "", NULL);
        break;
    case ROUTE_METHOD:
        snprintf(extra, sizeof(extra), "Allow: %s\r\n", allow);
        conn_error(c, 405, extra, NULL);
        break;
    case ROUTE_DONE:
        if (!resp.delay_ms) {
            reply_resp(c, &resp);
            break;
        }
        c->resp = resp;
        c->resp_held = true;
        conn_move(c, CONN_WAIT, resp.delay_ms < WEB_DELAY_MAX_MS ? resp.delay_ms : WEB_DELAY_MAX_MS);
        return;
    }
    web_resp_reset(&resp);
}

static void request_run(struct conn *c)
{
    const struct www_file *f;

    if (c->kind == LISTEN_HTTP && strcmp(c->head->path, "/healthz")) {
        redirect(c);
        return;
    }
    f = static_find(c->head->path);
    if (f)
        reply_page(c, f);
    else
        route(c);
}

static bool rate_passes(struct conn *c)
{
    uint32_t retry_s;
    char extra[40];

    if (source_request(c->w->sources, &c->peer, clock_ms(), &retry_s))
        return true;
    metric_add(&web_drop_rate, 1);
    c->close_after = true;
    snprintf(extra, sizeof(extra), "Retry-After: %u\r\n", retry_s);
    conn_error(c, 429, extra, NULL);
    return false;
}

/* Whoever is banned is told for how long. (A WebSocket that is open stays: its calls run.) */
static bool ban_passes(struct conn *c)
{
    char extra[40], detail[REPLY_DETAIL_MAX];
    uint32_t left_ms, left_s;

    if (!c->w->cfg.guard || guard_check(c->w->cfg.guard, &c->peer, &left_ms) != GUARD_BAN)
        return true;
    metric_add(&web_drop_banned, 1);
    c->close_after = true;
    left_s = left_ms / 1000 + 1;
    snprintf(extra, sizeof(extra), "Retry-After: %u\r\n", left_s);
    conn_error(c, 429, extra, reply_ban_detail(detail, sizeof(detail), left_s));
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
               tls_has_name(c->w->tls, addr_ip(&literal, own, sizeof(own)));
    return (!strcasecmp(name, "localhost") && addr_is_loopback(&c->local)) || tls_has_name(c->w->tls, name);
}

/* The absolute form is what proxies are asked with (RFC 9112 3.2.2): ours when the host is, and we are no proxy. */
static bool host_passes(struct conn *c)
{
    if (!c->head->absolute || host_is_ours(c))
        return true;
    c->close_after = true;
    conn_error(c, 421, "", NULL);
    return false;
}

/* A whole head is in c->in. */
static void request_begin(struct conn *c)
{
    struct http_head *h = malloc(sizeof(*h));
    int status;

    if (!h) {
        c->dead = true;
        return;
    }
    c->access.open = true;
    c->access.start_us = clock_us();
    status = http_head_decode(h, c->in.data, c->in.len);
    c->head = h;
    if (!rate_passes(c) || !ban_passes(c))
        return;
    if (status) {
        refuse(c, status);
    } else if (!host_passes(c)) {
        return;
    } else if (h->length > c->w->cfg.body_max) {
        refuse(c, 413);
    } else if (c->kind != LISTEN_HTTP && !strcmp(h->path, "/ws")) {
        ws_upgrade(c);
    } else if (h->length) {
        conn_move(c, CONN_BODY, c->w->cfg.body_ms + h->length * 1000 / CONN_SLOWEST);
        if (h->expect_continue) {
            buf_puts(&c->out, "HTTP/1.1 100 Continue\r\n\r\n");
            edge_want_write(c);
        }
    } else {
        request_run(c);
    }
}

/* An answer is out; the next request may be here already. */
static bool request_next(struct conn *c)
{
    struct buf rest = c->rest;
    bool ok = true;

    conn_access(c);
    free(c->head);
    c->head = NULL;
    buf_reset(&c->in);
    c->scan = 0;
    buf_reset(&c->body);
    if (c->close_after) {
        conn_move(c, CONN_LINGER, CONN_LINGER_MS);
        edge_shutdown(c);
        return true;
    }
    conn_move(c, CONN_HEAD, c->w->cfg.idle_ms);
    c->idle = true;
    buf_init_charged(&c->rest, CONN_REST_MAX);
    if (rest.len)
        ok = conn_rx(c, (const uint8_t *)rest.data, rest.len);
    buf_reset(&rest);
    return ok;
}

/* ---------------------------------------------------------------- receiving */

static size_t head_rx(struct conn *c, const uint8_t *p, size_t n)
{
    size_t old = c->in.len, take, end;
    int bad;

    if (!old && (*p == '\r' || *p == '\n'))
        return 1; /* RFC 9112 2.2: an empty line before the request line is skipped */
    if (c->idle) {
        c->idle = false;
        edge_timer(c, c->w->cfg.head_ms);
    }
    take = n < HTTP_HEAD_MAX - old ? n : HTTP_HEAD_MAX - old;
    if (buf_write(&c->in, p, take)) {
        c->dead = true;
        return n;
    }
    end = http_head_find(c->in.data, c->in.len, &c->scan, &bad);
    if (bad) {
        refuse(c, bad);
        return take;
    }
    if (!end)
        return take;
    c->in.len = end;
    request_begin(c);
    return end - old;
}

static size_t body_rx(struct conn *c, const uint8_t *p, size_t n)
{
    size_t left = (size_t)c->head->length - c->body.len;
    size_t take = n < left ? n : left;

    if (buf_write(&c->body, p, take))
        c->dead = true;
    else if (take == left)
        request_run(c);
    return take;
}

static size_t rest_rx(struct conn *c, const uint8_t *p, size_t n)
{
    if (!c->close_after && buf_write(&c->rest, p, n)) {
        metric_add(&web_drop_backlog, 1);
        c->dead = true;
    }
    return n;
}

bool conn_rx(struct conn *c, const uint8_t *p, size_t n)
{
    while (n && !c->dead) {
        size_t used = n;

        switch ((enum conn_phase)c->phase) {
        case CONN_HEAD:
            used = head_rx(c, p, n);
            break;
        case CONN_BODY:
            used = body_rx(c, p, n);
            break;
        case CONN_WAIT:
        case CONN_REPLY:
            used = rest_rx(c, p, n);
            break;
        case CONN_WS:
            used = ws_rx(c, p, n);
            break;
        case CONN_LINGER:
            c->lingered += n;
            if (c->lingered > CONN_LINGER_MAX)
                edge_deafen(c);
            break;
        }
        p += used;
        n -= used;
    }
    return !c->dead;
}

bool conn_timer(struct conn *c)
{
    switch ((enum conn_phase)c->phase) {
    case CONN_WS:
        return ws_timer(c);
    case CONN_WAIT:
        reply_resp(c, &c->resp);
        web_resp_reset(&c->resp);
        c->resp_held = false;
        return !c->dead;
    case CONN_HEAD:
        if (!c->in.len)
            break; /* idle, or no handshake: nothing to answer */
        /* fall through */
    case CONN_BODY:
        metric_add(&web_drop_timeout, 1);
        refuse(c, 408);
        return !c->dead;
    case CONN_REPLY:
        metric_add(&web_drop_timeout, 1);
        break;
    case CONN_LINGER:
        break;
    }
    return false;
}

/* ---------------------------------------------------------------- sending */

size_t conn_queued(const struct conn *c)
{
    return c->out.len - c->out_pos + c->page_len;
}

size_t conn_out(struct conn *c, const uint8_t **p)
{
    if (c->out_pos < c->out.len) {
        *p = (const uint8_t *)c->out.data + c->out_pos;
        return c->out.len - c->out_pos;
    }
    *p = c->page;
    return c->page_len;
}

static void out_compact(struct conn *c)
{
    memmove(c->out.data, c->out.data + c->out_pos, c->out.len - c->out_pos);
    c->out.len -= c->out_pos;
    c->out_pos = 0;
}

bool conn_sent(struct conn *c, size_t n)
{
    if (c->out_pos < c->out.len) {
        c->out_pos += n;
    } else {
        c->page += n;
        c->page_len -= n;
    }
    if (c->out_pos >= OUT_DROP && c->out_pos >= c->out.len / 2 && c->out_pos < c->out.len)
        out_compact(c); /* a peer that is behind for long must not make it grow */
    if (c->out_pos < c->out.len)
        return true;
    buf_reset(&c->out);
    c->out_pos = 0;
    if (c->page_len)
        return true;
    if (c->phase == CONN_WS)
        return ws_flushed(c);
    return c->phase == CONN_REPLY ? request_next(c) : true;
}
