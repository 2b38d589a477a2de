/* dialog/leg: the end, whoever wants it. */
#include "dialog/leginvite.h"
#include "dialog/legtx.h"

static void linger_h(void *arg)
{
    struct leg *leg = mem_ref(arg);

    list_flush(&leg->txl);
    leg->invite = NULL;
    leg_enter(leg, LEG_DEAD);
    leg_settle(leg);
    mem_deref(leg);
}

/* CANCEL may go only after a 1xx (RFC 3261 9.1): before it the INVITE is sent no more, and a late 1xx gets its CANCEL. */
static void end_client_early(struct leg *leg)
{
    leg->ending = true;
    if (leg->state == LEG_CALLING)
        leg_give_up(leg);
    else
        (void)leg_send_cancel(leg);
    tmr_start(&leg->tmr, LEG_LINGER_S * (uint64_t)leg_second, linger_h, leg);
}

void leg_end(struct leg *leg, uint16_t code, const char *phrase, const char *hdrs)
{
    if (!leg)
        return;
    mem_ref(leg);
    leg->h = NULL;
    if (hdrs && hdrs[0] && !leg->end_hdrs)
        (void)str_dup(&leg->end_hdrs, hdrs);

    switch (leg->state) {

    case LEG_CALLING:
    case LEG_PROCEEDING:
        end_client_early(leg);
        break;

    case LEG_INCOMING:
        if (leg->strans)
            (void)sip_treplyf(&leg->strans, NULL, leg->legs->sip, leg->msg, false, code < 300 ? 500 : code,
                              phrase, "%sContent-Length: 0\r\n\r\n", hdrs ? hdrs : "");
        leg_enter(leg, LEG_DEAD);
        break;

    case LEG_ANSWERED: /* BYE must wait for the ACK (RFC 3261 15) */
        leg->ending = true;
        break;

    case LEG_CONFIRMED:
        (void)leg_bye(leg);
        break;

    case LEG_GIVEN_UP:
    case LEG_DEAD:
        break;
    }
    leg_settle(leg);
    mem_deref(leg);
}
