#include "call/transfer.h"
#include "core/fsm.h"
#include "core/log.h"
#include "core/metric.h"
#include <stdio.h>
#include <string.h>

#define COUNTERS(var, kind)                                                                                  \
    METRIC_COUNTER(var##_done, "dngate_transfers_total", "kind=\"" kind "\",result=\"done\"",                \
                   "Transfers within calls, by how they were asked for and what came of them");              \
    METRIC_COUNTER(var##_refused, "dngate_transfers_total", "kind=\"" kind "\",result=\"refused\"",          \
                   "Transfers within calls, by how they were asked for and what came of them");              \
    METRIC_COUNTER(var##_abandoned, "dngate_transfers_total", "kind=\"" kind "\",result=\"abandoned\"",      \
                   "Transfers within calls, by how they were asked for and what came of them")

COUNTERS(blind, "blind");
COUNTERS(attended, "attended");
COUNTERS(replaced, "replaces");

/* --- its states --- */

static const struct fsm_state states[] = {
    [TRANSFER_NEW] = {"new", FSM(TRANSFER_CALLING) | FSM(TRANSFER_PASSED)},
    [TRANSFER_CALLING] = {"calling", FSM(TRANSFER_ALONE) | FSM(TRANSFER_LEAVING) | FSM(TRANSFER_OVER)},
    [TRANSFER_ALONE] = {"alone", FSM(TRANSFER_OVER)},
    [TRANSFER_LEAVING] = {"leaving", FSM(TRANSFER_OVER)},
    [TRANSFER_PASSED] = {"passed", FSM(TRANSFER_OVER)},
    [TRANSFER_OVER] = {"over", 0},
};

static bool transfer_holds(unsigned state, const void *obj)
{
    const struct transfer *t = obj;

    return (t->leg != NULL) == (state == TRANSFER_CALLING || state == TRANSFER_LEAVING) &&
           (state != TRANSFER_ALONE || t->call->trunk);
}

FSM_DEFINE(machine, "transfer", states, transfer_holds);

void transfer_enter(struct transfer *t, enum transfer_state to)
{
    (void)fsm_move(&machine, &t->state, to, t, call_label(t->call));
}

void transfer_count_replaces(enum transfer_result r)
{
    static struct metric *const counters[] = {&replaced_done, &replaced_refused, &replaced_abandoned};

    metric_add(counters[r], 1);
}

void transfer_count(const struct transfer *t, enum transfer_result r)
{
    static struct metric *const blinds[] = {&blind_done, &blind_refused, &blind_abandoned};
    static struct metric *const attendeds[] = {&attended_done, &attended_refused, &attended_abandoned};

    metric_add(t->attended ? attendeds[r] : blinds[r], 1);
}

void transfer_say(struct call *c, const char *to, const char *what, unsigned code)
{
    char quotable[PARTY_MAX];

    log_info("call", "id=%s dn=%s to=\"%s\" code=%u transfer %s", c->cdr.id, c->cdr.dn,
             log_quotable(quotable, sizeof(quotable), to), code, what);
    traced_note(c->traced, TRACE_GATEWAY, TRACE_STATE, "transfer to %s %s (%u)", to, what, code);
}

void transfer_done(struct call *c, const char *to, const char *what)
{
    c->transferred = true;
    (void)snprintf(c->cdr.reason, sizeof(c->cdr.reason), "Transferred to %.100s", to);
    transfer_say(c, to, what, 200);
}

/* --- what whoever asked is told --- */

void transfer_notify(const struct transfer *t, struct leg *leg, unsigned code, const char *phrase)
{
    char hdrs[128], id[16] = "", body[REFER_PHRASE_MAX + 16];
    const bool last = code >= 200;

    if (t->silent)
        return;
    if (t->id)
        (void)snprintf(id, sizeof(id), ";id=%u", t->id);
    (void)snprintf(hdrs, sizeof(hdrs), "Event: refer%s\r\nSubscription-State: %s%s\r\n", id,
                   last ? "terminated;reason=noresource" : "active;expires=", last ? "" : "180");
    (void)snprintf(body, sizeof(body), "SIP/2.0 %u %s\r\n", code, phrase);
    (void)leg_request(leg, "NOTIFY", hdrs, "message/sipfrag;version=2.0", body, NULL, NULL);
}

/* The call ends, or needs it no more: whoever is left is told. */
static void transfer_destructor(void *arg)
{
    struct transfer *t = arg;
    struct leg *leg = t->leg;

    tmr_cancel(&t->tmr);
    mem_deref(t->early);
    t->leg = NULL;
    switch (t->state) {

    case TRANSFER_CALLING:
        transfer_count(t, TRANSFER_ABANDONED);
        transfer_notify(t, t->call->trunk, 487, "Request Terminated");
        leg_end(leg, 487, "Request Terminated", "Reason: SIP;cause=487;text=\"Transfer abandoned\"\r\n");
        break;

    case TRANSFER_LEAVING:
        leg_end(leg, 200, "OK", "Reason: SIP;cause=200;text=\"Transferred\"\r\n");
        break;

    case TRANSFER_ALONE:
    case TRANSFER_PASSED:
        transfer_count(t, TRANSFER_ABANDONED);
        break;

    default:
        break;
    }
}

void transfer_over(struct transfer *t)
{
    struct call *c = t->call;
    struct leg *leg = t->leg;

    t->leg = NULL;
    transfer_enter(t, TRANSFER_OVER);
    leg_end(leg, 200, "OK", "Reason: SIP;cause=200;text=\"Transferred\"\r\n");
    c->transfer = mem_deref(t);
}

struct transfer *transfer_new(struct call *c, const struct refer *r)
{
    struct transfer *t = mem_zalloc(sizeof(*t), transfer_destructor);

    if (!t)
        return NULL;
    t->call = c;
    t->attended = r->attended;
    t->silent = r->silent;
    party_number(t->to, sizeof(t->to), &r->uri);
    return t;
}

bool transfer_refused(struct call *c, struct leg *leg, const struct sip_msg *msg, struct refer *r)
{
    const char *phrase = "Bad Refer-To";
    uint16_t code = 400;
    int err;

    if (!callconf_refer(c->calls->cfg.conf)) {
        (void)leg_reply(leg, msg, 405, "Method Not Allowed", "Allow: " LEG_ALLOW "\r\n", NULL, NULL);
        return true;
    }
    err = refer_read(r, msg);
    if (err == EPROTONOSUPPORT) {
        code = 416;
        phrase = "Unsupported URI Scheme";
    } else if (err == ENOTSUP) {
        code = 501;
        phrase = "Only INVITE Can Be Referred To";
    } else if (!err && (!call_state_up(c->state) || c->transfer)) { /* one at a time */
        code = 491;
        phrase = "Request Pending";
    } else if (!err) {
        return false;
    }
    (void)leg_reply(leg, msg, code, phrase, NULL, NULL, NULL);
    return true;
}

int transfer_take_over(struct call *c, struct leg *leg, const struct sip_msg *msg, bool answer, struct sdp *s,
                       struct leg **old)
{
    struct sdp *lines = c->trunk_lines;
    int err;

    c->trunk_lines = NULL;
    err = call_trunk_take(c, msg, answer, s);
    if (err && (answer || err != ENOENT)) {
        mem_deref(c->trunk_lines);
        c->trunk_lines = lines;
        return err;
    }
    mem_deref(lines);
    *old = c->trunk;
    c->trunk = leg;
    (void)media_path_tone(c->path, MEDIA_TONE_NONE);
    traced_leg(c->traced, TRACE_TRUNK, leg_callid(leg), strlen(leg_callid(leg)));
    return err;
}

struct addr transfer_trunk_addr(const struct call *c)
{
    const struct trunk_peer *peer = trunks_find(c->calls->cfg.trunks, c->cdr.trunk);
    struct trunk_address v[TRUNK_TARGETS_MAX];
    const size_t n = peer ? trunk_peer_addresses(peer, v) : 0;
    static const struct addr none;

    for (size_t i = 0; i < n; i++)
        if (addr_eq_ip(&v[i].addr, &c->trunk_addr))
            return v[i].addr;
    return peer ? peer->addr : none;
}
