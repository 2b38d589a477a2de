/* Who waits for a password to be hashed: half of the places at most for one source. */
#include "admin/apiqueue.h"
#define TESTING_NO_OOM "nothing here allocates"
#include "testing.h"

#include <errno.h>

static int enter(struct apiqueue *q, const char *ip, unsigned *place)
{
    struct addr a;

    CHECK_OR(!addr_parse_ip(&a, ip, 0), return -1);
    return apiqueue_enter(q, &a, place);
}

TEST(one_source_leaves_room_for_others)
{
    struct apiqueue q = {0};
    unsigned place, first;

    CHECK_EQ_INT(enter(&q, "192.0.2.1", &first), 0);
    for (int i = 1; i < APIQUEUE_OF_SOURCE; i++)
        CHECK_EQ_INT(enter(&q, "192.0.2.1", &place), 0);
    CHECK_EQ_INT(enter(&q, "192.0.2.1", &place), EUSERS);
    CHECK_EQ_INT(enter(&q, "192.0.2.2", &place), 0);
    CHECK(place > 0);
    apiqueue_leave(&q, first);
    CHECK_EQ_INT(enter(&q, "192.0.2.1", &place), 0);
    CHECK_EQ_INT(enter(&q, "192.0.2.1", &place), EUSERS);
}

TEST(of_ipv6_it_is_the_64)
{
    struct apiqueue q = {0};
    unsigned place;
    char ip[32];

    for (int i = 0; i < APIQUEUE_OF_SOURCE; i++) {
        snprintf(ip, sizeof(ip), "2001:db8:1:2::%d", i + 1);
        CHECK_EQ_INT(enter(&q, ip, &place), 0);
    }
    CHECK_EQ_INT(enter(&q, "2001:db8:1:2::ffff", &place), EUSERS);
    CHECK_EQ_INT(enter(&q, "2001:db8:1:3::1", &place), 0);
}

TEST(when_all_places_are_taken_nobody_holds_one)
{
    struct apiqueue q = {0};
    unsigned place;
    char ip[32];

    for (int i = 0; i < APIQUEUE_MAX; i++) {
        snprintf(ip, sizeof(ip), "192.0.2.%d", i + 1);
        CHECK_EQ_INT(enter(&q, ip, &place), 0);
    }
    CHECK_EQ_INT(enter(&q, "192.0.2.200", &place), 0);
    CHECK_EQ_INT(place, 0);
    apiqueue_leave(&q, place);
    CHECK_EQ_INT(enter(&q, "192.0.2.201", &place), 0);
    CHECK_EQ_INT(place, 0);
}
