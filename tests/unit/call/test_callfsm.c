/* Which moves of a call are legal. */
#include "call/callfsm.h"
#include "testing.h"

TEST(a_call_goes_forward_only)
{
    CHECK(call_state_legal(CALL_NEW, CALL_CALLING));
    CHECK(call_state_legal(CALL_CALLING, CALL_RINGING));
    CHECK(call_state_legal(CALL_CALLING, CALL_ANSWERED));
    CHECK(call_state_legal(CALL_ANSWERED, CALL_HELD));
    CHECK(call_state_legal(CALL_HELD, CALL_ANSWERED));
    CHECK(!call_state_legal(CALL_ANSWERED, CALL_RINGING));
    CHECK(!call_state_legal(CALL_NEW, CALL_ANSWERED));
    CHECK(!call_state_legal(CALL_RINGING, CALL_HELD));
    CHECK(!call_state_legal(CALL_ENDING, CALL_ANSWERED));
}

TEST(every_live_state_may_end_and_nothing_follows_over)
{
    for (int s = CALL_NEW; s < CALL_ENDING; s++)
        CHECK(call_state_legal((enum call_state)s, CALL_ENDING));
    for (int s = 0; s < CALL_STATES; s++) {
        CHECK(!call_state_legal(CALL_OVER, (enum call_state)s));
        CHECK(!call_state_legal((enum call_state)s, (enum call_state)s));
    }
}
