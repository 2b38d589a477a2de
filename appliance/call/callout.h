/* call/callout: an agent calls. Owner: signalling thread. For the files of call/ only. */
#ifndef CALL_CALLOUT_H
#define CALL_CALLOUT_H

#include "call/callset.h"

enum {
    CALL_TRUNK_BUDGET_MS =
        3600, /* all trunks together, until the agent gets 503; unless call.trunk_seconds is set */
    CALL_TRY_MIN_MS = 700 /* for each one tried: its INVITE goes twice (RFC 3261 17.1.1.2: T1 is 500 ms) */
};

/* An INVITE from a browser; answered in any case. */
void call_outbound(struct calls *cs, const struct sip_msg *msg, const struct sip_origin *o);

#endif
