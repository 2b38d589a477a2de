/* dialog/leg: a re-INVITE of ours that changes nothing. */
#include "dialog/legtx.h"
#include <errno.h>

static void reinvite_resp(int err, const struct sip_msg *msg, void *arg)
{
    struct leg *leg = arg;
    sip_resp_h *resph = leg->reinvite_resph;

    if (!err && msg->scode < 200)
        return;
    if (err || msg->scode >= 300) {
        offer_in(&leg->offer, OFFER_REFUSAL, false);
    } else {
        leg_retarget(leg, msg); /* the ACK goes there already (RFC 3261 12.2.1.2, 13.2.2.4) */
        leg_send_ack(leg, leg->dlg, msg->cseq.num, true);
        offer_in(&leg->offer, OFFER_SUCCESS, leg_describes(msg));
        if (leg->h && leg->h->reanswered)
            leg->h->reanswered(leg, msg, leg->arg);
    }
    resph(err, msg, leg);
}

int leg_reinvite(struct leg *leg, sip_resp_h *resph)
{
    struct mbuf *tail = NULL;
    int err;

    if (!leg->offer.ours)
        return ENOENT;
    if (leg->state != LEG_CONFIRMED || leg->reinvite || leg->replyl.head || offer_crosses(&leg->offer))
        return EAGAIN;
    leg->reinvite_resph = resph;
    err = leg_tail(&tail, leg, "", "application/sdp", leg->offer.ours);
    if (!err)
        err = leg_tx_send(leg, leg->dlg, "INVITE", tail, reinvite_resp, leg, &leg->reinvite);
    if (!err)
        offer_out(&leg->offer, OFFER_REQUEST, leg->offer.ours);
    mem_deref(tail);
    return err;
}
