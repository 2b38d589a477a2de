/* TSAN */
/* The guard against guessing: when it slows, bans and forgives, whom it confuses (nobody), and what fits. */
#include "testing.h"

#include "core/guard.h"

#include <pthread.h>

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE };

static uint64_t now;

static uint64_t fake_now(void)
{
    return now;
}

static struct guard *make(uint32_t max_sources)
{
    struct guard_config cfg = {.max_sources = max_sources, .now_ms = fake_now};
    struct guard *g = NULL;

    now = 1000 * SECOND;
    CHECK_OR(!guard_alloc(&g, &cfg), );
    return g;
}

static struct addr at(const char *ip)
{
    struct addr a = {0};

    CHECK_OR(!addr_parse_ip(&a, ip, 5060), );
    return a;
}

static enum guard_verdict fail(struct guard *g, const struct addr *a, int times)
{
    enum guard_verdict v = GUARD_PASS;

    while (times--)
        v = guard_fail(g, a);
    return v;
}

TEST(delays_double_from_the_fifth_failure)
{
    static const uint32_t want[] = {250, 500, 1000, 2000, 4000, 4000};
    struct guard *g = make(0);
    struct addr a = at("10.0.0.1");
    uint32_t delay;

    fail(g, &a, 4);
    CHECK_EQ_INT(guard_check(g, &a, &delay), GUARD_PASS);
    CHECK_EQ_INT(delay, 0);
    for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
        fail(g, &a, 1);
        CHECK_EQ_INT(guard_check(g, &a, &delay), GUARD_DELAY);
        CHECK_EQ_INT(delay, want[i]);
    }
    guard_free(g);
}

TEST(a_ban_comes_with_the_twentieth_and_ends)
{
    struct guard *g = make(0);
    struct addr a = at("10.0.0.1"), other_port = a, neighbour = at("10.0.0.2");

    addr_set_port(&other_port, 999);
    CHECK_EQ_INT(fail(g, &a, 19), GUARD_DELAY);
    CHECK_EQ_INT(fail(g, &a, 1), GUARD_BAN);
    CHECK_EQ_INT(fail(g, &a, 1), GUARD_PASS); /* no news */
    CHECK_EQ_INT(guard_check(g, &other_port, NULL), GUARD_BAN);
    CHECK_EQ_INT(guard_check(g, &neighbour, NULL), GUARD_PASS);
    now += 600 * SECOND - 1;
    CHECK_EQ_INT(guard_check(g, &a, NULL), GUARD_BAN);
    now += 1;
    CHECK_EQ_INT(guard_check(g, &a, NULL), GUARD_PASS);
    guard_free(g);
}

static uint64_t ban_length(struct guard *g, const struct addr *a)
{
    uint64_t start = now;

    fail(g, a, 20);
    while (guard_check(g, a, NULL) == GUARD_BAN)
        now += 10 * SECOND;
    return (now - start) / SECOND;
}

TEST(bans_double_up_to_a_day_and_a_quiet_day_clears)
{
    struct guard *g = make(0);
    struct addr a = at("10.0.0.1");

    CHECK_EQ_INT(ban_length(g, &a), 600);
    CHECK_EQ_INT(ban_length(g, &a), 1200);
    for (int i = 0; i < 8; i++)
        ban_length(g, &a);
    CHECK_EQ_INT(ban_length(g, &a), 24 * 3600);
    CHECK_EQ_INT(ban_length(g, &a), 24 * 3600);
    now += 25ULL * HOUR;
    CHECK_EQ_INT(ban_length(g, &a), 600);
    guard_free(g);
}

TEST(failures_are_forgiven_one_a_minute)
{
    struct guard *g = make(0);
    struct addr a = at("10.0.0.1");

    fail(g, &a, 6);
    now += MINUTE;
    CHECK_EQ_INT(guard_check(g, &a, NULL), GUARD_DELAY);
    now += MINUTE;
    CHECK_EQ_INT(guard_check(g, &a, NULL), GUARD_PASS);
    guard_free(g);
}

TEST(slow_failures_never_ban)
{
    struct guard *g = make(0);
    struct addr a = at("10.0.0.1");

    for (int i = 0; i < 500; i++) {
        CHECK(guard_fail(g, &a) != GUARD_BAN);
        now += 40 * SECOND; /* 15 in ten minutes */
    }
    guard_free(g);
}

/* A call centre behind one address: one phone with a wrong password every 20 s, the others register all the time. */
TEST(colleagues_who_get_it_right_keep_the_address_open)
{
    struct guard *g = make(0);
    struct addr a = at("10.0.0.1");

    for (int i = 0; i < 1000; i++) {
        CHECK(guard_fail(g, &a) != GUARD_BAN);
        now += 10 * SECOND;
        guard_ok(g, &a);
        now += 10 * SECOND;
    }
    guard_free(g);
}

TEST(one_known_password_buys_no_free_guesses)
{
    struct guard *g = make(0);
    struct addr a = at("10.0.0.1");
    int guesses = 0;

    while (guard_check(g, &a, NULL) != GUARD_BAN && guesses < 1000) {
        guard_ok(g, &a);
        guard_fail(g, &a);
        now += 100;
        guesses++;
    }
    CHECK(guesses < 25);
    guard_free(g);
}

TEST(ipv6_counts_by_64)
{
    struct guard *g = make(0);
    struct addr a = at("2001:db8:1:2::1"), same = at("2001:db8:1:2:ffff::9"), other = at("2001:db8:1:3::1");
    struct addr loopback = at("127.0.0.1");

    fail(g, &a, 10);
    fail(g, &same, 10);
    CHECK_EQ_INT(guard_check(g, &a, NULL), GUARD_BAN);
    CHECK_EQ_INT(guard_check(g, &other, NULL), GUARD_PASS);
    fail(g, &loopback, 20);
    CHECK_EQ_INT(guard_check(g, &loopback, NULL), GUARD_BAN);
    guard_free(g);
}

TEST(a_flood_of_sources_does_not_free_the_banned)
{
    struct guard *g = make(16);
    struct addr bad = at("10.0.0.1");

    fail(g, &bad, 20);
    for (uint32_t i = 0; i < 1000; i++) {
        struct addr a = at("192.0.2.1");

        a.u.in.sin_addr.s_addr += i << 8;
        fail(g, &a, 1);
    }
    CHECK_EQ_INT(guard_check(g, &bad, NULL), GUARD_BAN);
    guard_free(g);
}

TEST(a_table_full_of_banned_still_takes_new_ones)
{
    struct guard *g = make(4);

    for (uint32_t i = 0; i < 10; i++) {
        struct addr a = at("192.0.2.1");

        a.u.in.sin_addr.s_addr += i << 24;
        CHECK_EQ_INT(fail(g, &a, 20), GUARD_BAN);
        CHECK_EQ_INT(guard_check(g, &a, NULL), GUARD_BAN);
    }
    guard_free(g);
}

TEST(lifting)
{
    struct guard *g = make(0);
    struct addr a = at("10.0.0.1"), b = at("10.0.0.2");

    fail(g, &a, 20);
    fail(g, &b, 20);
    CHECK_EQ_INT(guard_lift(g, &a), 1);
    CHECK_EQ_INT(guard_lift(g, &a), 0);
    CHECK_EQ_INT(guard_check(g, &a, NULL), GUARD_PASS);
    CHECK_EQ_INT(guard_check(g, &b, NULL), GUARD_BAN);
    fail(g, &a, 20);
    CHECK_EQ_INT(guard_lift(g, NULL), 2);
    CHECK_EQ_INT(guard_check(g, &b, NULL), GUARD_PASS);
    guard_free(g);
}

struct told {
    struct guard_ban v[4];
    size_t n, max;
};

static bool told_h(const struct guard_ban *b, void *arg)
{
    struct told *t = arg;

    t->v[t->n++] = *b;
    return t->n == t->max;
}

TEST(bans_are_told_with_the_time_left)
{
    struct guard *g = make(0);
    struct addr a = at("10.0.0.1"), b = at("2001:db8:1:2:3::4"), watched = at("10.0.0.3");
    struct told t = {.max = 4};
    char text[ADDR_STRLEN];
    uint32_t left;

    fail(g, &watched, 10);
    fail(g, &a, 20);
    now += 100 * SECOND;
    fail(g, &b, 20);
    now += 1;
    CHECK_EQ_INT(guard_check(g, &a, &left), GUARD_BAN);
    CHECK_EQ_INT(left, 500 * SECOND - 1);
    guard_each(g, told_h, &t);
    CHECK_EQ_INT(t.n, 2);
    CHECK_STR(addr_ip(&t.v[0].net, text, sizeof(text)), "10.0.0.1");
    CHECK(t.v[0].prefix == 32 && t.v[0].since_s == 100 && t.v[0].left_s == 500);
    CHECK(t.v[0].failures == 20 && t.v[0].strikes == 1);
    CHECK_STR(addr_ip(&t.v[1].net, text, sizeof(text)), "2001:db8:1:2::");
    CHECK(t.v[1].prefix == 64 && t.v[1].left_s == 600);
    CHECK_EQ_INT(guard_lift(g, &t.v[1].net), 1); /* what is told can be lifted */
    now += 500 * SECOND;
    t = (struct told){.max = 4};
    guard_each(g, told_h, &t);
    CHECK_EQ_INT(t.n, 0); /* over, though nobody has asked since */
    fail(g, &a, 20);
    fail(g, &b, 20);
    t = (struct told){.max = 1};
    guard_each(g, told_h, &t);
    CHECK_EQ_INT(t.n, 1);
    CHECK_EQ_INT(t.v[0].strikes, 2);
    guard_free(g);
}

static void *hammer(void *arg)
{
    struct addr a = at("10.0.0.1");

    for (uint32_t i = 0; i < 3000; i++) {
        struct addr b = at("10.1.0.1");

        b.u.in.sin_addr.s_addr += (i % 64) << 24;
        guard_fail(arg, &b);
        guard_check(arg, &b, NULL);
        guard_ok(arg, &a);
        if (i % 500 == 0)
            guard_lift(arg, NULL);
    }
    return NULL;
}

TEST(threads_share_it)
{
    struct guard *g = make(32);
    pthread_t th[3];

    for (int i = 0; i < 3; i++)
        pthread_create(&th[i], NULL, hammer, g);
    for (int i = 0; i < 3; i++)
        pthread_join(th[i], NULL);
    guard_free(g);
}
