/* Which moves of a call are legal, and what it must have then. */
#include "call/callfsm.h"
#include "core/buf.h"
#include "core/metric.h"
#include "testing.h"

static bool moves(int from, int to)
{
    const bool over = to == CALL_OVER;
    const struct call_has has = {!over, !over, !over, true, true};
    uint8_t state = (uint8_t)from;
    bool moved = call_state_move(&state, (enum call_state)to, &has, "");

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

static double complaints(void)
{
    static const char name[] = "\ndngate_fsm_refused_total{machine=\"call\"} ";
    struct buf b;
    const char *p;
    double n = -1;

    buf_init(&b, 1 << 20);
    if (!metric_render(&b) && (p = strstr(b.data, name)))
        n = strtod(p + sizeof(name) - 1, NULL);
    buf_reset(&b);
    return n;
}

TEST(a_state_without_what_it_promises_is_counted)
{
    static const struct {
        int from, to;
        struct call_has has;
        bool fine;
    } cases[] = {{CALL_CALLING, CALL_RINGING, {true, true, true, false, false}, true},
                 {CALL_CALLING, CALL_RINGING, {true, false, true, false, false}, false},
                 {CALL_RINGING, CALL_ANSWERED, {true, true, true, true, false}, true},
                 {CALL_RINGING, CALL_ANSWERED, {true, true, true, false, false}, false},
                 {CALL_RINGING, CALL_ANSWERED, {true, true, false, true, false}, false},
                 {CALL_ENDING, CALL_OVER, {false, false, false, false, true}, true},
                 {CALL_ENDING, CALL_OVER, {false, true, false, false, true}, false},
                 {CALL_ENDING, CALL_OVER, {false, false, false, true, false}, false}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const double before = complaints();
        uint8_t state = (uint8_t)cases[i].from;

        CHECK(call_state_move(&state, (enum call_state)cases[i].to, &cases[i].has, ""));
        CHECK(complaints() == before + (cases[i].fine ? 0 : 1));
    }
}
