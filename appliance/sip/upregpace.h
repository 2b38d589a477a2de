/*
 * sip/upregpace: what is to be sent, in fair order and never faster than so many a second: a token bucket before lines that are served
 * one after the other. Without a clock of its own: whoever owns it says what time it is. Owner: signalling thread.
 */
#ifndef SIP_UPREGPACE_H
#define SIP_UPREGPACE_H

#include <stdint.h>
#include <sys/types.h>

#include <re.h>

enum upregpace_line {
    UPREG_LINE_NOW,     /* sign-ins, and answers to challenges */
    UPREG_LINE_LEAVE,   /* un-registering */
    UPREG_LINE_AGAIN,   /* after a failure, or when SIP Server is back */
    UPREG_LINE_REFRESH, /* that have time */
    UPREG_LINES
};

struct upregpace {
    struct list line[UPREG_LINES];
    uint32_t rate;    /* a second; at least 1 */
    uint64_t last_us; /* when credit was counted */
    uint64_t credit;  /* in parts of a million of one */
};

void upregpace_init(struct upregpace *p, uint32_t rate, uint64_t now_us);
/* Into the line, behind those that wait there; first: before them. Whoever waits in another one changes only for a better one. */
void upregpace_put(struct upregpace *p, struct le *le, void *data, enum upregpace_line line, bool first);
void upregpace_remove(struct le *le);
bool upregpace_waiting(const struct upregpace *p);
/* Whose turn it is: taken out of its line, and paid for. NULL: nobody's, or not yet. */
void *upregpace_take(struct upregpace *p, uint64_t now_us);
/* Milliseconds until it is somebody's turn; at least 1. */
uint32_t upregpace_wait_ms(const struct upregpace *p, uint64_t now_us);

#endif
