/* dialog/legtx: requests of ours and their answers. */
#include "dialog/legtx.h"
#include "core/log.h"
#include "core/rnd.h"
#include "sip/wsedge.h"
#include <errno.h>
#include <string.h>

static void tx_destructor(void *arg)
{
    struct leg_tx *tx = arg;

    list_unlink(&tx->le);
    mem_deref(tx->ct);
    mem_deref(tx->dlg);
    mem_deref(tx->met);
    mem_deref(tx->branch);
    mem_deref(tx->tail);
    mem_deref(tx->sent);
    mem_deref(tx->owned);
}

int leg_tail(struct mbuf **mbp, const struct leg *leg, const char *hdrs, const char *ctype, const char *body)
{
    struct mbuf *mb = mbuf_alloc(1024);
    int err;

    if (!mb)
        return ENOMEM;
    err = mbuf_printf(mb, "Contact: <%s>\r\nAllow: " LEG_ALLOW "\r\n%s", leg->contact, hdrs);
    if (body)
        err |= mbuf_printf(mb, "Content-Type: %s\r\n", ctype);
    err |= mbuf_printf(mb, "Content-Length: %zu\r\n\r\n%s", str_len(body), body);
    mb->pos = 0;
    if (err)
        mem_deref(mb);
    else
        *mbp = mb;
    return err;
}

/* Everything above the tail. The mbuf is written whole, so that each retransmission is the same. */
static int encode(struct mbuf **mbp, const struct leg *leg, struct sip_dialog *dlg, const char *met,
                  uint32_t cseq, const char *branch, const struct mbuf *tail, enum sip_transp *tp,
                  struct sa *dst)
{
    struct mbuf *mb = mbuf_alloc(2048);
    struct sa laddr;
    int err;

    if (!mb)
        return ENOMEM;
    leg_next_hop(leg, dlg, tp, dst);
    err = sip_transp_laddr(leg->legs->sip, &laddr, *tp, dst);
    if (err)
        goto out;
    err = mbuf_printf(mb, "%s %s SIP/2.0\r\nVia: SIP/2.0/%s %J;branch=%s;rport%s\r\nMax-Forwards: 70\r\n",
                      met, sip_dialog_uri(dlg), sip_transp_name(*tp), &laddr, branch,
                      *tp == SIP_TRANSP_TLS ? ";alias" : ""); /* RFC 5923: it may ask us by this connection */
    if (leg->auth)
        err |= authclient_encode(mb, leg->auth, met, sip_dialog_uri(dlg));
    err |= sip_dialog_encode(mb, dlg, cseq, met);
    if (!strcmp(met, "INVITE") || !strcmp(met, "UPDATE"))
        err |= mbuf_printf(mb, "%H", leg_terms_print_request, leg);
    if (leg->legs->sip->software)
        err |= mbuf_printf(mb, "User-Agent: %s\r\n", leg->legs->sip->software);
    err |= mbuf_write_mem(mb, mbuf_buf(tail), mbuf_get_left(tail));
    mb->pos = 0;

out:
    if (err)
        mem_deref(mb);
    else
        *mbp = mb;
    return err;
}

static int new_branch(char **branch, const struct leg *leg)
{
    char buf[SIP_WS_BRANCH_LEN];

    if (leg->route.ws_conn)
        return str_dup(branch, sip_ws_branch(buf, leg->legs->sip, leg->route.ws_conn));
    return re_sdprintf(branch, "z9hG4bK%016llx", rnd_u64());
}

static void tx_resp(int err, const struct sip_msg *msg, void *arg);

static int tx_start(struct leg_tx *tx)
{
    struct leg *leg = tx->leg;
    enum sip_transp tp;
    struct sa dst;
    int err;

    tx->sent = mem_deref(tx->sent);
    tx->branch = mem_deref(tx->branch);
    err = new_branch(&tx->branch, leg);
    if (err)
        return err;
    err = encode(&tx->sent, leg, tx->dlg, tx->met, 0, tx->branch, tx->tail, &tp, &dst);
    if (err)
        return err;
    return sip_ctrans_request(&tx->ct, leg->legs->sip, tp, &dst, tx->met, tx->branch, NULL, tx->sent, tx_resp,
                              tx);
}

int leg_tx_send(struct leg *leg, struct sip_dialog *dlg, const char *met, struct mbuf *tail,
                sip_resp_h *resph, void *arg, struct leg_tx **txp)
{
    struct leg_tx *tx;
    int err;

    if (!dlg)
        return EINVAL;
    if (list_count(&leg->txl) >= LEG_TXS_MAX + (leg->state == LEG_DEAD)) /* room for its BYE */
        return ENOSPC;
    tx = mem_zalloc(sizeof(*tx), tx_destructor);
    if (!tx)
        return ENOMEM;
    tx->leg = leg;
    tx->dlg = mem_ref(dlg);
    tx->tail = mem_ref(tail);
    tx->resph = resph;
    tx->arg = arg;
    list_append(&leg->txl, &tx->le, tx);
    err = str_dup(&tx->met, met);
    if (!err)
        err = tx_start(tx);
    if (err)
        mem_deref(tx);
    else if (txp)
        *txp = tx;
    return err;
}

/* Once per kind of challenge, with credentials the peer has not seen or found stale; and with a longer session. */
static bool tx_may_retry(struct leg_tx *tx, const struct sip_msg *msg)
{
    struct leg *leg = tx->leg;
    const bool proxy = msg->scode == 407;

    if (msg->scode == 422)
        return tx->raised++ < LEG_RAISES_MAX && leg_terms_raise(leg, msg);
    if ((msg->scode != 401 && !proxy) || !leg->auth || tx->retried[proxy])
        return false;
    tx->retried[proxy] = true;
    return !authclient_take(leg->auth, msg);
}

static bool tx_retry(struct leg_tx *tx, const struct sip_msg *msg)
{
    struct leg *leg = tx->leg;
    const bool invite = tx == leg->invite;

    if (!msg || (leg->ending && invite) || !tx_may_retry(tx, msg) || tx_start(tx))
        return false;
    if (invite)
        leg_enter(leg, LEG_CALLING);
    return true;
}

/*
 * A dialog is dead when the peer does not know it or is silent; silence about what another asked for is not counted. To a NOTIFY both
 * are about its subscription alone (RFC 5057 5.1): the call goes on.
 */
static bool tx_kills(const struct leg_tx *tx, int err, const struct sip_msg *msg)
{
    if (tx->leg->state != LEG_CONFIRMED || !strcmp(tx->met, "BYE") || !strcmp(tx->met, "PRACK") ||
        !strcmp(tx->met, "NOTIFY"))
        return false;
    if (msg && msg->scode == 481)
        return true;
    return !tx->owned && (err == ETIMEDOUT || (msg && msg->scode == 408));
}

static void tx_resp(int err, const struct sip_msg *msg, void *arg)
{
    struct leg_tx *tx = arg;
    struct leg *leg = mem_ref(tx->leg);
    bool final = err || msg->scode >= 200, kills;

    if (!err)
        leg_learn(leg, msg);
    if (!final) {
        if (tx->resph)
            tx->resph(err, msg, tx->arg);
        mem_deref(leg);
        return;
    }
    tx->ct = NULL;
    if (tx_retry(tx, msg)) {
        mem_deref(leg);
        return;
    }
    kills = tx_kills(tx, err, msg);
    if (tx == leg->invite)
        leg->invite = NULL;
    if (tx == leg->reinvite)
        leg->reinvite = NULL;
    list_unlink(&tx->le);
    if (tx->resph)
        tx->resph(err, msg, tx->arg);
    mem_deref(tx);
    if (kills && leg->state == LEG_CONFIRMED) {
        (void)leg_bye(leg);
        leg_tell_ended(leg, LEG_LOST, msg ? msg->scode : 408, "Dialog Lost", msg);
    }
    leg_reoffer_go(leg);
    leg_settle(leg);
    mem_deref(leg);
}

int leg_request(struct leg *leg, const char *method, const char *hdrs, const char *ctype, const char *body,
                sip_resp_h *resph, void *arg)
{
    struct mbuf *tail = NULL;
    int err;

    if (!leg || !leg->dlg || leg->state == LEG_DEAD)
        return EINVAL;
    err = leg_tail(&tail, leg, hdrs ? hdrs : "", ctype, body);
    if (!err)
        err = leg_tx_send(leg, leg->dlg, method, tail, resph, arg, NULL);
    mem_deref(tail);
    return err;
}

int leg_bye(struct leg *leg)
{
    struct mbuf *tail = NULL;
    int err;

    leg_enter(leg, LEG_DEAD);
    tmr_cancel(&leg->tmr_session);
    err = leg_tail(&tail, leg, leg->end_hdrs ? leg->end_hdrs : "", NULL, NULL);
    if (!err)
        err = leg_tx_send(leg, leg->dlg, "BYE", tail, NULL, NULL, NULL);
    mem_deref(tail);
    return err;
}

/* --- what goes with an INVITE --- */

void leg_send_ack(struct leg *leg, struct sip_dialog *dlg, uint32_t cseq, bool keep)
{
    struct mbuf *mb = NULL, *tail = NULL;
    enum sip_transp tp;
    char *branch = NULL;
    struct sa dst;
    int err;

    err = new_branch(&branch, leg);
    if (!err)
        err = leg_tail(&tail, leg, "", NULL, NULL);
    if (!err)
        err = encode(&mb, leg, dlg, "ACK", cseq, branch, tail, &tp, &dst);
    if (!err)
        err = sip_send(leg->legs->sip, NULL, tp, &dst, mb);
    if (err)
        log_warn("call", "%s sip_call_id=\"%s\" error=\"%s\" ACK not sent", leg->label, leg_callid(leg),
                 strerror(err));
    if (keep && mb) {
        mem_deref(leg->ack);
        leg->ack = mem_ref(mb);
        leg->ack_cseq = cseq;
        leg->ack_dst = dst;
        leg->ack_tp = tp;
    }
    mem_deref(mb);
    mem_deref(tail);
    mem_deref(branch);
}

static int hop_encode(struct mbuf **mbp, const struct leg *leg, const struct sip_msg *req, const char *met,
                      const struct pl *to)
{
    struct mbuf *mb = mbuf_alloc(1024);
    int err;

    if (!mb)
        return ENOMEM;
    err = mbuf_printf(mb,
                      "%s %r SIP/2.0\r\nVia: %r\r\nMax-Forwards: 70\r\nTo: %r\r\nFrom: %r\r\nCall-ID: %r\r\n"
                      "CSeq: %u %s\r\n%sContent-Length: 0\r\n\r\n",
                      met, &req->ruri, &req->via.val, to ? to : &req->to.val, &req->from.val, &req->callid,
                      req->cseq.num, met, leg->end_hdrs ? leg->end_hdrs : "");
    mb->pos = 0;
    if (err)
        mem_deref(mb);
    else
        *mbp = mb;
    return err;
}

int leg_tx_hop(struct leg *leg, const struct leg_tx *tx, const char *method, const struct pl *to)
{
    struct mbuf *copy = mbuf_alloc(tx->sent->end), *mb = NULL;
    struct sip_msg *req = NULL;
    enum sip_transp tp;
    char *met = NULL;
    struct sa dst;
    int err;

    if (!copy)
        return ENOMEM;
    err = mbuf_write_mem(copy, tx->sent->buf, tx->sent->end) | str_dup(&met, method);
    copy->pos = 0;
    if (!err)
        err = sip_msg_decode(&req, copy);
    if (!err)
        err = hop_encode(&mb, leg, req, met, to);
    leg_next_hop(leg, tx->dlg, &tp, &dst);
    if (!err && strcmp(met, "ACK"))
        err = sip_ctrans_request(NULL, leg->legs->sip, tp, &dst, met, tx->branch, NULL, mb, NULL, NULL);
    else if (!err)
        err = sip_send(leg->legs->sip, NULL, tp, &dst, mb);
    mem_deref(req);
    mem_deref(copy);
    mem_deref(met);
    mem_deref(mb);
    return err;
}
