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

static bool call_holds(unsigned state, const void *obj)
{
    const struct call_has *has = obj;

    switch (state) {

    case CALL_RINGING:
        return has->agent && has->trunk && has->media;

    case CALL_ANSWERED:
    case CALL_HELD:
        return has->agent && has->trunk && has->media && has->answer_time;

    case CALL_OVER:
        return !has->agent && !has->trunk && !has->media && has->end_time;

    default:
        return true;
    }
}

FSM_DEFINE(machine, "call", states, call_holds);

const char *call_state_name(enum call_state s)
{
    return fsm_name(&machine, s);
}

bool call_state_move(uint8_t *state, enum call_state to, const struct call_has *has, const char *label)
{
    return fsm_move(&machine, state, to, has, label);
}

bool call_state_up(enum call_state s)
{
    return s == CALL_ANSWERED || s == CALL_HELD;
}
