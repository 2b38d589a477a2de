/* call/callend: how calls end, and the record that each leaves. Owner: signalling thread. For the files of call/ only. */
#ifndef CALL_CALLEND_H
#define CALL_CALLEND_H

#include "call/callsdp.h"

/* Ends a call that is not taken. */
void call_refused(struct call *c, const struct call_refusal *r);
/* The gateway's own wish: with a Reason header made of it. */
void call_abort(struct call *c, uint16_t code, const char *text);
/* A description cannot be served (err: call_refusal()): 488 with Warning for who still waits for an answer, BYE with Reason else. */
void call_abort_sdp(struct call *c, int err, const char *text);
/* leg_accept() of the call's INVITE failed: answers it, unless that has (EACCES: 422), and ends the call. */
void call_not_accepted(struct call *c, const struct sip_msg *msg, int err);
/* A leg ended: passes it on to the other. */
void call_leg_ended(struct call *c, enum cdr_party by, const struct leg_ended *end);
/* The last figures came, or (NULL) are not waited for: writes the CDR of an ended call and frees it. */
void call_media_ended(struct call *c, const struct media_event *ev);

#endif
