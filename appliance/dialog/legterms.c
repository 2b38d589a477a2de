#include "dialog/legpriv.h"
#include "dialog/legterms.h"

/* 0: there are none; none at all is what nobody can mean, so that 0 is a second, and too short. */
static uint32_t seconds(const struct sip_msg *msg, enum sip_hdrid id)
{
    const struct sip_hdr *hdr = sip_msg_hdr(msg, id);
    uint64_t n;
    struct pl num;

    if (!hdr || re_regex(hdr->val.p, hdr->val.l, "[0-9]+", &num))
        return 0;
    n = num.l > 10 ? UINT32_MAX : pl_u64(&num);
    return (uint32_t)MIN(MAX(n, (uint64_t)1), (uint64_t)UINT32_MAX);
}

static bool uas_refreshes(const struct sip_msg *msg)
{
    const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_SESSION_EXPIRES);
    struct pl who = PL_INIT;

    return hdr && !msg_param_decode(&hdr->val, "refresher", &who) && !pl_strcasecmp(&who, "uas");
}

/* RFC 4028 9 with its table 2: a peer without the extension cannot refresh and cannot read a 422. */
bool leg_terms_asked(struct leg *leg, const struct sip_msg *msg)
{
    const uint32_t expires = seconds(msg, SIP_HDR_SESSION_EXPIRES), min = seconds(msg, SIP_HDR_MIN_SE);
    struct leg_terms *t = &leg->terms;

    leg->terms_was = *t;
    t->peer_can = sip_msg_hdr_has_value(msg, SIP_HDR_SUPPORTED, "timer") ||
                  sip_msg_hdr_has_value(msg, SIP_HDR_REQUIRE, "timer");
    if (!expires) { /* none: what could end the call is off, what keeps it goes on */
        if (!t->we_refresh)
            t->expires = 0;
        return true;
    }
    if (expires < LEG_SE_MIN && t->peer_can) {
        leg_terms_restore(leg);
        (void)sip_treplyf(NULL, NULL, leg->legs->sip, msg, false, 422, "Session Interval Too Small",
                          "Min-SE: %u\r\nContent-Length: 0\r\n\r\n", LEG_SE_MIN);
        return false;
    }
    t->expires = MIN(MAX(expires, (uint32_t)LEG_SE_MIN), MAX((uint32_t)LEG_SE_MAX, min));
    t->we_refresh = !t->peer_can || uas_refreshes(msg);
    return true;
}

void leg_terms_restore(struct leg *leg)
{
    leg->terms = leg->terms_was;
}

void leg_terms_agreed(struct leg *leg, const struct sip_msg *msg)
{
    const uint32_t expires = seconds(msg, SIP_HDR_SESSION_EXPIRES);
    struct leg_terms *t = &leg->terms;

    if (expires) {
        t->expires = MAX(expires, (uint32_t)LEG_SE_MIN);
        t->we_refresh = !uas_refreshes(msg);
    } else if (!t->we_refresh) {
        t->expires = 0;
    }
}

bool leg_terms_raise(struct leg *leg, const struct sip_msg *msg)
{
    const uint32_t min = seconds(msg, SIP_HDR_MIN_SE);

    if (min <= leg->terms.expires)
        return false;
    leg->terms.min = min;
    leg->terms.expires = min;
    return true;
}

int leg_terms_print(struct re_printf *pf, const struct leg *leg)
{
    const struct leg_terms *t = leg ? &leg->terms : NULL;

    if (!t || !t->expires)
        return 0;
    return re_hprintf(pf, "%sSession-Expires: %u;refresher=%s\r\n", t->we_refresh ? "" : "Require: timer\r\n",
                      t->expires, t->we_refresh ? "uas" : "uac");
}

/* In the INVITE that opens the dialog the peer chooses who refreshes (RFC 4028 7.1). */
int leg_terms_print_request(struct re_printf *pf, const struct leg *leg)
{
    const struct leg_terms *t = &leg->terms;
    const char *refresher = t->we_refresh ? ";refresher=uac" : ";refresher=uas";
    int err = re_hprintf(pf, "Supported: timer, replaces%s\r\n", leg->route.ws_conn ? "" : ", 100rel");

    if (!t->expires)
        return err;
    if (leg->state == LEG_CALLING || leg->state == LEG_PROCEEDING)
        refresher = "";
    return err | re_hprintf(pf, "Session-Expires: %u%s\r\nMin-SE: %u\r\n", t->expires, refresher,
                            MAX(t->min, (uint32_t)LEG_SE_MIN));
}
