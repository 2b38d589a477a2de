/*
 * bench/crowd: agents with calls, and the far end of them, both ends sending the same sound: makes the calls, lets them run, and says what was
 * heard at each end. Sends by the loop's tick.
 */
#ifndef BENCH_CROWD_H
#define BENCH_CROWD_H

#include "agent.h"
#include "farend.h"
#include "server.h"

enum { CROWD_TO_TRUNK, CROWD_TO_BROWSER, CROWD_WAYS };

struct crowd { /* static: it is large */
    struct sound wide, middle, narrow;
    const struct sound *forced; /* NULL = as the server's answer asks */
    struct dtls_identity *identity;
    struct farend far;
    struct agent agent[FAREND_CALLS_MAX];
    unsigned calls, placed;
};

struct crowd_setup {
    double ms[2]; /* p50, p95 */
    double per_s;
    const char *opus; /* what the browsers send */
};

struct crowd_heard { /* since crowd_listen */
    uint64_t expected[CROWD_WAYS];
    uint32_t lost[CROWD_WAYS];
    unsigned marks[CROWD_WAYS], heard[CROWD_WAYS];
    double delay_ms[CROWD_WAYS][3]; /* p50, p95, greatest */
    double jitter_ms[CROWD_WAYS];   /* RFC 3550's, of the calls in the middle */
    unsigned late_ms[2];            /* the generator's own ticks: p99, greatest */
};

/* Makes the sound and opens the loop. errno. */
int crowd_open(struct crowd *c);
void crowd_close(struct crowd *c);
/* DNs 1000, 1001, … of the server; false when not all are registered (a line on stderr). */
bool crowd_register(struct crowd *c, uint16_t port, unsigned calls, bool opus);
bool crowd_call(struct crowd *c, struct crowd_setup *setup);
/* From now on. */
void crowd_listen(struct crowd *c);
void crowd_hear(struct crowd *c, struct crowd_heard *out);
bool crowd_is_up(const struct crowd *c);
/* Hangs up, leaves. */
void crowd_end(struct crowd *c);

/* p50, p95 and the greatest of n values; sorts them. */
void crowd_quantiles(float *v, size_t n, double out[3]);

#endif
