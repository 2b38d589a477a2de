#include "web/web.h"
#include "core/health.h"
#include "core/log.h"
#include "core/mbox.h"
#include "core/table.h"
#include "crypto/init.h"
#include "sip/wsedge.h"
#include "web/edge.h"
#include "web/handoff.h"
#include "web/listen.h"
#include "web/source.h"
#include "web/ws.h"
#include "web/wssip.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OUT_SLOTS = 16384, ASKS_MAX = 256, BODY_DEFAULT = 1 << 20 };

/* Shared by the files of web/, so not static as METRIC_COUNTER would have them. */
#define DROPPED(var, reason)                                                                                 \
    struct metric var = {.name = "dngate_web_dropped_total",                                                 \
                         .labels = "reason=\"" reason "\"",                                                  \
                         .help = "Connections and requests refused or ended by us",                          \
                         .type = METRIC_TYPE_COUNTER}
#define SHARED(var, nm, lbl, hlp, typ)                                                                       \
    struct metric var = {.name = nm, .labels = lbl, .help = hlp, .type = typ}

SHARED(web_conns, "dngate_web_connections", NULL, "Open HTTP and WebSocket connections", METRIC_TYPE_GAUGE);
SHARED(web_ws_conns, "dngate_ws_connections", NULL, "Open WebSocket connections", METRIC_TYPE_GAUGE);
SHARED(web_rx_bytes, "dngate_web_bytes_total", "direction=\"in\"", "HTTP and WebSocket bytes",
       METRIC_TYPE_COUNTER);
SHARED(web_tx_bytes, "dngate_web_bytes_total", "direction=\"out\"", "HTTP and WebSocket bytes",
       METRIC_TYPE_COUNTER);
DROPPED(web_drop_banned, "banned");
DROPPED(web_drop_conns, "too_many_connections");
DROPPED(web_drop_source, "too_many_of_source");
DROPPED(web_drop_timeout, "timeout");
DROPPED(web_drop_tls, "no_tls_or_request");
DROPPED(web_drop_rate, "request_rate");
DROPPED(web_drop_backlog, "backlog");
DROPPED(web_drop_memory, "memory");
DROPPED(web_drop_malformed, "malformed");
DROPPED(web_drop_origin, "origin");
DROPPED(web_drop_not_turn, "not_turn");

__attribute__((constructor)) static void metrics_register(void)
{
    struct metric *all[] = {&web_conns,          &web_ws_conns,    &web_rx_bytes,     &web_tx_bytes,
                            &web_drop_banned,    &web_drop_conns,  &web_drop_source,  &web_drop_timeout,
                            &web_drop_tls,       &web_drop_rate,   &web_drop_backlog, &web_drop_memory,
                            &web_drop_malformed, &web_drop_origin, &web_drop_not_turn};

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        metric_register(all[i]);
}

uint64_t web_bytes(void)
{
    return (uint64_t)(metric_get(&web_rx_bytes) + metric_get(&web_tx_bytes));
}

static void limits_h(struct buf *out, void *arg)
{
    const struct web *w = arg;

    metric_limit(out, "web_connections", (size_t)metric_get(&web_conns), w->cfg.conns_max);
    metric_limit(out, "ws_connections", (size_t)metric_get(&web_ws_conns), SIP_WS_CONNS_MAX);
}

static void defaults(struct web_config *cfg)
{
    if (!cfg->conns_max)
        cfg->conns_max = WEB_CONNS_DEFAULT;
    if (!cfg->conns_per_ip)
        cfg->conns_per_ip = WEB_CONNS_PER_IP_DEFAULT;
    if (!cfg->body_max)
        cfg->body_max = BODY_DEFAULT;
    if (!cfg->head_ms)
        cfg->head_ms = CONN_HEAD_MS;
    if (!cfg->idle_ms)
        cfg->idle_ms = CONN_IDLE_MS;
    if (!cfg->body_ms)
        cfg->body_ms = CONN_BODY_MS;
    if (!cfg->send_ms)
        cfg->send_ms = CONN_SEND_MS;
    if (!cfg->message_ms)
        cfg->message_ms = WS_MESSAGE_MS;
    if (!cfg->ping_ms)
        cfg->ping_ms = WS_PING_MS;
    if (!cfg->pong_ms)
        cfg->pong_ms = WS_PONG_MS;
}

static void out_drop_h(void *msg, void *arg)
{
    struct sip_ws_out *o = msg;

    (void)arg;
    free(o->data);
}

void web_free(struct web *w)
{
    if (!w)
        return;
    web_routes_clear();
    ask_box_free(w->box);
    table_free(w->ws_conns);
    sources_free(w->sources);
    handoff_close(w);
    if (w->out)
        mbox_free(w->out, out_drop_h, NULL);
    free(w);
}

static void *thread_main(void *arg)
{
    struct web *w = arg;

    edge_run(w);
    return NULL;
}

static void announce(const struct web *w)
{
    for (int k = 0; k < LISTEN_KINDS; k++)
        if (w->ports[k])
            log_info("web", "listening proto=%s port=%u", listen_name(k), w->ports[k]);
}

int web_start(struct web **wp, const struct web_config *cfg, char *why, size_t whysz)
{
    struct web *w = calloc(1, sizeof(*w));
    int err;

    if (!w)
        return ENOMEM;
    snprintf(why, whysz, "the web server cannot start: out of memory");
    w->cfg = *cfg;
    w->nowhere = -1;
    defaults(&w->cfg);
    web_require_origin(w, cfg->require_origin);
    err = crypto_init();
    if (!err)
        err = sources_alloc(&w->sources, cfg->rate_per_s, w->cfg.conns_per_ip);
    if (!err)
        err = table_alloc(&w->ws_conns, SIP_WS_CONNS_MAX);
    if (!err)
        err = mbox_alloc(&w->out, "web_out", sizeof(struct sip_ws_out), OUT_SLOTS);
    if (!err)
        mbox_reserve(w->out, SIP_WS_CONNS_MAX);
    if (!err)
        err = ask_box_alloc(&w->box, "web_answers", ASKS_MAX);
    if (!err)
        err = handoff_open(w);
    if (!err)
        err = wssip_register(w);
    if (!err)
        err = listen_open(w, why, whysz);
    if (!err)
        err = edge_open(w, why, whysz);
    if (!err && cfg->sip)
        sip_ws_attach(cfg->sip, w->out);
    if (!err)
        err = pthread_create(&w->thread, NULL, thread_main, w);
    if (err) {
        edge_close(w);
        web_free(w);
        return err;
    }
    pthread_setname_np(w->thread, "web");
    metric_collector(limits_h, w);
    announce(w);
    health_set("web", HEALTH_UP, "%s", "");
    if (whysz)
        why[0] = '\0';
    *wp = w;
    return 0;
}

void web_stop(struct web *w)
{
    if (!w)
        return;
    atomic_store(&w->stop, true);
    edge_wake(w);
    pthread_join(w->thread, NULL);
    metric_collector_remove(limits_h, w);
    health_set("web", HEALTH_DOWN, "stopped");
    edge_close(w);
}

void web_reload(struct web *w)
{
    atomic_store(&w->reload, true);
    edge_wake(w);
}

void web_require_origin(struct web *w, bool require)
{
    atomic_store(&w->require_origin, require);
}

uint16_t web_port(const struct web *w, const char *proto)
{
    for (int k = 0; k < LISTEN_KINDS; k++)
        if (!strcmp(proto, listen_name(k)))
            return w->ports[k];
    return 0;
}
