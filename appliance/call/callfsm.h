/*
 * call/callfsm: the states of a call and the legal moves between them.
 *
 *   new ─► calling ─► ringing ─► answered ⇄ held
 *    │        │  └───────┼──────────▲ │        │
 *    └────────┴──────────┴───────────►┴─► ending ─► over
 */
#ifndef CALL_CALLFSM_H
#define CALL_CALLFSM_H

#include <stdbool.h>
#include <stdint.h>

enum call_state {
    CALL_NEW,     /* an INVITE came; being checked */
    CALL_CALLING, /* the other side has our INVITE */
    CALL_RINGING, /* it said 18x */
    CALL_ANSWERED,
    CALL_HELD,   /* answered, and one side wants no audio */
    CALL_ENDING, /* both legs were told; waits for the media's last figures */
    CALL_OVER,
    CALL_STATES
};

const char *call_state_name(enum call_state s);
struct
    call_has { /* what a state promises: both legs and media while it rings or is answered, its times, nothing left when it is over */
    bool agent, trunk, media, answer_time, end_time;
};
/* Moves *state; false when it is there already, or when the table lacks the move (core/fsm). has: the call when it has moved; label
 * begins its log lines. */
bool call_state_move(uint8_t *state, enum call_state to, const struct call_has *has, const char *label);
/* Answered and not ending: two people talk, or one waits. */
bool call_state_up(enum call_state s);

#endif
