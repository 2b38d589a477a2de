/* call/callmid: requests within the two dialogs: handlers of legs; arg is the call. Owner: signalling thread. For the files of call/ only. */
#ifndef CALL_CALLMID_H
#define CALL_CALLMID_H

#include "call/call.h"

void call_agent_request(struct leg *leg, const struct sip_msg *msg, void *arg);
void call_trunk_request(struct leg *leg, const struct sip_msg *msg, void *arg);
void call_trunk_reanswered(struct leg *leg, const struct sip_msg *msg, void *arg);
void call_agent_reanswered(struct leg *leg, const struct sip_msg *msg, void *arg);
bool call_agent_permit(struct leg *leg, const struct sip_msg *msg, void *arg);
/* A trunk's leg that is answered: how it goes on. */
extern const struct leg_handlers call_trunk_talking;
bool call_trunk_permit(struct leg *leg, const struct sip_msg *msg, void *arg);

#endif
