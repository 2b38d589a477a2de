/*
 * What a request requires and we lack gets 420 with Unsupported (RFC 3261 8.2.2.3, 16.3), before any other handler sees it: in and out
 * of dialogs, whatever the method. ACK and CANCEL are taken as they are.
 */
#include "sip/stack_priv.h"

struct lacking {
    struct re_printf *pf; /* NULL: only counts */
    unsigned n;
};

static bool option_h(const struct sip_hdr *hdr, const struct sip_msg *msg, void *arg)
{
    struct lacking *l = arg;

    (void)msg;
    if (!hdr->val.l || !pl_strcasecmp(&hdr->val, "timer") || !pl_strcasecmp(&hdr->val, "replaces") ||
        !pl_strcasecmp(&hdr->val, "100rel"))
        return false;
    if (l->pf)
        (void)re_hprintf(l->pf, "%s%r", l->n ? ", " : "", &hdr->val);
    l->n++;
    return false;
}

static unsigned lacking(struct re_printf *pf, const struct sip_msg *msg)
{
    struct lacking l = {.pf = pf};

    (void)sip_msg_hdr_apply(msg, true, SIP_HDR_REQUIRE, option_h, &l);
    (void)sip_msg_hdr_apply(msg, true, SIP_HDR_PROXY_REQUIRE, option_h, &l);
    return l.n;
}

static int unsupported_print(struct re_printf *pf, const struct sip_msg *msg)
{
    (void)lacking(pf, msg);
    return 0;
}

static bool request_h(const struct sip_msg *msg, void *arg)
{
    struct sip_stack *st = arg;

    if (!pl_strcmp(&msg->met, "ACK") || !pl_strcmp(&msg->met, "CANCEL") || !lacking(NULL, msg))
        return false;
    (void)sip_treplyf(NULL, NULL, st->sip, msg, false, 420, "Bad Extension",
                      "Unsupported: %H\r\nContent-Length: 0\r\n\r\n", unsupported_print, msg);
    return true;
}

int extension_start(struct sip_stack *st)
{
    return sip_listen(&st->extension, st->sip, true, request_h, st);
}
