/*
 * core/fsm: a state machine as a table: the names of its states and the legal moves between them. Every object with a life of its own
 * (call, leg, registration, trunk, ICE agent, connection, drain) has one, keeps its state in a uint8_t, and changes it here only.
 *
 *   static const struct fsm_state states[] = {
 *       [IDLE] = {"idle", FSM(BUSY)},
 *       [BUSY] = {"busy", FSM(IDLE) | FSM(DEAD)},
 *       [DEAD] = {"dead", 0},
 *   };
 *   FSM_DEFINE(machine, "robot", states, robot_holds);
 *   …
 *   fsm_move(&machine, &robot->state, BUSY, robot, robot->label);
 *
 * A move that the table lacks is a bug of ours: it is not made, is logged, and counted in dngate_fsm_refused_total{machine="robot"}.
 * No thread of its own: an object's state belongs to the thread that owns the object.
 */
#ifndef CORE_FSM_H
#define CORE_FSM_H

#include "core/metric.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FSM_STATES_MAX = 32 };

/* The bit of a state in fsm_state.to. */
#define FSM(state) (UINT32_C(1) << (state))

struct fsm_state {
    const char *name; /* one lower-case word, for the log, /metrics and people */
    uint32_t to;      /* FSM() of each state that may follow; staying is no move */
};

/* What must be true of an object in this state; checked after every move. A broken one is logged and counted as a refused move is. */
typedef bool(fsm_holds_h)(unsigned state, const void *obj);

struct fsm {
    const char *name;
    const struct fsm_state *states;
    size_t count;
    fsm_holds_h *holds; /* NULL = none */
    struct metric *refused;
};

/* Defines `static const struct fsm var` and its counter, at file scope. */
#define FSM_DEFINE(var, name_, table, holds_)                                                                \
    METRIC_COUNTER(var##_refused, "dngate_fsm_refused_total", "machine=\"" name_ "\"",                       \
                   "Moves of a state machine that its table lacks, or that broke its invariant: a bug");     \
    _Static_assert(sizeof(table) / sizeof((table)[0]) <= FSM_STATES_MAX, "too many states for a bit set");   \
    static const struct fsm var = {.name = name_,                                                            \
                                   .states = table,                                                          \
                                   .count = sizeof(table) / sizeof((table)[0]),                              \
                                   .holds = holds_,                                                          \
                                   .refused = &var##_refused}

/*
 * Moves to another state. True when it was moved; false when it is there already, or when the table lacks the move: then nothing
 * changes. obj is given to the invariant; label begins the log lines ("id=… dn=…"), "" = none.
 */
bool fsm_move(const struct fsm *m, uint8_t *state, unsigned to, const void *obj, const char *label);
bool fsm_legal(const struct fsm *m, unsigned from, unsigned to);
/* "?" for a number that is no state. */
const char *fsm_name(const struct fsm *m, unsigned state);

#endif
