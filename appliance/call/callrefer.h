/*
 * call/callrefer: transfers. In each of them the browser's leg stays as it is; one at a time per call.
 *
 * The trunk sends REFER (RFC 3515), with Replaces in Refer-To or without (RFC 5589 6, 7): we call there, and the audio goes over.
 *
 *   trunk               gateway              trunk
 *     │── REFER ─────────►│ 202                │      calling ─► leaving ─► over      (answered)
 *     │◄─ NOTIFY 100 ─────│── INVITE ─────────►│         │ └────────────────► over     (refused: the call goes on as it was)
 *     │◄─ NOTIFY 180 ─────│◄─ 180 ─────────────│         ▼
 *     │◄─ NOTIFY 200 ─────│◄─ 200 ─────────────│       alone ─► over       (BYE came behind our 202: the new leg is the call's, and
 *     │◄─ BYE ────────────│── ACK ────────────►│                            the agent hears how it rings)
 *
 * The agent's page sends REFER: it goes on to the trunk, whose Allow must list REFER; the number or, with Replaces, the page's other call is
 * named as the trunk knows it; NOTIFYs come back by the same way.        passed ─► over
 *
 * An INVITE of the trunk with Replaces (RFC 3891): its leg takes the place of the one that it names, which gets BYE.
 *
 * A subscription ends with a final NOTIFY, with its call, or after TRANSFER_S. Owner: signalling thread. For the files of call/ only.
 */
#ifndef CALL_CALLREFER_H
#define CALL_CALLREFER_H

#include "call/call.h"

/* REFER of the trunk, of the page; answers it. */
void call_refer_trunk(struct call *c, struct leg *leg, const struct sip_msg *msg);
void call_refer_agent(struct call *c, struct leg *leg, const struct sip_msg *msg);
/* NOTIFY of what became of a REFER; answers it. */
void call_refer_notify(struct call *c, struct leg *leg, const struct sip_msg *msg);
/* A leg of the trunk's has ended: true when a transfer has another one for the call, or it was not the call's any more. */
bool call_refer_left(struct call *c, const struct leg *leg);
/* An INVITE of the trunk with Replaces; answers it. */
void call_replaces(struct calls *cs, const struct sip_msg *msg, const struct sip_origin *o);

#endif
