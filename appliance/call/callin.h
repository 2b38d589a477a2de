/* call/callin: the trunk calls a DN. Owner: signalling thread. For the files of call/ only. */
#ifndef CALL_CALLIN_H
#define CALL_CALLIN_H

#include "call/callset.h"

/* An INVITE from a trunk; answered in any case. */
void call_inbound(struct calls *cs, const struct sip_msg *msg, const struct sip_origin *o);

#endif
