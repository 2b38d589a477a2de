#include "sip/stack_priv.h"

#include "core/budget.h"
#include "core/log.h"
#include "core/mbox.h"
#include "core/metric.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Messages and newcomers find the first WS_IN_COMMON slots; the end of a connection has one of its own, for each that is open and
 * each whose opening waits here. */
enum { WS_IN_SLOTS = 16384, WS_IN_COMMON = 4096 };
_Static_assert(WS_IN_SLOTS >= WS_IN_COMMON + SIP_WS_CONNS_MAX + WS_IN_COMMON,
               "the end of a connection may be lost");

METRIC_LIMIT(ws_conns, "sip_ws_connections", SIP_WS_CONNS_MAX);
METRIC_COUNTER(ws_lost, "dngate_sip_ws_overflow_total", NULL, "SIP frames that found a mailbox full");

enum ws_in_type { WS_OPEN, WS_RECV, WS_CLOSED };

struct ws_in { /* WEB → SIGNALLING; data is malloc'd and owned by the receiver */
    enum ws_in_type type;
    uint64_t conn;
    struct addr peer, local;
    void *data;
    size_t len;
};

static _Atomic uint32_t *waiting(struct sip_stack *st, uint64_t conn)
{
    return &st->ws_waiting[conn % SIP_WS_CONNS_MAX];
}

/* What somebody sent, on its way to signalling; NULL: no memory, or strangers hold too much of it. */
static void *frame_copy(struct sip_stack *st, uint64_t conn, const void *p, size_t len)
{
    void *copy = malloc(len);

    if (copy && !budget_take(BUDGET_MAILBOX, *waiting(st, conn), len)) {
        free(copy);
        copy = NULL;
    }
    if (!copy)
        return NULL;
    *waiting(st, conn) += (uint32_t)len;
    memcpy(copy, p, len);
    return copy;
}

static void frame_free(struct sip_stack *st, const struct ws_in *m)
{
    if (!m->data)
        return;
    *waiting(st, m->conn) -= (uint32_t)m->len;
    budget_give(BUDGET_MAILBOX, m->len);
    free(m->data);
}

static void drop_in_h(void *msg, void *arg)
{
    frame_free(arg, msg);
}

int wsedge_init(struct sip_stack *st)
{
    int err = mbox_alloc(&st->ws_in, "sip_ws", sizeof(struct ws_in), WS_IN_SLOTS);

    if (!err)
        mbox_reserve(st->ws_in, WS_IN_SLOTS - WS_IN_COMMON);
    return err;
}

void wsedge_close(struct sip_stack *st)
{
    mbox_free(st->ws_in, drop_in_h, st);
    st->ws_in = NULL;
}

/* ------------------------------------------------------------------ WEB thread */

void sip_ws_attach(struct sip_stack *st, struct mbox *out)
{
    st->ws_out = out;
}

static int post(struct sip_stack *st, const struct ws_in *m)
{
    int err = mbox_post(st->ws_in, m);

    if (err)
        metric_add(&ws_lost, 1);
    return err;
}

int sip_ws_open(struct sip_stack *st, uint64_t conn, const struct addr *peer, const struct addr *local)
{
    struct ws_in m = {.type = WS_OPEN, .conn = conn, .peer = *peer, .local = *local};

    return conn ? post(st, &m) : EINVAL;
}

int sip_ws_recv(struct sip_stack *st, uint64_t conn, const void *p, size_t len)
{
    struct ws_in m = {.type = WS_RECV, .conn = conn, .len = len};
    int err;

    if (!len)
        return 0;
    if (len > SIP_WS_FRAME_MAX) {
        sip_reason_count(SIP_REASON_TOO_LARGE);
        return EMSGSIZE;
    }
    m.data = frame_copy(st, conn, p, len);
    if (!m.data)
        return ENOMEM;
    err = post(st, &m);
    if (err)
        frame_free(st, &m);
    return err;
}

/* Must not be lost: a binding would hang on it. */
void sip_ws_closed(struct sip_stack *st, uint64_t conn)
{
    struct ws_in m = {.type = WS_CLOSED, .conn = conn};

    if (mbox_post_sure(st->ws_in, &m))
        metric_add(&ws_lost, 1);
}

/* ------------------------------------------------------------------ signalling thread */

/* sure: the first Close of a connection; web's mailbox has a slot for it. */
static int post_out(struct sip_stack *st, const struct sip_ws_out *m, bool sure)
{
    int err;

    if (!st->ws_out)
        return ENOTCONN;
    err = sure ? mbox_post_sure(st->ws_out, m) : mbox_post(st->ws_out, m);
    if (err)
        metric_add(&ws_lost, 1);
    return err;
}

int wsedge_frame_h(uint64_t conn, const void *p, size_t len, void *arg)
{
    struct sip_ws_out m = {.type = SIP_WS_SEND, .conn = conn, .len = len};
    int err;

    m.data = malloc(len ? len : 1);
    if (!m.data)
        return ENOMEM;
    memcpy(m.data, p, len);
    err = post_out(arg, &m, false);
    if (err)
        free(m.data);
    return err;
}

static void open_conn(struct sip_stack *st, const struct ws_in *m)
{
    int err =
        st->ws_count < SIP_WS_CONNS_MAX ? transp_ws_open(st->sip, m->conn, &m->peer, &m->local) : ENOSPC;

    if (err) {
        sip_reason_count(SIP_REASON_CONN_LIMIT);
        log_warn_limited("sip", "error=\"%s\" a browser's connection was refused", strerror(err));
        sip_ws_close(st, m->conn, 1013, "try again later");
        return;
    }
    metric_set(&ws_conns, (int64_t)++st->ws_count);
    if (st->opened.h)
        st->opened.h(m->conn, st->opened.arg);
}

static void close_conn(struct sip_stack *st, uint64_t conn)
{
    if (!transp_ws_find(st->sip, conn))
        return; /* was refused */
    transp_ws_closed(st->sip, conn);
    metric_set(&ws_conns, (int64_t)--st->ws_count);
    for (size_t i = 0; i < st->gone_count; i++)
        st->gone[i].h(conn, st->gone[i].arg);
}

static void in_h(void *msg, void *arg)
{
    struct sip_stack *st = arg;
    struct ws_in *m = msg;

    switch (m->type) {

    case WS_OPEN:
        open_conn(st, m);
        break;

    case WS_RECV:
        transp_ws_recv(st->sip, m->conn, m->data, m->len);
        frame_free(st, m);
        break;

    case WS_CLOSED:
        close_conn(st, m->conn);
        break;
    }
}

int wsedge_start(struct sip_stack *st)
{
    return sip_stack_watch(st, st->ws_in, in_h, st);
}

int sip_ws_addrs(const struct sip_stack *st, uint64_t conn, struct addr *peer, struct addr *local)
{
    const struct sip_conn *c = st->sip ? transp_ws_find(st->sip, conn) : NULL;

    if (!c)
        return ENOENT;
    if (peer)
        transp_addr(peer, &c->paddr);
    if (local)
        transp_addr(local, &c->laddr);
    return 0;
}

int sip_ws_dst(const struct sip_stack *st, uint64_t conn, struct sa *dst, int *tp)
{
    const struct sip_conn *c = st->sip ? transp_ws_find(st->sip, conn) : NULL;

    if (!c)
        return ENOENT;
    *dst = c->key;
    *tp = SIP_TRANSP_WS;
    return 0;
}

void sip_ws_close(struct sip_stack *st, uint64_t conn, uint16_t code, const char *reason)
{
    struct sip_ws_out m = {.type = SIP_WS_CLOSE, .conn = conn, .code = code};
    struct sip_conn *c = transp_ws_find(st->sip, conn);
    bool first = c && !c->close_asked;

    (void)snprintf(m.reason, sizeof(m.reason), "%s", reason ? reason : "");
    if (c)
        c->close_asked = true;
    (void)post_out(st, &m, first);
}

int sip_ws_on_open(struct sip_stack *st, sip_ws_gone_h *h, void *arg)
{
    if (st->opened.h)
        return EALREADY;
    st->opened.h = h;
    st->opened.arg = arg;
    return 0;
}

void sip_ws_known(struct sip_stack *st, uint64_t conn)
{
    struct sip_ws_out m = {.type = SIP_WS_KNOWN, .conn = conn};
    struct sip_conn *c = transp_ws_find(st->sip, conn);

    if (!c || c->known)
        return;
    c->known = true;
    (void)post_out(st, &m, false); /* a full mailbox: it stays among the strangers there */
}

int sip_ws_on_gone(struct sip_stack *st, sip_ws_gone_h *h, void *arg)
{
    if (st->gone_count == SIP_GONE_HANDLERS_MAX)
        return ENOSPC;
    st->gone[st->gone_count].h = h;
    st->gone[st->gone_count++].arg = arg;
    return 0;
}
