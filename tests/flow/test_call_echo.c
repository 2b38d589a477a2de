/* The test call of a self-test, by its identity that is kept nowhere: what it may, what it may not, and what it measures. */
#include "app_sip.h"
#include "call/testid.h"
#include "core/guard.h"
#include "flow/talking.h"
#include "media/rtcp.h"
#include "metrics.h"
#include "service/live.h"

enum { OPUS = 111, TICKS = 960, FRAME_MS = 20, SOON_MS = 20000, TOC_20MS = 0x08 };

static struct wsagent tester;
static struct testid id;
static struct {
    unsigned count, gaps, disorder, last;
    uint16_t seq;
    struct rtcp_block said;
    unsigned reports;
} echoed;

static void echo_rtp_h(const struct rtp_hdr *h, uint64_t now_us, void *arg)
{
    const unsigned number = (unsigned)h->payload[1] << 8 | h->payload[2];

    (void)now_us;
    (void)arg;
    echoed.gaps += echoed.count && (uint16_t)(h->seq - echoed.seq) != 1;
    echoed.disorder += echoed.count && number <= echoed.last;
    echoed.seq = h->seq;
    echoed.last = number;
    echoed.count++;
}

static void echo_rtcp_h(const struct rtcp_msg *msg, uint64_t now_us, void *arg)
{
    const struct rtcp_block *b = rtcp_block_of(msg, fbrowser_ssrc(browser));

    (void)now_us;
    (void)arg;
    if (b) {
        echoed.said = *b;
        echoed.reports++;
    }
}

/* seconds: how much longer than from now it is good; less than -TESTID_SECONDS: it is over. */
static void identity_make(int64_t later_s)
{
    uint8_t key[TESTID_KEY_LEN];

    store_key(box.store, key, TESTID_KEY);
    testid_make(&id, key, clock_wall_ms() / 1000 + later_s, "5002", 0);
}

static bool open_tester(void)
{
    struct fbrowser_config cfg = {.rtph = echo_rtp_h, .rtcph = echo_rtcp_h, .controlling = true};

    memset(&echoed, 0, sizeof(echoed));
    if (!open_all())
        return false;
    fbrowser_free(browser);
    browser = NULL;
    cfg.identity = identity;
    identity_make(0);
    agent.other = &tester;
    return !fbrowser_alloc(&browser, &cfg) &&
           !wsagent_open(&tester, box.stack, box.out, 2, id.user, id.password) && (tester.other = &agent);
}

static void close_all(void)
{
    wsagent_close(&tester);
    close_box();
}

#undef WANT
#define WANT(cond) CHECK_OR(cond, close_all(); return )

/* The final answer to an INVITE of this tester that has its credentials; da is the dialog. */
static int invites_with(struct wsagent *a, const char *uri, const char *sdp)
{
    char auth[1024];
    int code;

    sippeer_invite(&a->p, &da, uri, "", sdp);
    if (!sippeer_expect(&a->p, &m, "401 INVITE", 0))
        return sipmsg_code(&m);
    sippeer_ack_failure(&a->p, &da, &m, uri);
    sippeer_invite(&a->p, &da, uri, wsagent_credentials(a, &m, "INVITE", uri, auth, sizeof(auth)), sdp);
    do
        if (a->p.recv(&a->p, &m, SIPPEER_MS))
            return 0;
    while ((code = sipmsg_code(&m)) < 200);
    sipdlg_take(&da, &m);
    if (code == 200)
        sippeer_ack(&a->p, &da, NULL);
    else
        sippeer_ack_failure(&a->p, &da, &m, uri);
    return code;
}

static int invites(struct wsagent *a, const char *uri)
{
    return invites_with(a, uri, offer());
}

/* n frames, each tenth is lost on the way. */
static void speak(unsigned n)
{
    uint64_t next = clock_us();

    for (unsigned i = 0; i < n; i++, next += FRAME_MS * 1000) {
        uint8_t frame[40] = {TOC_20MS, (uint8_t)((i + 1) >> 8), (uint8_t)(i + 1)};

        while (clock_us() < next) {
            fbrowser_poll(browser, clock_us());
            (void)poll(NULL, 0, 2);
        }
        if (i % 10 == 9 && i + 1 < n)
            fbrowser_skip(browser);
        else
            (void)fbrowser_send(browser, OPUS, !i, i * TICKS, frame, sizeof(frame));
    }
}

/* Until the report of all that was sent is here. */
static bool reported(int32_t lost)
{
    const uint64_t end = clock_us() + SOON_MS * 1000ull;

    while (clock_us() < end && (!echoed.reports || echoed.said.lost < lost)) {
        fbrowser_poll(browser, clock_us());
        (void)poll(NULL, 0, 2);
    }
    return echoed.said.lost == lost;
}

static bool gauge_is(double want)
{
    const uint64_t end = clock_us() + SOON_MS * 1000ull;

    while (clock_us() < end && metric_value("dngate_selftest_calls") != want)
        (void)poll(NULL, 0, 5);
    return metric_value("dngate_selftest_calls") == want;
}

TEST(it_comes_back_whole_and_the_loss_is_where_it_happens)
{
    struct cdr cdr;

    WANT(open_tester());
    WANT(wsagent_register(&tester) == 200);
    WANT(metric_value("dngate_registrations") == 1); /* the agent's */
    WANT(invites(&tester, "sip:selftest@dngate") == 200);
    WANT(gauge_is(1));
    take_answer();
    WANT(browser_comes_up());
    speak(101);
    WANT(reported(10));
    printf("# echoed %u of 91, %u reports\n", echoed.count, echoed.reports);
    /* a machine that sleeps makes some late, which the jitter buffer then leaves out; test_path_echo counts them on a clock of its own */
    WANT(echoed.count >= 45 && echoed.count <= 91);
    WANT(!echoed.gaps && !echoed.disorder);
    sippeer_request(&tester.p, &da, "BYE", "", NULL, NULL);
    WANT(sippeer_expect(&tester.p, &m, "200 BYE", 0));
    WANT(gauge_is(0));
    WANT(metric_value("dngate_selftest_calls_total{result=\"done\"}") == 1);
    WANT(box_cdr(&box, 0, &cdr));
    WANT(sippeer_hears_no(&trunk.p, "INVITE", 100));
    close_all();
}

TEST(it_may_call_nobody_else_and_nobody_calls_it)
{
    char sdp[1024], uri[128];

    WANT(open_tester());
    WANT(wsagent_register(&tester) == 200);
    WANT(invites(&tester, "sip:600@dngate") == 403);
    WANT(invites(&tester, "sip:5002@dngate") == 403);
    (void)snprintf(uri, sizeof(uri), "sip:%s@dngate", id.user);
    sippeer_invite(&trunk.p, &dt, uri, "", fake_trunk_sdp(sdp, sizeof(sdp), rtp_port, ""));
    WANT(sippeer_expect(&trunk.p, &m, "404", 0));
    WANT(gauge_is(0));
    close_all();
}

/* An agent is none of these: what he dials goes to the trunk. */
TEST(an_agent_who_dials_it_calls_the_trunk)
{
    WANT(open_tester());
    sippeer_invite(&agent.p, &da, "sip:selftest@dngate", "", offer());
    WANT(sippeer_expect(&trunk.p, &invite, "INVITE", 0) && sipmsg_has(&invite, "INVITE sip:selftest@"));
    WANT(gauge_is(0));
    close_all();
}

TEST(a_wrong_password_gets_nothing_and_one_that_is_over_is_no_guess)
{
    struct addr here;

    WANT(open_tester());
    (void)addr_parse_ip(&here, "127.0.0.1", 0);
    identity_make(-TESTID_SECONDS - 1);
    for (unsigned i = 0; i < 30; i++) { /* a ban's worth */
        wsagent_close(&tester);
        WANT(!wsagent_open(&tester, box.stack, box.out, 10 + i, id.user, id.password));
        tester.other = &agent;
        WANT(wsagent_register(&tester) == 403);
    }
    WANT(guard_check(box.guard, &here, NULL) == GUARD_PASS);
    WANT(invites(&tester, "sip:selftest@dngate") == 403);

    identity_make(0);
    id.password[0] ^= 1;
    wsagent_close(&tester);
    WANT(!wsagent_open(&tester, box.stack, box.out, 60, id.user, id.password));
    tester.other = &agent;
    WANT(wsagent_register(&tester) == 401);
    WANT(invites(&tester, "sip:selftest@dngate") == 401);
    WANT(gauge_is(0));
    close_all();
}

TEST(one_at_a_time_of_a_test_and_a_lost_page_ends_it)
{
    WANT(open_tester());
    WANT(invites(&tester, "sip:selftest@dngate") == 200); /* without a registration */
    WANT(invites(&tester, "sip:selftest@dngate") == 486);
    WANT(sipmsg_has(&m, "Retry-After: "));
    wsagent_close(&tester);
    WANT(gauge_is(0));
    close_all();
}

TEST(one_that_does_not_speak_or_does_not_listen_is_refused)
{
    static const char *const dirs[] = {"sendonly", "recvonly", "inactive"};
    char sdp[4096];

    WANT(open_tester());
    for (unsigned i = 0; i < 3; i++) {
        (void)snprintf(sdp, sizeof(sdp), "%sa=%s\r\n", offer(), dirs[i]);
        WANT(invites_with(&tester, "sip:selftest@dngate", sdp) == 488);
    }
    WANT(gauge_is(0));
    WANT(metric_value("dngate_limit_used{name=\"media_paths\"}") == 0);
    WANT(invites(&tester, "sip:selftest@dngate") == 200);
    close_all();
}

/* 16 of one source; the agent's call is none of them. */
TEST(limits_are_the_tests_own)
{
    static struct wsagent many[17];
    unsigned took = 0, busy = 0;
    int code;

    WANT(open_tester());
    wsagent_close(&tester);
    for (unsigned i = 0; i < 17; i++) {
        identity_make(0);
        agent.other = &many[i];
        WANT(!wsagent_open(&many[i], box.stack, box.out, 100 + i, id.user, id.password));
        code = invites(&many[i], "sip:selftest@dngate");
        took += code == 200;
        busy += code == 486;
    }
    WANT(took == 16 && busy == 1);
    WANT(gauge_is(16));
    agent.other = NULL;
    sippeer_invite(&agent.p, &da, "sip:600@dngate", "", offer());
    WANT(sippeer_expect(&trunk.p, &invite, "INVITE", 0));
    for (unsigned i = 0; i < 17; i++)
        wsagent_close(&many[i]);
    close_all();
}

TEST(a_drain_refuses_new_ones_and_does_not_wait)
{
    struct pollfd drained;

    WANT(open_tester());
    WANT(invites(&tester, "sip:selftest@dngate") == 200);
    drained = (struct pollfd){.fd = box.drained_fd, .events = POLLIN};
    app_sip_drain(box.app, 60, false);
    WANT(sippeer_expect(&tester.p, &m, "BYE", 0));
    WANT(sipmsg_has(&m, "Reason: "));
    sippeer_reply(&tester.p, &m, 200, "OK", "", NULL);
    WANT(poll(&drained, 1, SOON_MS) == 1);
    WANT(invites(&tester, "sip:selftest@dngate") == 503);
    close_all();
}
