/* dialog/leg: a request that is carried from one leg's peer to another's, and its answer back. */
#include "core/utf8.h"
#include "dialog/legtx.h"
#include <errno.h>

struct leg_relay {
    struct sip *sip;
    struct sip_strans *strans; /* of the request; NULL: answered. It also takes its retransmissions. */
    struct sip_msg *msg;
    struct leg *to;
    leg_refused_h *refusedh;
    void *arg;
};

static void relay_destructor(void *arg)
{
    struct leg_relay *r = arg;

    if (r->strans)
        (void)sip_treply(&r->strans, r->sip, r->msg, 481, "Call Does Not Exist");
    mem_deref(r->msg);
}

/* What is about our own dialog with the other side, or about credentials for it, is nothing that the asker could act on. */
static bool ours_alone(uint16_t code)
{
    return code == 401 || code == 407 || code == 408 || code == 481;
}

static void relay_resp(int err, const struct sip_msg *msg, void *arg)
{
    struct leg_relay *r = arg;
    char raw[128], phrase[128] = "Server Internal Error";
    uint16_t code = 500;

    if (!err && msg->scode < 200)
        return;
    if (!err && !ours_alone(msg->scode)) {
        code = msg->scode;
        (void)pl_strcpy(&msg->reason, raw, sizeof(raw));
        utf8_text(phrase, sizeof(phrase), raw);
    }
    if (err == ETIMEDOUT && !pl_strcmp(&r->msg->met, "INFO"))
        r->to->allow.info_unheard = true;
    /* another way half a minute later is none */
    if (!err && code >= 300 && r->refusedh && r->to->h && r->refusedh(r->msg, r->arg))
        (void)sip_treply(&r->strans, r->sip, r->msg, 200, "OK");
    else
        (void)sip_treply(&r->strans, r->sip, r->msg, code, phrase);
}

int leg_relay(struct leg *to, const struct sip_msg *msg, const char *hdrs, const char *ctype,
              const char *body, leg_refused_h *refusedh, void *arg)
{
    struct leg_relay *r = NULL;
    struct leg_tx *tx = NULL;
    struct mbuf *tail = NULL;
    char *met = NULL;
    int err;

    if (!to || !to->dlg || to->state == LEG_DEAD)
        return EINVAL;
    err = pl_strdup(&met, &msg->met);
    if (!err)
        err = leg_tail(&tail, to, hdrs, ctype, body);
    if (err)
        goto out;
    r = mem_zalloc(sizeof(*r), relay_destructor);
    if (!r) {
        err = ENOMEM;
        goto out;
    }
    r->sip = to->legs->sip;
    r->to = to;
    r->refusedh = refusedh;
    r->arg = arg;
    r->msg = mem_ref((void *)msg);
    err = sip_strans_alloc(&r->strans, r->sip, msg, NULL, NULL);
    if (!err)
        err = leg_tx_send(to, to->dlg, met, tail, relay_resp, r, &tx);
    if (err)
        r->strans = mem_deref(r->strans);
    else
        tx->owned = mem_ref(r);

out:
    mem_deref(r);
    mem_deref(met);
    mem_deref(tail);
    return err;
}
