/* Credentials of a DN that got another password, was disabled or removed: refused from then on, later ones are good; a call may end. */
#include "testing.h"
#include "turn/revoked.h"
#include "turnhost.h"

#define OWN "192.0.2.1:10000"

static struct turnhost host;

static void named(struct turnclient *c, const char *from, int64_t expiry, const char *who)
{
    turnclient_init(c, &host, from, who);
    (void)turn_rest_name(c->name, sizeof(c->name), expiry, who);
    turn_rest_password(c->password, TURNHOST_SECRET, 32, c->name);
}

TEST(what_was_given_out_before_is_refused_and_what_comes_after_is_not)
{
    struct turnclient before, after, other;
    struct turn_figures f;

    CHECK(!turnhost_open_server(&host, NULL));
    named(&before, "203.0.113.7:40000", TURNHOST_UNIX + TURN_REST_SECONDS, "5001");
    named(&other, "203.0.113.7:40001", TURNHOST_UNIX + TURN_REST_SECONDS, "5003");
    CHECK_EQ_INT(turnclient_allocate(&before), 0);
    CHECK_EQ_INT(turnclient_allocate(&other), 0);
    turnhost_pass(&host, 10);
    CHECK(turn_server_revoke(host.server, "5001\0005002", 2));
    f = turnhost_figures(&host);
    CHECK_EQ_INT(f.revoked, 1); /* it had no call */
    CHECK_EQ_INT(f.allocations, 1);
    CHECK_EQ_INT(turnclient_allocate(&before), 401);
    CHECK_EQ_INT(turnclient_refresh(&other, 600), 0);
    named(&after, "203.0.113.7:40002", TURNHOST_UNIX + 10 + TURN_REST_SECONDS, "5001");
    CHECK_EQ_INT(turnclient_allocate(&after), 0);
    CHECK(turn_server_revoke(host.server, "5002", 1)); /* of those before, no more */
    CHECK_EQ_INT(turnclient_refresh(&after, 600), 0);
    TURNHOST_CLOSE(&host);
}

TEST(a_call_may_end_and_then_its_allocation_does)
{
    struct turnclient c, again;

    CHECK(!turnhost_open_server(&host, NULL));
    turnclient_init(&c, &host, "203.0.113.7:40000", "5001");
    CHECK_EQ_INT(turnclient_allocate(&c), 0);
    CHECK_EQ_INT(turnclient_bind(&c, 0x4001, OWN), 0);
    turnhost_pass(&host, 1); /* what is given out in the second of a change is of after it */
    CHECK(turnhost_peer(&host, OWN, true, "sound"));
    CHECK(turn_server_revoke(host.server, "5001", 1));
    for (unsigned i = 0; i < 40; i++) { /* goes on for longer than permissions last */
        turnhost_pass(&host, 20);
        CHECK(turnhost_peer(&host, OWN, true, "sound"));
        CHECK_EQ_INT(turnclient_data(&c, 0x4001, "sound"), 1);
        if (i % 10 == 9)
            CHECK(!turnclient_refresh(&c, 600) && !turnclient_bind(&c, 0x4001, OWN));
    }
    turnclient_init(&again, &host, "203.0.113.7:40001", "5001");
    CHECK_EQ_INT(turnclient_allocate(&again), 401); /* no new one */
    turnhost_pass(&host, TURN_CALL_SECONDS + 2);
    CHECK_EQ_INT(turnhost_figures(&host).revoked, 1);
    CHECK_EQ_INT(turnhost_figures(&host).allocations, 0);
    CHECK_EQ_INT(turnclient_refresh(&c, 600), 401);
    TURNHOST_CLOSE(&host);
}

/* A foreign peer is no call of ours; a static user is no DN, whatever his name. */
TEST(foreign_peers_keep_nothing_and_static_users_are_others)
{
    struct turnclient c, anna;

    CHECK(!turnhost_open_server(&host, NULL));
    CHECK(!turn_auth_set_user(turn_server_auth(host.server), "5001", "a good one"));
    turnclient_init(&anna, &host, "203.0.113.7:40001", "5001");
    strcpy(anna.name, "5001");
    strcpy(anna.password, "a good one");
    turnclient_init(&c, &host, "203.0.113.7:40000", "5001");
    CHECK_EQ_INT(turnclient_allocate(&anna), 0);
    CHECK_EQ_INT(turnclient_allocate(&c), 0);
    CHECK_EQ_INT(turnclient_permit(&c, "198.51.100.3:4000"), 0);
    CHECK(turnhost_peer(&host, "198.51.100.3:4000", false, "data"));
    CHECK(turn_server_revoke(host.server, "5001", 1));
    CHECK_EQ_INT(turnhost_figures(&host).revoked, 1);
    CHECK_EQ_INT(turnclient_refresh(&anna, 600), 0);
    TURNHOST_CLOSE(&host);
}

/* Many at once find room; beyond it one is forgotten, and that is told. */
TEST(there_is_room_for_a_change_of_thousands)
{
    enum { MANY = 5000, TOO_MANY = 200000 };
    struct revoked *r;
    bool kept = true;
    char dn[16];

    CHECK_EQ_INT(revoked_alloc(&r), 0);
    CHECK(!revoked_is(r, "1", 1));
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(dn, sizeof(dn), "%u", i);
        kept = kept && revoked_add(r, dn, 2000, 1000);
    }
    CHECK(kept);
    CHECK(revoked_is(r, "17", 1999) && !revoked_is(r, "17", 2000) && !revoked_is(r, "5001", 1999));
    CHECK(revoked_add(r, "17", 3000, 1000)); /* himself again */
    for (unsigned i = 0; i < TOO_MANY; i++) {
        snprintf(dn, sizeof(dn), "x%u", i);
        kept = revoked_add(r, dn, 2500, 1000) && kept;
    }
    CHECK(!kept);
    CHECK(revoked_is(r, "17", 2999));     /* who ends later stays for longer */
    for (unsigned i = 0; i < MANY; i++) { /* those of before are over */
        snprintf(dn, sizeof(dn), "y%u", i);
        CHECK(revoked_add(r, dn, 9000, 2600 + 500));
    }
    revoked_free(r);
}
