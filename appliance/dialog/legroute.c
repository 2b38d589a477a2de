/* dialog/leg: where a leg's requests go, and from where what comes in its dialog gets through. */
#include "dialog/legpriv.h"
#include "sip/wsedge.h"
#include <string.h>

/* What this address sends gets through while the leg lives: its trunk's, and the one it sends to. */
static void hold(struct leg *leg, const struct addr *a)
{
    struct addr *slot = &leg->held[addr_isset(&leg->held[0], false)];

    if (addr_eq_ip(&leg->held[0], a) || addr_eq_ip(&leg->held[1], a))
        return;
    if (addr_isset(slot, false))
        sip_stack_release(leg->legs->st, slot);
    *slot = *a;
    if (sip_stack_hold(leg->legs->st, a))
        memset(slot, 0, sizeof(*slot));
}

int leg_route_set(struct leg *leg)
{
    int tp, err;

    if (!leg->route.ws_conn) {
        leg->tp = leg->route.tp;
        hold(leg, &leg->route.addr);
        return sa_set_sa(&leg->dst, &leg->route.addr.u.sa);
    }
    err = sip_ws_dst(leg->legs->st, leg->route.ws_conn, &leg->dst, &tp);
    if (!err)
        leg->tp = (enum sip_transp)tp;
    return err;
}

/*
 * The next hop of a dialog: a browser's connection; else the first Route or the Contact when it is an address, else the trunk. A dialog that
 * began by TLS stays with it, whatever they say: what was meant for nobody else is not sent in the clear.
 */
void leg_next_hop(const struct leg *leg, const struct sip_dialog *dlg, enum sip_transp *tp, struct sa *dst)
{
    const struct uri *route = sip_dialog_route(dlg);
    struct pl val;
    struct sa sa;

    *tp = leg->tp;
    *dst = leg->dst;
    if (leg->route.ws_conn || dlg == leg->half || !route || pl_strcasecmp(&route->scheme, "sip"))
        return;
    if (sa_set(&sa, &route->host,
               sip_transp_port(leg->tp == SIP_TRANSP_TLS ? leg->tp : SIP_TRANSP_UDP, route->port)) ||
        sa_is_any(&sa))
        return;
    if (leg->tp != SIP_TRANSP_TLS && !msg_param_decode(&route->params, "transport", &val)) {
        enum sip_transp t = sip_transp_decode(&val);

        if (t != SIP_TRANSP_UDP && t != SIP_TRANSP_TCP)
            return;
        *tp = t;
    }
    *dst = sa;
}

void leg_hold_target(struct leg *leg)
{
    enum sip_transp tp;
    struct addr a;
    struct sa dst;

    if (leg->route.ws_conn || !leg->dlg)
        return;
    leg_next_hop(leg, leg->dlg, &tp, &dst);
    addr_set_sockaddr(&a, &dst.u.sa);
    hold(leg, &a);
}

void leg_retarget(struct leg *leg, const struct sip_msg *msg)
{
    (void)sip_dialog_update(leg->dlg, msg);
    leg_hold_target(leg);
}
