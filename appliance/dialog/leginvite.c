/* dialog/leginvite: the INVITE of ours that opens a dialog: its answers, forks, CANCEL, and what comes when it was given up. */
#include "dialog/leginvite.h"
#include "dialog/legprack.h"
#include "dialog/legterms.h"
#include "dialog/legtimer.h"
#include "dialog/legtx.h"
#include <errno.h>
#include <string.h>

/* libre's own CANCEL cannot carry a Reason. */
int leg_send_cancel(struct leg *leg)
{
    if (!leg->invite || leg->cancelled)
        return 0;
    leg->cancelled = true;
    return leg_tx_hop(leg, leg->invite, "CANCEL", NULL);
}

/* --- answers --- */

/* Follows the peer into the dialog that this answer's To-tag names; a new tag is another branch of a fork. */
static int enter_dialog(struct leg *leg, const struct sip_msg *msg)
{
    struct sip_dialog *dlg;
    int err;

    if (!pl_isset(&msg->to.tag))
        return EBADMSG;
    if (leg->dlg && sip_dialog_cmp(leg->dlg, msg)) {
        leg_retarget(leg, msg);
        return 0;
    }
    err = sip_dialog_fork(&dlg, leg->half, msg);
    if (err)
        return err;
    mem_deref(leg->dlg);
    leg->dlg = dlg;
    leg->rseq = 0; /* each branch of a fork counts for itself (RFC 3262 4) */
    return 0;
}

static void invite_progress(struct leg *leg, const struct sip_msg *msg)
{
    enum leg_rel rel = LEG_REL_NONE;

    if (leg->state == LEG_CALLING)
        leg_enter(leg, LEG_PROCEEDING);
    if (leg->ending) {
        (void)leg_send_cancel(leg);
        return;
    }
    if (msg->scode > 100 && !enter_dialog(leg, msg))
        rel = leg_rel_take(leg, msg);
    if (rel == LEG_REL_OLD)
        return;
    offer_in(&leg->offer, rel ? OFFER_RELIABLE : OFFER_PROVISIONAL, leg_describes(msg));
    if (leg->h)
        leg->h->progress(leg, msg, leg->arg);
}

static void invite_answered(struct leg *leg, const struct sip_msg *msg)
{
    int err = enter_dialog(leg, msg);

    tmr_cancel(&leg->tmr);
    if (err) {
        leg_enter(leg, LEG_DEAD);
        leg_tell_ended(leg, LEG_FAILED, 502, "Bad Answer", NULL);
        return;
    }
    leg_enter(leg, LEG_CONFIRMED);
    leg_send_ack(leg, leg->dlg, msg->cseq.num, true);
    if (leg->ending || !leg->h) { /* CANCEL crossed the 200 */
        (void)leg_bye(leg);
        return;
    }
    leg_terms_agreed(leg, msg);
    leg_timer_start(leg);
    offer_in(&leg->offer, OFFER_SUCCESS, leg_describes(msg));
    leg->h->answered(leg, msg, leg->arg);
}

static void invite_resp(int err, const struct sip_msg *msg, void *arg)
{
    struct leg *leg = arg;
    char phrase[128];

    if (!err && msg->scode < 200) {
        invite_progress(leg, msg);
        return;
    }
    if (!err && msg->scode < 300) {
        invite_answered(leg, msg);
        return;
    }
    tmr_cancel(&leg->tmr);
    leg_enter(leg, LEG_DEAD);
    if (err) {
        leg_tell_ended(leg, LEG_FAILED, err == ETIMEDOUT ? 408 : 503,
                       err == ETIMEDOUT ? "Request Timeout" : "Service Unavailable", NULL);
        return;
    }
    (void)pl_strcpy(&msg->reason, phrase, sizeof(phrase));
    leg_tell_ended(leg, LEG_FAILED, msg->scode, phrase, msg);
}

int leg_connect(struct leg **lp, struct legs *ls, const struct leg_config *cfg, const char *hdrs,
                const char *sdp, const struct leg_handlers *h, void *arg)
{
    const char *name = cfg->from_name && cfg->from_name[0] ? cfg->from_name : NULL;
    struct mbuf *tail = NULL;
    struct leg *leg = NULL;
    int err;

    err = leg_new(&leg, ls, LEG_CALLING, cfg, h, arg);
    if (err)
        return err;
    err = sip_dialog_alloc(&leg->half, cfg->ruri, cfg->ruri, name, cfg->from_uri, NULL, 0);
    if (err)
        goto out;
    leg->client = true;
    leg->terms.expires = cfg->session_s;
    leg_hash(leg, sip_dialog_callid(leg->half));
    offer_out(&leg->offer, OFFER_REQUEST, sdp);
    err = leg_tail(&tail, leg, hdrs, "application/sdp", sdp);
    if (!err)
        err = leg_tx_send(leg, leg->half, "INVITE", tail, invite_resp, leg, &leg->invite);

out:
    mem_deref(tail);
    if (err)
        mem_deref(leg);
    else
        *lp = leg;
    return err;
}

void leg_refuse_fork(struct leg *leg, const struct sip_msg *msg)
{
    struct mbuf *tail = NULL;
    struct sip_dialog *dlg;

    if (sip_dialog_fork(&dlg, leg->half, msg))
        return;
    leg_send_ack(leg, dlg, msg->cseq.num, false);
    if (!leg_tail(&tail, leg, "Reason: SIP;cause=487;text=\"Another branch answered\"\r\n", NULL, NULL))
        (void)leg_tx_send(leg, dlg, "BYE", tail, NULL, NULL, NULL);
    mem_deref(tail);
    mem_deref(dlg);
}

/* --- an INVITE that nobody answered --- */

void leg_give_up(struct leg *leg)
{
    leg_enter(leg, LEG_GIVEN_UP);
    leg->invite->ct = mem_deref(leg->invite->ct);
}

void leg_given_up(struct leg *leg, const struct sip_msg *msg)
{
    if (pl_strcmp(&msg->via.branch, leg->invite->branch))
        return;
    if (msg->scode < 200) {
        (void)leg_send_cancel(leg);
    } else if (msg->scode < 300) {
        leg->invite = mem_deref(leg->invite);
        invite_answered(leg, msg);
    } else {
        (void)leg_tx_hop(leg, leg->invite, "ACK", &msg->to.val);
    }
}
