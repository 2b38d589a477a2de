/*
 * dialog/leg: re-INVITEs of ours: one that changes nothing (session timer), and one with something new to say.
 *
 *            leg_reoffer()      nothing open            2xx, or a refusal that stands
 *   silent ───────────────► due ─────────────► asking ───────────────────────────────► silent
 *                            ▲                  │  │ leg_reoffer()
 *                            │   491, or later  │  ▼
 *                            ├──── waiting ◄────┤ stale: what it offers is not what is wanted any more
 *                            └─────────────────────┘ any end
 */
#include "core/fsm.h"
#include "core/rnd.h"
#include "dialog/legterms.h"
#include "dialog/legtimer.h"
#include "dialog/legtx.h"
#include <errno.h>

enum {
    PATIENCE_S = 32,     /* for a final answer behind a 1xx; then CANCEL, and as long for that */
    TRIES_MAX = 8,       /* refusals that are waited out, one after the other */
    LATER_MS = 10000,    /* until what was refused is asked for again */
    RETRY_AFTER_MAX = 60 /* seconds: who wants more is not waited for so long */
};

/* --- the transaction --- */

static void reinvite_over(struct leg *leg, int err, const struct sip_msg *msg)
{
    sip_resp_h *resph = leg->reinvite_resph;

    tmr_cancel(&leg->tmr_reinvite);
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

static void reinvite_resp(int err, const struct sip_msg *msg, void *arg)
{
    struct leg *leg = arg;

    if (!err && msg->scode < 200)
        leg->reinvite_heard = true;
    else
        reinvite_over(leg, err, msg);
}

/* A peer that says 1xx and no more holds up every other exchange of the dialog. */
static void patience_h(void *arg)
{
    struct leg *leg = mem_ref(arg);

    if (!leg->reinvite ||
        !leg->reinvite_heard) { /* without 1xx the transaction ends by itself (RFC 3261 17.1.1.2) */
        mem_deref(leg);
        return;
    }
    if (!leg->reinvite_cancelled) {
        leg->reinvite_cancelled = true;
        (void)leg_tx_hop(leg, leg->reinvite, "CANCEL", NULL);
        tmr_start(&leg->tmr_reinvite, PATIENCE_S * (uint64_t)leg_second, patience_h, leg);
    } else {
        leg->reinvite = mem_deref(leg->reinvite);
        reinvite_over(leg, ECONNABORTED, NULL);
        leg_reoffer_go(leg);
    }
    leg_settle(leg);
    mem_deref(leg);
}

static int reinvite(struct leg *leg, const char *sdp, sip_resp_h *resph)
{
    struct mbuf *tail = NULL;
    int err;

    leg->reinvite_resph = resph;
    leg->reinvite_heard = leg->reinvite_cancelled = false;
    err = leg_tail(&tail, leg, "", "application/sdp", sdp);
    if (!err)
        err = leg_tx_send(leg, leg->dlg, "INVITE", tail, reinvite_resp, leg, &leg->reinvite);
    if (!err) {
        offer_out(&leg->offer, OFFER_REQUEST, sdp);
        tmr_start(&leg->tmr_reinvite, PATIENCE_S * (uint64_t)leg_second, patience_h, leg);
    }
    mem_deref(tail);
    return err;
}

static bool may_offer(const struct leg *leg)
{
    return leg->state == LEG_CONFIRMED && !leg->reinvite && !leg->replyl.head && !offer_crosses(&leg->offer);
}

int leg_reinvite(struct leg *leg, sip_resp_h *resph)
{
    if (!leg->offer.ours)
        return ENOENT;
    return may_offer(leg) ? reinvite(leg, leg->offer.ours, resph) : EAGAIN;
}

uint64_t leg_glare_ms(const struct leg *leg)
{
    return leg->client ? 2100 + rnd_u32() % 191 * 10 : rnd_u32() % 201 * 10;
}

/* --- something new to say --- */

enum leg_reoffer_state {
    REOFFER_SILENT,
    REOFFER_DUE,    /* as soon as it may be */
    REOFFER_ASKING, /* the re-INVITE is under way */
    REOFFER_STALE,  /* … and another one is to follow */
    REOFFER_WAITING /* until tmr_reoffer */
};

static const struct fsm_state states[] = {
    [REOFFER_SILENT] = {"silent", FSM(REOFFER_DUE)},
    [REOFFER_DUE] = {"due", FSM(REOFFER_ASKING) | FSM(REOFFER_SILENT) | FSM(REOFFER_WAITING)},
    [REOFFER_ASKING] = {"asking", FSM(REOFFER_SILENT) | FSM(REOFFER_STALE) | FSM(REOFFER_WAITING)},
    [REOFFER_STALE] = {"stale", FSM(REOFFER_DUE) | FSM(REOFFER_WAITING)},
    [REOFFER_WAITING] = {"waiting", FSM(REOFFER_DUE)},
};

static bool reoffer_holds(unsigned state, const void *obj)
{
    const struct leg *leg = obj;

    return state != REOFFER_WAITING || tmr_isrunning(&leg->tmr_reoffer);
}

FSM_DEFINE(machine, "reoffer", states, reoffer_holds);

static void enter(struct leg *leg, enum leg_reoffer_state to)
{
    (void)fsm_move(&machine, &leg->reoffer, to, leg, leg->label);
}

static void waited_h(void *arg)
{
    struct leg *leg = mem_ref(arg);

    enter(leg, REOFFER_DUE);
    leg_reoffer_go(leg);
    leg_settle(leg);
    mem_deref(leg);
}

static void wait_ms(struct leg *leg, uint64_t ms)
{
    tmr_start(&leg->tmr_reoffer, ms, waited_h, leg);
    enter(leg, REOFFER_WAITING);
}

/* For a 500 or 503 that says so: RFC 3261 14.2, 21.5.4. 0: it does not, or for too long. */
static uint64_t retry_after_ms(const struct sip_msg *msg)
{
    const struct sip_hdr *hdr = msg ? sip_msg_hdr(msg, SIP_HDR_RETRY_AFTER) : NULL;
    struct pl num;

    if (!hdr || (msg->scode != 500 && msg->scode != 503) ||
        re_regex(hdr->val.p, hdr->val.l, "[0-9]+", &num) || num.l > 2 || pl_u32(&num) > RETRY_AFTER_MAX)
        return 0;
    return MAX(pl_u32(&num), 1U) * (uint64_t)leg_second;
}

static void reoffered_h(int err, const struct sip_msg *msg, void *arg)
{
    const uint16_t code = err ? 408 : msg->scode;
    struct leg *leg = arg;
    uint64_t ms = code == 491 ? leg_glare_ms(leg) : retry_after_ms(msg);
    bool again;

    if (code < 300) {
        leg->reoffer_tries = 0;
        leg_terms_agreed(leg, msg);
        leg_timer_start(leg);
    }
    if (code >= 300 && ms && leg->reoffer_tries++ < TRIES_MAX) {
        wait_ms(leg, ms);
        return;
    }
    again = leg->h && leg->h->reoffered && leg->h->reoffered(leg, code, leg->arg) &&
            leg->reoffer_tries++ < TRIES_MAX;
    if (leg->reoffer == REOFFER_STALE)
        enter(leg, REOFFER_DUE); /* leg_reoffer_go() comes behind this */
    else if (again)
        wait_ms(leg, LATER_MS);
    else
        enter(leg, REOFFER_SILENT);
}

void leg_reoffer_go(struct leg *leg)
{
    char *sdp;

    if (leg->reoffer != REOFFER_DUE || !leg->h || !may_offer(leg))
        return;
    /* one that was handed over on its way out has nothing to say any more */
    sdp = leg->h->describe ? leg->h->describe(leg, leg->arg) : NULL;
    if (!sdp) {
        enter(leg, REOFFER_SILENT);
    } else if (reinvite(leg, sdp, reoffered_h)) { /* no room or no way: both may come back */
        if (leg->h && leg->h->reoffered(leg, 503, leg->arg) && leg->reoffer_tries++ < TRIES_MAX)
            wait_ms(leg, LATER_MS);
        else
            enter(leg, REOFFER_SILENT);
    } else {
        enter(leg, REOFFER_ASKING);
    }
    mem_deref(sdp);
}

void leg_reoffer(struct leg *leg)
{
    if (!leg)
        return;
    leg->reoffer_tries = 0;
    if (leg->reoffer == REOFFER_ASKING)
        enter(leg, REOFFER_STALE);
    else if (leg->reoffer == REOFFER_SILENT)
        enter(leg, REOFFER_DUE);
    leg_reoffer_go(leg);
}
