/* call/callinfo: INFO within the two dialogs. Owner: signalling thread. For the files of call/ only. */
#ifndef CALL_CALLINFO_H
#define CALL_CALLINFO_H

#include "call/call.h"

/* Answers it, now or when the other side has. */
void call_info(struct call *c, struct leg *leg, const struct sip_msg *msg);

#endif
