#include "call/callfsm.h"

static const struct {
    const char *name;
    unsigned to; /* bit per state */
} table[CALL_STATES] = {
    [CALL_NEW] = {"new", 1u << CALL_CALLING | 1u << CALL_ENDING},
    [CALL_CALLING] = {"calling", 1u << CALL_RINGING | 1u << CALL_ANSWERED | 1u << CALL_ENDING},
    [CALL_RINGING] = {"ringing", 1u << CALL_ANSWERED | 1u << CALL_ENDING},
    [CALL_ANSWERED] = {"answered", 1u << CALL_HELD | 1u << CALL_ENDING},
    [CALL_HELD] = {"held", 1u << CALL_ANSWERED | 1u << CALL_ENDING},
    [CALL_ENDING] = {"ending", 1u << CALL_OVER},
    [CALL_OVER] = {"over", 0},
};

const char *call_state_name(enum call_state s)
{
    return (unsigned)s < CALL_STATES ? table[s].name : "?";
}

bool call_state_legal(enum call_state from, enum call_state to)
{
    return (unsigned)from < CALL_STATES && (unsigned)to < CALL_STATES && (table[from].to >> to & 1u);
}

bool call_state_up(enum call_state s)
{
    return s == CALL_ANSWERED || s == CALL_HELD;
}
