#include "dialog/legpriv.h"
#include "core/log.h"
#include "core/rnd.h"
#include <errno.h>

enum { AGAIN_S = 10 };

uint32_t leg_timer_second = 1000;

/* --- terms --- */

static uint32_t seconds(const struct sip_msg *msg, enum sip_hdrid id)
{
    const struct sip_hdr *hdr = sip_msg_hdr(msg, id);
    uint64_t n;
    struct pl num;

    if (!hdr || re_regex(hdr->val.p, hdr->val.l, "[0-9]+", &num))
        return 0;
    n = num.l > 10 ? UINT32_MAX : pl_u64(&num);
    return (uint32_t)MIN(n, (uint64_t)UINT32_MAX);
}

static bool uas_refreshes(const struct sip_msg *msg)
{
    const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_SESSION_EXPIRES);
    struct pl who = PL_INIT;

    return hdr && !msg_param_decode(&hdr->val, "refresher", &who) && !pl_strcasecmp(&who, "uas");
}

/* RFC 4028 9 with its table 2: a peer without the extension cannot refresh and cannot read a 422. */
bool leg_timer_asked(struct leg *leg, const struct sip_msg *msg)
{
    const uint32_t expires = seconds(msg, SIP_HDR_SESSION_EXPIRES), min = seconds(msg, SIP_HDR_MIN_SE);
    struct leg_timer *t = &leg->timer;

    leg->timer_was = *t;
    t->peer_can = sip_msg_hdr_has_value(msg, SIP_HDR_SUPPORTED, "timer") ||
                  sip_msg_hdr_has_value(msg, SIP_HDR_REQUIRE, "timer");
    if (!expires) { /* none: what could end the call is off, what keeps it goes on */
        if (!t->we_refresh)
            t->expires = 0;
        return true;
    }
    if (expires < LEG_SE_MIN && t->peer_can) {
        leg_timer_restore(leg);
        (void)sip_treplyf(leg->strans ? &leg->strans : NULL, NULL, leg->legs->sip, msg, false, 422,
                          "Session Interval Too Small", "Min-SE: %u\r\nContent-Length: 0\r\n\r\n",
                          LEG_SE_MIN);
        return false;
    }
    t->expires = MIN(MAX(expires, (uint32_t)LEG_SE_MIN), MAX((uint32_t)LEG_SE_MAX, min));
    t->we_refresh = !t->peer_can || uas_refreshes(msg);
    return true;
}

void leg_timer_restore(struct leg *leg)
{
    leg->timer = leg->timer_was;
}

void leg_timer_agreed(struct leg *leg, const struct sip_msg *msg)
{
    const uint32_t expires = seconds(msg, SIP_HDR_SESSION_EXPIRES);
    struct leg_timer *t = &leg->timer;

    if (expires) {
        t->expires = MAX(expires, (uint32_t)LEG_SE_MIN);
        t->we_refresh = !uas_refreshes(msg);
    } else if (!t->we_refresh) {
        t->expires = 0;
    }
}

bool leg_timer_raise(struct leg *leg, const struct sip_msg *msg)
{
    const uint32_t min = seconds(msg, SIP_HDR_MIN_SE);

    if (min <= leg->timer.expires)
        return false;
    leg->timer.min = min;
    leg->timer.expires = min;
    return true;
}

int leg_timer_print(struct re_printf *pf, const struct leg *leg)
{
    const struct leg_timer *t = leg ? &leg->timer : NULL;

    if (!t || !t->expires)
        return 0;
    return re_hprintf(pf, "%sSession-Expires: %u;refresher=%s\r\n", t->we_refresh ? "" : "Require: timer\r\n",
                      t->expires, t->we_refresh ? "uas" : "uac");
}

/* In the INVITE that opens the dialog the peer chooses who refreshes (RFC 4028 7.1). */
int leg_timer_print_request(struct re_printf *pf, const struct leg *leg)
{
    const struct leg_timer *t = &leg->timer;
    const char *refresher = t->we_refresh ? ";refresher=uac" : ";refresher=uas";
    int err = re_hprintf(pf, "Supported: timer\r\n");

    if (!t->expires)
        return err;
    if (leg->state == LEG_CALLING || leg->state == LEG_PROCEEDING)
        refresher = "";
    return err | re_hprintf(pf, "Session-Expires: %u%s\r\nMin-SE: %u\r\n", t->expires, refresher,
                            MAX(t->min, (uint32_t)LEG_SE_MIN));
}

/* --- refreshing --- */

static void session_h(void *arg);
static void refresh(struct leg *leg);

static void wait_ms(struct leg *leg, uint64_t ms)
{
    tmr_start(&leg->tmr_session, ms, session_h, leg);
}

static void again(struct leg *leg)
{
    const uint32_t half = MAX(leg->timer.expires / 2, (uint32_t)AGAIN_S);

    leg->timer_again_s = MIN(leg->timer_again_s ? leg->timer_again_s * 2 : (uint32_t)AGAIN_S, half);
    wait_ms(leg, (uint64_t)leg->timer_again_s * leg_timer_second);
}

/* Both sides asked at once: who made the Call-ID waits longer (RFC 3261 14.1), in steps of 10 ms. */
static void glare(struct leg *leg)
{
    wait_ms(leg, leg->client ? 2100 + rnd_u32() % 191 * 10 : rnd_u32() % 201 * 10);
}

static void refreshed_h(int err, const struct sip_msg *msg, void *arg)
{
    struct leg *leg = arg;

    if ((!err && msg->scode < 200) || (leg->state != LEG_CONFIRMED && leg->state != LEG_ANSWERED))
        return;
    if (err) {
        again(leg);
    } else if (msg->scode < 300) {
        leg_retarget(leg, msg);
        leg_timer_agreed(leg, msg);
        leg_timer_start(leg);
    } else if (!pl_strcmp(&msg->cseq.met, "UPDATE") && (msg->scode == 405 || msg->scode == 501)) {
        leg->allow.seen = true; /* whatever it says */
        leg->allow.update = false;
        refresh(leg);
    } else if (msg->scode == 491) {
        glare(leg);
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
    if (leg->timer.we_refresh) {
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
    uint64_t s = leg->timer.expires;

    leg->timer_again_s = 0;
    if (!s) {
        tmr_cancel(&leg->tmr_session);
        return;
    }
    s = leg->timer.we_refresh ? s / 2 : s - MIN(s / 3, (uint64_t)32);
    wait_ms(leg, s * leg_timer_second);
}
