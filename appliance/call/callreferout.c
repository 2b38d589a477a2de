/* call/callrefer: REFER of the agent's page, which the trunk follows. */
#include "call/callrefer.h"
#include "call/transfer.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The call of the same agent whose browser's leg this Replaces names. */
static struct call *other_call(struct call *c, const char *replaces)
{
    struct replaces rep;
    struct pl val;
    struct leg *leg;
    struct le *le;

    pl_set_str(&val, replaces);
    if (replaces_read(&rep, &val))
        return NULL;
    leg = legs_named(c->calls->legs, rep.callid, rep.local_tag, rep.remote_tag);
    for (le = leg ? c->calls->calll.head : NULL; le; le = le->next) {
        struct call *other = le->data;

        if (other->agent == leg && other != c && !strcmp(other->cdr.dn, c->cdr.dn) &&
            call_state_up(other->state) && leg_is_up(other->trunk))
            return other;
    }
    return NULL;
}

/* Refer-To as the trunk can follow it. ENOENT: there is no such call; EINVAL: no number. */
static int refer_to(struct buf *out, struct call *c, const struct refer *r, const char *number)
{
    char uri[PARTY_URI_MAX], at[ADDR_STRLEN], name[LEG_NAME_MAX], escaped[3 * LEG_NAME_MAX];
    const struct addr addr = transfer_trunk_addr(c);
    struct call *other;
    struct pl pl;

    if (!r->attended) {
        if (!number[0] || strchr(number, ' '))
            return EINVAL;
        if (!addr_isset(&addr, true))
            return ENETUNREACH;
        pl_set_str(&pl, addr_str(&addr, at, sizeof(at)));
        party_uri(uri, sizeof(uri), number, &pl, AF_UNSPEC);
        return buf_printf(out, "Refer-To: <%s>\r\n", uri);
    }
    other = other_call(c, r->replaces);
    if (!other || leg_name(other->trunk, name, sizeof(name)))
        return ENOENT;
    pl_set_str(&pl, name);
    if (re_snprintf(escaped, sizeof(escaped), "%H", uri_header_escape, &pl) < 0)
        return EMSGSIZE;
    return buf_printf(out, "Refer-To: <%s?Replaces=%s>\r\n", leg_target(other->trunk), escaped);
}

/* The trunk says no: the page hears it, and may ask again. */
static bool refer_refused_h(const struct sip_msg *msg, void *arg)
{
    struct call *c = arg;
    struct transfer *t = c->transfer;

    (void)msg;
    if (t && t->state == TRANSFER_PASSED) {
        transfer_say(c, t->to, "refused by the trunk", 0);
        transfer_count(t, TRANSFER_REFUSED);
        transfer_over(t);
    }
    return false;
}

static void no_word_h(void *arg)
{
    struct transfer *t = arg;

    transfer_count(t, TRANSFER_ABANDONED);
    transfer_over(t);
}

static int pass_refer(struct call *c, const struct sip_msg *msg, const struct refer *r, struct transfer *t)
{
    char uri[PARTY_URI_MAX], ip[ADDR_STRLEN];
    struct addr laddr;
    struct buf hdrs;
    struct pl host;
    int err;

    if (sip_stack_laddr(c->calls->cfg.stack, &laddr, &c->trunk_addr))
        return ENETUNREACH;
    pl_set_str(&host, addr_ip(&laddr, ip, sizeof(ip)));
    party_uri(uri, sizeof(uri), c->cdr.dn, &host, strchr(ip, ':') ? AF_INET6 : AF_INET);
    buf_init(&hdrs, LEG_HDRS_MAX);
    err = refer_to(&hdrs, c, r, t->to);
    if (!err)
        err = buf_printf(&hdrs, "Referred-By: <%s>\r\n", uri);
    if (!err)
        (void)call_pass(c, &hdrs, msg, CALLHDR_TO_TRUNK);
    if (!err)
        err = leg_relay(c->trunk, msg, hdrs.data, NULL, NULL, refer_refused_h, c);
    buf_reset(&hdrs);
    return err == EINVAL && r->attended ? ENOENT : err;
}

static void refer_agent(struct call *c, struct leg *leg, const struct sip_msg *msg, struct refer *r)
{
    struct transfer *t;
    int err;

    if (transfer_refused(c, leg, msg, r))
        return;
    if (!leg_takes_refer(c->trunk)) { /* two legs of the trunk's cannot be joined here */
        (void)leg_reply(leg, msg, 501, "The Trunk Takes No REFER",
                        "Warning: 399 dngate \"REFER is not in the trunk's Allow\"\r\n", NULL, NULL);
        return;
    }
    t = transfer_new(c, r);
    err = t ? pass_refer(c, msg, r, t) : ENOMEM;
    if (!err) {
        transfer_enter(t, TRANSFER_PASSED);
        c->transfer = t;
        transfer_say(c, t->to, t->attended ? "asked for by the agent, attended" : "asked for by the agent",
                     0);
        tmr_start(&t->tmr, TRANSFER_S * 1000ull, no_word_h, t);
        return;
    }
    mem_deref(t);
    if (err == ENOENT)
        (void)leg_reply(leg, msg, 481, "No Such Call To Transfer To", NULL, NULL, NULL);
    else if (err == EINVAL)
        (void)leg_reply(leg, msg, 484, "Address Incomplete", NULL, NULL, NULL);
    else
        (void)leg_reply(leg, msg, 500, "Server Internal Error", NULL, NULL, NULL);
}

void call_refer_agent(struct call *c, struct leg *leg, const struct sip_msg *msg)
{
    struct refer *r = mem_zalloc(sizeof(*r), NULL);

    if (r)
        refer_agent(c, leg, msg, r);
    else
        (void)leg_reply(leg, msg, 500, "Server Internal Error", NULL, NULL, NULL);
    mem_deref(r);
}

void call_refer_notify(struct call *c, struct leg *leg, const struct sip_msg *msg)
{
    char phrase[REFER_PHRASE_MAX], body[REFER_PHRASE_MAX + 16];
    struct transfer *t = c->transfer;
    const unsigned code = refer_frag(phrase, msg);
    const bool last = code >= 200 || refer_is_over(msg);

    if (leg != c->trunk || !t || t->state != TRANSFER_PASSED) {
        (void)leg_reply(leg, msg, 481, "Subscription Does Not Exist", NULL, NULL, NULL);
        return;
    }
    if (!code && !last) {
        (void)leg_reply(leg, msg, 400, "No Status In It", NULL, NULL, NULL);
        return;
    }
    (void)snprintf(body, sizeof(body), "SIP/2.0 %u %s\r\n", code ? code : 487, code ? phrase : "Given Up");
    if (!c->agent || leg_relay(c->agent, msg,
                               last ? "Event: refer\r\nSubscription-State: terminated;reason=noresource\r\n"
                                    : "Event: refer\r\nSubscription-State: active;expires=180\r\n",
                               "message/sipfrag;version=2.0", body, NULL, NULL))
        (void)leg_reply(leg, msg, 200, "OK", NULL, NULL, NULL);
    if (!last)
        return;
    transfer_count(t, code >= 200 && code < 300 ? TRANSFER_DONE : TRANSFER_REFUSED);
    if (code >= 200 && code < 300)
        transfer_done(c, t->to, "done by the trunk");
    else
        transfer_say(c, t->to, "not done by the trunk", code);
    transfer_over(t);
}
