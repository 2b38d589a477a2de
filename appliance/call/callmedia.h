/* call/callmedia: what the media say to their call. Owner: signalling thread. For the files of call/ only. */
#ifndef CALL_CALLMEDIA_H
#define CALL_CALLMEDIA_H

#include "call/call.h"

void call_media_event(struct call *c, const struct media_event *ev);

/* As records and logs name the way. */
enum cdr_path call_media_path(enum media_via via);

#endif
