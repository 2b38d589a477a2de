/* call/call: all calls: what comes in is given to a direction, what the media say to its call. */
#include "call/callpriv.h"
#include "call/callconf.h"
#include "call/callstat.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/mbox.h"
#include "core/rnd.h"
#include "sip/wsedge.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* --- one call --- */

static void call_destructor(void *arg)
{
    struct call *c = arg;

    list_unlink(&c->le);
    tmr_cancel(&c->tmr);
    if (c->path_id)
        (void)table_del(c->calls->by_path, &c->path_id, sizeof(c->path_id));
    mem_deref(c->trunk_lines);
    buf_reset(&c->hdrs);
    callstat_leave(c->cdr.direction, c->state);
}

int call_new(struct call **cp, struct calls *cs, enum cdr_direction dir)
{
    struct call *c;
    char tail[9];

    if (list_count(&cs->calll) >= MEDIA_PATHS_MAX)
        return ENOSPC;
    c = mem_zalloc(sizeof(*c), call_destructor);
    if (!c)
        return ENOMEM;
    c->calls = cs;
    buf_init(&c->hdrs, LEG_HDRS_MAX);
    c->cdr.direction = dir;
    c->agent_dir = MEDIA_SENDRECV;
    c->start_ms = clock_ms();
    c->cdr.start_ms = clock_wall_ms();
    rnd_str(tail, sizeof(tail), 8);
    (void)snprintf(c->cdr.id, sizeof(c->cdr.id), "%012llx-%04x-%s", (unsigned long long)c->cdr.start_ms,
                   cs->serial++, tail);
    c->sdp_id = (uint64_t)c->cdr.start_ms;
    list_append(&cs->calll, &c->le, c);
    cs->live++;
    callstat_enter(dir, CALL_NEW);
    *cp = c;
    return 0;
}

int64_t call_wall_ms(const struct call *c)
{
    return c->cdr.start_ms + (int64_t)(clock_ms() - c->start_ms);
}

void call_move(struct call *c, enum call_state to)
{
    const enum call_state from = c->state;

    if (!call_state_move(&c->state, to, call_label(c)))
        return;
    callstat_leave(c->cdr.direction, from);
    callstat_enter(c->cdr.direction, to);
    if (to == CALL_CALLING || to == CALL_ANSWERED)
        cdr_note(c->calls->cfg.store, &c->cdr);
}

void call_answered(struct call *c)
{
    c->cdr.answer_ms = call_wall_ms(c);
    call_move(c, CALL_ANSWERED);
    log_info("call", "id=%s dn=%s trunk=%s codec=%s answered", c->cdr.id, c->cdr.dn, c->cdr.trunk,
             media_codec_name(c->browser.codec));
    call_hold_update(c);
}

size_t calls_of_dn(const struct calls *cs, const char *dn)
{
    struct le *le;
    size_t n = 0;

    LIST_FOREACH(&cs->calll, le)
    {
        const struct call *c = le->data;

        if (c->state < CALL_ENDING && !strcmp(c->cdr.dn, dn))
            n++;
    }
    return n;
}

uint16_t call_admit(const struct call *c, const char **phrase)
{
    const struct calls *cs = c->calls;

    *phrase = "Service Unavailable";
    if (cs->draining)
        return 503;
    if (cs->cfg.limit_total && cs->live > cs->cfg.limit_total)
        return 503;
    *phrase = "Busy Here";
    if (cs->cfg.limit_per_dn && calls_of_dn(cs, c->cdr.dn) > cs->cfg.limit_per_dn)
        return 486;
    return 0;
}

int call_pass(const struct call *c, struct buf *out, const struct sip_msg *msg, enum callhdr_way way)
{
    char allowed[CALLCONF_MAX];

    if (way == CALLHDR_TO_AGENT && c->withheld && c->cdr.direction == CDR_INBOUND)
        way = CALLHDR_TO_AGENT_WITHHELD;
    return callhdr_pass(out, msg, way, callconf_agent_headers(c->calls->cfg.conf, allowed));
}

void call_note_uuid(struct call *c, const struct sip_msg *msg, enum callhdr_way way)
{
    char allowed[CALLCONF_MAX];
    struct pl name;

    pl_set_str(&name, "X-Genesys-CallUUID");
    if (way == CALLHDR_TO_AGENT ||
        callhdr_allowed(&name, callconf_agent_headers(c->calls->cfg.conf, allowed)))
        callhdr_call_uuid(c->cdr.call_uuid, sizeof(c->cdr.call_uuid), msg);
}

const char *call_label(struct call *c)
{
    (void)snprintf(c->label, sizeof(c->label), "id=%s dn=%s", c->cdr.id, c->cdr.dn);
    return c->label;
}

int call_media_open(struct call *c, bool controlling)
{
    const struct media_path_config cfg = {.controlling = controlling, .arg = c};
    int err;

    err = media_path_create(&c->path, c->calls->cfg.media, &cfg, &c->local);
    if (err)
        return err;
    c->path_id = media_path_id(c->path);
    call_hold_update(c);
    return table_put(c->calls->by_path, &c->path_id, sizeof(c->path_id), c);
}

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
    if (sip_stack_origin(cs->cfg.stack, msg, &o) || (o.source == SIP_FROM_TRUNK && !o.trunk[0])) {
        (void)sip_treply(NULL, sip_stack_sip(cs->cfg.stack), msg, 403, "Forbidden");
        return;
    }
    if (o.source == SIP_FROM_AGENT)
        call_outbound(cs, msg, &o);
    else
        call_inbound(cs, msg, &o);
}

static void browser_lost_h(void *arg)
{
    call_abort(arg, 500, "Media failed: browser did not come back");
}

/* A browser that changes networks signs in again and restarts ICE: until then the far end is held on to. */
static bool may_come_back(const struct call *c, const struct media_event *ev)
{
    return ev->type == MEDIA_FAILED && call_state_up(c->state) && c->cdr.remote_ice[0] &&
           (ev->reason == MEDIA_CONSENT_LOST || ev->reason == MEDIA_NO_ICE);
}

static void media_failed(struct call *c, const struct media_event *ev)
{
    char text[64];

    (void)snprintf(text, sizeof(text), "Media %s: %s", ev->type == MEDIA_TIMEOUT ? "timeout" : "failed",
                   media_reason_name(ev->reason));
    callstat_media_failed(ev);
    log_warn("call", "id=%s dn=%s %s", c->cdr.id, c->cdr.dn, text);
    if (may_come_back(c, ev)) {
        tmr_start(&c->tmr, CALL_LOST_MS, browser_lost_h, c);
        return;
    }
    call_abort(c, ev->type == MEDIA_TIMEOUT ? 408 : 500, text);
}

static void media_h(void *msg, void *arg)
{
    const struct media_event *ev = msg;
    struct calls *cs = arg;
    struct call *c = table_get(cs->by_path, &ev->path_id, sizeof(ev->path_id));
    char source[ADDR_STRLEN];

    if (!c)
        return;

    switch (ev->type) {

    case MEDIA_ICE_UP:
    case MEDIA_ICE_MOVED:
        if (call_state_up(c->state))
            tmr_cancel(&c->tmr); /* it was lost */
        (void)addr_str(&ev->addr, c->cdr.remote_ice, sizeof(c->cdr.remote_ice));
        log_info("call", "id=%s dn=%s browser=%s audio path to the browser %s", c->cdr.id, c->cdr.dn,
                 c->cdr.remote_ice, ev->type == MEDIA_ICE_UP ? "found (ICE)" : "moved (ICE)");
        break;

    case MEDIA_FAILED:
    case MEDIA_TIMEOUT:
        media_failed(c, ev);
        break;

    case MEDIA_ENDED:
        call_media_ended(c, ev);
        break;

    case MEDIA_DTLS_UP:
        log_debug("call", "id=%s dn=%s audio to the browser is encrypted (DTLS-SRTP)", c->cdr.id, c->cdr.dn);
        break;

    case MEDIA_TRUNK_LATCHED:
        log_debug("call", "id=%s dn=%s source=%s the trunk's audio comes from here", c->cdr.id, c->cdr.dn,
                  addr_str(&ev->addr, source, sizeof(source)));
        break;

    case MEDIA_DTMF: /* which key is nobody's business: callers type card numbers */
        log_debug("call", "id=%s dn=%s from=%s key pressed", c->cdr.id, c->cdr.dn,
                  ev->from_browser ? "browser" : "trunk");
        break;

    case MEDIA_DTMF_LOST:
        log_warn_limited("call", "id=%s dn=%s to=%s a digit was lost: too many wait to be sent", c->cdr.id,
                         c->cdr.dn, ev->from_browser ? "trunk" : "browser");
        break;
    }
}

/* A browser's connection is gone. An answered call lives on while its audio does (the media say when not); one that still rings or
 * dials has nobody left to answer it. */
static void ws_gone_h(uint64_t conn, void *arg)
{
    struct calls *cs = arg;
    struct le *le = cs->calll.head;

    while (le) {
        struct call *c = le->data;

        le = le->next;
        if (c->agent && leg_conn(c->agent) == conn && c->state < CALL_ANSWERED)
            call_abort(c, 480, "Agent's connection lost");
    }
}

/* The same browser on a new connection goes on with its dialogs. */
static void binding_h(enum registrar_event ev, const struct binding *b, void *arg)
{
    struct calls *cs = arg;
    struct le *le;

    if (ev != REG_ADDED && ev != REG_REPLACED && ev != REG_REFRESHED)
        return;
    LIST_FOREACH(&cs->calll, le)
    {
        struct call *c = le->data;

        if (c->agent && b->instance[0] && !strcmp(c->cdr.dn, b->dn) && !strcmp(c->instance, b->instance))
            leg_move(c->agent, b->ws_conn);
    }
}

/* --- the public side --- */

static void calls_destructor(void *arg)
{
    struct calls *cs = arg;

    legs_free(cs->legs);
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

void calls_drain(struct calls *cs, bool on)
{
    cs->draining = on;
}

static void info_fill(struct call_info *ci, const struct call *c)
{
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
