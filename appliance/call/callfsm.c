#include "call/callfsm.h"
#include "core/fsm.h"

static const struct fsm_state states[] = {
    [CALL_NEW] = {"new", FSM(CALL_CALLING) | FSM(CALL_ENDING)},
    [CALL_CALLING] = {"calling", FSM(CALL_RINGING) | FSM(CALL_ANSWERED) | FSM(CALL_ENDING)},
    [CALL_RINGING] = {"ringing", FSM(CALL_ANSWERED) | FSM(CALL_ENDING)},
    [CALL_ANSWERED] = {"answered", FSM(CALL_HELD) | FSM(CALL_ENDING)},
    [CALL_HELD] = {"held", FSM(CALL_ANSWERED) | FSM(CALL_ENDING)},
    [CALL_ENDING] = {"ending", FSM(CALL_OVER)},
    [CALL_OVER] = {"over", 0},
};

FSM_DEFINE(machine, "call", states, NULL);

const char *call_state_name(enum call_state s)
{
    return fsm_name(&machine, s);
}

bool call_state_move(uint8_t *state, enum call_state to, const char *label)
{
    return fsm_move(&machine, state, to, NULL, label);
}

bool call_state_up(enum call_state s)
{
    return s == CALL_ANSWERED || s == CALL_HELD;
}
