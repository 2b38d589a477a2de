/* call/callstat: what /metrics says of calls: those that live, by direction and state, and how they went when they end. Owner: the
 * signalling thread. */
#ifndef CALL_CALLSTAT_H
#define CALL_CALLSTAT_H

#include "call/callfsm.h"
#include "media/media.h"
#include "store/cdr.h"

/* Most calls at once. */
void callstat_limit(size_t max);
/* A call enters or leaves a state; callstat_enter(…, CALL_NEW) when it is made. */
void callstat_enter(enum cdr_direction dir, enum call_state s);
void callstat_leave(enum cdr_direction dir, enum call_state s);
/* Its record is complete. */
void callstat_ended(const struct cdr *c);
/* Since the start, for who looks at differences. Any thread. */
struct callstat_totals {
    uint64_t inbound, outbound, answered, abandoned, failed;
    uint64_t talk_ms;      /* of answered ones, from answer to end */
    uint64_t rtts, rtt_us; /* of how many the round trip to the browser is known, and their sum */
    int64_t live;          /* that run now */
};
void callstat_totals(struct callstat_totals *out);
/* Audio failed or fell silent: MEDIA_FAILED, MEDIA_TIMEOUT. */
void callstat_media_failed(const struct media_event *ev);

#endif
