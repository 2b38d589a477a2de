/*
 * call/callhold: the agent's hold, as the trunk is told of it. The browser holds its leg by a re-INVITE that is answered here and at once;
 * the trunk then gets one of ours (dialog/leg: leg_reoffer), so that SIP Server plays its music to the far end:
 *
 *   browser says      we say to the trunk
 *   sendrecv          sendrecv
 *   sendonly          sendonly: nothing is wanted from there
 *   inactive          inactive
 *   recvonly          sendrecv: a browser without a microphone holds nobody
 *
 * Where the trunk has an offer of its own under way, our answer to it says the same, and no re-INVITE is needed. What it refuses stays
 * between the browser and us; setting call.hold=local tells it nothing. Owner: signalling thread. For the files of call/ only.
 */
#ifndef CALL_CALLHOLD_H
#define CALL_CALLHOLD_H

#include "call/call.h"

/* What our descriptions for the trunk may say at most. */
enum media_dir call_hold_wish(const struct call *c);
/* A description that says so went to the trunk, or (agreed) is what both have settled on. */
void call_hold_said(struct call *c, enum media_dir dir);
void call_hold_agreed(struct call *c);
/* The browser's direction has changed. */
void call_hold_tell(struct call *c);
/* Handlers of the trunk's leg. */
char *call_hold_describe(struct leg *leg, void *arg);
bool call_hold_reoffered(struct leg *leg, uint16_t code, void *arg);

#endif
