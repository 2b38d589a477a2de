/* A state machine makes the moves of its table, and no others; what is refused changes nothing and is counted. */
#include "core/fsm.h"
#include "testing.h"

enum { IDLE, BUSY, DEAD };

static const struct fsm_state states[] = {
    [IDLE] = {"idle", FSM(BUSY)},
    [BUSY] = {"busy", FSM(IDLE) | FSM(DEAD)},
    [DEAD] = {"dead", 0},
};

/* Who is dead does nothing. */
static bool holds(unsigned state, const void *obj)
{
    const int *work = obj;

    return state != DEAD || *work == 0;
}

FSM_DEFINE(robot, "robot", states, holds);

TEST(a_move_of_the_table_is_made)
{
    uint8_t state = IDLE;
    int work = 0;

    CHECK(fsm_move(&robot, &state, BUSY, &work, ""));
    CHECK(state == BUSY);
    CHECK_STR(fsm_name(&robot, state), "busy");
    CHECK(metric_get(robot.refused) == 0);
}

TEST(another_move_is_refused_and_counted)
{
    int64_t before = metric_get(robot.refused);
    uint8_t state = DEAD;
    int work = 0;

    CHECK(!fsm_move(&robot, &state, BUSY, &work, "id=1"));
    CHECK(state == DEAD);
    CHECK(!fsm_move(&robot, &state, 17, &work, "id=1"));
    CHECK(state == DEAD);
    CHECK(metric_get(robot.refused) == before + 2);
}

TEST(staying_is_no_move_and_no_bug)
{
    int64_t before = metric_get(robot.refused);
    uint8_t state = BUSY;

    CHECK(!fsm_move(&robot, &state, BUSY, NULL, ""));
    CHECK(state == BUSY && metric_get(robot.refused) == before);
}

TEST(a_broken_promise_is_counted)
{
    int64_t before = metric_get(robot.refused);
    uint8_t state = BUSY;
    int work = 1;

    CHECK(fsm_move(&robot, &state, DEAD, &work, ""));
    CHECK(state == DEAD && metric_get(robot.refused) == before + 1);
}

TEST(what_is_no_state_has_no_name)
{
    CHECK_STR(fsm_name(&robot, 3), "?");
    CHECK(!fsm_legal(&robot, 3, IDLE) && !fsm_legal(&robot, IDLE, 3));
}
