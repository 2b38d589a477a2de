#include "call/callevent.h"
#include "call/callinfo.h"
#include "call/cti.h"
#include "core/log.h"
#include "core/metric.h"
#include <errno.h>
#include <string.h>

#define EVENTS_HELP "NOTIFY of trunks within calls"
METRIC_COUNTER(talks, "dngate_sip_events_total", "event=\"talk\"", EVENTS_HELP);
METRIC_COUNTER(holds, "dngate_sip_events_total", "event=\"hold\"", EVENTS_HELP);
METRIC_COUNTER(dtmfs, "dngate_sip_events_total", "event=\"dtmf\"", EVENTS_HELP);
METRIC_COUNTER(beeps, "dngate_sip_events_total", "event=\"beep\"", EVENTS_HELP);
METRIC_COUNTER(alives, "dngate_sip_events_total", "event=\"keep-alive\"", EVENTS_HELP);
METRIC_COUNTER(others, "dngate_sip_events_total", "event=\"other\"", EVENTS_HELP);

/* --- the page --- */

static const char *by_name(enum call_by by)
{
    static const char *const names[] = {"nobody", "desktop", "header", "dn"};

    return names[by];
}

static void ask(struct call *c, const char *what, enum call_by by)
{
    char body[64];
    int err = ENOTSUP;

    (void)re_snprintf(body, sizeof(body), "{\"do\":\"%s\",\"by\":\"%s\"}", what, by_name(by));
    if (call_rebind_reached(c) && leg_takes_info(c->agent))
        err = leg_request(c->agent, "INFO", "", CALL_ASK_TYPE, body, NULL, NULL);
    traced_note(c->traced, TRACE_GATEWAY, TRACE_STATE, "the page is asked to %s (%s)%s", what, by_name(by),
                err ? ": not possible" : "");
    if (err)
        log_warn_limited("call", "id=%s dn=%s by=%s error=\"%s\" the page cannot be asked to %s", c->cdr.id,
                         c->cdr.dn, by_name(by), strerror(err), what);
    else
        log_info("call", "id=%s dn=%s by=%s the page is asked to %s", c->cdr.id, c->cdr.dn, by_name(by),
                 what);
}

static bool waits_for_agent(const struct call *c)
{
    return c->cdr.direction == CDR_INBOUND && c->agent && !call_state_up(c->state);
}

static void answer_h(void *arg)
{
    struct call *c = arg;

    if (!waits_for_agent(c) || c->state == CALL_ENDING)
        return;
    c->ask.told = true;
    ask(c, "answer", c->ask.by);
}

static void answer_soon(struct call *c)
{
    if (!c->ask.by || !c->ask.rings)
        return;
    if (c->ask.after_s)
        tmr_start(&c->ask.tmr, (uint64_t)c->ask.after_s * 1000, answer_h, c);
    else
        answer_h(c);
}

void call_event_invite(struct call *c, const struct sip_msg *msg, bool dn)
{
    if (cti_answers(msg, &c->ask.after_s))
        c->ask.by = CALL_BY_HEADER;
    else if (dn)
        c->ask.by = CALL_BY_DN;
}

void call_event_rings(struct call *c)
{
    c->ask.rings = true;
    answer_soon(c);
}

void call_event_answered(struct call *c)
{
    tmr_cancel(&c->ask.tmr);
    if (c->ask.told && c->ask.by != CALL_BY_DESKTOP && callconf_beep(c->calls->cfg.conf))
        (void)media_path_tone(c->path, MEDIA_TONE_BEEP);
}

/* --- the events --- */

static void ok(struct leg *leg, const struct sip_msg *msg)
{
    (void)leg_reply(leg, msg, 200, "OK", NULL, NULL, NULL);
}

/* Answers what rings; in a call it takes the caller from hold, which a page that holds nobody does not do. */
static void talk(struct call *c, struct leg *leg, const struct sip_msg *msg)
{
    ok(leg, msg);
    if (call_state_up(c->state)) {
        ask(c, "retrieve", CALL_BY_DESKTOP);
    } else if (waits_for_agent(c)) {
        const bool already = c->ask.told && c->ask.by == CALL_BY_DESKTOP;

        c->ask.by = CALL_BY_DESKTOP;
        c->ask.after_s = 0;
        tmr_cancel(&c->ask.tmr);
        if (!already)
            answer_soon(c);
    }
}

static void hold(struct call *c, struct leg *leg, const struct sip_msg *msg)
{
    ok(leg, msg);
    if (call_state_up(c->state))
        ask(c, "hold", CALL_BY_DESKTOP);
}

static void beep(struct call *c, struct leg *leg, const struct sip_msg *msg)
{
    ok(leg, msg);
    if (call_state_up(c->state) || c->ask.rings)
        ask(c, "beep", CALL_BY_DESKTOP);
}

/* Keys that the desktop presses, for the far end. */
static void dtmf(struct call *c, struct leg *leg, const struct sip_msg *msg)
{
    struct cti_keys k;
    int err = cti_keys_read(&k, msg);

    if (err) {
        (void)leg_reply(leg, msg, 400, "No Digit In It", NULL, NULL, NULL);
        return;
    }
    ok(leg, msg);
    err = call_keys(c, k.keys, k.ms);
    if (err)
        log_warn_limited("call", "id=%s dn=%s from=desktop error=\"%s\" digits in NOTIFY were not carried",
                         c->cdr.id, c->cdr.dn, strerror(err));
}

static void keep_alive(struct call *c, struct leg *leg, const struct sip_msg *msg)
{
    (void)c;
    ok(leg, msg);
}

static void unknown(struct call *c, struct leg *leg, const struct sip_msg *msg)
{
    (void)c;
    (void)leg_reply(leg, msg, 489, "Bad Event", SIP_ALLOW_EVENTS, NULL, NULL);
}

static const struct event {
    const char *name;
    void (*take)(struct call *c, struct leg *leg, const struct sip_msg *msg);
    struct metric *count;
} events[] = {
    {"talk", talk, &talks},
    {"hold", hold, &holds},
    {"dtmf", dtmf, &dtmfs},
    {"beep", beep, &beeps},
    {SIP_EVENT_KEEP_ALIVE, keep_alive, &alives},
};

void call_event(struct call *c, struct leg *leg, const struct sip_msg *msg)
{
    static const struct event other = {"", unknown, &others};
    const struct pl name = cti_event(msg);
    const struct event *e = &other;

    if (!pl_strcmp(&msg->met, "NOTIFY"))
        for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
            if (!pl_strcasecmp(&name, events[i].name))
                e = &events[i];
    metric_add(e->count, 1);
    e->take(c, leg, msg);
}
