/* What every message passes on its way in: validation, a copy of its own, libre's decoder, the listeners. See transp.h. */
#include "sip/remsg.h"
#include "sip/transp.h"
#include "sip/wsedge.h"

#include "core/budget.h"
#include "core/metric.h"

#include <errno.h>
#include <string.h>

METRIC_COUNTER(trunk_rx, "dngate_trunk_sip_messages_total", "direction=\"in\"",
               "SIP messages from and to trunks");
METRIC_COUNTER(trunk_rx_bytes, "dngate_trunk_sip_bytes_total", "direction=\"in\"",
               "Bytes of SIP messages from and to trunks");

/* Offers it to the listeners in their order, transactions first. */
static void dispatch(struct sip *sip, const struct sip_conn *conn, struct sip_msg *msg)
{
    struct le *le = sip->lsnrl.head;

    if (msg->tp == SIP_TRANSP_WS && !transp_ws_own(conn, msg)) {
        sip_reason_count(SIP_REASON_UNMATCHED);
        return;
    }
    while (le) {
        struct sip_lsnr *lsnr = le->data;

        le = le->next;
        if (msg->req == lsnr->req && lsnr->msgh(msg, lsnr->arg))
            return;
    }
    if (!msg->req)
        sip_reason_count(SIP_REASON_UNMATCHED);
    else if (!pl_strcmp(&msg->met, "CANCEL"))
        (void)sip_reply(sip, msg, 481, "Transaction Does Not Exist");
    else
        (void)sip_reply(sip, msg, 501, "Not Implemented");
}

typedef int(decode_h)(struct sip_msg **msgp, struct mbuf *mb);

static int decode(struct sip_msg **msgp, decode_h *h, struct mbuf *mb, const struct sip_transport *t,
                  struct sip_conn *conn, const struct sa *src, const struct sa *dst)
{
    struct sip_msg *msg;
    int err;

    mb->pos = 0;
    err = h(&msg, mb);
    if (err)
        return err;
    msg->sock = conn ? mem_ref(conn) : mem_ref((void *)t);
    msg->src = *src;
    msg->dst = *dst;
    msg->tp = t->tp;
    *msgp = msg;
    return 0;
}

/* A peer whose certificate says who it is may have what we ask of it sent back by its own connection (RFC 5923). */
static void alias_note(struct sip_conn *conn, const struct sip_msg *msg)
{
    struct pl val;

    if (conn && conn->tp == SIP_TRANSP_TLS && !conn->out && msg->req &&
        !msg_param_exists(&msg->via.params, "alias", &val))
        conn->alias = sip_transp_port(SIP_TRANSP_TLS, sa_port(&msg->via.addr));
}

/* The refusal is made from the headers alone, as far as they can be read. */
static void reject(const struct sip_transport *t, struct sip_conn *conn, const struct sa *src,
                   const struct sa *dst, const char *p, const struct sip_check *c)
{
    struct mbuf *mb = mbuf_alloc(c->head_len);
    struct sip_msg *msg = NULL;

    if (!mb)
        return;
    if (!mbuf_write_mem(mb, (const uint8_t *)p, c->head_len) &&
        !decode(&msg, remsg_skim, mb, t, conn, src, dst))
        (void)sip_reply(t->sip, msg, c->reason == SIP_REASON_VERSION ? 505 : 400,
                        sip_reason_words(c->reason));
    mem_deref(msg);
    mem_deref(mb);
}

/* The validator let it through, the decoder did not: an ACK or a response is dropped, any other request refused. */
static void undecodable(struct sip_check *c, const char *p)
{
    const bool answers = c->request && strncmp(p, "ACK ", 4);

    c->verdict = answers ? SIP_MSG_REJECT : SIP_MSG_DROP;
    c->reason = SIP_REASON_DECODE;
}

/* A browser's message, as long as somebody holds it: a transaction, a delayed answer (RFC 3261 8.2.7). */
struct kept {
    struct mbuf mb;
    struct sip_conn *conn;
    size_t n;
    bool stranger; /* n is of the budget, too */
};

static void kept_destructor(void *arg)
{
    struct kept *k = arg;

    mem_deref(k->mb.buf);
    if (k->stranger)
        budget_give(BUDGET_SIP, k->n);
    if (k->conn)
        k->conn->held -= k->n;
    mem_deref(k->conn);
}

/* What a message is to cost beside its bytes: a list is many values in few of them. */
static size_t besides(const char *p, const struct sip_check *c)
{
    size_t values = 0;

    for (size_t i = 0; i < c->head_len; i++)
        values += p[i] == '\n' || p[i] == ',';
    return TRANSP_KEPT_BESIDES + values * TRANSP_KEPT_VALUE;
}

/* NULL: this one makes us hold too much, or all strangers together do. */
static struct mbuf *kept_alloc(struct sip_conn *conn, size_t size, size_t more)
{
    const size_t n = size + more, max = conn->known ? TRANSP_KEPT_AGENT_MAX : TRANSP_KEPT_MAX;
    struct kept *k;

    if (conn->held + n > max || (!conn->known && !budget_take(BUDGET_SIP, conn->held, n)))
        return NULL;
    k = mem_zalloc(sizeof(*k), kept_destructor);
    if (!k) {
        if (!conn->known)
            budget_give(BUDGET_SIP, n);
        return NULL;
    }
    mbuf_init(&k->mb);
    k->conn = mem_ref(conn);
    k->stranger = !conn->known;
    k->n = n;
    conn->held += n;
    return mbuf_resize(&k->mb, size) ? mem_deref(k) : &k->mb;
}

/* Copies the message for libre; a browser's gets the route to its connection (see transp_ws.c). */
static struct mbuf *message_copy(const char *p, const struct sip_check *c, struct sip_conn *conn)
{
    const bool browser = conn && conn->tp == SIP_TRANSP_WS;
    struct mbuf *mb = browser ? kept_alloc(conn, c->len + 128, besides(p, c)) : mbuf_alloc(c->len + 128);
    char route[SIP_WS_ROUTE_LEN];
    int err;

    if (!mb)
        return NULL;
    err = mbuf_write_mem(mb, (const uint8_t *)p, c->start_len);
    if (browser)
        err |= mbuf_printf(mb, "Record-Route: <%s;lr>\r\n", sip_ws_route(route, conn->id));
    err |= mbuf_write_mem(mb, (const uint8_t *)p + c->start_len, c->len - c->start_len);
    return err ? mem_deref(mb) : mb;
}

void transp_input(const struct sip_transport *t, struct sip_conn *conn, const struct sa *src,
                  const struct sa *dst, void *p, size_t len, enum sip_carrier carrier)
{
    struct sip_check c = {.verdict = SIP_MSG_OK};
    struct sip_msg *msg = NULL;
    struct mbuf *mb = NULL;

    if (t->sip->traceh)
        t->sip->traceh(false, t->tp, src, dst, p, len, t->sip->arg);
    if (t->edge && t->tp != SIP_TRANSP_WS) { /* the WEB thread counts those */
        metric_add(&trunk_rx, 1);
        metric_add(&trunk_rx_bytes, (int64_t)len);
    }
    for (; len > 2 && !memcmp(p, "\r\n", 2); len -= 2) /* as a stream's are, RFC 3261 7.5 */
        p = (char *)p + 2;
    c.len = len;
    if (t->edge) {
        sip_unfold(p, len);
        sip_validate(&c, p, len, carrier);
    }
    if (c.verdict == SIP_MSG_OK) {
        mb = message_copy(p, &c, conn);
        if (!mb)
            return;
        if (!decode(&msg, sip_msg_decode, mb, t, conn, src, dst)) {
            alias_note(conn, msg);
            dispatch(t->sip, conn, msg);
        } else if (t->edge) {
            undecodable(&c, p);
        }
    }
    if (c.verdict == SIP_MSG_REJECT)
        reject(t, conn, src, dst, p, &c);
    if (c.verdict != SIP_MSG_OK)
        transp_refuse(c.reason, t->tp, src);
    mem_deref(msg);
    mem_deref(mb);
}
