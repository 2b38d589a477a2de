/*
 * call/echo: the test call of a self-test: a browser's INVITE to TESTID_ECHO, which the gateway answers itself; what the browser says comes
 * back to it (media/path_echo).
 *
 *   browser            gateway
 *     │── INVITE ────────►│ who it is has been proved (call/testid); limits; a media path without a trunk
 *     │◄─ 200 + answer ───│
 *     │── ACK ── RTP ⇄ ───│ … until BYE: the page's, or ours after ECHO_MS
 *
 * It is no call: no record, no place in the list of calls, in their limits and counts; a drain does not wait for it. It gives way to calls:
 * when there is no path left for one, the oldest of these ends (echo_yield). An INVITE beyond the limits gets 486 with Retry-After.
 * Owner: signalling thread. For the files of call/ only.
 */
#ifndef CALL_ECHO_H
#define CALL_ECHO_H

#include "call/callset.h"
#include "media/media.h"

enum {
    ECHO_MAX = 64,
    ECHO_PER_SOURCE = 16, /* IPv6: of a /64; an office has one address */
    ECHO_PER_TEST = 1,
    ECHO_MS = 60000,
};

/* An INVITE by this identity, which may not call anything else: answered in any case. */
void echo_invite(struct calls *cs, const struct sip_msg *msg, const struct sip_origin *o, const char *user);
/* False: the path is none of these. */
bool echo_media_event(struct calls *cs, const struct media_event *ev);
/* A browser's connection is gone. */
void echo_conn_gone(struct calls *cs, uint64_t ws_conn);
/* Ends the oldest; false: there is none. */
bool echo_yield(struct calls *cs);
void echo_end_all(struct calls *cs, const char *reason);

#endif
