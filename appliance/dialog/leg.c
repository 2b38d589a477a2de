/* dialog/leg: making, ending and freeing legs. */
#include "dialog/legpriv.h"
#include "core/log.h"
#include "core/metric.h"
#include "sip/body.h"
#include "sip/wsedge.h"
#include <errno.h>
#include <string.h>

METRIC_LIMIT(legs_gauge, "sip_dialogs", LEGS_MAX);

/* --- all legs --- */

/* One that still waits for its ACK cannot wait any longer: without a BYE the peer would keep a call with nobody in it. */
static bool farewell_h(struct le *le, void *arg)
{
    struct leg *leg = le->data;

    (void)arg;
    if (leg->state == LEG_ANSWERED)
        (void)leg_bye(leg);
    return false;
}

static void legs_destructor(void *arg)
{
    struct legs *ls = arg;

    ls->closing = true;
    (void)hash_apply(ls->ht, farewell_h, NULL);
    mem_deref(ls->lsnr_cancel);
    mem_deref(ls->lsnr_req);
    mem_deref(ls->lsnr_resp);
    hash_flush(ls->ht);
    mem_deref(ls->ht);
}

int legs_alloc(struct legs **lp, struct sip_stack *st, legs_invite_h *h, void *arg)
{
    struct legs *ls = mem_zalloc(sizeof(*ls), legs_destructor);
    struct sip *sip = sip_stack_sip(st);
    int err;

    if (!ls)
        return ENOMEM;
    ls->st = st;
    ls->sip = sip;
    ls->inviteh = h;
    ls->arg = arg;
    err = hash_alloc(&ls->ht, LEG_HASH);
    if (err)
        goto out;
    err = sip_listen(&ls->lsnr_cancel, sip, true, leg_cancel_seen, ls);
    if (err)
        goto out;
    err = sip_listen(&ls->lsnr_req, sip, true, leg_request_h, ls);
    if (err)
        goto out;
    err = sip_listen(&ls->lsnr_resp, sip, false, leg_response_h, ls);
    if (err)
        goto out;
    /* libre's server transactions eat CANCEL and do not show it: look at it first, for its Reason */
    list_unlink(&ls->lsnr_cancel->le);
    list_prepend(&sip->lsnrl, &ls->lsnr_cancel->le, ls->lsnr_cancel);

out:
    if (err)
        mem_deref(ls);
    else
        *lp = ls;
    return err;
}

void legs_free(struct legs *ls)
{
    mem_deref(ls);
}

size_t legs_count(const struct legs *ls)
{
    return ls->count;
}

static bool same_dialog(struct le *le, void *arg)
{
    const struct leg *leg = le->data;
    const struct sip_msg *msg = arg;

    if (leg->dlg && sip_dialog_cmp(leg->dlg, msg))
        return true;
    return leg->half && sip_dialog_cmp_half(leg->half, msg);
}

struct leg *legs_find(const struct legs *ls, const struct sip_msg *msg)
{
    return list_ledata(hash_lookup(ls->ht, hash_joaat_pl(&msg->callid), same_dialog, (void *)msg));
}

/* --- one leg --- */

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

void leg_hold(struct leg *leg, const struct addr *a)
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

static void leg_destructor(void *arg)
{
    struct leg *leg = arg;

    hash_unlink(&leg->he);
    leg->legs->count--;
    metric_set(&legs_gauge, (int64_t)leg->legs->count);
    tmr_cancel(&leg->tmr);
    tmr_cancel(&leg->tmr_session);
    for (size_t i = 0; i < ARRAY_SIZE(leg->held); i++)
        if (addr_isset(&leg->held[i], false))
            sip_stack_release(leg->legs->st, &leg->held[i]);
    list_flush(&leg->txl);
    list_flush(&leg->replyl);
    mem_deref(leg->strans);
    mem_deref(leg->msg);
    mem_deref(leg->cancel);
    mem_deref(leg->ack);
    mem_deref(leg->dlg);
    mem_deref(leg->half);
    mem_deref(leg->auth);
    mem_deref(leg->contact);
    mem_deref(leg->end_hdrs);
    offer_reset(&leg->offer);
}

static int route_set(struct leg *leg)
{
    int tp, err;

    if (!leg->route.ws_conn) {
        leg->tp = leg->route.tp;
        leg_hold(leg, &leg->route.addr);
        return sa_set_sa(&leg->dst, &leg->route.addr.u.sa);
    }
    err = sip_ws_dst(leg->legs->st, leg->route.ws_conn, &leg->dst, &tp);
    if (!err)
        leg->tp = (enum sip_transp)tp;
    return err;
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
    err = route_set(leg);
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
    (void)re_snprintf(end.phrase, sizeof(end.phrase), "%s", phrase);
    h->ended(leg, &end, leg->arg);
}

int leg_bye(struct leg *leg)
{
    struct mbuf *tail = NULL;
    int err;

    leg_enter(leg, LEG_DEAD);
    tmr_cancel(&leg->tmr_session);
    err = leg_tail(&tail, leg, leg->end_hdrs ? leg->end_hdrs : "", NULL, NULL);
    if (!err)
        err = leg_tx_send(leg, leg->dlg, "BYE", tail, NULL, NULL, NULL);
    mem_deref(tail);
    return err;
}

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
    tmr_start(&leg->tmr, LEG_LINGER_MS, linger_h, leg);
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

void leg_move(struct leg *leg, uint64_t ws_conn)
{
    bool other = leg->route.ws_conn != ws_conn;

    leg->route.ws_conn = ws_conn;
    (void)route_set(leg);
    if (other && leg->state == LEG_CONFIRMED)
        list_flush(&leg->replyl); /* re-INVITEs whose ACK was lost with the old connection */
}

const char *leg_callid(const struct leg *leg)
{
    return sip_dialog_callid(leg->dlg ? leg->dlg : leg->half);
}

bool leg_takes_info(const struct leg *leg)
{
    return leg && (!leg->allow.seen || leg->allow.info);
}

uint64_t leg_conn(const struct leg *leg)
{
    return leg->route.ws_conn;
}
