#include "call/callmedia.h"
#include "call/callend.h"
#include "call/callstat.h"
#include "core/log.h"
#include <stdio.h>

enum { LOST_MS = 30000 }; /* for a browser to come back, after the 30 s that its consent lasted */

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
        tmr_start(&c->tmr, LOST_MS, browser_lost_h, c);
        return;
    }
    call_abort(c, ev->type == MEDIA_TIMEOUT ? 408 : 500, text);
}

void call_media_event(struct call *c, const struct media_event *ev)
{
    char source[ADDR_STRLEN];

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
