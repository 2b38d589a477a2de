/* Which moves of a call are legal. */
#include "call/callfsm.h"
#include "testing.h"

static bool moves(int from, int to)
{
    uint8_t state = (uint8_t)from;
    bool moved = call_state_move(&state, (enum call_state)to, "");

    CHECK_OR(state == (moved ? to : from), );
    return moved;
}

TEST(a_call_goes_forward_only)
{
    CHECK(moves(CALL_NEW, CALL_CALLING));
    CHECK(moves(CALL_CALLING, CALL_RINGING));
    CHECK(moves(CALL_CALLING, CALL_ANSWERED));
    CHECK(moves(CALL_ANSWERED, CALL_HELD));
    CHECK(moves(CALL_HELD, CALL_ANSWERED));
    CHECK(!moves(CALL_ANSWERED, CALL_RINGING));
    CHECK(!moves(CALL_NEW, CALL_ANSWERED));
    CHECK(!moves(CALL_RINGING, CALL_HELD));
    CHECK(!moves(CALL_ENDING, CALL_ANSWERED));
}

TEST(every_live_state_may_end_and_nothing_follows_over)
{
    for (int s = CALL_NEW; s < CALL_ENDING; s++)
        CHECK(moves(s, CALL_ENDING));
    for (int s = 0; s < CALL_STATES; s++) {
        CHECK(!moves(CALL_OVER, s));
        CHECK(!moves(s, s));
    }
}
