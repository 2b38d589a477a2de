/* call/callinfo: INFO within the two dialogs. Owner: signalling thread. For the files of call/ only. */
#ifndef CALL_CALLINFO_H
#define CALL_CALLINFO_H

#include "call/call.h"

/* Answers it, now or when the other side has. */
void call_info(struct call *c, struct leg *leg, const struct sip_msg *msg);
/* A key was pressed for ms, and the other side takes no events: goes there by INFO where its Allow lists that, else as tones. */
void call_press(struct call *c, bool from_browser, char key, unsigned ms);
/* Keys for the far end that no browser has pressed: as events, else as call_press() does. */
int call_keys(struct call *c, const char *keys, unsigned ms);

#endif
