/* dialog/leg: the server's half: INVITEs to us, requests in dialogs, 2xx until its ACK. */
#include "dialog/legin.h"
#include "core/log.h"
#include "core/rnd.h"
#include "dialog/leginvite.h"
#include "dialog/legprack.h"
#include "dialog/legterms.h"
#include "dialog/legtimer.h"
#include "dialog/legtx.h"
#include <errno.h>
#include <string.h>

struct leg_2xx { /* a 2xx to INVITE, sent again until its ACK comes (RFC 3261 13.3.1.4) */
    struct le le;
    struct tmr tmr, tmr_again;
    struct leg *leg;
    struct mbuf *mb;
    struct sip_msg *msg;
    struct sa dst;
    uint32_t txc;
};

static void leg_2xx_destructor(void *arg)
{
    struct leg_2xx *r = arg;

    list_unlink(&r->le);
    tmr_cancel(&r->tmr);
    tmr_cancel(&r->tmr_again);
    mem_deref(r->mb);
    mem_deref(r->msg);
}

static void no_ack_h(void *arg)
{
    struct leg_2xx *r = arg;
    struct leg *leg = mem_ref(r->leg);

    mem_deref(r);
    if (leg->state == LEG_ANSWERED || leg->state == LEG_CONFIRMED) {
        (void)leg_bye(leg);
        leg_tell_ended(leg, LEG_LOST, 408, "No ACK", NULL);
    }
    leg_settle(leg);
    mem_deref(leg);
}

static void again_h(void *arg)
{
    struct leg_2xx *r = arg;

    (void)sip_send(r->leg->legs->sip, r->msg->sock, r->msg->tp, &r->dst, r->mb);
    r->txc++;
    tmr_start(&r->tmr_again, MIN((uint64_t)SIP_T1 << MIN(r->txc, 4U), (uint64_t)SIP_T2), again_h, r);
}

/* Answers an INVITE 2xx and keeps it until the ACK. */
static int send_2xx(struct leg *leg, struct sip_strans **stp, const struct sip_msg *msg, const char *hdrs,
                    const char *sdp)
{
    struct leg_2xx *r = mem_zalloc(sizeof(*r), leg_2xx_destructor);
    struct pl rport;
    int err;

    if (!r)
        return ENOMEM;
    r->leg = leg;
    r->msg = mem_ref((void *)msg);
    sip_reply_addr(&r->dst, msg, !msg_param_exists(&msg->via.params, "rport", &rport));
    err = sip_treplyf(stp, &r->mb, leg->legs->sip, msg, !leg->route.ws_conn, 200, "OK",
                      "Contact: <%s>\r\nAllow: " LEG_ALLOW "\r\nSupported: timer, replaces\r\n"
                      "%H%s%sContent-Length: %zu\r\n\r\n%s",
                      leg->contact, leg_terms_print, leg, hdrs,
                      sdp ? "Content-Type: application/sdp\r\n" : "", str_len(sdp), sdp);
    if (err) {
        mem_deref(r);
        return err;
    }
    offer_out(&leg->offer, OFFER_SUCCESS, sdp);
    list_append(&leg->replyl, &r->le, r);
    tmr_start(&r->tmr, 64 * SIP_T1, no_ack_h, r);
    tmr_start(&r->tmr_again, SIP_T1, again_h, r);
    leg_timer_start(leg);
    return 0;
}

static void cancel_h(void *arg)
{
    struct leg *leg = mem_ref(arg);

    if (leg->state == LEG_INCOMING) {
        (void)sip_treply(&leg->strans, leg->legs->sip, leg->msg, 487, "Request Terminated");
        leg_enter(leg, LEG_DEAD);
        leg_tell_ended(leg, LEG_CANCELLED, 487, "Request Terminated", leg->cancel);
    }
    leg_settle(leg);
    mem_deref(leg);
}

int leg_accept(struct leg **lp, struct legs *ls, const struct leg_config *cfg, const struct sip_msg *msg,
               const struct leg_handlers *h, void *arg)
{
    struct leg *leg = NULL;
    int err;

    err = leg_new(&leg, ls, LEG_INCOMING, cfg, h, arg);
    if (err)
        return err;
    leg->msg = mem_ref((void *)msg);
    err = sip_dialog_accept(&leg->dlg, msg);
    if (err)
        goto out;
    err = leg_rel_begin(leg, msg);
    if (err)
        goto out;
    leg_learn(leg, msg);
    offer_in(&leg->offer, OFFER_REQUEST, leg_describes(msg));
    if (!leg_terms_asked(leg, msg)) {
        err = EACCES;
        goto out;
    }
    err = sip_strans_alloc(&leg->strans, ls->sip, msg, cancel_h, leg);
    if (err)
        goto out;
    err = sip_treply(&leg->strans, ls->sip, msg, 100, "Trying");
    if (err)
        goto out;
    leg_hash(leg, sip_dialog_callid(leg->dlg));

out:
    if (err)
        mem_deref(leg);
    else
        *lp = leg;
    return err;
}

/* --- ringing --- */

enum { RING_AGAIN_MS = 1000, RING_AGAIN_MAX_MS = 60000 };

static void ring_again_h(void *arg);

static void ring_over(struct leg *leg)
{
    leg->rung = mem_deref(leg->rung);
    tmr_cancel(&leg->tmr);
}

/* An unreliable 18x that UDP loses would leave its caller without our tag, and a desktop unable to answer: it goes again, less and less
 * often; once a minute is asked for anyway (RFC 3261 13.3.1.1). */
static void ring_soon(struct leg *leg, uint32_t ms)
{
    leg->rung_ms = MIN(ms, (uint32_t)RING_AGAIN_MAX_MS);
    if (leg->msg->tp == SIP_TRANSP_UDP)
        tmr_start(&leg->tmr, leg->rung_ms, ring_again_h, leg);
}

static void ring_again_h(void *arg)
{
    struct leg *leg = arg;
    struct pl rport;
    struct sa dst;

    if (leg->state != LEG_INCOMING || !leg->rung)
        return;
    sip_reply_addr(&dst, leg->msg, !msg_param_exists(&leg->msg->via.params, "rport", &rport));
    (void)sip_send(leg->legs->sip, leg->msg->sock, leg->msg->tp, &dst, leg->rung);
    ring_soon(leg, leg->rung_ms * 2);
}

int leg_progress(struct leg *leg, uint16_t code, const char *phrase, const char *hdrs, const char *sdp)
{
    int err;

    if (!leg || leg->state != LEG_INCOMING || !leg->strans)
        return EINVAL;
    if (leg->rel)
        return leg_rel_progress(leg, code, phrase, hdrs, sdp);
    offer_out(&leg->offer, OFFER_PROVISIONAL, sdp);
    ring_over(leg);
    err = sip_treplyf(&leg->strans, &leg->rung, leg->legs->sip, leg->msg, !leg->route.ws_conn, code, phrase,
                      "Contact: <%s>\r\n%s%sContent-Length: %zu\r\n\r\n%s", leg->contact, hdrs,
                      sdp ? "Content-Type: application/sdp\r\n" : "", str_len(sdp), sdp);
    if (!err)
        ring_soon(leg, RING_AGAIN_MS);
    return err;
}

int leg_answer(struct leg *leg, const char *hdrs, const char *sdp)
{
    int err;

    if (!leg || leg->state != LEG_INCOMING || !leg->strans)
        return EINVAL;
    ring_over(leg);
    if (leg_rel_answer(leg, hdrs, sdp))
        return 0;
    if (leg->offer.state == OFFER_AGREED)
        sdp = NULL;
    else if (!sdp)
        sdp = leg->offer.ours;
    err = send_2xx(leg, &leg->strans, leg->msg, hdrs, sdp);
    leg_enter(leg, err ? LEG_DEAD : LEG_ANSWERED);
    return err;
}

int leg_reply(struct leg *leg, const struct sip_msg *msg, uint16_t code, const char *phrase, const char *hdrs,
              const char *ctype, const char *body)
{
    bool invite = !pl_strcmp(&msg->met, "INVITE");
    bool refresh = invite || !pl_strcmp(&msg->met, "UPDATE"), prack = !pl_strcmp(&msg->met, "PRACK");

    if (refresh && code >= 200 && code < 300)
        leg_retarget(leg, msg);
    if (invite && code >= 200 && code < 300)
        return send_2xx(leg, NULL, msg, hdrs ? hdrs : "", body);
    if (invite || ((refresh || prack) && leg_describes(msg)))
        offer_out(&leg->offer, code < 300 ? OFFER_SUCCESS : OFFER_REFUSAL, body);
    if (refresh && code == 200)
        leg_timer_start(leg);
    else if (refresh)
        leg_terms_restore(leg);
    return sip_treplyf(NULL, NULL, leg->legs->sip, msg, false, code, phrase,
                       "Contact: <%s>\r\n%H%s%s%s%sContent-Length: %zu\r\n\r\n%s", leg->contact,
                       refresh && code == 200 ? leg_terms_print : NULL, leg, hdrs ? hdrs : "",
                       body ? "Content-Type: " : "", body ? ctype : "", body ? "\r\n" : "", str_len(body),
                       body);
}

/* --- what comes in --- */

static bool same_dialog(struct le *le, void *arg)
{
    const struct leg *leg = le->data;
    const struct sip_msg *msg = arg;

    if (leg->dlg && sip_dialog_cmp(leg->dlg, msg))
        return true;
    return leg->half && sip_dialog_cmp_half(leg->half, msg);
}

static struct leg *legs_find(const struct legs *ls, const struct sip_msg *msg)
{
    return list_ledata(hash_lookup(ls->ht, hash_joaat_pl(&msg->callid), same_dialog, (void *)msg));
}

/* Runs before libre's server transactions: keeps the CANCEL for its Reason, lets it pass. */
bool leg_cancel_seen(const struct sip_msg *msg, void *arg)
{
    struct legs *ls = arg;
    struct le *le;

    if (pl_strcmp(&msg->met, "CANCEL"))
        return false;
    LIST_FOREACH(hash_list(ls->ht, hash_joaat_pl(&msg->callid)), le)
    {
        struct leg *leg = le->data;

        if (leg->state != LEG_INCOMING || leg->cancel || pl_cmp(&leg->msg->via.branch, &msg->via.branch) ||
            pl_cmp(&leg->msg->via.sentby, &msg->via.sentby))
            continue;
        leg->cancel = mem_ref((void *)msg);
    }
    return false;
}

/* --- a re-INVITE that comes too early --- */

enum { PARKED_MS = 2000 };

static void reinvite(struct leg *leg, const struct sip_msg *msg);

/* Answers what is parked, if something is: it can't be served any more. */
static void unpark(struct leg *leg, uint16_t code, const char *phrase)
{
    struct sip_msg *msg = leg->parked;

    leg->parked = NULL;
    tmr_cancel(&leg->tmr_parked);
    if (msg)
        (void)sip_treply(NULL, leg->legs->sip, msg, code, phrase);
    mem_deref(msg);
}

static void parked_h(void *arg)
{
    unpark(arg, 491, "Request Pending");
}

/*
 * The ACK with the answer to our offer is on its way, and mostly a moment behind: who sent the re-INVITE knows of no collision. Two losses
 * of the ACK are waited for.
 */
static void park(struct leg *leg, const struct sip_msg *msg)
{
    if (leg->parked && leg->parked->cseq.num == msg->cseq.num) /* sent again */
        return;
    unpark(leg, 491, "Request Pending");
    leg->parked = mem_ref((void *)msg);
    tmr_start(&leg->tmr_parked, PARKED_MS, parked_h, leg);
}

static void parked_serve(struct leg *leg)
{
    struct sip_msg *msg = leg->parked;

    leg->parked = NULL;
    tmr_cancel(&leg->tmr_parked);
    if (msg && leg->h)
        reinvite(leg, msg);
    mem_deref(msg);
}

static void ack(struct leg *leg, const struct sip_msg *msg)
{
    const bool awaited = offer_is_ours(&leg->offer);
    struct leg_2xx *r = NULL;
    struct le *le;

    LIST_FOREACH(&leg->replyl, le)
    {
        struct leg_2xx *one = le->data;

        if (one->msg->cseq.num == msg->cseq.num)
            r = one;
    }
    if (!r)
        return;
    mem_deref(r);
    offer_in(&leg->offer, OFFER_ACK, leg_describes(msg));
    if (leg->state == LEG_ANSWERED)
        leg_enter(leg, LEG_CONFIRMED);
    if (leg->state == LEG_CONFIRMED && leg->ending)
        (void)leg_bye(leg);
    else if (awaited && leg->h && leg->h->reanswered)
        leg->h->reanswered(leg, msg, leg->arg);
    parked_serve(leg);
}

static void bye(struct leg *leg, const struct sip_msg *msg)
{
    bool early;

    (void)sip_treplyf(NULL, NULL, leg->legs->sip, msg, false, 200, "OK", NULL);
    if (leg->state == LEG_DEAD)
        return;
    if (leg->state ==
        LEG_PROCEEDING) { /* a callee may not (RFC 3261 15), and its INVITE goes on: CANCEL it */
        leg_tell_ended(leg, LEG_BYE, 480, "Early BYE", msg);
        leg_end(leg, 0, "", "");
        return;
    }
    unpark(leg, 487, "Request Terminated");
    early = leg->strans != NULL;
    if (early)
        (void)sip_treply(&leg->strans, leg->legs->sip, leg->msg, 487, "Request Terminated");
    leg_enter(leg, LEG_DEAD);
    tmr_cancel(&leg->tmr_session);
    list_flush(&leg->replyl);
    leg_tell_ended(leg, LEG_BYE, early ? 487 : 200, early ? "Request Terminated" : "OK", msg);
}

/*
 * A re-INVITE may overtake the ACK of our last 2xx (RFC 5407 3.1.4, 3.1.5): whoever sends it has that 2xx, so that it is not sent again.
 * Only an answer that the ACK is to bring has to be waited for: then it is parked.
 */
static void reinvite(struct leg *leg, const struct sip_msg *msg)
{
    if (leg->strans) { /* RFC 3261 14.2 */
        (void)sip_treplyf(NULL, NULL, leg->legs->sip, msg, false, 500, "Server Internal Error",
                          "Retry-After: 3\r\nContent-Length: 0\r\n\r\n");
        return;
    }
    if (offer_is_ours(&leg->offer) && leg->replyl.head && !leg->reinvite) {
        park(leg, msg);
        return;
    }
    if (leg->invite || leg->reinvite || offer_is_ours(&leg->offer)) {
        (void)sip_treply(NULL, leg->legs->sip, msg, 491, "Request Pending");
        return;
    }
    if (!leg_terms_asked(leg, msg))
        return;
    list_flush(&leg->replyl);
    if (leg->state == LEG_ANSWERED)
        leg_enter(leg, LEG_CONFIRMED);
    offer_in(&leg->offer, OFFER_REQUEST, leg_describes(msg));
    leg->h->request(leg, msg, leg->arg);
}

/* One without an offer, for the session timer, crosses nothing (RFC 3311 5.2). */
static void update(struct leg *leg, const struct sip_msg *msg)
{
    const bool offers = leg_describes(msg);
    const uint16_t code = offers ? offer_crosses(&leg->offer) : 0;

    if (code == 491) {
        (void)sip_treply(NULL, leg->legs->sip, msg, 491, "Request Pending");
    } else if (code) {
        (void)sip_treplyf(NULL, NULL, leg->legs->sip, msg, false, 500, "Server Internal Error",
                          "Retry-After: %u\r\nContent-Length: 0\r\n\r\n", rnd_u32() % 11);
    } else if (leg_terms_asked(leg, msg)) {
        offer_in(&leg->offer, OFFER_REQUEST, offers);
        leg->h->request(leg, msg, leg->arg);
    }
}

static void in_dialog(struct leg *leg, const struct sip_msg *msg)
{
    struct sip *sip = leg->legs->sip;

    if (leg->h && !leg->h->permit(leg, msg, leg->arg)) {
        (void)sip_treply(NULL, sip, msg, 403, "Forbidden");
        return;
    }
    leg_learn(leg, msg);
    if (!pl_strcmp(&msg->met, "ACK")) {
        ack(leg, msg);
        return;
    }
    if (!leg->dlg || !sip_dialog_cmp(leg->dlg, msg)) {
        (void)sip_treply(NULL, sip, msg, 481, "Call/Transaction Does Not Exist");
        return;
    }
    if (!sip_dialog_rseq_valid(leg->dlg, msg)) {
        (void)sip_treply(NULL, sip, msg, 500, "Server Internal Error");
        return;
    }
    if (!pl_strcmp(&msg->met, "BYE")) {
        bye(leg, msg);
        return;
    }
    if (!leg->h) { /* we have hung up already */
        (void)sip_treply(NULL, sip, msg, 481, "Call/Transaction Does Not Exist");
        return;
    }
    if (!pl_strcmp(&msg->met, "INVITE"))
        reinvite(leg, msg);
    else if (!pl_strcmp(&msg->met, "OPTIONS"))
        (void)leg_reply(leg, msg, 200, "OK", "Allow: " LEG_ALLOW "\r\n", NULL, NULL);
    else if (!pl_strcmp(&msg->met, "UPDATE"))
        update(leg, msg);
    else if (!pl_strcmp(&msg->met, "PRACK"))
        leg_rel_prack(leg, msg);
    else
        leg->h->request(leg, msg, leg->arg);
}

bool leg_request_h(const struct sip_msg *msg, void *arg)
{
    struct legs *ls = arg;
    struct leg *leg;

    if (!pl_isset(&msg->to.tag)) {
        if (pl_strcmp(&msg->met, "INVITE"))
            return false;
        ls->inviteh(msg, ls->arg);
        return true;
    }
    leg = mem_ref(legs_find(ls, msg));
    if (!leg)
        return false; /* the stack answers 481 */
    in_dialog(leg, msg);
    leg_reoffer_go(leg);
    leg_settle(leg);
    mem_deref(leg);
    return true;
}

/*
 * What no transaction takes: answers to an INVITE that was given up; a 2xx sent again, or from another branch of a fork
 * (RFC 3261 13.2.2.4).
 */
bool leg_response_h(const struct sip_msg *msg, void *arg)
{
    struct legs *ls = arg;
    struct leg *leg;

    if (pl_strcmp(&msg->cseq.met, "INVITE"))
        return false;
    leg = mem_ref(legs_find(ls, msg));
    if (!leg)
        return false;
    if (leg->state == LEG_GIVEN_UP)
        leg_given_up(leg, msg);
    else if (msg->scode < 200 || msg->scode > 299 || leg->invite)
        ;
    else if (leg->dlg && sip_dialog_cmp(leg->dlg, msg) && leg->ack && leg->ack_cseq == msg->cseq.num)
        (void)sip_send(ls->sip, NULL, leg->ack_tp, &leg->ack_dst, leg->ack);
    else if (leg->half && !sip_dialog_cmp(leg->dlg, msg))
        leg_refuse_fork(leg, msg);
    leg_settle(leg);
    mem_deref(leg);
    return true;
}
