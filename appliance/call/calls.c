#include "call/calls.h"
#include "call/callend.h"
#include "call/callin.h"
#include "call/callmedia.h"
#include "call/callout.h"
#include "call/callrefer.h"
#include "call/callstat.h"
#include "call/directory.h"
#include "call/echo.h"
#include "core/clock.h"
#include "core/mbox.h"
#include "sip/wsedge.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* --- what comes in --- */

static void invite_h(const struct sip_msg *msg, void *arg)
{
    struct calls *cs = arg;
    struct sip_origin o;

    if (pl_strcasecmp(&msg->uri.scheme, "sip") && pl_strcasecmp(&msg->uri.scheme, "sips") &&
        pl_strcasecmp(&msg->uri.scheme, "tel")) {
        (void)sip_treply(NULL, sip_stack_sip(cs->cfg.stack), msg, 416, "Unsupported URI Scheme");
        return;
    }
    if (pl_isset(&msg->maxfwd) && !pl_u32(&msg->maxfwd)) { /* it would go on from here: RFC 7332 4 */
        (void)sip_treply(NULL, sip_stack_sip(cs->cfg.stack), msg, 483, "Too Many Hops");
        return;
    }
    if (sip_stack_origin(cs->cfg.stack, msg, &o) || (o.source == SIP_FROM_TRUNK && !o.trunk[0])) {
        (void)sip_treply(NULL, sip_stack_sip(cs->cfg.stack), msg, 403, "Forbidden");
        return;
    }
    if (o.source == SIP_FROM_AGENT)
        call_outbound(cs, msg, &o);
    else if (sip_msg_hdr(msg, SIP_HDR_REPLACES))
        call_replaces(cs, msg, &o);
    else
        call_inbound(cs, msg, &o);
}

static void media_h(void *msg, void *arg)
{
    const struct media_event *ev = msg;
    struct calls *cs = arg;
    struct call *c = table_get(cs->by_path, &ev->path_id, sizeof(ev->path_id));

    if (c)
        call_media_event(c, ev);
    else
        (void)echo_media_event(cs, ev); /* else: of a path that is closed */
}

/* A browser's connection is gone: its calls wait for it (call/callrebind). One that it still dials has nobody left. */
static void ws_gone_h(uint64_t conn, void *arg)
{
    struct calls *cs = arg;
    struct le *le = cs->calll.head;

    echo_conn_gone(cs, conn);
    while (le) {
        struct call *c = le->data;

        le = le->next;
        if (c->agent && leg_conn(c->agent) == conn)
            call_rebind_lost(c);
    }
}

static void binding_h(enum registrar_event ev, const struct binding *b, void *arg)
{
    if (ev == REG_ADDED || ev == REG_REPLACED || ev == REG_REFRESHED || ev == REG_RETURNED)
        call_rebind_signed_in(arg, b);
}

/* --- from outside --- */

static void calls_destructor(void *arg)
{
    struct calls *cs = arg;

    legs_free(cs->legs);
    tracer_free(cs->tracer);
    table_free(cs->by_path);
}

int calls_alloc(struct calls **cp, const struct calls_config *cfg)
{
    struct calls *cs = mem_zalloc(sizeof(*cs), calls_destructor);
    int err;

    if (!cs)
        return ENOMEM;
    cs->cfg = *cfg;
    callstat_limit(cfg->limit_total && cfg->limit_total < MEDIA_PATHS_MAX ? cfg->limit_total
                                                                          : MEDIA_PATHS_MAX);
    err = table_alloc(&cs->by_path, MEDIA_PATHS_MAX);
    if (err)
        goto out;
    err = tracer_alloc(&cs->tracer, cs);
    if (err)
        goto out;
    err = legs_alloc(&cs->legs, cfg->stack, invite_h, cs);
    if (err)
        goto out;
    err = sip_stack_watch(cfg->stack, cfg->media_events, media_h, cs);
    if (err)
        goto out;
    err = registrar_listen(cfg->registrar, binding_h, cs);
    if (err)
        goto out;
    err = sip_ws_on_gone(cfg->stack, ws_gone_h, cs);

out:
    if (err)
        mem_deref(cs);
    else
        *cp = cs;
    return err;
}

void calls_free(struct calls *cs)
{
    struct le *le;

    if (!cs)
        return;
    cs->draining = true;
    calls_end_all(cs, "Gateway is shutting down");
    /* the media's last event will not be waited for: the figures are at most 1 s old */
    while ((le = cs->calll.head))
        call_media_ended(le->data, NULL);
    mem_deref(cs);
}

void calls_end_all(struct calls *cs, const char *reason)
{
    struct le *le = cs->calll.head;

    echo_end_all(cs, reason);
    while (le) {
        struct call *c = le->data;

        le = le->next;
        call_abort(c, 503, reason);
    }
}

bool calls_busy(const struct calls *cs)
{
    return cs->calll.head || legs_count(cs->legs);
}

size_t calls_count(const struct calls *cs)
{
    return cs->live;
}

bool calls_run_for(const struct calls *cs, const char *dn)
{
    struct le *le;

    LIST_FOREACH(&cs->calll, le)
    {
        const struct call *c = le->data;

        if (c->state < CALL_ENDING && !strcmp(c->cdr.dn, dn))
            return true;
    }
    return false;
}

size_t calls_listed(const struct calls *cs)
{
    return list_count(&cs->calll);
}

void calls_drain(struct calls *cs, bool on)
{
    cs->draining = on;
}

static void heard_fill(struct call_heard *h, const struct media_stream_stats *st)
{
    const double expected = (double)st->packets + st->lost;

    if (!st->packets)
        return;
    h->known = true;
    h->mos = st->mos;
    h->loss_percent = 100.0 * st->lost / expected;
    h->jitter_ms = st->jitter_ms;
}

/* The codec of what comes; before anything has, what was agreed upon. */
static const char *codec(const struct media_stream_stats *st, enum media_codec agreed)
{
    return media_codec_name(st->packets ? st->codec : agreed);
}

static void quality_fill(struct call_info *ci, const struct call *c)
{
    const struct call_report *r = &c->report;
    struct media_event ev = {.type = MEDIA_ENDED};

    if (c->path && media_path_stats(c->path, &ev))
        memset(&ev, 0, sizeof(ev));
    heard_fill(&ci->to_trunk, &ev.browser);
    heard_fill(&ci->to_browser, &ev.trunk);
    (void)snprintf(ci->codec_browser, sizeof(ci->codec_browser), "%s", codec(&ev.browser, c->browser.codec));
    (void)snprintf(ci->codec_trunk, sizeof(ci->codec_trunk), "%s", codec(&ev.trunk, c->tm.codec));
    ci->rtt_ms = ev.rtt_ms;
    if (!call_report_fresh(r, clock_wall_ms()))
        return;
    ci->browser.known = true;
    ci->browser.mos = r->mos;
    ci->browser.loss_percent = r->loss_percent;
    ci->browser.jitter_ms = r->jitter_ms;
    ci->browser_rtt_ms = r->rtt_ms;
}

static void info_fill(struct call_info *ci, const struct call *c)
{
    struct dn dn;

    memset(ci, 0, sizeof(*ci));
    (void)snprintf(ci->id, sizeof(ci->id), "%s", c->cdr.id);
    (void)snprintf(ci->dn, sizeof(ci->dn), "%s", c->cdr.dn);
    (void)snprintf(ci->caller, sizeof(ci->caller), "%s", c->cdr.caller);
    (void)snprintf(ci->callee, sizeof(ci->callee), "%s", c->cdr.callee);
    (void)snprintf(ci->trunk, sizeof(ci->trunk), "%s", c->cdr.trunk);
    (void)snprintf(ci->call_uuid, sizeof(ci->call_uuid), "%s", c->cdr.call_uuid);
    (void)snprintf(ci->state, sizeof(ci->state), "%s", call_state_name(c->state));
    ci->direction = c->cdr.direction;
    ci->start_ms = c->cdr.start_ms;
    ci->answer_ms = c->cdr.answer_ms;
    ci->path = c->cdr.path;
    ci->waits = call_rebind_waits(c);
    ci->waits_s = call_rebind_seconds(c);
    if (!directory_get(c->calls->cfg.directory, c->cdr.dn, &dn))
        (void)snprintf(ci->name, sizeof(ci->name), "%s", dn.name);
    explicit_bzero(&dn, sizeof(dn));
    (void)snprintf(ci->caller_name, sizeof(ci->caller_name), "%s", c->cdr.caller_name);
    (void)snprintf(ci->address, sizeof(ci->address), "%s", c->cdr.remote_ice);
    quality_fill(ci, c);
}

void calls_each(const struct calls *cs, calls_h *h, void *arg)
{
    struct call_info ci;
    struct le *le;

    LIST_FOREACH(&cs->calll, le)
    {
        info_fill(&ci, le->data);
        if (h(&ci, arg))
            return;
    }
}

int calls_trace(const struct calls *cs, const char *id, struct buf *out)
{
    return tracer_json(cs->tracer, id, out);
}

int calls_hangup(struct calls *cs, const char *id)
{
    struct le *le;

    LIST_FOREACH(&cs->calll, le)
    {
        struct call *c = le->data;

        if (strcmp(c->cdr.id, id) || c->state >= CALL_ENDING)
            continue;
        call_abort(c, 487, "Ended by the administrator");
        return 0;
    }
    return ENOENT;
}
