/*
 * bench/soakslot: one agent, one number of the far end, and the calls between them, one after the other, as chance has it: in both
 * directions, answered, busy, given up; ended from either side or by a browser that is simply gone; between them registrations again,
 * on the same connection or on another. What was not on purpose is a failure.
 */
#ifndef BENCH_SOAKSLOT_H
#define BENCH_SOAKSLOT_H

#include "agent.h"
#include "farend.h"
#include "soakstat.h"

enum soak_plan { /* the first two end in a conversation */
                 PLAN_OUT,
                 PLAN_IN,
                 PLAN_OUT_BUSY,
                 PLAN_IN_BUSY,
                 PLAN_OUT_CANCEL,
                 PLAN_IN_CANCEL,
                 PLAN_COUNT
};
enum soak_end { END_AGENT, END_FAR, END_VANISH, END_COUNT };

/* What all slots share. */
struct soak_world {
    struct farend *far;
    uint16_t https_port;
    unsigned calls_max; /* at a time */
    bool paused;        /* no new calls; those that are up end soon */
    uint64_t random;    /* state of the generator */

    unsigned live, connected; /* now */
    unsigned made[PLAN_COUNT], ended[END_COUNT], opus, refreshes, reconnects;
    unsigned attempts, good;
    struct tally failed;
    struct delays delays[2]; /* to the trunk, to the browser */
    uint64_t expected[2], lost[2];
};

struct soak_slot {
    struct soak_world *world;
    struct agent agent;
    unsigned index;
    enum { SLOT_OUT, SLOT_IDLE, SLOT_SETUP, SLOT_TALK, SLOT_ENDING } phase;
    enum soak_plan plan;
    enum soak_end end;
    uint64_t act_ms, deadline_ms; /* the next deed; when something is wrong */
    uint64_t registered_ms;
    unsigned taken[2]; /* delays that are counted already */
};

uint32_t soak_random(struct soak_world *w, uint32_t below);
/* The agent's own fields (DN, sounds, identity …) are set. */
void soak_slot_init(struct soak_slot *s, struct soak_world *w, unsigned index);
void soak_slot_close(struct soak_slot *s);
/* What is to be done now. Each 20 ms. */
void soak_slot_step(struct soak_slot *s);
/* Counts what has been heard since. */
void soak_slot_collect(struct soak_slot *s);

#endif
