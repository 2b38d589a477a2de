/* call/callrebind: see callrebind.h. */
#include "call/callend.h"
#include "call/callhold.h"
#include "call/callin.h"
#include "call/callmid.h"
#include "call/party.h"
#include "core/clock.h"
#include "core/fsm.h"
#include "core/log.h"
#include "core/metric.h"
#include <stdio.h>
#include <string.h>

enum {
    LOOK_MS = 1000,
    RING_SECONDS = 10 /* most for a call that nobody has answered: its caller could be served elsewhere */
};

static const struct fsm_state states[] = {
    [REBIND_HOME] = {"home", FSM(REBIND_AWAY) | FSM(REBIND_CALLING)},
    [REBIND_AWAY] = {"away", FSM(REBIND_HOME) | FSM(REBIND_CALLING)},
    [REBIND_CALLING] = {"calling", FSM(REBIND_HOME) | FSM(REBIND_AWAY) | FSM(REBIND_JOINING)},
    [REBIND_JOINING] = {"joining", FSM(REBIND_HOME) | FSM(REBIND_AWAY) | FSM(REBIND_CALLING)},
};

FSM_DEFINE(machine, "rebind", states, NULL);

#define REBOUND(var, result)                                                                                 \
    METRIC_COUNTER(var, "dngate_calls_rebound_total", "result=\"" result "\"",                               \
                   "Calls whose page was away, by what became of them")
REBOUND(rebound, "rebound");
REBOUND(returned, "returned");
REBOUND(rung_again, "rung_again");
REBOUND(taken_over, "taken_over");
REBOUND(refused, "refused");
REBOUND(timed_out, "timed_out");
REBOUND(ended, "ended_meanwhile");

static void enter(struct call *c, enum rebind_state to)
{
    (void)fsm_move(&machine, &c->rebind.state, to, NULL, call_label(c));
    if (!call_state_up(c->state))
        return;
    (void)media_path_away(c->path, to != REBIND_HOME);
    call_hold_update(c);
}

bool call_rebind_waits(const struct call *c)
{
    return c->rebind.state != REBIND_HOME;
}

bool call_rebind_reached(const struct call *c)
{
    return c->agent && (c->rebind.state == REBIND_HOME || c->rebind.state == REBIND_JOINING);
}

uint32_t call_rebind_seconds(const struct call *c)
{
    return call_rebind_waits(c) ? (uint32_t)((clock_ms() - c->rebind.away_ms) / 1000) : 0;
}

/* Nobody waits any more, and the call with it ends. */
static void give_up(struct call *c, struct metric *counter)
{
    tmr_cancel(&c->rebind.tmr);
    (void)fsm_move(&machine, &c->rebind.state, REBIND_HOME, NULL, call_label(c));
    metric_add(counter, 1);
}

static unsigned away_ms(const struct call *c)
{
    return (unsigned)(clock_ms() - c->rebind.away_ms);
}

/* --- waiting --- */

/* While the microphone is heard only signalling is gone: nobody has left. An agent who holds says nothing. */
static bool heard(struct call *c)
{
    struct call_rebind *r = &c->rebind;
    struct media_event ev;
    uint64_t was = r->packets;

    if (!call_state_up(c->state) || media_path_stats(c->path, &ev))
        return false;
    r->packets = ev.browser.packets;
    return r->packets != was;
}

static uint32_t patience_s(const struct call *c)
{
    uint32_t s = callconf_rebind_seconds(c->calls->cfg.conf);

    return call_state_up(c->state) || s < RING_SECONDS ? s : RING_SECONDS;
}

static void look_h(void *arg)
{
    struct call *c = arg;
    const bool up = call_state_up(c->state);

    if (heard(c))
        c->rebind.away_ms = clock_ms();
    if (away_ms(c) < patience_s(c) * 1000) {
        tmr_start(&c->rebind.tmr, LOOK_MS, look_h, c);
        return;
    }
    log_warn("call", "id=%s dn=%s seconds=%u the page did not come back", c->cdr.id, c->cdr.dn,
             patience_s(c));
    give_up(c, &timed_out);
    call_abort(c, 480, up ? "Agent's page did not come back" : "Agent's connection lost");
}

static void wait_begin(struct call *c)
{
    struct call_rebind *r = &c->rebind;

    if (r->state == REBIND_AWAY)
        return;
    if (r->state == REBIND_HOME || r->state == REBIND_JOINING) {
        r->away_ms = clock_ms();
        (void)heard(c);
        tmr_start(&r->tmr, LOOK_MS, look_h, c);
        log_info("call", "id=%s dn=%s seconds=%u the page is away: the call waits for it", c->cdr.id,
                 c->cdr.dn, patience_s(c));
        traced_note(c->traced, TRACE_GATEWAY, TRACE_STATE, "waiting for the page");
    }
    enter(c, REBIND_AWAY);
}

static void wait_end(struct call *c, struct metric *counter, const char *how)
{
    const unsigned ms = away_ms(c);

    tmr_cancel(&c->rebind.tmr);
    enter(c, REBIND_HOME);
    metric_add(counter, 1);
    log_info("call", "id=%s dn=%s away_ms=%u %s", c->cdr.id, c->cdr.dn, ms, how);
    traced_note(c->traced, TRACE_GATEWAY, TRACE_STATE, "%s", how);
}

static bool rings(const struct call *c)
{
    return c->cdr.direction == CDR_INBOUND && (c->state == CALL_CALLING || c->state == CALL_RINGING);
}

/* Without a word to the trunk; hdrs for the page, if it is still there. */
static void leave_page(struct call *c, const char *hdrs)
{
    struct leg *leg = c->agent;

    c->agent = NULL;
    leg_end(leg, 487, "Request Terminated", hdrs);
}

void call_rebind_lost(struct call *c)
{
    const bool on = callconf_rebind_seconds(c->calls->cfg.conf) > 0;

    if (c->state >= CALL_ENDING || (call_state_up(c->state) && !on))
        return; /* an answered call lives on while its audio does */
    if (!call_state_up(c->state) && !(on && rings(c))) {
        call_abort(c, 480, "Agent's connection lost");
        return;
    }
    if (rings(c)) {
        leave_page(c, "");
        call_ring_wait(c);
    } else if (c->rebind.state == REBIND_CALLING) {
        leave_page(c, "");
    }
    wait_begin(c);
}

void call_rebind_home(struct call *c)
{
    if (c->rebind.state == REBIND_AWAY && c->agent)
        wait_end(c, &returned, "the page is back, with its call");
}

void call_rebind_over(struct call *c)
{
    if (call_rebind_waits(c))
        give_up(c, &ended);
}

/* --- the page's new leg --- */

static void progress_h(struct leg *leg, const struct sip_msg *msg, void *arg)
{
    (void)leg;
    (void)msg;
    (void)arg;
}

/* It has understood that its agent held the call, and says so again by itself. */
static bool keeps_hold(const struct call *c, const struct sip_msg *msg)
{
    const struct sip_hdr *hdr = sip_msg_xhdr(msg, "X-Dngate-Rebind");

    return c->agent_dir != MEDIA_SENDRECV && hdr && !pl_strcasecmp(&hdr->val, "held");
}

static void answered_h(struct leg *leg, const struct sip_msg *msg, void *arg)
{
    struct call *c = arg;
    struct sdp s;
    int err;

    (void)leg;
    err = call_agent_read(c, msg, false, &s);
    if (!err)
        err = call_agent_take(c, &s, MEDIA_NONE, false);
    if (err) {
        call_abort_sdp(c, err, "Browser's answer is not acceptable");
        return;
    }
    tmr_cancel(&c->rebind.tmr); /* from now on the media say what fails */
    enter(c, REBIND_JOINING);
    if (keeps_hold(c, msg))
        return;
    c->agent_dir = s.dir;
    call_hold_update(c);
    call_hold_tell(c);
}

static void ended_h(struct leg *leg, const struct leg_ended *end, void *arg)
{
    struct call *c = arg;
    const bool lost = end->how == LEG_FAILED && (end->code == 408 || end->code == 481 || end->code == 503);

    (void)leg;
    if (c->rebind.state != REBIND_CALLING) {
        call_leg_ended(c, CDR_AGENT, end);
        return;
    }
    if (lost) { /* once more away: it has signed in before, it may do so again */
        c->agent = NULL;
        wait_begin(c);
        return;
    }
    give_up(c, &refused);
    call_leg_ended(c, CDR_AGENT, end);
}

static const struct leg_handlers handlers = {
    .progress = progress_h,
    .answered = answered_h,
    .reanswered = call_agent_reanswered,
    .request = call_agent_request,
    .ended = ended_h,
    .permit = call_agent_permit,
};

void call_rebind_joined(struct call *c)
{
    if (c->rebind.state == REBIND_JOINING)
        wait_end(c, &rebound, "the page is back, by a new dialog");
}

/* Another page than before: nothing of the old one's descriptions holds. */
static int call_anew(struct call *c, const struct binding *b)
{
    char uri[PARTY_URI_MAX], name[2 * PARTY_MAX];
    const bool in = c->cdr.direction == CDR_INBOUND;
    struct buf hdrs;
    int err;

    c->agent_lines = mem_deref(c->agent_lines);
    memset(&c->browser.fingerprint, 0, sizeof(c->browser.fingerprint));
    err = media_path_ice_restart(c->path, &c->local);
    if (err)
        return err;
    call_other(c, uri, name);
    buf_init(&hdrs, LEG_HDRS_MAX);
    (void)buf_printf(&hdrs, "X-Dngate-Rebind: yes;answered=%lld;direction=%s%s\r\n%s",
                     (long long)(call_wall_ms(c) - c->cdr.answer_ms) / 1000, in ? "in" : "out",
                     c->agent_dir == MEDIA_SENDRECV ? "" : ";held", in && c->hdrs.data ? c->hdrs.data : "");
    err = call_agent_invite(c, b, uri, name, hdrs.data ? hdrs.data : "", &handlers);
    buf_reset(&hdrs);
    return err;
}

static void rebind(struct call *c, const struct binding *b, const char *hdrs)
{
    int err;

    leave_page(c, hdrs);
    tmr_cancel(&c->tmr); /* of lost media */
    wait_begin(c);
    err = call_anew(c, b);
    if (!err)
        enter(c, REBIND_CALLING);
    else
        log_warn("call", "id=%s dn=%s error=\"%s\" cannot call the page anew", c->cdr.id, c->cdr.dn,
                 strerror(err));
}

static void ring_again(struct call *c, const struct binding *b, const char *hdrs)
{
    int err;

    leave_page(c, hdrs);
    wait_begin(c);
    err = call_ring_again(c, b);
    if (!err)
        wait_end(c, &rung_again, "rings again");
    else
        log_warn("call", "id=%s dn=%s error=\"%s\" cannot ring the page anew", c->cdr.id, c->cdr.dn,
                 strerror(err));
}

static void bring(struct call *c, const struct binding *b, const char *hdrs)
{
    if (c->state >= CALL_ENDING || (c->agent && leg_conn(c->agent) == b->ws_conn))
        return;
    if (rings(c))
        ring_again(c, b, hdrs);
    else if (call_state_up(c->state) && callconf_rebind_seconds(c->calls->cfg.conf))
        rebind(c, b, hdrs);
    else
        call_abort(c, 480, "Agent's page was loaded anew");
}

/* --- a page signs in --- */

static void take_over(struct call *c, const struct binding *b)
{
    struct session *s = registrar_session(c->calls->cfg.registrar, b->ws_conn), *old = c->session;

    if (!s || s == old || (!rings(c) && !call_state_up(c->state)))
        return;
    metric_add(&taken_over, 1);
    log_info("call", "id=%s dn=%s taken over by another page", c->cdr.id, c->cdr.dn);
    session_hold(s);
    c->session = s;
    bring(c, b, "Reason: SIP;cause=200;text=\"Taken over by another page\"\r\n");
    if (old)
        session_release(old); /* behind what its page was just told */
}

void call_rebind_signed_in(struct calls *cs, const struct binding *b)
{
    struct le *le = cs->calll.head;

    while (le) {
        struct call *c = le->data;
        const bool here = c->session && session_binding(c->session) == b;

        le = le->next;
        if (!here && b->takes_calls && !strcmp(c->cdr.dn, b->dn)) {
            take_over(c, b);
        } else if (here && b->no_calls) {
            bring(c, b, "");
        } else if (here && c->agent) {
            leg_move(c->agent, b->ws_conn);
            call_rebind_home(c);
        }
    }
}
