/* dialog/leg: session timer (RFC 4028). A call whose peer has died must end even when nobody sends BYE. */
#include "dialog/legpriv.h"
#include "core/log.h"
#include <errno.h>

enum { SESSION_EXPIRES_MAX = 7200, SESSION_AGAIN_S = 10 };

uint32_t leg_timer_second = 1000;

bool leg_timer_terms(struct leg *leg, const struct sip_msg *msg)
{
    const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_SESSION_EXPIRES);
    struct pl num, refresher = PL_INIT;
    bool uac;

    leg->expires_was = leg->expires;
    leg->we_refresh_was = leg->we_refresh;
    leg->expires = 0;
    leg->we_refresh = false;
    if (!hdr)
        return true;
    if (re_regex(hdr->val.p, hdr->val.l, "[0-9]+", &num))
        return true;
    leg->expires = MIN(pl_u32(&num), (uint32_t)SESSION_EXPIRES_MAX);
    if (leg->expires < SESSION_EXPIRES_MIN) {
        leg->expires = msg->req ? 0 : SESSION_EXPIRES_MIN;
        if (!msg->req)
            return true;
        (void)sip_treplyf(leg->strans ? &leg->strans : NULL, NULL, leg->legs->sip, msg, false, 422,
                          "Session Interval Too Small", "Min-SE: %u\r\nContent-Length: 0\r\n\r\n",
                          SESSION_EXPIRES_MIN);
        leg_timer_restore(leg);
        return false;
    }
    (void)msg_param_decode(&hdr->val, "refresher", &refresher);
    uac = pl_strcasecmp(&refresher, "uas") != 0;
    leg->we_refresh = msg->req ? !uac : uac;
    return true;
}

void leg_timer_restore(struct leg *leg)
{
    leg->expires = leg->expires_was;
    leg->we_refresh = leg->we_refresh_was;
}

static void session_h(void *arg);

/* 481 and silence end the leg; a peer without UPDATE is left alone; any other refusal may pass. */
static void refreshed_h(int err, const struct sip_msg *msg, void *arg)
{
    struct leg *leg = arg;

    if (leg->state != LEG_CONFIRMED)
        return;
    if (!err && (msg->scode < 300 || msg->scode == 405 || msg->scode == 501))
        leg_timer_start(leg);
    else
        tmr_start(&leg->tmr_session, SESSION_AGAIN_S * leg_timer_second, session_h, leg);
}

static void session_h(void *arg)
{
    struct leg *leg = mem_ref(arg);
    char hdrs[96];

    if (leg->state != LEG_CONFIRMED && leg->state != LEG_ANSWERED) {
        mem_deref(leg);
        return;
    }
    if (leg->we_refresh) {
        (void)re_snprintf(hdrs, sizeof(hdrs), "Supported: timer\r\nSession-Expires: %u;refresher=uac\r\n",
                          leg->expires);
        if (leg_request(leg, "UPDATE", hdrs, NULL, NULL, refreshed_h, leg))
            tmr_start(&leg->tmr_session, SESSION_AGAIN_S * leg_timer_second, session_h, leg);
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
    uint64_t s = leg->expires;

    if (!s) {
        tmr_cancel(&leg->tmr_session);
        return;
    }
    s = leg->we_refresh ? s / 2 : s - MIN(s / 3, (uint64_t)32);
    tmr_start(&leg->tmr_session, s * leg_timer_second, session_h, leg);
}

int leg_timer_print(struct re_printf *pf, const struct leg *leg)
{
    if (!leg || !leg->expires)
        return 0;
    return re_hprintf(pf, "%sSession-Expires: %u;refresher=%s\r\n",
                      leg->we_refresh ? "" : "Require: timer\r\n", leg->expires,
                      leg->we_refresh ? "uas" : "uac");
}
