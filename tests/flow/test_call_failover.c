/* An agent calls, and a trunk is silent, refuses, rests or goes: which one is tried next, and what the one before hears. */
#include "call/callout.h"
#include "core/buf.h"
#include "core/clock.h"
#include "core/health.h"
#include "fake/ends.h"
#include "sip/resolver.h"
#include "store/trunk.h"
#include "testing.h"
#include <errno.h>
#include <poll.h>

static struct fake_trunk second; /* behind `trunk` */
static bool never_pinged;

static void open_trunks(const char *const options[], size_t trunks)
{
    struct fake_trunk t[2];

    CHECK_EQ_INT(fake_trunk_open(&trunk), 0);
    CHECK_EQ_INT(fake_trunk_open(&second), 0);
    trunk.never_pinged = never_pinged;
    t[0] = trunk;
    t[1] = second;
    CHECK_EQ_INT(box_open(&box, options, t, trunks), 0);
    trunk.gateway_port = second.gateway_port = box.sip_port;
    CHECK_EQ_INT(wsagent_open(&agent, box.stack, box.out, 1, "5001", "secret5001"), 0);
    CHECK_EQ_INT(wsagent_register(&agent), 200);
}

static void close_trunks(void)
{
    ends_close();
    fake_trunk_close(&second);
}

#undef BOX
#undef WANT
#define BOX(options, trunks)                                                                                 \
    open_trunks(options, trunks);                                                                            \
    CHECK_OR(!testing_failed, close_trunks(); return )
#define WANT(cond) CHECK_OR(cond, close_trunks(); return )

static bool trunk_rings(struct fake_trunk *t)
{
    if (!sippeer_expect(&t->p, &invite, "INVITE", 0))
        return false;
    sipdlg_of_invite(&dt, &t->p, &invite);
    sippeer_reply(&t->p, &invite, 100, "Trying", "", NULL);
    sippeer_reply(&t->p, &invite, 180, "Ringing", "", NULL);
    return true;
}

TEST(silent_trunk_is_left_for_the_next)
{
    struct cdr cdr;
    uint64_t t0;

    BOX(NULL, 2);
    dial("");
    WANT(sippeer_expect(&trunk.p, &m, "INVITE", 0)); /* says nothing */
    t0 = clock_ms();
    WANT(trunk_rings(&second));
    WANT(clock_ms() - t0 < CALL_TRUNK_BUDGET_MS); /* half of it, in fact */
    WANT(sippeer_expect(&agent.p, &m, "180", 0));
    sippeer_reply(&second.p, &invite, 486, "Busy Here", "", NULL);
    WANT(sippeer_expect(&agent.p, &m, "486", 0));
    WANT(box_cdr(&box, 1, &cdr));
    WANT(!strcmp(cdr.trunk, "trunk2"));
    close_trunks();
}

TEST(a_trunk_that_refuses_with_503_is_left_at_once)
{
    BOX(NULL, 2);
    dial("");
    WANT(sippeer_expect(&trunk.p, &m, "INVITE", 0));
    sippeer_reply(&trunk.p, &m, 503, "Service Unavailable", "", NULL);
    /* a silent one is waited for half the budget */
    WANT(sippeer_expect(&second.p, &m, "INVITE", CALL_TRUNK_BUDGET_MS / 2 - 300));
    close_trunks();
}

/* Dials; the only trunk refuses, and the agent hears that. */
static bool refused(int code, const char *phrase)
{
    char what[8];

    dial("");
    if (!sippeer_expect(&trunk.p, &m, "INVITE", 0))
        return false;
    sippeer_reply(&trunk.p, &m, code, phrase, "", NULL);
    if (!sippeer_expect(&trunk.p, &m, "ACK", 0)) /* behind it no repeated INVITE */
        return false;
    (void)snprintf(what, sizeof(what), "%d", code);
    if (!sippeer_expect(&agent.p, &m, what, 0))
        return false;
    sippeer_ack_failure(&agent.p, &da, &m, "sip:600@dngate");
    return true;
}

TEST(a_trunk_that_is_never_pinged_is_tried_again_after_a_failure)
{
    never_pinged = true;
    BOX(NULL, 1);
    never_pinged = false;
    for (int i = 0; i < 2; i++)
        WANT(refused(503, "Service Unavailable"));
    WANT(talk(""));
    WANT(agent_hangs_up());
    close_trunks();
}

TEST(a_callee_that_times_out_says_nothing_of_the_trunk)
{
    BOX(NULL, 1);
    WANT(refused(408, "Request Timeout"));
    WANT(talk("")); /* it did not have to be pinged first */
    WANT(agent_hangs_up());
    close_trunks();
}

TEST(what_trunks_say_of_a_callee_takes_them_from_nobody)
{
    BOX(NULL, 1);
    for (int i = 0; i < 5; i++)
        WANT(refused(503, "Service Unavailable"));
    WANT(talk(""));
    WANT(agent_hangs_up());
    close_trunks();
}

TEST(a_trunk_that_asks_for_a_rest_is_tried_after_the_other)
{
    BOX(NULL, 2);
    dial("");
    WANT(sippeer_expect(&trunk.p, &m, "INVITE", 0));
    sippeer_reply(&trunk.p, &m, 503, "Service Unavailable", "Retry-After: Fri, 31 Dec 2027 00:00:00 GMT\r\n",
                  NULL); /* no number of seconds: no rest */
    WANT(sippeer_expect(&second.p, &invite, "INVITE", 0));
    sippeer_reply(&second.p, &invite, 486, "Busy Here", "", NULL);
    WANT(sippeer_expect(&agent.p, &m, "486", 0));
    sippeer_ack_failure(&agent.p, &da, &m, "sip:600@dngate");
    dial("");
    WANT(sippeer_expect(&trunk.p, &m, "INVITE", 0));
    sippeer_reply(&trunk.p, &m, 503, "Service Unavailable", "Retry-After: 20 (busy);duration=3600\r\n", NULL);
    WANT(sippeer_expect(&second.p, &invite, "INVITE", 0));
    sippeer_reply(&second.p, &invite, 486, "Busy Here", "", NULL);
    WANT(sippeer_expect(&agent.p, &m, "486", 0));
    sippeer_ack_failure(&agent.p, &da, &m, "sip:600@dngate");
    dial("");
    WANT(sippeer_expect(&second.p, &invite, "INVITE", 0));
    sippeer_reply(&second.p, &invite, 503, "Service Unavailable", "", NULL);
    WANT(sippeer_expect(&trunk.p, &m, "INVITE", 0)); /* but it is tried */
    close_trunks();
}

/* Dials; the first trunk is silent until it is given up, and the second one refuses. The first one's dialog is in dt. */
static bool given_up(void)
{
    dial("");
    if (!sippeer_expect(&trunk.p, &m, "INVITE", 0))
        return false;
    sipdlg_of_invite(&dt, &trunk.p, &m);
    if (!sippeer_expect(&trunk.p, &m, "INVITE", 0) || !sippeer_expect(&second.p, &invite, "INVITE", 0))
        return false;
    sippeer_reply(&second.p, &invite, 486, "Busy Here", "", NULL);
    if (!sippeer_expect(&agent.p, &agent_req, "486", 0))
        return false;
    while (sippeer_expect(&trunk.p, &agent_req, "INVITE", 50)) /* repeated before it was given up */
        ;
    return sippeer_hears_no(&trunk.p, "INVITE", 2500); /* the next one would come 3.5 s after the first */
}

TEST(a_trunk_that_was_given_up_hears_no_more_and_its_late_answer_is_hung_up)
{
    BOX(NULL, 2);
    WANT(given_up());
    sippeer_reply(&trunk.p, &m, 200, "OK", "", fake_trunk_sdp(sdp, sizeof(sdp), 40000, ""));
    WANT(sippeer_expect(&trunk.p, &agent_req, "ACK", 0));
    WANT(sippeer_expect(&trunk.p, &agent_req, "BYE", 0));
    sippeer_reply(&trunk.p, &agent_req, 200, "OK", "", NULL);
    close_trunks();
}

TEST(a_trunk_that_was_given_up_and_rings_late_is_cancelled)
{
    BOX(NULL, 2);
    WANT(given_up());
    sippeer_reply(&trunk.p, &m, 180, "Ringing", "", NULL);
    WANT(sippeer_expect(&trunk.p, &agent_req, "CANCEL", 0));
    sippeer_reply(&trunk.p, &agent_req, 200, "OK", "", NULL);
    sippeer_reply(&trunk.p, &m, 487, "Request Terminated", "", NULL);
    WANT(sippeer_expect(&trunk.p, &agent_req, "ACK", 0));
    close_trunks();
}

TEST(a_trunk_that_was_given_up_and_refuses_late_gets_its_ack)
{
    BOX(NULL, 2);
    WANT(given_up());
    sippeer_reply(&trunk.p, &m, 480, "Temporarily Unavailable", "", NULL);
    WANT(sippeer_expect(&trunk.p, &agent_req, "ACK", 0));
    close_trunks();
}

enum { MANY = 8 };

/* Too many to hear all of them out in 4 s: those that are tried get their INVITE twice, the others keep their good name. */
TEST(each_silent_trunk_gets_two_invites_or_none)
{
    static struct fake_trunk many[MANY];
    size_t tried = 0;

    for (size_t i = 0; i < MANY; i++) {
        CHECK_EQ_INT(fake_trunk_open(&many[i]), 0);
        many[i].never_pinged = true;
    }
    CHECK_EQ_INT(box_open(&box, NULL, many, MANY), 0);
    CHECK_EQ_INT(wsagent_open(&agent, box.stack, box.out, 1, "5001", "secret5001"), 0);
    WANT(wsagent_register(&agent) == 200);
    dial("");
    WANT(sippeer_expect(&agent.p, &m, "503", 8000));
    sippeer_ack_failure(&agent.p, &da, &m, "sip:600@dngate");
    for (; tried < MANY && sippeer_expect(&many[tried].p, &m, "INVITE", 50); tried++)
        WANT(sippeer_expect(&many[tried].p, &m, "INVITE", 50));
    WANT(tried >= 2 && tried < MANY);
    dial("");
    WANT(sippeer_expect(&many[tried].p, &m, "INVITE", 0));
    for (size_t i = 0; i < MANY; i++)
        fake_trunk_close(&many[i]);
    close_trunks();
}

/* Waits until this is in the health of the box. */
static bool health_says(const char *text)
{
    bool said = false;

    for (int i = 0; i < SIPPEER_MS && !said; i++) {
        struct buf b;

        buf_init(&b, 8192);
        said = !health_json(&b) && strstr(b.data, text);
        buf_reset(&b);
        (void)poll(NULL, 0, 1);
    }
    return said;
}

/* Nobody is at the first address of sip.example. */
static int lookup_h(struct addr *v, size_t max, size_t *n, const char *host, uint16_t port)
{
    if (strcmp(host, "sip.example") || max < 2)
        return EHOSTUNREACH;
    *n = 2;
    return addr_parse_ip(&v[0], "127.0.0.9", port) | addr_parse_ip(&v[1], "127.0.0.1", port);
}

TEST(a_call_goes_to_the_next_address_of_a_name)
{
    struct cdr cdr;

    resolver_lookup = lookup_h;
    CHECK_EQ_INT(fake_trunk_open(&trunk), 0);
    trunk.host = "sip.example";
    trunk.never_pinged = true;
    CHECK_EQ_INT(box_open(&box, NULL, &trunk, 1), 0);
    CHECK_EQ_INT(wsagent_open(&agent, box.stack, box.out, 1, "5001", "secret5001"), 0);
    WANT(wsagent_register(&agent) == 200 && health_says("\"trunk\":{\"state\":\"up\""));
    dial("");
    WANT(sippeer_expect(&trunk.p, &invite, "INVITE", 0));
    WANT(strstr(invite.text, "INVITE sip:600@127.0.0.1:"));
    sippeer_reply(&trunk.p, &invite, 486, "Busy Here", "", NULL);
    WANT(sippeer_expect(&agent.p, &m, "486", 0));
    WANT(box_cdr(&box, 1, &cdr) && !strcmp(cdr.trunk, "trunk1"));
    close_trunks();
}

TEST(trunk_seconds_is_what_each_trunk_has)
{
    const char *options[] = {"call.trunk_seconds=5", NULL};

    BOX(options, 2);
    dial("");
    WANT(sippeer_expect(&trunk.p, &invite, "INVITE", 0));
    WANT(sippeer_hears_no(&second.p, "INVITE", CALL_TRUNK_BUDGET_MS + 400));
    sippeer_reply(&trunk.p, &invite, 180, "Ringing", "", NULL);
    WANT(sippeer_expect(&agent.p, &m, "180", 0));
    close_trunks();
}

TEST(a_call_whose_trunk_is_removed_is_hung_up_by_the_trunk)
{
    struct sipdlg stray;

    BOX(NULL, 1);
    WANT(talk(""));
    WANT(!trunk_remove(box.store, "trunk1") && health_says("no trunk is configured"));
    sippeer_invite(&trunk.p, &stray, "sip:5001@127.0.0.1", "", fake_trunk_sdp(sdp, sizeof(sdp), 40002, ""));
    WANT(sippeer_expect(&trunk.p, &m, "403 INVITE", 0)); /* a call goes on, but none begins */
    sippeer_request(&trunk.p, &dt, "BYE", "", NULL, NULL);
    WANT(sippeer_expect(&trunk.p, &m, "200 BYE", 0));
    WANT(sippeer_expect(&agent.p, &m, "BYE", 0));
    close_trunks();
}

TEST(a_call_whose_trunk_is_removed_is_hung_up_by_the_agent)
{
    BOX(NULL, 1);
    WANT(talk(""));
    WANT(!trunk_remove(box.store, "trunk1") && health_says("no trunk is configured"));
    WANT(agent_hangs_up());
    while (sippeer_expect(&trunk.p, &m, "BYE", 50)) /* repeated before the answer was read */
        ;
    WANT(sippeer_hears_no(&trunk.p, "BYE", 1500));
    close_trunks();
}

TEST(no_trunk_answers_503_within_4_seconds)
{
    struct cdr cdr;
    uint64_t t0;

    BOX(NULL, 2);
    t0 = clock_ms();
    dial("");
    WANT(sippeer_expect(&agent.p, &m, "503", 8000));
    WANT(CALL_TRUNK_BUDGET_MS < 4000 && clock_ms() - t0 < 6000); /* with each its own: 7200 */
    WANT(box_cdr(&box, 1, &cdr));
    WANT(cdr.code == 503 && cdr.hangup == CDR_GATEWAY);
    close_trunks();
}
