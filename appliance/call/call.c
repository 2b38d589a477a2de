#include "call/call.h"
#include "call/callconf.h"
#include "call/callstat.h"
#include "call/echo.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/rnd.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

static void call_destructor(void *arg)
{
    struct call *c = arg;

    list_unlink(&c->le);
    tmr_cancel(&c->tmr);
    tmr_cancel(&c->ask.tmr);
    tmr_cancel(&c->rebind.tmr);
    if (c->path_id)
        (void)table_del(c->calls->by_path, &c->path_id, sizeof(c->path_id));
    mem_deref(c->trunk_lines);
    mem_deref(c->agent_lines);
    buf_reset(&c->hdrs);
    call_session_drop(c);
    traced_end(c->traced, &c->cdr);
    callstat_leave(c->cdr.direction, c->state);
}

int call_new(struct call **cp, struct calls *cs, enum cdr_direction dir)
{
    struct call *c;
    char tail[9];

    if (list_count(&cs->calll) >= MEDIA_PATHS_MAX)
        return ENOSPC;
    if (list_count(&cs->calll) + list_count(&cs->echol) >= MEDIA_PATHS_MAX)
        (void)echo_yield(cs);
    c = mem_zalloc(sizeof(*c), call_destructor);
    if (!c)
        return ENOMEM;
    c->calls = cs;
    buf_init(&c->hdrs, LEG_HDRS_MAX);
    c->cdr.direction = dir;
    c->agent_dir = MEDIA_SENDRECV;
    c->hold_said = c->hold_agreed = MEDIA_SENDRECV;
    c->start_ms = clock_ms();
    c->cdr.start_ms = clock_wall_ms();
    rnd_str(tail, sizeof(tail), 8);
    (void)snprintf(c->cdr.id, sizeof(c->cdr.id), CDR_ID_TIME "-%04x-%s", (unsigned long long)c->cdr.start_ms,
                   cs->serial++, tail);
    c->sdp_id = (uint64_t)c->cdr.start_ms;
    c->traced = tracer_begin(cs->tracer, c->cdr.id, c->cdr.start_ms);
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
    const struct call_has has = {.agent = c->agent || (call_rebind_waits(c) && to < CALL_ENDING),
                                 .trunk = c->trunk,
                                 .media = c->path,
                                 .answer_time = c->cdr.answer_ms,
                                 .end_time = c->cdr.end_ms};
    const enum call_state from = c->state;

    if (!call_state_move(&c->state, to, &has, call_label(c)))
        return;
    callstat_leave(c->cdr.direction, from);
    callstat_enter(c->cdr.direction, to);
    traced_note(c->traced, TRACE_GATEWAY, TRACE_STATE, "%s", call_state_name(to));
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

/* It ends where the DN was signed in before, or waits for a browser that was lost: no place of those where the DN is now. */
static bool elsewhere(const struct call *c)
{
    const enum session_state st = c->session ? session_state(c->session) : SESSION_GONE;

    return st == SESSION_LEAVING || st == SESSION_LOST;
}

static size_t calls_of_dn(const struct calls *cs, const char *dn)
{
    struct le *le;
    size_t n = 0;

    LIST_FOREACH(&cs->calll, le)
    {
        const struct call *c = le->data;

        if (c->state < CALL_ENDING && !strcmp(c->cdr.dn, dn) && !elsewhere(c))
            n++;
    }
    return n;
}

uint16_t call_admit(const struct call *c, const char **phrase)
{
    const struct calls *cs = c->calls;
    const uint32_t per_dn = c->dn_limit ? c->dn_limit : cs->cfg.limit_per_dn;

    *phrase = "Service Unavailable";
    if (cs->draining)
        return 503;
    if (cs->cfg.limit_total && cs->live > cs->cfg.limit_total)
        return 503;
    *phrase = "Busy Here";
    if (per_dn && calls_of_dn(cs, c->cdr.dn) > per_dn)
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

void call_session_take(struct call *c, uint64_t ws_conn)
{
    c->session = registrar_session(c->calls->cfg.registrar, ws_conn);
    if (c->session)
        session_hold(c->session);
}

void call_session_drop(struct call *c)
{
    struct session *s = c->session;

    c->session = NULL;
    if (s)
        session_release(s);
}

int call_media_open(struct call *c, bool controlling)
{
    int err;

    err = media_path_create(&c->path, c->calls->cfg.media, controlling, &c->local);
    if (err)
        return err;
    c->path_id = media_path_id(c->path);
    call_hold_update(c);
    return table_put(c->calls->by_path, &c->path_id, sizeof(c->path_id), c);
}

bool call_trunk_known(const struct call *c)
{
    return c->tm.codec != MEDIA_NONE;
}

bool call_trunk_holds(const struct call *c)
{
    return call_trunk_known(c) && (c->hold_said & ~c->tm.dir); /* less than we have agreed to */
}

void call_hold_update(struct call *c)
{
    bool held = c->agent_dir != MEDIA_SENDRECV || call_trunk_holds(c);
    struct trace_facts *facts = traced_facts(c->traced);

    if (facts)
        facts->held = held;

    /* Until the answer nobody has to send anything: ringing is no RTP timeout, nor is a page that is away */
    (void)media_path_hold(c->path, held || c->state < CALL_ANSWERED || call_rebind_waits(c));
    if (c->state == CALL_ANSWERED && held)
        call_move(c, CALL_HELD);
    else if (c->state == CALL_HELD && !held)
        call_move(c, CALL_ANSWERED);
}
