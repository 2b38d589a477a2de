/* What silence means, by where it is heard, and what is to be opened. */
#include "service/reach.h"
#define TESTING_NO_OOM "nothing here allocates"
#include "testing.h"

#include <errno.h>

static struct reach_found found[REACH_WAYS];

/* All tried and silent. */
static void nothing_answers(void)
{
    memset(found, 0, sizeof(found));
    for (unsigned w = 0; w < REACH_WAYS; w++)
        found[w] = (struct reach_found){.tried = true, .err = ETIMEDOUT};
}

TEST(silence_of_an_address_of_ours_is_a_fault)
{
    nothing_answers();
    CHECK_EQ_INT(reach_verdict(found, REACH_ICE, true), REACH_CLOSED);
    found[REACH_ICE].err = 0;
    CHECK_EQ_INT(reach_verdict(found, REACH_ICE, true), REACH_OPEN);
    found[REACH_ICE].tried = false;
    CHECK_EQ_INT(reach_verdict(found, REACH_ICE, true), REACH_UNTRIED);
}

TEST(behind_nat_silence_says_something_only_where_another_way_answers)
{
    nothing_answers();
    for (unsigned w = 0; w < REACH_WAYS; w++)
        CHECK_EQ_INT(reach_verdict(found, (enum reach_way)w, false), REACH_UNKNOWN);
    found[REACH_HTTPS].err = 0; /* packets of TCP are turned round */
    CHECK_EQ_INT(reach_verdict(found, REACH_TURN_TCP, false), REACH_CLOSED);
    CHECK_EQ_INT(reach_verdict(found, REACH_TURN_UDP, false), REACH_UNKNOWN);
    found[REACH_TURN_UDP].err = 0;
    CHECK_EQ_INT(reach_verdict(found, REACH_ICE, false), REACH_CLOSED);
    nothing_answers();
    found[REACH_HTTPS].err = ECONNREFUSED; /* by the router itself */
    CHECK_EQ_INT(reach_verdict(found, REACH_HTTPS, false), REACH_UNKNOWN);
    found[REACH_HTTPS].err = EPROTO; /* by its own page */
    CHECK_EQ_INT(reach_verdict(found, REACH_HTTPS, false), REACH_CLOSED);
}

TEST(one_worker_of_four_that_is_not_reached)
{
    const struct reach_config cfg = {.ports = {[REACH_ICE] = 10000, [REACH_TURN_TCP] = 3478}, .workers = 4};
    char text[64];

    nothing_answers();
    CHECK_STR(reach_ports_str(&cfg, &found[REACH_TURN_TCP], REACH_TURN_TCP, text, sizeof(text)), "TCP 3478");
    found[REACH_ICE].silent = 0xa;
    CHECK_STR(reach_ports_str(&cfg, &found[REACH_ICE], REACH_ICE, text, sizeof(text)), "UDP 10001, 10003");
    found[REACH_ICE].silent = 0;
    found[REACH_ICE].err = 0;
    CHECK_STR(reach_ports_str(&cfg, &found[REACH_ICE], REACH_ICE, text, sizeof(text)),
              "UDP 10000, 10001, 10002, 10003");
    CHECK_STR(reach_ports_str(&cfg, &found[REACH_ICE], REACH_ICE, text, 20), "UDP 10000, 10001, 1");
    CHECK(reach_way_udp(REACH_ICE) && !reach_way_udp(REACH_TURN_TLS));
}
