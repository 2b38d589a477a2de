#include "web/answer.h"
#include "core/clock.h"
#include "core/log.h"
#include "web/edge.h"
#include "web/exchange.h"
#include "web/reply.h"
#include "web/request.h"
#include "web/static.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { LOG_PATH_MAX = 201 };

METRIC_COUNTER(requests_2xx, "dngate_http_requests_total", "code=\"2xx\"",
               "HTTP requests answered, by class of status");
METRIC_COUNTER(requests_3xx, "dngate_http_requests_total", "code=\"3xx\"",
               "HTTP requests answered, by class of status");
METRIC_COUNTER(requests_4xx, "dngate_http_requests_total", "code=\"4xx\"",
               "HTTP requests answered, by class of status");
METRIC_COUNTER(requests_5xx, "dngate_http_requests_total", "code=\"5xx\"",
               "HTTP requests answered, by class of status");

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

void answer_log(struct conn *c)
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

/* The head is queued; what comes with it is in c->out already or follows as the tail. */
static void send_begin(struct conn *c)
{
    if (c->out.err) { /* strangers hold too much: there is no room even to say so */
        metric_add(&web_drop_memory, 1);
        c->dead = true;
        return;
    }
    conn_move(c, CONN_REPLY, c->w->cfg.send_ms + conn_queued(c) * 1000 / CONN_SLOWEST);
    edge_want_write(c);
}

static bool is_head(const struct conn *c)
{
    return c->head && c->head->method == HTTP_HEAD;
}

/* Queues an answer; the body stays where it is until it is sent. */
static void send_answer(struct conn *c, struct reply *r, const void *body)
{
    bool http10 = c->head && c->head->http10;

    if (!c->head || !c->head->keep_alive || c->w->stopping)
        c->close_after = true;
    if (r->pieces && http10)
        c->close_after = true; /* its end is the connection's */
    r->tls = c->kind != LISTEN_HTTP;
    r->close = c->close_after;
    r->host = c->head && c->head->host ? c->head->host : "";
    c->chunked = r->pieces && !http10;
    r->chunked = c->chunked;
    c->access.status = r->status;
    c->access.bytes = is_head(c) ? 0 : r->length;
    reply_head(&c->out, r);
    if (!is_head(c) && r->status != 304 && !r->pieces) {
        c->tail = body;
        c->tail_len = r->length;
    }
    send_begin(c);
}

/* The form of an error's body: problem+json below /api/, otherwise a page for people or a line of text. */
static void error_body(struct conn *c, struct buf *body, const char **type, int status, const char *detail)
{
    const char *path = c->head ? c->head->path : "", *reason = http_reason(status);

    if (!strncmp(path, "/api/", 5)) {
        struct web_resp resp;

        web_resp_init(&resp, NULL);
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

void answer_error(struct conn *c, int status, const char *extra, const char *detail)
{
    struct reply r = {.status = status, .extra = extra};
    struct buf body;

    buf_init(&body, 4096);
    error_body(c, &body, &r.type, status, detail ? detail : reply_detail(status));
    r.length = body.len;
    send_answer(c, &r, NULL);
    c->tail_len = 0; /* short enough to go with the head */
    if (!is_head(c) && !c->dead && buf_write(&c->out, body.data, body.len))
        c->dead = true;
    buf_reset(&body);
}

void answer_refuse(struct conn *c, int status)
{
    if (!c->access.open) {
        c->access.open = true;
        c->access.start_us = clock_us();
    }
    c->close_after = true;
    metric_add(&web_drop_malformed, 1);
    answer_error(c, status, status == 405 ? "Allow: " HTTP_ALLOW "\r\n" : "", NULL);
}

void answer_page(struct conn *c, const struct www_file *f)
{
    struct static_reply s;
    char extra[256];
    struct reply r;

    if (c->head->method != HTTP_GET && c->head->method != HTTP_HEAD) {
        answer_error(c, 405, "Allow: GET, HEAD\r\n", NULL);
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
    send_answer(c, &r, s.data);
}

void answer_redirect(struct conn *c, const char *location)
{
    bool reading = c->head->method == HTTP_GET || c->head->method == HTTP_HEAD;
    struct reply r = {.status = reading ? 301 : 308, .extra = location};

    send_answer(c, &r, NULL);
}

/* ---------------------------------------------------------------- what handlers wrote */

static void could_not_be_made(struct conn *c, int err)
{
    if (err == ENOBUFS) { /* strangers hold too much */
        metric_add(&web_drop_memory, 1);
        answer_error(c, 503, "Retry-After: 5\r\n", "The server is busy. Try again in a moment.");
    } else {
        log_error("http", "error=\"%s\" answer could not be made", strerror(err));
        answer_error(c, 500, "", "The answer could not be made; see the server's log.");
    }
}

void answer_exchange(struct conn *c)
{
    struct web_resp *resp = &c->x->resp;
    struct reply r = {.status = resp->status,
                      .type = resp->body.len || resp->piece ? resp->content_type : NULL,
                      .extra = resp->headers,
                      .length = resp->body.len,
                      .pieces = resp->piece != NULL};

    if (resp->body.err) {
        resp->piece = NULL;
        could_not_be_made(c, resp->body.err);
        return;
    }
    send_answer(c, &r, resp->body.data);
    if (!resp->piece)
        return;
    c->x->stage = EXCHANGE_PIECES;
    if (is_head(c))
        resp->piece = NULL;
    else if (resp->body.len && !c->dead)
        answer_piece(c);
}

void answer_piece(struct conn *c)
{
    struct exchange *x = c->x;
    size_t n = x->resp.body.len;

    if (x->resp.body.err ||
        x->resp.status >= 400) { /* too late to say what it is: cut short, and seen to be */
        c->dead = true;
        return;
    }
    if (c->chunked) /* RFC 9112 7.1: the last one has no bytes */
        buf_printf(&c->out, "%s%zx\r\n%s", x->begun ? "\r\n" : "", n, n ? "" : "\r\n");
    x->begun = true;
    c->tail = (const uint8_t *)x->resp.body.data;
    c->tail_len = n;
    c->access.bytes += n;
    if (!n)
        x->resp.piece = NULL;
    if (n || c->chunked)
        send_begin(c);
    else if (!request_sent(c)) /* the end of the connection is that of the answer */
        c->dead = true;
}
