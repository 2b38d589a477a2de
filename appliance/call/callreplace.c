/* call/callrefer: an INVITE of the trunk that takes the place of a leg of ours (RFC 3891). */
#include "call/callend.h"
#include "call/callin.h"
#include "call/callhold.h"
#include "call/callmid.h"
#include "call/callrefer.h"
#include "call/transfer.h"
#include <errno.h>

static struct call *call_of_trunk(const struct calls *cs, const struct leg *leg)
{
    struct le *le;

    LIST_FOREACH(&cs->calll, le)
    {
        struct call *c = le->data;

        if (leg && c->trunk == leg)
            return c;
    }
    return NULL;
}

/* The call whose leg is to be replaced, or what to answer instead (RFC 3891 3). */
static struct call *replaced_call(const struct calls *cs, const struct sip_msg *msg, uint16_t *code)
{
    const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_REPLACES);
    struct replaces rep;
    struct call *c;

    *code = 400;
    if (sip_msg_hdr_count(msg, SIP_HDR_REPLACES) != 1 || replaces_read(&rep, &hdr->val))
        return NULL;
    *code = 481; /* none; or one that rings, which a callee does not let go */
    c = call_of_trunk(cs, legs_named(cs->legs, rep.callid, rep.local_tag, rep.remote_tag));
    if (!c || !call_state_up(c->state))
        return NULL;
    *code = rep.early_only ? 486 : c->transfer ? 491 : 0;
    return *code ? NULL : c;
}

/* The new leg is answered, the old one ends; or the new one is refused, and nothing has changed. */
static void replace(struct call *c, struct leg *leg, const struct sip_msg *msg, const struct sip_origin *o)
{
    const struct addr was = c->trunk_addr;
    struct party by;
    struct call_refusal r;
    struct leg *old = NULL;
    char *answer = NULL;
    struct sdp s;
    int err;

    c->trunk_addr = o->peer;
    err = transfer_take_over(c, leg, msg, false, &s, &old);
    if (err && err != ENOENT) {
        c->trunk_addr = was;
        call_refusal(&r, err);
        transfer_count_replaces(TRANSFER_REFUSED);
        leg_end(leg, r.code, r.phrase, r.hdrs);
        return;
    }
    err = err ? call_trunk_offer(c, &answer) : call_trunk_answer(c, &s, &answer);
    if (!err)
        err = leg_answer(leg, "", answer);
    mem_deref(answer);
    leg_end(old, 200, "OK", "Reason: SIP;cause=200;text=\"Replaced\"\r\n");
    if (err) {
        call_abort(c, 500, "Server Internal Error");
        return;
    }
    call_note_uuid(c, msg, CALLHDR_TO_AGENT);
    party_caller(&by, msg);
    transfer_done(c, by.number, "came by an INVITE that replaced the one before");
    transfer_count_replaces(TRANSFER_DONE);
    call_hold_update(c);
    call_hold_tell(c);
}

void call_replaces(struct calls *cs, const struct sip_msg *msg, const struct sip_origin *o)
{
    struct sip *sip = sip_stack_sip(cs->cfg.stack);
    struct leg *leg = NULL;
    struct call *c;
    uint16_t code;
    int err;

    c = replaced_call(cs, msg, &code);
    if (c) {
        traced_leg(c->traced, TRACE_TRUNK, msg->callid.p, msg->callid.l);
        err = call_trunk_accept(c, &leg, msg, o, &call_trunk_talking);
        code = err == EBADMSG ? 400 : 503;
        if (!err)
            replace(c, leg, msg, o);
        if (!err || err == EACCES)
            return;
    }
    transfer_count_replaces(TRANSFER_REFUSED);
    (void)sip_treply(NULL, sip, msg, code,
                     code == 481   ? "No Such Dialog To Replace"
                     : code == 486 ? "Busy Here"
                     : code == 491 ? "Request Pending"
                     : code == 400 ? "Bad Replaces"
                                   : "Service Unavailable");
}
