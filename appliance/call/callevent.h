/*
 * call/callevent: what others ask of the agent's phone. The desktop does by way of the trunk's NOTIFY, in an early dialog too, which gets
 * its 200 at once; the headers of a call, and the DN's own setting, want it answered. The page is asked by INFO in its dialog, with
 * CALL_ASK_TYPE: {"do":"answer|hold|retrieve|beep","by":"desktop|header|dn"}; digits go into the audio here.
 *
 *   trunk                gateway                page
 *     │◄─ 180 ──────────────│◄─ 180 ──────────────│
 *     │── NOTIFY talk ─────►│                     │
 *     │◄─ 200 ──────────────│── INFO answer ─────►│
 *     │                     │◄─ 200 (INFO) ───────│
 *     │◄─ 200 ──────────────│◄─ 200 (INVITE) ─────│
 *
 * Owner: signalling thread. For the files of call/ only.
 */
#ifndef CALL_CALLEVENT_H
#define CALL_CALLEVENT_H

#include "call/call.h"

#define CALL_ASK_TYPE "application/dngate-call+json"
/* Goes with a 180 and 200 to the trunk. */
#define CALL_ALLOW_EVENTS "Allow-Events: talk, hold\r\n"

/* A NOTIFY or SUBSCRIBE in the trunk's dialog. 489: an event that is not ours. */
void call_event(struct call *c, struct leg *leg, const struct sip_msg *msg);
/* An INVITE of the trunk: is its call to be answered by the page itself? dn: as the DN is set. */
void call_event_invite(struct call *c, const struct sip_msg *msg, bool dn);
/* The browser rings: from now on it has a dialog, and can be asked. */
void call_event_rings(struct call *c);
/* It has answered: an agent who did not do it himself hears a beep before the caller (call.beep). */
void call_event_answered(struct call *c);

#endif
