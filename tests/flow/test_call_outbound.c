/* An agent calls through the trunk: the whole signalling in one process, a SIP Server and a browser in text. */
/* SLOW */
#include "call/callout.h"
#include "core/buf.h"
#include "core/clock.h"
#include "core/health.h"
#include "fake/box.h"
#include "sip/resolver.h"
#include "store/trunk.h"
#include "testing.h"
#include <errno.h>
#include <poll.h>

static struct box box;
static struct fake_trunk trunk, second;
static struct wsagent agent;
static struct sipdlg da, dt; /* the dialogs as agent and trunk see them */
static struct sipmsg m, invite, agent_req;
static char sdp[2048];
static bool never_pinged;

static void open_box(const char *const options[], size_t trunks)
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

static void close_box(void)
{
    wsagent_close(&agent);
    box_close(&box);
    fake_trunk_close(&trunk);
    fake_trunk_close(&second);
}

#define BOX(options, trunks)                                                                                 \
    open_box(options, trunks);                                                                               \
    CHECK_OR(!testing_failed, close_box(); return )
/* A failed expectation ends the test, and the box with it. */
#define WANT(cond) CHECK_OR(cond, close_box(); return )

static void dial(const char *to, const char *hdrs)
{
    char uri[96];

    (void)snprintf(uri, sizeof(uri), "sip:%s@dngate", to);
    sippeer_invite(&agent.p, &da, uri, hdrs, wsagent_sdp(sdp, sizeof(sdp), "actpass", "sendrecv"));
}

static bool trunk_rings(struct fake_trunk *t)
{
    if (!sippeer_expect(&t->p, &invite, "INVITE", 0))
        return false;
    sipdlg_of_invite(&dt, &t->p, &invite);
    sippeer_reply(&t->p, &invite, 100, "Trying", "", NULL);
    sippeer_reply(&t->p, &invite, 180, "Ringing", "", NULL);
    return true;
}

/* Dials and answers: an established call. */
static bool talk(void)
{
    dial("600", "");
    if (!trunk_rings(&trunk) || !sippeer_expect(&agent.p, &m, "180", 0))
        return false;
    sippeer_reply(&trunk.p, &invite, 200, "OK", "", fake_trunk_sdp(sdp, sizeof(sdp), 40000, ""));
    if (!sippeer_expect(&trunk.p, &m, "ACK", 0) || !sippeer_expect(&agent.p, &m, "200 INVITE", 0))
        return false;
    sipdlg_take(&da, &m);
    sippeer_ack(&agent.p, &da, NULL);
    return true;
}

static bool agent_hangs_up(void)
{
    sippeer_request(&agent.p, &da, "BYE", "", NULL, NULL);
    if (!sippeer_expect(&agent.p, &m, "200 BYE", 0) || !sippeer_expect(&trunk.p, &m, "BYE", 0))
        return false;
    sippeer_reply(&trunk.p, &m, 200, "OK", "", NULL);
    return true;
}

TEST(answered_call_carries_headers_and_leaves_one_cdr)
{
    char val[256], to_tag[256];
    struct cdr cdr;

    BOX(NULL, 1);
    dial("600", "X-Genesys-CallUUID: 00TESTUUID\r\nUser-to-User: 414243;encoding=hex\r\nX-Private: no\r\n");
    WANT(sippeer_expect(&agent.p, &m, "100", 0));
    WANT(trunk_rings(&trunk));
    WANT(!strncmp(invite.text, "INVITE sip:600@127.0.0.1:", 25));
    WANT(strstr(sipmsg_hdr(&invite, "From", val, sizeof(val)),
                "\"Agent \\\"One\\\"\" <sip:5001@127.0.0.1>;tag="));
    WANT(strstr(sipmsg_hdr(&invite, "P-Asserted-Identity", val, sizeof(val)), "<sip:5001@127.0.0.1>"));
    WANT(strstr(sipmsg_hdr(&invite, "Contact", val, sizeof(val)), "<sip:5001@127.0.0.1:"));
    WANT(!sipmsg_has(&invite, "CallUUID")); /* an agent names none */
    WANT(sipmsg_has(&invite, "User-to-User: 414243;encoding=hex\r\n"));
    WANT(!sipmsg_has(&invite, "X-Private"));
    WANT(sipmsg_has(&invite, "RTP/AVP 0 8 101\r\n"));
    WANT(sippeer_expect(&agent.p, &m, "180", 0));
    WANT(strstr(sipmsg_hdr(&m, "To", to_tag, sizeof(to_tag)), ";tag="));
    WANT(sipmsg_has(&m, "Contact: <sip:"));
    WANT(sipmsg_has(&m, "a=setup:active"));
    sippeer_reply(&trunk.p, &invite, 200, "OK", "X-Genesys-CallUUID: 00SECOND\r\n",
                  fake_trunk_sdp(sdp, sizeof(sdp), 40000, ""));
    WANT(sippeer_expect(&trunk.p, &m, "ACK", 0));
    WANT(sippeer_expect(&agent.p, &m, "200 INVITE", 0));
    WANT(!strcmp(to_tag, sipmsg_hdr(&m, "To", val, sizeof(val))));
    WANT(sipmsg_has(&m, "X-Genesys-CallUUID: 00SECOND\r\n"));
    WANT(sipmsg_has(&m, "a=ice-ufrag:") && sipmsg_has(&m, "typ host") && sipmsg_has(&m, "opus/48000/2"));
    sipdlg_take(&da, &m);
    sippeer_ack(&agent.p, &da, NULL);
    sippeer_request(&agent.p, &da, "BYE", "Reason: Q.850;cause=16;text=\"Done\"\r\n", NULL, NULL);
    WANT(sippeer_expect(&agent.p, &m, "200 BYE", 0));
    WANT(sippeer_expect(&trunk.p, &m, "BYE", 0));
    WANT(sipmsg_has(&m, "Reason: Q.850;cause=16;text=\"Done\"\r\n"));
    sippeer_reply(&trunk.p, &m, 200, "OK", "", NULL);
    WANT(box_cdr(&box, 1, &cdr));
    WANT(cdr.code == 200 && cdr.hangup == CDR_AGENT && cdr.direction == CDR_OUTBOUND);
    WANT(!strcmp(cdr.dn, "5001") && !strcmp(cdr.callee, "600") && !strcmp(cdr.trunk, "trunk1"));
    WANT(!strcmp(cdr.call_uuid, "00SECOND") && !strcmp(cdr.reason, "Done"));
    WANT(cdr.start_ms && cdr.ring_ms >= cdr.start_ms && cdr.answer_ms >= cdr.ring_ms &&
         cdr.end_ms >= cdr.answer_ms);
    close_box();
}

TEST(failures_of_the_trunk_reach_the_agent_as_they_are)
{
    static const struct {
        int code;
        const char *phrase;
    } cases[] = {{486, "Busy Here"},
                 {603, "Decline"},
                 {404, "Not Found"},
                 {302, "Moved Temporarily"},
                 {500, "Broken"}};
    struct cdr cdr;
    char what[8];

    BOX(NULL, 1);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        dial("603", "");
        WANT(sippeer_expect(&trunk.p, &invite, "INVITE", 0));
        sippeer_reply(&trunk.p, &invite, cases[i].code, cases[i].phrase,
                      "Reason: SIP;cause=1;text=\"why\"\r\n", NULL);
        WANT(sippeer_expect(&trunk.p, &m, "ACK", 0));
        (void)snprintf(what, sizeof(what), "%d", cases[i].code);
        WANT(sippeer_expect(&agent.p, &m, what, 0));
        WANT(sipmsg_has(&m, cases[i].phrase));
        WANT(sipmsg_has(&m, "Reason: SIP;cause=1;text=\"why\"\r\n"));
        sippeer_ack_failure(&agent.p, &da, &m, "sip:603@dngate");
        WANT(box_cdr(&box, i + 1, &cdr));
        WANT(cdr.code == cases[i].code && cdr.hangup == CDR_TRUNK && !cdr.answer_ms);
    }
    close_box();
}

TEST(early_media_and_forked_ringing)
{
    char first[1024];

    BOX(NULL, 1);
    dial("601", "");
    WANT(sippeer_expect(&trunk.p, &invite, "INVITE", 0));
    sippeer_reply(&trunk.p, &invite, 183, "Session Progress", "",
                  fake_trunk_sdp(sdp, sizeof(sdp), 40000, ""));
    WANT(sippeer_expect(&agent.p, &m, "183", 0));
    WANT(sipmsg_has(&m, "a=setup:active"));
    (void)snprintf(first, sizeof(first), "%s", sipmsg_body(&m));
    (void)snprintf(trunk.p.tag, sizeof(trunk.p.tag), "branch2"); /* another branch rings, and it answers */
    sippeer_reply(&trunk.p, &invite, 180, "Ringing", "", NULL);
    WANT(sippeer_expect(&agent.p, &m, "180", 0));
    sippeer_reply(&trunk.p, &invite, 200, "OK", "", fake_trunk_sdp(sdp, sizeof(sdp), 40002, ""));
    WANT(sippeer_expect(&trunk.p, &m, "ACK", 0));
    WANT(sipmsg_has(&m, ";tag=branch2"));
    WANT(sippeer_expect(&agent.p, &m, "200 INVITE", 0));
    WANT(!strncmp(first, sipmsg_body(&m), strlen(first))); /* RFC 3261 13.2.1: the same answer */
    sippeer_reply(&trunk.p, &invite, 200, "OK", "", fake_trunk_sdp(sdp, sizeof(sdp), 40002, ""));
    WANT(sippeer_expect(&trunk.p, &m, "ACK", 0)); /* a retransmitted 200 gets its ACK again */
    close_box();
}

TEST(agent_cancels)
{
    struct cdr cdr;

    BOX(NULL, 1);
    dial("604", "");
    WANT(trunk_rings(&trunk));
    WANT(sippeer_expect(&agent.p, &m, "180", 0));
    sippeer_cancel(&agent.p, &da, "sip:604@dngate", "Reason: SIP;cause=487;text=\"Changed my mind\"\r\n");
    WANT(sippeer_expect(&agent.p, &m, "200 CANCEL", 0));
    WANT(sippeer_expect(&agent.p, &m, "487 INVITE", 0));
    WANT(sippeer_expect(&trunk.p, &m, "CANCEL", 0));
    WANT(sipmsg_has(&m, "text=\"Changed my mind\""));
    sippeer_reply(&trunk.p, &m, 200, "OK", "", NULL);
    sippeer_reply(&trunk.p, &invite, 487, "Request Terminated", "", NULL);
    WANT(sippeer_expect(&trunk.p, &m, "ACK", 0));
    WANT(box_cdr(&box, 1, &cdr));
    WANT(cdr.code == 487 && cdr.hangup == CDR_AGENT && !strcmp(cdr.reason, "Changed my mind"));
    close_box();
}

TEST(cancel_that_crosses_the_answer_ends_in_bye)
{
    BOX(NULL, 1);
    dial("604", "");
    WANT(trunk_rings(&trunk));
    sippeer_cancel(&agent.p, &da, "sip:604@dngate", "");
    WANT(sippeer_expect(&agent.p, &m, "487 INVITE", 0));
    WANT(sippeer_expect(&trunk.p, &agent_req, "CANCEL", 0));
    sippeer_reply(&trunk.p, &invite, 200, "OK", "", fake_trunk_sdp(sdp, sizeof(sdp), 40000, ""));
    WANT(sippeer_expect(&trunk.p, &m, "ACK", 0));
    WANT(sippeer_expect(&trunk.p, &m, "BYE", 0));
    sippeer_reply(&trunk.p, &m, 200, "OK", "", NULL);
    close_box();
}

TEST(silent_trunk_is_left_for_the_next)
{
    struct cdr cdr;
    uint64_t t0;

    BOX(NULL, 2);
    dial("600", "");
    WANT(sippeer_expect(&trunk.p, &m, "INVITE", 0)); /* says nothing */
    t0 = clock_ms();
    WANT(trunk_rings(&second));
    WANT(clock_ms() - t0 < CALL_TRUNK_BUDGET_MS); /* half of it, in fact */
    WANT(sippeer_expect(&agent.p, &m, "180", 0));
    sippeer_reply(&second.p, &invite, 486, "Busy Here", "", NULL);
    WANT(sippeer_expect(&agent.p, &m, "486", 0));
    WANT(box_cdr(&box, 1, &cdr));
    WANT(!strcmp(cdr.trunk, "trunk2"));
    close_box();
}

TEST(a_trunk_that_refuses_with_503_is_left_at_once)
{
    BOX(NULL, 2);
    dial("600", "");
    WANT(sippeer_expect(&trunk.p, &m, "INVITE", 0));
    sippeer_reply(&trunk.p, &m, 503, "Service Unavailable", "", NULL);
    /* a silent one is waited for half the budget */
    WANT(sippeer_expect(&second.p, &m, "INVITE", CALL_TRUNK_BUDGET_MS / 2 - 300));
    close_box();
}

/* Dials; the only trunk refuses, and the agent hears that. */
static bool refused(int code, const char *phrase)
{
    char what[8];

    dial("600", "");
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
    WANT(talk());
    WANT(agent_hangs_up());
    close_box();
}

TEST(a_callee_that_times_out_says_nothing_of_the_trunk)
{
    BOX(NULL, 1);
    WANT(refused(408, "Request Timeout"));
    WANT(talk()); /* it did not have to be pinged first */
    WANT(agent_hangs_up());
    close_box();
}

TEST(what_trunks_say_of_a_callee_takes_them_from_nobody)
{
    BOX(NULL, 1);
    for (int i = 0; i < 5; i++)
        WANT(refused(503, "Service Unavailable"));
    WANT(talk());
    WANT(agent_hangs_up());
    close_box();
}

TEST(a_trunk_that_asks_for_a_rest_is_tried_after_the_other)
{
    BOX(NULL, 2);
    dial("600", "");
    WANT(sippeer_expect(&trunk.p, &m, "INVITE", 0));
    sippeer_reply(&trunk.p, &m, 503, "Service Unavailable", "Retry-After: 20 (busy);duration=3600\r\n", NULL);
    WANT(sippeer_expect(&second.p, &invite, "INVITE", 0));
    sippeer_reply(&second.p, &invite, 486, "Busy Here", "", NULL);
    WANT(sippeer_expect(&agent.p, &m, "486", 0));
    sippeer_ack_failure(&agent.p, &da, &m, "sip:600@dngate");
    dial("600", "");
    WANT(sippeer_expect(&second.p, &invite, "INVITE", 0));
    sippeer_reply(&second.p, &invite, 503, "Service Unavailable", "", NULL);
    WANT(sippeer_expect(&trunk.p, &m, "INVITE", 0)); /* but it is tried */
    close_box();
}

/* Dials; the first trunk is silent until it is given up, and the second one refuses. The first one's dialog is in dt. */
static bool given_up(void)
{
    dial("600", "");
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
    close_box();
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
    close_box();
}

TEST(a_trunk_that_was_given_up_and_refuses_late_gets_its_ack)
{
    BOX(NULL, 2);
    WANT(given_up());
    sippeer_reply(&trunk.p, &m, 480, "Temporarily Unavailable", "", NULL);
    WANT(sippeer_expect(&trunk.p, &agent_req, "ACK", 0));
    close_box();
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
    dial("600", "");
    WANT(sippeer_expect(&agent.p, &m, "503", 8000));
    sippeer_ack_failure(&agent.p, &da, &m, "sip:600@dngate");
    for (; tried < MANY && sippeer_expect(&many[tried].p, &m, "INVITE", 50); tried++)
        WANT(sippeer_expect(&many[tried].p, &m, "INVITE", 50));
    WANT(tried >= 2 && tried < MANY);
    dial("601", "");
    WANT(sippeer_expect(&many[tried].p, &m, "INVITE", 0));
    for (size_t i = 0; i < MANY; i++)
        fake_trunk_close(&many[i]);
    close_box();
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
    dial("600", "");
    WANT(sippeer_expect(&trunk.p, &invite, "INVITE", 0));
    WANT(strstr(invite.text, "INVITE sip:600@127.0.0.1:"));
    sippeer_reply(&trunk.p, &invite, 486, "Busy Here", "", NULL);
    WANT(sippeer_expect(&agent.p, &m, "486", 0));
    WANT(box_cdr(&box, 1, &cdr) && !strcmp(cdr.trunk, "trunk1"));
    close_box();
}

TEST(trunk_seconds_is_what_each_trunk_has)
{
    const char *options[] = {"call.trunk_seconds=5", NULL};

    BOX(options, 2);
    dial("600", "");
    WANT(sippeer_expect(&trunk.p, &invite, "INVITE", 0));
    WANT(sippeer_hears_no(&second.p, "INVITE", CALL_TRUNK_BUDGET_MS + 400));
    sippeer_reply(&trunk.p, &invite, 180, "Ringing", "", NULL);
    WANT(sippeer_expect(&agent.p, &m, "180", 0));
    close_box();
}

TEST(a_call_whose_trunk_is_removed_is_hung_up_by_the_trunk)
{
    struct sipdlg stray;

    BOX(NULL, 1);
    WANT(talk());
    WANT(!trunk_remove(box.store, "trunk1") && health_says("no trunk is configured"));
    sippeer_invite(&trunk.p, &stray, "sip:5001@127.0.0.1", "", fake_trunk_sdp(sdp, sizeof(sdp), 40002, ""));
    WANT(sippeer_expect(&trunk.p, &m, "403 INVITE", 0)); /* a call goes on, but none begins */
    sippeer_request(&trunk.p, &dt, "BYE", "", NULL, NULL);
    WANT(sippeer_expect(&trunk.p, &m, "200 BYE", 0));
    WANT(sippeer_expect(&agent.p, &m, "BYE", 0));
    close_box();
}

TEST(a_call_whose_trunk_is_removed_is_hung_up_by_the_agent)
{
    BOX(NULL, 1);
    WANT(talk());
    WANT(!trunk_remove(box.store, "trunk1") && health_says("no trunk is configured"));
    WANT(agent_hangs_up());
    while (sippeer_expect(&trunk.p, &m, "BYE", 50)) /* repeated before the answer was read */
        ;
    WANT(sippeer_hears_no(&trunk.p, "BYE", 1500));
    close_box();
}

TEST(no_trunk_answers_503_within_4_seconds)
{
    struct cdr cdr;
    uint64_t t0;

    BOX(NULL, 2);
    t0 = clock_ms();
    dial("600", "");
    WANT(sippeer_expect(&agent.p, &m, "503", 8000));
    WANT(CALL_TRUNK_BUDGET_MS < 4000 && clock_ms() - t0 < 6000); /* with each its own: 7200 */
    WANT(box_cdr(&box, 1, &cdr));
    WANT(cdr.code == 503 && cdr.hangup == CDR_GATEWAY);
    close_box();
}

TEST(trunk_hangs_up_and_its_reason_crosses)
{
    struct cdr cdr;

    BOX(NULL, 1);
    WANT(talk());
    sippeer_request(&trunk.p, &dt, "BYE",
                    "Reason: SIP;cause=200;text=\"Far end left\"\r\nX-Genesys-CallUUID: LAST\r\n", NULL,
                    NULL);
    WANT(sippeer_expect(&trunk.p, &m, "200 BYE", 0));
    WANT(sippeer_expect(&agent.p, &m, "BYE", 0));
    WANT(sipmsg_has(&m, "Reason: SIP;cause=200;text=\"Far end left\"\r\n"));
    sippeer_reply(&agent.p, &m, 200, "OK", "", NULL);
    WANT(box_cdr(&box, 1, &cdr));
    WANT(cdr.code == 200 && cdr.hangup == CDR_TRUNK && !strcmp(cdr.reason, "Far end left") &&
         !strcmp(cdr.call_uuid, "LAST"));
    close_box();
}

TEST(hold_and_retrieve_stay_on_the_trunk_side)
{
    char val[256];

    BOX(NULL, 1);
    WANT(talk());
    sippeer_request(&trunk.p, &dt, "INVITE", "", "application/sdp",
                    fake_trunk_sdp(sdp, sizeof(sdp), 40000, "a=sendonly\r\n"));
    WANT(sippeer_expect(&trunk.p, &m, "200 INVITE", 0));
    WANT(sipmsg_has(&m, "a=recvonly"));
    sippeer_ack(&trunk.p, &dt, NULL);
    WANT(sippeer_caught_up(&trunk.p, &dt));
    sippeer_request(&trunk.p, &dt, "INVITE", "", NULL, NULL); /* retrieve: "make me an offer" */
    WANT(sippeer_expect(&trunk.p, &m, "200 INVITE", 0));
    WANT(sipmsg_has(&m, "RTP/AVP 0 8 101"));
    sippeer_ack(&trunk.p, &dt, fake_trunk_sdp(sdp, sizeof(sdp), 40010, ""));
    sippeer_request(&trunk.p, &dt, "UPDATE", "Session-Expires: 1800;refresher=uac\r\nSupported: timer\r\n",
                    NULL, NULL);
    WANT(sippeer_expect(&trunk.p, &m, "200 UPDATE", 0));
    WANT(strstr(sipmsg_hdr(&m, "Session-Expires", val, sizeof(val)), "1800;refresher=uac"));
    sippeer_request(&trunk.p, &dt, "NOTIFY", "Event: talk\r\nSubscription-State: active\r\n", NULL, NULL);
    WANT(sippeer_expect(&trunk.p, &m, "489 NOTIFY", 0));
    sippeer_request(&trunk.p, &dt, "UPDATE", "Session-Expires: 30\r\nSupported: timer\r\n", NULL, NULL);
    WANT(sippeer_expect(&trunk.p, &m, "422 UPDATE", 0));
    WANT(sipmsg_has(&m, "Min-SE: 90"));
    sippeer_request(
        &trunk.p, &dt, "INVITE", "", "application/sdp",
        "v=0\r\no=- 1 1 IN IP4 1.1.1.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 18\r\n");
    WANT(sippeer_expect(&trunk.p, &m, "488 INVITE", 0));
    WANT(sippeer_hears_no(&agent.p, "INVITE", 200));
    WANT(agent_hangs_up());
    close_box();
}

TEST(agent_holds_dials_digits_and_gets_answers)
{
    BOX(NULL, 1);
    WANT(talk());
    sippeer_request(&agent.p, &da, "INVITE", "", "application/sdp",
                    wsagent_sdp(sdp, sizeof(sdp), "actpass", "sendonly"));
    WANT(sippeer_expect(&agent.p, &m, "200 INVITE", 0));
    WANT(sipmsg_has(&m, "a=recvonly") && sipmsg_has(&m, "a=setup:active"));
    sippeer_ack(&agent.p, &da, NULL);
    sippeer_request(&agent.p, &da, "INFO", "", "application/dtmf-relay", "Signal=5\r\nDuration=160\r\n");
    WANT(sippeer_expect(&agent.p, &m, "200 INFO", 0));
    sippeer_request(&agent.p, &da, "INFO", "", "application/dtmf", "#");
    WANT(sippeer_expect(&agent.p, &m, "200 INFO", 0));
    sippeer_request(&agent.p, &da, "INFO", "", "text/plain", "hello");
    WANT(sippeer_expect(&agent.p, &m, "415 INFO", 0));
    WANT(sippeer_hears_no(&trunk.p, "INVITE", 200));
    WANT(agent_hangs_up());
    close_box();
}

TEST(one_call_per_dn_when_so_set)
{
    const char *options[] = {"call.limit_per_dn=1", NULL};
    struct sipdlg first;
    struct cdr cdr;

    BOX(options, 1);
    WANT(talk());
    first = da;
    dial("601", "");
    WANT(sippeer_expect(&agent.p, &m, "486", 0));
    WANT(box_cdr(&box, 1, &cdr));
    WANT(cdr.code == 486 && cdr.hangup == CDR_GATEWAY);
    da = first;
    WANT(agent_hangs_up());
    WANT(box_cdr(&box, 2, &cdr));
    close_box();
}

TEST(an_offer_without_dtls_is_488)
{
    BOX(NULL, 1);
    sippeer_invite(&agent.p, &da, "sip:600@dngate", "", fake_trunk_sdp(sdp, sizeof(sdp), 40000, ""));
    WANT(sippeer_expect(&agent.p, &m, "488", 0));
    sippeer_invite(&agent.p, &da, "sip:600@dngate", "", NULL);
    WANT(sippeer_expect(&agent.p, &m, "488", 0));
    close_box();
}

TEST(nobody_else_can_speak_in_the_dialog)
{
    struct wsagent other;
    struct sipdlg stolen;

    BOX(NULL, 1);
    WANT(talk());
    CHECK_EQ_INT(wsagent_open(&other, box.stack, box.out, 2, "5002", "secret5002"), 0);
    WANT(wsagent_register(&other) == 200);
    stolen = da;
    sippeer_request(&other.p, &stolen, "BYE", "", NULL, NULL);
    WANT(sippeer_expect(&other.p, &m, "403 BYE", 0));
    wsagent_close(&other);
    WANT(agent_hangs_up());
    close_box();
}

TEST(an_answered_call_outlives_its_websocket_and_the_next_one_takes_over)
{
    struct cdr cdr;

    BOX(NULL, 1);
    WANT(talk());
    wsagent_close(&agent);
    WANT(sippeer_hears_no(&trunk.p, "BYE", 500));
    CHECK_EQ_INT(wsagent_open(&agent, box.stack, box.out, 1001, "5001", "secret5001"), 0);
    WANT(wsagent_register(&agent) == 200);
    (void)snprintf(da.branch, sizeof(da.branch), "z9hG4bKnew");
    WANT(agent_hangs_up());
    WANT(box_cdr(&box, 1, &cdr));
    WANT(cdr.code == 200 && cdr.hangup == CDR_AGENT);
    close_box();
}

TEST(shutdown_ends_calls_on_both_sides)
{
    BOX(NULL, 1);
    WANT(talk());
    box_close(&box);
    WANT(sippeer_expect(&trunk.p, &m, "BYE", 1000));
    WANT(sipmsg_has(&m, "Reason: SIP;cause=503"));
    agent.st = NULL;
    close_box();
}
