#include "call/callmedia.h"
#include "call/callend.h"
#include "call/callinfo.h"
#include "call/callstat.h"
#include "core/clock.h"
#include "core/log.h"
#include <stdio.h>
#include <string.h>

enum {
    LOST_MS = 30000, /* for a browser to come back, after the 30 s that its consent lasted */
    WAY_SETTLES_MS =
        3000 /* a way that lasts less is ICE trying pairs: leaving it is no change for the record */
};

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
        if (call_rebind_waits(c) && c->rebind.state != REBIND_JOINING)
            return; /* it has its own time */
        (void)media_path_away(c->path, true);
        tmr_start(&c->tmr, LOST_MS, browser_lost_h, c);
        return;
    }
    call_abort(c, ev->type == MEDIA_TIMEOUT ? 408 : 500, text);
}

enum cdr_path call_media_path(enum media_via via)
{
    static const enum cdr_path paths[] = {
        [MEDIA_VIA_NONE] = CDR_PATH_NONE,       [MEDIA_DIRECT] = CDR_PATH_DIRECT,
        [MEDIA_RELAY_UDP] = CDR_PATH_RELAY_UDP, [MEDIA_RELAY_TCP] = CDR_PATH_RELAY_TCP,
        [MEDIA_RELAY_TLS] = CDR_PATH_RELAY_TLS, [MEDIA_RELAY_OTHER] = CDR_PATH_RELAY_OTHER};

    return paths[via];
}

/* The record has the last way, and how often it changed. */
static void way_found(struct call *c, const struct media_event *ev)
{
    const char *candidate = media_cand_name(ev->way.cand);
    const enum cdr_path path = call_media_path(ev->way.via);
    const uint64_t now_ms = clock_ms();
    struct cdr *d = &c->cdr;
    char at[ADDR_STRLEN];

    (void)addr_str(&ev->way.from, at, sizeof(at));
    if (d->remote_ice[0] && (path != d->path || strcmp(at, d->remote_ice)) &&
        now_ms - c->way_ms >= WAY_SETTLES_MS)
        d->path_changes++;
    c->way_ms = now_ms;
    d->path = path;
    (void)snprintf(d->remote_ice, sizeof(d->remote_ice), "%s", at);
    (void)snprintf(d->candidate, sizeof(d->candidate), "%s", candidate);
    log_info("call", "id=%s dn=%s browser=%s path=%s candidate=%s audio path to the browser %s", d->id, d->dn,
             at, cdr_path_name(path), candidate, ev->type == MEDIA_ICE_UP ? "found (ICE)" : "moved (ICE)");
    if (!call_state_up(c->state))
        return;
    tmr_cancel(&c->tmr); /* it was lost */
    if (!call_rebind_waits(c))
        (void)media_path_away(c->path, false);
    cdr_note(c->calls->cfg.store, d);
}

void call_media_event(struct call *c, const struct media_event *ev)
{
    char source[ADDR_STRLEN];

    traced_media(c->traced, ev);
    switch (ev->type) {

    case MEDIA_ICE_UP:
    case MEDIA_ICE_MOVED:
        way_found(c, ev);
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
        call_rebind_joined(c);
        break;

    case MEDIA_TRUNK_LATCHED:
        log_debug("call", "id=%s dn=%s source=%s the trunk's audio comes from here", c->cdr.id, c->cdr.dn,
                  addr_str(&ev->addr, source, sizeof(source)));
        break;

    case MEDIA_DTMF: /* which key is nobody's business: callers type card numbers */
        log_debug("call", "id=%s dn=%s from=%s key pressed", c->cdr.id, c->cdr.dn,
                  ev->from_browser ? "browser" : "trunk");
        if (!ev->relayed)
            call_press(c, ev->from_browser, ev->digit, ev->ms);
        break;

    case MEDIA_DTMF_LOST:
        log_warn_limited("call", "id=%s dn=%s to=%s a digit was lost: too many wait to be sent", c->cdr.id,
                         c->cdr.dn, ev->from_browser ? "trunk" : "browser");
        break;
    }
}
