/* call/callin: the trunk calls a DN. Owner: signalling thread. For the files of call/ only. */
#ifndef CALL_CALLIN_H
#define CALL_CALLIN_H

#include "call/call.h"

/* An INVITE from a trunk; answered in any case. */
void call_inbound(struct calls *cs, const struct sip_msg *msg, const struct sip_origin *o);
/* A leg of the call's for this INVITE of a trunk; the handlers' arg is the call. As leg_accept(). */
int call_trunk_accept(struct call *c, struct leg **lp, const struct sip_msg *msg, const struct sip_origin *o,
                      const struct leg_handlers *h);

#endif
