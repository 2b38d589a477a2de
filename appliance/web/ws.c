#include "web/ws.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/utf8.h"
#include "crypto/hash.h"
#include "web/answer.h"
#include "web/edge.h"
#include "web/origin.h"
#include "web/reply.h"
#include "web/wsframe.h"
#include <errno.h>
#include <libwebsockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ws {
    const struct ws_service *service;
    void *arg;
    struct ws_decoder dec;
    uint64_t heard_ms, opened_ms;
    uint64_t begun_ms; /* when the message that is not whole yet began; 0 = none */
    size_t skimmed;    /* bytes read since our Close */
    bool pinged, closing /* our Close is queued */, over /* both sides have said Close */;
    uint16_t code;
    uint64_t messages_in, messages_out;
    uint64_t credit, credit_ms; /* thousandths of messages that may still come, as of then */
};

/* ---------------------------------------------------------------- handshake (RFC 6455 4.2) */

/* Sec-WebSocket-Key is 16 bytes in base64. */
static bool key_valid(const char *key)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    return strlen(key) == 24 && strspn(key, alphabet) == 22 && !strcmp(key + 22, "==");
}

static bool upgrade_wanted(const struct http_head *h)
{
    return !h->http10 && http_has(h, "upgrade", "websocket") && http_has(h, "connection", "upgrade");
}

/* 0, or the status that refuses it with a detail for people. */
static int upgrade_check(const struct conn *c, const struct ws_service *service, const char **extra,
                         const char **detail)
{
    const struct http_head *h = c->head;
    const char *origin = http_field(h, "origin");
    const uint16_t ports[] = {c->w->ports[LISTEN_HTTPS], c->w->ports[LISTEN_WSS]};
    char peer[ADDR_STRLEN], said[101];

    *extra = "";
    if (h->method != HTTP_GET) {
        *extra = "Allow: GET\r\n";
        *detail = "A WebSocket is opened with GET.";
        return 405;
    }
    if (!upgrade_wanted(h)) {
        *extra = "Upgrade: websocket\r\n";
        *detail = service->what;
        return 426;
    }
    if (strcmp(http_field(h, "sec-websocket-version"), "13")) {
        *extra = "Sec-WebSocket-Version: 13\r\n";
        *detail = "Only version 13 of the WebSocket protocol is spoken.";
        return 426;
    }
    if (h->length || !key_valid(http_field(h, "sec-websocket-key"))) {
        *detail = "The WebSocket handshake is not valid.";
        return 400;
    }
    if (!origin_allowed(origin, service->origin_needed || atomic_load(&c->w->require_origin), h->host, ports,
                        2, c->w->cfg.origins)) {
        metric_add(&web_drop_origin, 1);
        log_warn_limited("web", "peer=%s origin=\"%s\" host=%s WebSocket refused: origin not allowed",
                         addr_ip(&c->peer, peer, sizeof(peer)), log_quotable(said, sizeof(said), origin),
                         h->host);
        *detail =
            "Pages of this origin may not connect. An administrator can allow more origins in the settings.";
        return 403;
    }
    if (!http_has(h, "sec-websocket-protocol", service->protocol)) {
        *detail = "That subprotocol is not spoken here.";
        return 400;
    }
    return 0;
}

static void accept_make(char *out, size_t sz, const char *key)
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    unsigned char digest[20];
    char text[64];
    int n = snprintf(text, sizeof(text), "%s%s", key, guid);

    lws_SHA1((const unsigned char *)text, (size_t)n, digest);
    base64_enc(out, sz, digest, sizeof(digest));
}

static int ws_alloc(struct conn *c, const struct ws_service *service, void *arg)
{
    struct ws *ws = calloc(1, sizeof(*ws));
    int err;

    if (!ws)
        return ENOMEM;
    ws->service = service;
    ws->arg = arg;
    ws_decoder_init(&ws->dec, service->message_max, c->account);
    ws->opened_ms = ws->heard_ms = ws->credit_ms = clock_ms();
    ws->credit = WS_BURST * 1000;
    ws->code = 1006;
    err = service->open(c, arg);
    if (err) {
        free(ws);
        return err;
    }
    c->ws = ws;
    if (service->out_max)
        c->out.max = 2 * service->out_max;
    metric_add(&web_ws_conns, 1);
    return 0;
}

void ws_upgrade(struct conn *c, const struct ws_service *service, void *arg)
{
    const char *headers, *detail = NULL;
    char extra[160], accept[40];
    struct reply r = {.status = 101, .extra = extra, .tls = true, .host = c->head->host};
    int status = upgrade_check(c, service, &headers, &detail);

    if (!status && (c->w->stopping || ws_alloc(c, service, arg))) {
        status = 503;
        headers = "Retry-After: 5\r\n";
        detail = "No more can connect at the moment.";
    }
    if (status) {
        c->close_after = c->head->length > 0 || c->close_after;
        answer_error(c, status, headers, detail);
        return;
    }
    accept_make(accept, sizeof(accept), http_field(c->head, "sec-websocket-key"));
    snprintf(extra, sizeof(extra),
             "Upgrade: websocket\r\nSec-WebSocket-Accept: %s\r\nSec-WebSocket-Protocol: %s\r\n", accept,
             service->protocol);
    reply_head(&c->out, &r);
    c->access.status = 101;
    answer_log(c);
    free(c->head);
    c->head = NULL;
    buf_reset(&c->in);
    conn_move(c, CONN_WS, c->w->cfg.ping_ms);
    edge_want_write(c);
}

/* ---------------------------------------------------------------- frames */

static void frame_send(struct conn *c, enum ws_opcode op, const void *p, size_t n)
{
    const size_t max = c->ws->service->out_max ? c->ws->service->out_max : WS_OUT_MAX;

    if (conn_queued(c) + n > max) {
        char peer[ADDR_STRLEN];

        metric_add(&web_drop_backlog, 1);
        log_warn_limited("web", "peer=%s conn=%llu WebSocket closed: the peer does not take what we send",
                         addr_str(&c->peer, peer, sizeof(peer)), (unsigned long long)c->id);
        c->ws->code = 1013;
        c->dead = true;
        return;
    }
    if (ws_encode(&c->out, op, p, n))
        c->dead = true;
    else
        edge_want_write(c);
}

void ws_send(struct conn *c, const void *p, size_t n)
{
    if (c->dead || c->ws->closing)
        return;
    c->ws->messages_out++;
    frame_send(c, utf8_valid(p, n) ? WS_OP_TEXT : WS_OP_BINARY, p, n);
}

void ws_known(struct conn *c)
{
    buf_uncharge(&c->ws->dec.msg);
    buf_uncharge(&c->out);
}

void ws_close(struct conn *c, uint16_t code, const char *reason)
{
    struct ws *ws = c->ws;

    if (ws->closing || c->dead)
        return;
    ws->closing = ws->dec.skim = true;
    ws->code = code;
    if (ws_encode_close(&c->out, code, reason)) {
        c->dead = true;
        return;
    }
    edge_timer(c, WS_CLOSE_MS);
    edge_want_write(c);
}

/* The same for whoever broke the rules: of him nothing more is read. */
static void cut(struct conn *c, uint16_t code, const char *reason)
{
    ws_close(c, code, reason);
    c->ws->over = true;
    edge_deafen(c);
}

static bool rate_passes(struct ws *ws)
{
    ws->credit += (ws->heard_ms - ws->credit_ms) * WS_RATE;
    ws->credit_ms = ws->heard_ms;
    if (ws->credit > WS_BURST * 1000)
        ws->credit = WS_BURST * 1000;
    if (ws->credit < 1000)
        return false;
    ws->credit -= 1000;
    return true;
}

/* Behind a service is one thread for all: nobody may fill its mailbox alone. */
static void flood_end(struct conn *c)
{
    char peer[ADDR_STRLEN];

    metric_add(&web_drop_rate, 1);
    log_warn_limited("web", "peer=%s conn=%llu WebSocket closed: more than %d messages or pings a second",
                     addr_str(&c->peer, peer, sizeof(peer)), (unsigned long long)c->id, WS_RATE);
    cut(c, 1008, "too many messages");
}

static void message_received(struct conn *c)
{
    struct ws *ws = c->ws;
    const struct buf *msg = &ws->dec.msg;

    if (!rate_passes(ws)) {
        flood_end(c);
        return;
    }
    ws->messages_in++;
    if (ws->service->message(c, msg->data ? msg->data : "", msg->len, ws->arg)) {
        metric_add(&web_drop_backlog, 1);
        cut(c, 1013, "the server is busy");
    }
    buf_reset(&ws->dec.msg); /* thousands of idle connections hold nothing */
}

static void close_received(struct conn *c)
{
    struct ws *ws = c->ws;
    bool ours = ws->closing;

    ws->over = true;
    if (ours && !conn_queued(c)) {
        c->dead = true;
        return;
    }
    if (ours)
        return;
    ws_close(c, ws->dec.code == 1005 ? 1000 : ws->dec.code, "");
}

static void violation(struct conn *c)
{
    const struct ws_decoder *dec = &c->ws->dec;
    char peer[ADDR_STRLEN];

    metric_add(&web_drop_malformed, 1);
    log_warn_limited("web", "peer=%s conn=%llu code=%u reason=\"%s\" WebSocket closed",
                     addr_str(&c->peer, peer, sizeof(peer)), (unsigned long long)c->id, dec->code, dec->why);
    cut(c, dec->code, dec->why);
}

/* When to look again: silence, or a message that has had its time. */
static void watch(struct conn *c)
{
    const struct web_config *cfg = &c->w->cfg;
    const struct ws *ws = c->ws;
    uint64_t now = clock_ms(), due = ws->heard_ms + cfg->ping_ms + (ws->pinged ? cfg->pong_ms : 0);

    if (ws->begun_ms && ws->begun_ms + cfg->message_ms < due)
        due = ws->begun_ms + cfg->message_ms;
    if (!ws->closing)
        edge_timer(c, due > now ? due - now + 1 : 1);
}

/* A message's time runs from its first byte, through all fragments, whatever comes between them. */
static void message_time(struct conn *c, bool ended)
{
    struct ws *ws = c->ws;
    bool partial = ws_decoder_partial(&ws->dec), had = ws->begun_ms && !ended;

    if (!partial)
        ws->begun_ms = 0;
    else if (!had)
        ws->begun_ms = ws->heard_ms;
    if (partial && !had)
        watch(c);
}

/* After our Close the peer's is looked for in what it had sent by then, not for long. */
static void skim(struct conn *c, size_t n)
{
    c->ws->skimmed += n;
    if (c->ws->skimmed > WS_SKIM_MAX)
        edge_deafen(c);
}

size_t ws_rx(struct conn *c, const uint8_t *p, size_t n)
{
    struct ws *ws = c->ws;
    size_t used = n;
    enum ws_event ev;

    ws->heard_ms = clock_ms();
    ws->pinged = false;
    if (ws->closing)
        skim(c, n);
    if (ws->over || c->deaf)
        return n;
    ev = ws_decode(&ws->dec, p, n, &used);
    message_time(c, ev == WS_MESSAGE);
    switch (ev) {
    case WS_MORE:
    case WS_PONG:
        break;
    case WS_MESSAGE:
        if (!ws->closing)
            message_received(c);
        break;
    case WS_PING:
        if (ws->closing)
            break;
        if (rate_passes(ws))
            frame_send(c, WS_OP_PONG, ws->dec.ctl, ws->dec.ctl_len);
        else
            flood_end(c);
        break;
    case WS_CLOSE:
        close_received(c);
        break;
    case WS_BAD:
        violation(c);
        break;
    }
    return used;
}

bool ws_timer(struct conn *c)
{
    struct ws *ws = c->ws;
    uint64_t ping = c->w->cfg.ping_ms, pong = c->w->cfg.pong_ms, now = clock_ms();
    uint64_t quiet = now - ws->heard_ms;

    if (ws->closing)
        return false;
    if (ws->begun_ms && now - ws->begun_ms >= c->w->cfg.message_ms) {
        metric_add(&web_drop_timeout, 1);
        cut(c, 1008, "the message takes too long");
        return !c->dead;
    }
    if (ws->pinged && quiet >= ping + pong) {
        metric_add(&web_drop_timeout, 1);
        return false;
    }
    if (!ws->pinged && quiet >= ping) {
        ws->pinged = true;
        frame_send(c, WS_OP_PING, "dngate", 6);
    }
    watch(c);
    return !c->dead;
}

/* After our Close is out: the peer's is awaited unless it came or cannot come. */
bool ws_flushed(struct conn *c)
{
    struct ws *ws = c->ws;

    if (ws->closing && ws->over) {
        conn_move(c, CONN_LINGER, CONN_LINGER_MS);
        edge_shutdown(c);
    }
    return true;
}

void ws_free(struct conn *c)
{
    struct ws *ws = c->ws;
    char peer[ADDR_STRLEN];

    if (!ws)
        return;
    log_info("web", "conn=%llu peer=%s code=%u seconds=%llu in=%llu out=%llu WebSocket closed",
             (unsigned long long)c->id, addr_str(&c->peer, peer, sizeof(peer)), ws->code,
             (unsigned long long)(clock_ms() - ws->opened_ms) / 1000, (unsigned long long)ws->messages_in,
             (unsigned long long)ws->messages_out);
    ws->service->closed(c, ws->arg);
    ws_decoder_reset(&ws->dec);
    free(ws);
    c->ws = NULL;
    metric_add(&web_ws_conns, -1);
}
