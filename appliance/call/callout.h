/* call/callout: an agent calls. Owner: signalling thread. For the files of call/ only. */
#ifndef CALL_CALLOUT_H
#define CALL_CALLOUT_H

#include "call/call.h"

enum {
    CALL_TRUNK_BUDGET_MS =
        3600, /* all trunks together, until the agent gets 503; unless call.trunk_seconds is set */
    CALL_TRY_MIN_MS = 700 /* for each one tried: its INVITE goes twice (RFC 3261 17.1.1.2: T1 is 500 ms) */
};

/* An INVITE from a browser; answered in any case. */
void call_outbound(struct calls *cs, const struct sip_msg *msg, const struct sip_origin *o);

struct call_trunk_dial { /* an INVITE of the call's to a trunk */
    struct leg **leg;
    const char *target; /* request URI; NULL: whom the agent dialled */
    const char *hdrs;   /* whole lines */
    const char *sdp;
    const struct leg_handlers *h; /* their arg is the call */
};
int call_trunk_invite(struct call *c, const struct trunk_peer *peer, const struct addr *addr,
                      const struct call_trunk_dial *dial);

#endif
