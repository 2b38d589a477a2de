/* turn/portpool: every port once, even ones and pairs, none outside, and the end of them. */
#include "turn/portpool.h"

#include "testing.h"

#include <errno.h>

static struct portpool *pool_of(uint16_t min, uint16_t max)
{
    struct portpool *p = NULL;

    CHECK_OR(portpool_alloc(&p, min, max) == 0, return NULL);
    return p;
}

TEST(each_port_is_given_once_and_then_none)
{
    struct portpool *p = pool_of(50001, 50100);
    bool seen[100] = {false};
    uint16_t port;

    CHECK(p);
    CHECK_EQ_INT(portpool_size(p), 100);
    for (int i = 0; i < 100; i++) {
        CHECK_EQ_INT(portpool_take(p, PORTPOOL_ANY, &port), 0);
        CHECK(port >= 50001 && port <= 50100 && !seen[port - 50001]);
        seen[port - 50001] = true;
    }
    CHECK_EQ_INT(portpool_taken(p), 100);
    CHECK_EQ_INT(portpool_take(p, PORTPOOL_ANY, &port), ENOSPC);
    portpool_give(p, 50050);
    portpool_give(p, 50050); /* twice is once */
    CHECK_EQ_INT(portpool_taken(p), 99);
    CHECK_EQ_INT(portpool_take(p, PORTPOOL_ANY, &port), 0);
    CHECK_EQ_INT(port, 50050);
    portpool_free(p);
}

TEST(even_ports_run_out_before_odd_ones)
{
    struct portpool *p = pool_of(50001, 50008);
    uint16_t port;

    CHECK(p);
    for (int i = 0; i < 4; i++) {
        CHECK_EQ_INT(portpool_take(p, PORTPOOL_EVEN, &port), 0);
        CHECK(!(port & 1) && port >= 50002 && port <= 50008);
    }
    CHECK_EQ_INT(portpool_take(p, PORTPOOL_EVEN, &port), ENOSPC);
    CHECK_EQ_INT(portpool_take(p, PORTPOOL_ANY, &port), 0);
    CHECK(port & 1);
    portpool_free(p);
}

TEST(a_pair_takes_both_and_needs_both)
{
    struct portpool *p = pool_of(50001, 50006); /* 50006 has nobody above it */
    uint16_t a, b, port;

    CHECK(p);
    CHECK_EQ_INT(portpool_take(p, PORTPOOL_PAIR, &a), 0);
    CHECK_EQ_INT(portpool_take(p, PORTPOOL_PAIR, &b), 0);
    CHECK(a != b && (a == 50002 || a == 50004) && (b == 50002 || b == 50004));
    CHECK_EQ_INT(portpool_taken(p), 4);
    CHECK_EQ_INT(portpool_take(p, PORTPOOL_PAIR, &port), ENOSPC);
    portpool_give(p, 50003);
    CHECK_EQ_INT(portpool_take(p, PORTPOOL_PAIR, &port), ENOSPC);
    portpool_give(p, 50002);
    CHECK_EQ_INT(portpool_take(p, PORTPOOL_PAIR, &port), 0);
    CHECK_EQ_INT(port, 50002);
    portpool_free(p);
}

TEST(the_ends_of_the_number_range)
{
    struct portpool *p = pool_of(65535, 65535);
    uint16_t port;

    CHECK(p);
    CHECK_EQ_INT(portpool_take(p, PORTPOOL_PAIR, &port), ENOSPC);
    CHECK_EQ_INT(portpool_take(p, PORTPOOL_EVEN, &port), ENOSPC);
    CHECK_EQ_INT(portpool_take(p, PORTPOOL_ANY, &port), 0);
    CHECK_EQ_INT(port, 65535);
    portpool_free(p);
    CHECK_EQ_INT(portpool_alloc(&p, 0, 65535), EINVAL);
    CHECK_EQ_INT(portpool_alloc(&p, 50001, 50000), EINVAL);
}
