#include "web/wssip.h"
#include "core/mbox.h"
#include "core/table.h"
#include "sip/wsedge.h"
#include "web/edge.h"
#include "web/ws.h"
#include <errno.h>
#include <stdlib.h>

METRIC_COUNTER(ws_messages_in, "dngate_ws_messages_total", "direction=\"in\"", "SIP messages over WebSocket");
METRIC_COUNTER(ws_messages_out, "dngate_ws_messages_total", "direction=\"out\"",
               "SIP messages over WebSocket");

static int open_h(struct conn *c, void *arg)
{
    struct web *w = arg;
    int err = w->cfg.sip ? table_put(w->ws_conns, &c->id, sizeof(c->id), c) : ENOTSUP;

    if (err)
        return err;
    err = sip_ws_open(w->cfg.sip, c->id, &c->peer, &c->local);
    if (err)
        table_del(w->ws_conns, &c->id, sizeof(c->id));
    return err;
}

/* Each carries one SIP message, or a keep-alive of CRLFs alone, which no message is as short as (RFC 7118 6). */
static bool is_message(size_t n)
{
    return n > 4;
}

static int message_h(struct conn *c, const void *p, size_t n, void *arg)
{
    struct web *w = arg;

    if (is_message(n))
        metric_add(&ws_messages_in, 1);
    return sip_ws_recv(w->cfg.sip, c->id, p, n);
}

static void closed_h(struct conn *c, void *arg)
{
    struct web *w = arg;

    table_del(w->ws_conns, &c->id, sizeof(c->id));
    sip_ws_closed(w->cfg.sip, c->id);
}

static const struct ws_service service = {
    .protocol = "sip",
    .what = "This address speaks SIP over WebSocket (RFC 7118).",
    .message_max = SIP_WS_FRAME_MAX,
    .open = open_h,
    .message = message_h,
    .closed = closed_h,
};

int wssip_register(struct web *w)
{
    static const struct web_route route = {.method = "GET", .path = "/ws", .ws = &service};

    return web_routes(&route, 1, w);
}

static void out_h(void *msg, void *arg)
{
    struct sip_ws_out *o = msg;
    struct web *w = arg;
    struct conn *c = table_get(w->ws_conns, &o->conn, sizeof(o->conn));

    if (c && o->type == SIP_WS_CLOSE) {
        ws_close(c, o->code, o->reason);
    } else if (c && o->type == SIP_WS_KNOWN) {
        ws_known(c);
    } else if (c) {
        if (is_message(o->len))
            metric_add(&ws_messages_out, 1);
        ws_send(c, o->data, o->len);
    }
    if (c && c->dead)
        edge_kill(c);
    free(o->data);
}

void wssip_drain(struct web *w)
{
    mbox_drain(w->out, out_h, w);
}
