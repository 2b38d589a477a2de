/* Who tries passwords: slowed down by name and source, answered no more and at no cost when there are too many, and nobody else with him. */
#include "testing.h"
#include "turn/guesses.h"
#include "turnhost.h"

static struct turnhost host;

enum { SECOND = 1000000 };

TEST(waits_double_up_to_four_seconds_and_are_forgiven)
{
    static const unsigned waits_ms[] = {0, 0, 0, 0, 250, 500, 1000, 2000, 4000, 4000};
    uint64_t now = 1000 * (uint64_t)SECOND;
    struct addr a, b;
    struct guesses *g;

    CHECK(!addr_parse_ip(&a, "203.0.113.7", 40000) && !addr_parse_ip(&b, "203.0.113.8", 40000));
    CHECK_EQ_INT(guesses_alloc(&g), 0);
    for (unsigned i = 0; i < sizeof(waits_ms) / sizeof(*waits_ms); i++) {
        CHECK(guesses_may(g, "anna", &a, now));
        guesses_wrong(g, "anna", &a, now);
        if (waits_ms[i])
            CHECK(!guesses_may(g, "anna", &a, now + waits_ms[i] * 1000 - 1));
        now += waits_ms[i] * 1000;
        CHECK(guesses_may(g, "anna", &a, now));
    }
    CHECK(!guesses_may(g, "anna", &a, now - 1));
    CHECK(guesses_may(g, "anna", &b, now - 1)); /* from elsewhere */
    CHECK(guesses_may(g, "berta", &a, now - 1));
    guesses_right(g, "anna", &a, now); /* two in a row forgive one failure: nine are left */
    guesses_right(g, "anna", &a, now);
    now += 5 * 60 * (uint64_t)SECOND; /* and then four, and the fifth is made now */
    guesses_wrong(g, "anna", &a, now);
    CHECK(!guesses_may(g, "anna", &a, now + 249999) && guesses_may(g, "anna", &a, now + 250000));
    guesses_free(g);
}

TEST(an_ipv6_network_is_one_who_guesses)
{
    struct addr a, b, c;
    struct guesses *g;

    CHECK(!addr_parse_ip(&a, "2001:db8::1", 1) && !addr_parse_ip(&b, "2001:db8::2", 2) &&
          !addr_parse_ip(&c, "2001:db8:0:1::1", 1));
    CHECK_EQ_INT(guesses_alloc(&g), 0);
    for (unsigned i = 0; i < GUESSES_SLOW_AFTER; i++)
        guesses_wrong(g, "anna", &a, SECOND);
    CHECK(!guesses_may(g, "anna", &b, SECOND) && guesses_may(g, "anna", &c, SECOND));
    guesses_free(g);
}

static bool anna(struct turnclient *c, const char *from, const char *password)
{
    turnclient_init(c, &host, from, "5001");
    strcpy(c->name, "anna");
    strcpy(c->password, password);
    return turnclient_challenge(c);
}

/* A static user's password: what is right is not looked at either until its time, and whoever has an allocation is not slowed down. */
TEST(a_guesser_hears_nothing_and_an_allocation_goes_on)
{
    struct turnclient owner, guesser, other;
    struct turn_figures f;

    CHECK(!turnhost_open_server(&host, NULL));
    CHECK(!turn_auth_set_user(turn_server_auth(host.server), "anna", "a good one"));
    CHECK(anna(&owner, "203.0.113.7:40000", "a good one"));
    CHECK_EQ_INT(turnclient_allocate(&owner), 0);
    CHECK(anna(&guesser, "203.0.113.7:40001", "a bad one"));
    for (unsigned i = 0; i < GUESSES_SLOW_AFTER; i++)
        CHECK_EQ_INT(turnclient_allocate(&guesser), 401);
    CHECK_EQ_INT(turnclient_allocate(&guesser), 999);
    strcpy(guesser.password, "a good one");
    CHECK_EQ_INT(turnclient_allocate(&guesser), 999);
    CHECK_EQ_INT(turnclient_refresh(&owner, 600), 0);
    CHECK(anna(&other, "203.0.113.8:40000", "a good one"));
    CHECK_EQ_INT(turnclient_allocate(&other), 0);
    f = turnhost_figures(&host);
    CHECK_EQ_INT(f.unread, 2);
    CHECK_EQ_INT(f.unauthorized, GUESSES_SLOW_AFTER);
    turnhost_pass(&host, 1);
    CHECK_EQ_INT(turnclient_allocate(&guesser), 0);
    TURNHOST_CLOSE(&host);
}

/* Names that are nobody's are slowed down alike: silence tells nothing. Nor does a USERHASH. */
TEST(nobodys_name_is_treated_as_somebodys)
{
    struct turnclient c;

    CHECK(!turnhost_open_server(&host, NULL));
    for (unsigned hashed = 0; hashed < 2; hashed++) {
        CHECK(anna(&c, "203.0.113.7:40000", "a bad one"));
        c.userhash = hashed;
        for (unsigned i = 0; i < GUESSES_SLOW_AFTER; i++)
            CHECK_EQ_INT(turnclient_allocate(&c), 401);
        CHECK_EQ_INT(turnclient_allocate(&c), 999);
    }
    TURNHOST_CLOSE(&host);
}

/* Wrong ones of ever other names: so many of a source are looked at in a second, and no more. A stranger's first question is another matter. */
TEST(wrong_credentials_of_a_source_are_looked_at_up_to_a_limit)
{
    enum { LIMIT = 20, TRIES = 500 };
    const struct turn_limits limits = {.challenges_per_second = LIMIT};
    struct turnclient c, other;
    unsigned answered = 0;
    struct turn_figures f;

    CHECK(!turnhost_open_server(&host, &limits));
    turnclient_init(&c, &host, "203.0.113.7:40000", "5001");
    CHECK(turnclient_challenge(&c));
    turnhost_pass(&host, 1);
    for (unsigned i = 0; i < TRIES; i++) {
        snprintf(c.name, sizeof(c.name), "%u:%u", TURNHOST_UNIX + 5000, i);
        answered += turnclient_allocate(&c) == 401;
    }
    f = turnhost_figures(&host);
    CHECK_EQ_INT(answered, LIMIT);
    CHECK_EQ_INT(f.unauthorized, LIMIT);
    CHECK_EQ_INT(f.unread, TRIES - LIMIT);
    turnclient_init(&other, &host, "203.0.113.8:40000", "5002");
    CHECK_EQ_INT(turnclient_allocate(&other), 0);
    turnhost_pass(&host, 1);
    turnclient_init(&other, &host, "203.0.113.7:40001", "5003");
    CHECK_EQ_INT(turnclient_allocate(&other), 0);
    TURNHOST_CLOSE(&host);
}
