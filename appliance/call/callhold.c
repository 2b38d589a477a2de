#include "call/callhold.h"
#include "call/callsdp.h"
#include "core/log.h"

enum media_dir call_hold_wish(const struct call *c)
{
    if ((c->agent_dir & MEDIA_RECV) || !callconf_hold_trunk(c->calls->cfg.conf))
        return MEDIA_SENDRECV;
    return c->agent_dir;
}

void call_hold_said(struct call *c, enum media_dir dir)
{
    c->hold_said = (uint8_t)dir;
}

void call_hold_agreed(struct call *c)
{
    c->hold_agreed = c->hold_said;
}

void call_hold_tell(struct call *c)
{
    const enum media_dir wish = call_hold_wish(c);

    if (call_state_up(c->state) && (c->hold_said != wish || c->hold_agreed != wish))
        leg_reoffer(c->trunk);
}

char *call_hold_describe(struct leg *leg, void *arg)
{
    struct call *c = arg;
    char *sdp = NULL;

    (void)leg;
    if (c->hold_agreed != call_hold_wish(c))
        (void)call_trunk_offer(c, &sdp);
    return sdp;
}

bool call_hold_reoffered(struct leg *leg, uint16_t code, void *arg)
{
    struct call *c = arg;
    const bool held = c->hold_said != MEDIA_SENDRECV;

    (void)leg;
    if (c->state >= CALL_ENDING)
        return false;
    if (code < 300) {
        call_hold_agreed(c);
        log_info("call", "id=%s dn=%s %s by the agent, and the trunk knows", c->cdr.id, c->cdr.dn,
                 held ? "held" : "resumed");
        return false;
    }
    c->hold_said = c->hold_agreed;
    log_warn("call", "id=%s dn=%s code=%u the trunk refuses the agent's %s", c->cdr.id, c->cdr.dn, code,
             held ? "hold: it stays between browser and gateway" : "retrieve: it is asked again");
    return !held; /* or the far end would hear music for good */
}
