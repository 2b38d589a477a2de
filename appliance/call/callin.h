/* call/callin: the trunk calls a DN. Owner: signalling thread. For the files of call/ only. */
#ifndef CALL_CALLIN_H
#define CALL_CALLIN_H

#include "call/call.h"
#include "call/party.h"

/* An INVITE from a trunk; answered in any case. */
void call_inbound(struct calls *cs, const struct sip_msg *msg, const struct sip_origin *o);
/* A leg of the call's for this INVITE of a trunk; the handlers' arg is the call. As leg_accept(). */
int call_trunk_accept(struct call *c, struct leg **lp, const struct sip_msg *msg, const struct sip_origin *o,
                      const struct leg_handlers *h);

/* A new dialog with the page, by our offer; hdrs: complete header lines. Handlers' arg is the call. */
int call_agent_invite(struct call *c, const struct binding *b, const char *from, const char *name,
                      const char *hdrs, const struct leg_handlers *h);
/* Whom the page talks to, by the call's record: for From of another INVITE than the first. */
void call_other(const struct call *c, char uri[PARTY_URI_MAX], char name[2 * PARTY_MAX]);
/* An unanswered call has no page for a while; and rings at it again. */
void call_ring_wait(struct call *c);
int call_ring_again(struct call *c, const struct binding *b);

#endif
