#include "dialog/legtimer.h"
#include "core/log.h"
#include "dialog/legterms.h"
#include "dialog/legtx.h"
#include <errno.h>

enum { AGAIN_S = 10 };

static void session_h(void *arg);
static void refresh(struct leg *leg);

static void wait_ms(struct leg *leg, uint64_t ms)
{
    tmr_start(&leg->tmr_session, ms, session_h, leg);
}

static void again(struct leg *leg)
{
    const uint32_t half = MAX(leg->terms.expires / 2, (uint32_t)AGAIN_S);

    leg->timer_again_s = MIN(leg->timer_again_s ? leg->timer_again_s * 2 : (uint32_t)AGAIN_S, half);
    wait_ms(leg, (uint64_t)leg->timer_again_s * leg_second);
}

static void refreshed_h(int err, const struct sip_msg *msg, void *arg)
{
    const uint16_t code = err ? 0 : msg->scode;
    struct leg *leg = arg;

    if ((!err && code < 200) || (leg->state != LEG_CONFIRMED && leg->state != LEG_ANSWERED))
        return;
    if (code >= 200 && code < 300) {
        leg_retarget(leg, msg);
        leg_terms_agreed(leg, msg);
        leg_timer_start(leg);
    } else if ((code == 405 || code == 501) && !pl_strcmp(&msg->cseq.met, "UPDATE")) {
        leg->allow.seen = true; /* whatever it says */
        leg->allow.update = false;
        refresh(leg);
    } else if (code == 491) {
        wait_ms(leg, leg_glare_ms(leg));
    } else {
        again(leg);
    }
}

static void refresh(struct leg *leg)
{
    const bool update = !leg->allow.seen || leg->allow.update;
    int err = update ? leg_request(leg, "UPDATE", "", NULL, NULL, refreshed_h, leg)
                     : leg_reinvite(leg, refreshed_h);

    if (err)
        again(leg);
}

static void session_h(void *arg)
{
    struct leg *leg = mem_ref(arg);

    if (leg->state != LEG_CONFIRMED && leg->state != LEG_ANSWERED) {
        mem_deref(leg);
        return;
    }
    if (leg->terms.we_refresh) {
        refresh(leg);
    } else {
        log_warn("call", "%s sip_call_id=\"%s\" session timer expired", leg->label, leg_callid(leg));
        if (!leg->end_hdrs)
            (void)str_dup(&leg->end_hdrs, "Reason: SIP;cause=408;text=\"Session timer expired\"\r\n");
        (void)leg_bye(leg);
        leg_tell_ended(leg, LEG_LOST, 408, "Session timer expired", NULL);
    }
    leg_settle(leg);
    mem_deref(leg);
}

void leg_timer_start(struct leg *leg)
{
    uint64_t s = leg->terms.expires;

    leg->timer_again_s = 0;
    if (!s) {
        tmr_cancel(&leg->tmr_session);
        return;
    }
    s = leg->terms.we_refresh ? s / 2 : s - MIN(s / 3, (uint64_t)32);
    wait_ms(leg, s * leg_second);
}
