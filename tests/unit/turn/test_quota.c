/* Limits by user, by source and in all; bandwidth as a bucket; what strangers are answered in a second. */
#include "addrs.h"
#include "testing.h"
#include "turn/quota.h"

#include <errno.h>

static struct quota *quota;

static int take(struct quota_share **s, const char *user, const char *source)
{
    struct addr a;

    *s = NULL;
    return addr_parse_ip(&a, source, 4000) ? EINVAL : quota_take(quota, s, user, &a);
}

TEST(an_ipv6_network_is_one_source)
{
    const struct turn_limits l = {.allocations_per_source = 2};
    struct quota_share *s[4];

    CHECK(!quota_alloc(&quota, &l));
    CHECK_EQ_INT(take(&s[0], "a", "2001:db8::1"), 0);
    CHECK_EQ_INT(take(&s[1], "b", "2001:db8::2"), 0);
    CHECK_EQ_INT(take(&s[2], "c", "2001:db8::ffff:3"), EDQUOT);
    CHECK_EQ_INT(take(&s[2], "c", "2001:db8:0:1::1"), 0);
    CHECK_EQ_INT(quota_users(quota), 3);
    for (int i = 0; i < 3; i++)
        quota_give(quota, s[i]);
    CHECK_EQ_INT(quota_users(quota), 0);
    quota_free(quota);
}

TEST(a_limit_may_change_below_what_is_held)
{
    const struct turn_limits wide = {0}, narrow = {.allocations = 1, .allocations_per_user = 1};
    struct quota_share *s[4];

    CHECK(!quota_alloc(&quota, &wide));
    for (int i = 0; i < 3; i++)
        CHECK_EQ_INT(take(&s[i], "a", "192.0.2.1"), 0);
    quota_set(quota, &narrow);
    CHECK_EQ_INT(take(&s[3], "b", "192.0.2.2"), EDQUOT);
    quota_give(quota, s[0]);
    quota_give(quota, s[1]);
    CHECK_EQ_INT(take(&s[3], "b", "192.0.2.2"), EDQUOT);
    quota_give(quota, s[2]);
    CHECK_EQ_INT(take(&s[3], "b", "192.0.2.2"), 0);
    quota_give(quota, s[3]);
    quota_free(quota);
}

TEST(a_bucket_fills_with_time_and_no_higher_than_its_brim)
{
    static const uint32_t rates[] = {1, 1000, 65536, 100000, 1000000000};
    const struct turn_limits none = {0};
    struct turn_limits l = {0};
    struct quota_share *s;
    uint64_t now = 5000000;

    CHECK(!quota_alloc(&quota, &none));
    CHECK_EQ_INT(take(&s, "a", "192.0.2.1"), 0);
    CHECK(quota_spend(quota, s, SIZE_MAX / 2, now)); /* no limit */
    for (size_t i = 0; i < sizeof(rates) / sizeof(*rates); i++) {
        uint64_t brim = rates[i] > 65536 ? rates[i] : 65536;

        l.bytes_per_second = rates[i];
        quota_set(quota, &l);
        now += UINT64_C(1000000000000000); /* years */
        CHECK(quota_spend(quota, s, brim, now));
        CHECK(!quota_spend(quota, s, 1, now));
        now += 1000000; /* a second */
        CHECK(quota_spend(quota, s, rates[i], now));
        CHECK(!quota_spend(quota, s, 1, now));
    }
    quota_give(quota, s);
    quota_free(quota);
}

TEST(who_leaves_and_comes_back_finds_his_bucket_as_it_was)
{
    const struct turn_limits l = {.bytes_per_second = 65536};
    struct quota_share *s;
    uint64_t now = 5000000;

    CHECK(!quota_alloc(&quota, &l));
    CHECK_EQ_INT(take(&s, "a", "192.0.2.1"), 0);
    CHECK(quota_spend(quota, s, 65536, now));
    for (int i = 0; i < 3; i++) { /* also without having sent anything */
        quota_give(quota, s);
        CHECK_EQ_INT(quota_users(quota), 0);
        CHECK_EQ_INT(take(&s, "a", "192.0.2.2"), 0);
    }
    CHECK(!quota_spend(quota, s, 1, now));
    CHECK(quota_spend(quota, s, 32768, now + 500000));
    quota_give(quota, s);
    CHECK_EQ_INT(take(&s, "b", "192.0.2.1"), 0);
    CHECK(quota_spend(quota, s, 65536, now));
    quota_give(quota, s);
    quota_free(quota);
}

TEST(strangers_are_counted_by_second_and_kind)
{
    const struct turn_limits l = {.challenges_per_second = 2, .bindings_per_second = 1};
    struct addr a;

    CHECK(!quota_alloc(&quota, &l));
    CHECK(!addr_parse_ip(&a, "192.0.2.1", 4000));
    for (uint64_t now = 7000000; now < 10000000; now += 1000000) {
        CHECK(quota_answer(quota, QUOTA_CHALLENGE, &a, now));
        CHECK(quota_answer(quota, QUOTA_CHALLENGE, &a, now + 1));
        CHECK(!quota_answer(quota, QUOTA_CHALLENGE, &a, now + 999999));
        CHECK(quota_answer(quota, QUOTA_BINDING, &a, now));
        CHECK(!quota_answer(quota, QUOTA_BINDING, &a, now + 2));
    }
    quota_free(quota);
}
