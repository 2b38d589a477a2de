#include "core/fsm.h"
#include "core/log.h"

const char *fsm_name(const struct fsm *m, unsigned state)
{
    return state < m->count && m->states[state].name ? m->states[state].name : "?";
}

bool fsm_legal(const struct fsm *m, unsigned from, unsigned to)
{
    return from < m->count && to < m->count && (m->states[from].to & FSM(to));
}

static void refuse(const struct fsm *m, unsigned from, unsigned to, const char *label, const char *text)
{
    metric_add(m->refused, 1);
    log_error(m->name, "%s%sfrom=%s to=%s %s: bug", label, label[0] ? " " : "", fsm_name(m, from),
              fsm_name(m, to), text);
}

bool fsm_move(const struct fsm *m, uint8_t *state, unsigned to, const void *obj, const char *label)
{
    const unsigned from = *state;

    if (from == to)
        return false;
    if (!fsm_legal(m, from, to)) {
        refuse(m, from, to, label, "a move that cannot be");
        return false;
    }
    *state = (uint8_t)to;
    if (m->holds && !m->holds(to, obj))
        refuse(m, from, to, label, "what this state promises is not so");
    else
        log_debug(m->name, "%s%sfrom=%s to=%s moved", label, label[0] ? " " : "", fsm_name(m, from),
                  fsm_name(m, to));
    return true;
}
