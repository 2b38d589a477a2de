/* dialog/leg: one leg: its states, what it remembers, how it is made and freed. */
#include "dialog/legpriv.h"
#include "core/metric.h"
#include "core/utf8.h"
#include "sip/body.h"
#include <errno.h>
#include <string.h>

METRIC_LIMIT(legs_gauge, "sip_dialogs", LEGS_MAX);

uint32_t leg_second = 1000;

/* --- states --- */

static const struct fsm_state states[] = {
    [LEG_CALLING] = {"calling", FSM(LEG_PROCEEDING) | FSM(LEG_CONFIRMED) | FSM(LEG_GIVEN_UP) | FSM(LEG_DEAD)},
    /* back: the INVITE goes again with credentials, and no CANCEL before a 1xx to this one */
    [LEG_PROCEEDING] = {"proceeding", FSM(LEG_CALLING) | FSM(LEG_CONFIRMED) | FSM(LEG_DEAD)},
    [LEG_GIVEN_UP] = {"given-up", FSM(LEG_CONFIRMED) | FSM(LEG_DEAD)}, /* confirmed: to be hung up at once */
    [LEG_INCOMING] = {"incoming", FSM(LEG_ANSWERED) | FSM(LEG_DEAD)},
    [LEG_ANSWERED] = {"answered", FSM(LEG_CONFIRMED) | FSM(LEG_DEAD)},
    [LEG_CONFIRMED] = {"confirmed", FSM(LEG_DEAD)},
    [LEG_DEAD] = {"dead", 0},
};

/* What it takes to send, and what may be open: only an INVITE without final answer, or one of ours that was given up, is. */
static bool leg_holds(unsigned state, const void *obj)
{
    const struct leg *leg = obj;

    switch (state) {

    case LEG_CALLING:
    case LEG_PROCEEDING:
        return leg->invite && leg->half && !leg->strans;

    case LEG_GIVEN_UP:
        return leg->invite && leg->half && !leg->h;

    case LEG_INCOMING:
        return leg->strans && leg->dlg;

    case LEG_ANSWERED:
        return leg->dlg && !leg->invite && leg->replyl.head;

    case LEG_CONFIRMED:
        return leg->dlg && !leg->invite && !leg->strans;

    default:
        return true;
    }
}

FSM_DEFINE(machine, "leg", states, leg_holds);

void leg_enter(struct leg *leg, enum leg_state to)
{
    if (fsm_move(&machine, &leg->state, to, leg, leg->label) && to == LEG_CONFIRMED)
        leg_hold_target(leg);
}

/* --- its life --- */

static void leg_destructor(void *arg)
{
    struct leg *leg = arg;

    hash_unlink(&leg->he);
    leg->legs->count--;
    metric_set(&legs_gauge, (int64_t)leg->legs->count);
    tmr_cancel(&leg->tmr);
    tmr_cancel(&leg->tmr_session);
    tmr_cancel(&leg->tmr_reinvite);
    tmr_cancel(&leg->tmr_reoffer);
    tmr_cancel(&leg->tmr_parked);
    for (size_t i = 0; i < ARRAY_SIZE(leg->held); i++)
        if (addr_isset(&leg->held[i], false))
            sip_stack_release(leg->legs->st, &leg->held[i]);
    list_flush(&leg->txl);
    list_flush(&leg->replyl);
    mem_deref(leg->rel);
    mem_deref(leg->strans);
    mem_deref(leg->msg);
    mem_deref(leg->cancel);
    mem_deref(leg->parked);
    mem_deref(leg->rung);
    mem_deref(leg->ack);
    mem_deref(leg->dlg);
    mem_deref(leg->half);
    mem_deref(leg->auth);
    mem_deref(leg->contact);
    mem_deref(leg->end_hdrs);
    offer_reset(&leg->offer);
}

int leg_new(struct leg **lp, struct legs *ls, enum leg_state state, const struct leg_config *cfg,
            const struct leg_handlers *h, void *arg)
{
    struct leg *leg;
    int err;

    if (ls->count >= LEGS_MAX)
        return ENOSPC;
    leg = mem_zalloc(sizeof(*leg), leg_destructor);
    if (!leg)
        return ENOMEM;
    leg->legs = ls;
    leg->state = (uint8_t)state;
    leg->h = h;
    leg->arg = arg;
    leg->route = cfg->route;
    (void)snprintf(leg->label, sizeof(leg->label), "%s", cfg->label ? cfg->label : "");
    offer_init(&leg->offer, leg->label);
    ls->count++;
    metric_set(&legs_gauge, (int64_t)ls->count);
    err = leg_route_set(leg);
    if (err)
        goto out;
    err = str_dup(&leg->contact, cfg->contact);
    if (!err && cfg->username && cfg->username[0])
        err = authclient_alloc(&leg->auth, cfg->username, cfg->password);

out:
    if (err)
        mem_deref(leg);
    else
        *lp = leg;
    return err;
}

void leg_settle(struct leg *leg)
{
    if (leg->state != LEG_DEAD || leg->txl.head || leg->replyl.head || !leg->he.list)
        return;
    hash_unlink(&leg->he);
    mem_deref(leg);
}

void leg_tell_ended(struct leg *leg, enum leg_how how, uint16_t code, const char *phrase,
                    const struct sip_msg *msg)
{
    const struct leg_handlers *h = leg->h;
    struct leg_ended end = {.how = how, .code = code, .msg = msg};

    leg->h = NULL;
    if (!h)
        return;
    utf8_text(end.phrase, sizeof(end.phrase), phrase);
    h->ended(leg, &end, leg->arg);
}

/* --- what is known of it --- */

void leg_hash(struct leg *leg, const char *callid)
{
    hash_append(leg->legs->ht, hash_joaat_str(callid), &leg->he, leg);
}

void leg_learn(struct leg *leg, const struct sip_msg *msg)
{
    if (!sip_msg_hdr(msg, SIP_HDR_ALLOW))
        return;
    leg->allow.seen = true;
    leg->allow.update = sip_msg_hdr_has_value(msg, SIP_HDR_ALLOW, "UPDATE");
    leg->allow.info = sip_msg_hdr_has_value(msg, SIP_HDR_ALLOW, "INFO");
    leg->allow.refer = sip_msg_hdr_has_value(msg, SIP_HDR_ALLOW, "REFER");
}

bool leg_describes(const struct sip_msg *msg)
{
    struct pl sdp;

    return !body_sdp(&sdp, msg);
}

struct offer *leg_offer(struct leg *leg)
{
    return &leg->offer;
}

uint32_t leg_sdp_version(const struct leg *leg)
{
    static const struct offer first;

    return offer_version(leg ? &leg->offer : &first);
}

void leg_move(struct leg *leg, uint64_t ws_conn)
{
    bool other = leg->route.ws_conn != ws_conn;

    leg->route.ws_conn = ws_conn;
    (void)leg_route_set(leg);
    if (other && leg->state == LEG_CONFIRMED)
        list_flush(&leg->replyl); /* re-INVITEs whose ACK was lost with the old connection */
}

const char *leg_callid(const struct leg *leg)
{
    return sip_dialog_callid(leg->dlg ? leg->dlg : leg->half);
}

bool leg_takes_refer(const struct leg *leg)
{
    return leg && leg->allow.refer;
}

bool leg_is_up(const struct leg *leg)
{
    return leg && leg->h && (leg->state == LEG_CONFIRMED || leg->state == LEG_ANSWERED);
}

void leg_hand_over(struct leg *leg, const struct leg_handlers *h, void *arg)
{
    if (!leg->h)
        return;
    leg->h = h;
    leg->arg = arg;
}

bool leg_lists_info(const struct leg *leg)
{
    return leg && leg->allow.info && !leg->allow.info_unheard;
}

bool leg_takes_info(const struct leg *leg)
{
    return leg && !leg->allow.info_unheard && (!leg->allow.seen || leg->allow.info);
}

uint64_t leg_conn(const struct leg *leg)
{
    return leg->route.ws_conn;
}
