/*
 * call/report: what the agent's page hears of its call, by its own getStats: an INFO in the call's dialog each 10 s,
 *
 *   Content-Type: application/vnd.dngate.report+json
 *   {"mos":4.3,"loss":0.4,"jitter":3,"rtt":14,"far":0}      loss and far in percent, jitter and rtt in ms; far: what RTCP says of what it sends
 *
 * The last one is in the call (call.report): `dngate calls` and the console show it beside our own figures, a trace may take it from there.
 * Pure; any thread.
 */
#ifndef CALL_REPORT_H
#define CALL_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CALL_REPORT_TYPE "application"
#define CALL_REPORT_SUBTYPE "vnd.dngate.report+json"
enum {
    CALL_REPORT_MAX = 512,       /* bytes */
    CALL_REPORT_GOOD_MS = 25000, /* two that did not come: what it said before is not how it is now */
};

struct call_report {
    int64_t time_ms;                                               /* when it came; 0: none has */
    double mos, loss_percent, jitter_ms, rtt_ms, far_loss_percent; /* 0: not known */
};

/* EMSGSIZE: longer than CALL_REPORT_MAX; EBADMSG: no such object, or a figure that cannot be. time_ms is the caller's to set. */
int call_report_decode(struct call_report *r, const char *text, size_t len);

/* There is one, and it is of now. */
bool call_report_fresh(const struct call_report *r, int64_t now_ms);

#endif
