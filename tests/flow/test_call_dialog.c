/* Dialogs in bad weather: challenges, session timers, requests that cross, limits, headers of every message. */
/* TSAN */
#include "dialog/legtimer.h"
#include "core/clock.h"
#include "fake/box.h"
#include "testing.h"
#include <errno.h>

static struct box box;
static struct fake_trunk trunk;
static struct wsagent agent;
static struct sipdlg da, dt; /* the dialogs as agent and trunk see them */
static struct sipmsg m, invite, agent_req;
static char sdp[2048], val[1024];

static void open_box(const char *const options[])
{
    CHECK_EQ_INT(fake_trunk_open(&trunk), 0);
    trunk.username = "gateway";
    trunk.password = "s3cret";
    CHECK_EQ_INT(box_open(&box, options, &trunk, 1), 0);
    CHECK_EQ_INT(wsagent_open(&agent, box.stack, box.out, 1, "5001", "secret5001"), 0);
    CHECK_EQ_INT(wsagent_register(&agent), 200);
}

static void close_box(void)
{
    wsagent_close(&agent);
    box_close(&box);
    fake_trunk_close(&trunk);
    leg_timer_second = 1000;
}

#define BOX(options)                                                                                         \
    open_box(options);                                                                                       \
    CHECK_OR(!testing_failed, close_box(); return )
#define WANT(cond) CHECK_OR(cond, close_box(); return )

static void dial(const char *hdrs)
{
    sippeer_invite(&agent.p, &da, "sip:600@dngate", hdrs,
                   wsagent_sdp(sdp, sizeof(sdp), "actpass", "sendrecv"));
}

static void trunk_calls(void)
{
    char to[64], offer[1024];

    (void)snprintf(to, sizeof(to), "sip:5001@127.0.0.1:%u", box.sip_port);
    sippeer_invite(&trunk.p, &dt, to, "", fake_trunk_sdp(offer, sizeof(offer), 40000, ""));
}

/* Answers `invite` with this and enters the dialog on both sides. */
static bool answered(const char *hdrs)
{
    sipdlg_of_invite(&dt, &trunk.p, &invite);
    sippeer_reply(&trunk.p, &invite, 200, "OK", hdrs, fake_trunk_sdp(sdp, sizeof(sdp), 40000, ""));
    if (!sippeer_expect(&trunk.p, &m, "ACK", 0) || !sippeer_expect(&agent.p, &m, "200 INVITE", 0))
        return false;
    sipdlg_take(&da, &m);
    sippeer_ack(&agent.p, &da, NULL);
    return true;
}

static bool talk(const char *hdrs)
{
    dial("");
    return sippeer_expect(&trunk.p, &invite, "INVITE", 0) && answered(hdrs);
}

static bool agent_hangs_up(void)
{
    sippeer_request(&agent.p, &da, "BYE", "", NULL, NULL);
    if (!sippeer_expect(&agent.p, &m, "200 BYE", 0) || !sippeer_expect(&trunk.p, &m, "BYE", 0))
        return false;
    sippeer_reply(&trunk.p, &m, 200, "OK", "", NULL);
    return true;
}

/* The agent takes the call that the trunk makes; m is our 200 to the trunk. */
static bool agent_answers(void)
{
    if (!sippeer_expect(&agent.p, &agent_req, "INVITE", 0))
        return false;
    sipdlg_of_invite(&da, &agent.p, &agent_req);
    sippeer_reply(&agent.p, &agent_req, 200, "OK", "", wsagent_sdp(sdp, sizeof(sdp), "active", "sendrecv"));
    if (!sippeer_expect(&trunk.p, &m, "200 INVITE", 0))
        return false;
    sipdlg_take(&dt, &m);
    sippeer_ack(&trunk.p, &dt, NULL);
    return true;
}

/* --- credentials --- */

static void challenged(int code, const char *challenge, const char *header, const char *want)
{
    BOX(NULL);
    dial("");
    WANT(sippeer_expect(&trunk.p, &invite, "INVITE", 0));
    sippeer_reply(&trunk.p, &invite, code, "Who Are You", challenge, NULL);
    WANT(sippeer_expect(&trunk.p, &m, "ACK", 0));
    WANT(sippeer_expect(&trunk.p, &invite, "INVITE", 0));
    (void)sipmsg_hdr(&invite, header, val, sizeof(val));
    WANT(strstr(val, "username=\"gateway\"") && strstr(val, "uri=\"sip:600@127.0.0.1:"));
    if (!strstr(val, want))
        testing_fail(__FILE__, __LINE__, "%s", val);
    WANT(answered(""));
    WANT(agent_hangs_up());
    WANT(strstr(m.text, header)); /* the BYE has credentials, too */
    close_box();
}

TEST(a_trunk_that_offers_sha256_and_md5)
{
    challenged(401,
               "WWW-Authenticate: Digest realm=\"g\", nonce=\"n1\", algorithm=SHA-256, qop=\"auth\"\r\n"
               "WWW-Authenticate: Digest realm=\"g\", nonce=\"n2\", algorithm=MD5, qop=\"auth\"\r\n",
               "Authorization", "algorithm=SHA-256");
}

TEST(a_trunk_that_offers_what_nobody_knows_and_md5)
{
    challenged(401,
               "WWW-Authenticate: Digest realm=\"g\", nonce=\"n1\", algorithm=SHA-512-256, qop=\"auth\"\r\n"
               "WWW-Authenticate: Digest realm=\"g\", nonce=\"n2\", algorithm=MD5, qop=\"auth-int,auth\"\r\n",
               "Authorization", "nonce=\"n2\"");
}

TEST(a_proxy_that_challenges_without_qop)
{
    /* HA1 = MD5(gateway:g:s3cret); without qop the answer depends on nothing but the URI */
    challenged(407, "Proxy-Authenticate: Digest realm=\"g\", nonce=\"n1\", opaque=\"op\"\r\n",
               "Proxy-Authorization", "opaque=\"op\"");
}

TEST(a_proxy_and_the_server_behind_it_both_challenge)
{
    BOX(NULL);
    dial("");
    WANT(sippeer_expect(&trunk.p, &invite, "INVITE", 0));
    sippeer_reply(&trunk.p, &invite, 407, "Who Are You",
                  "Proxy-Authenticate: Digest realm=\"p\", nonce=\"np\"\r\n", NULL);
    WANT(sippeer_expect(&trunk.p, &m, "ACK", 0));
    WANT(sippeer_expect(&trunk.p, &invite, "INVITE", 0));
    sippeer_reply(&trunk.p, &invite, 401, "Who Are You",
                  "WWW-Authenticate: Digest realm=\"s\", nonce=\"ns\"\r\n", NULL);
    WANT(sippeer_expect(&trunk.p, &m, "ACK", 0));
    WANT(sippeer_expect(&trunk.p, &invite, "INVITE", 0));
    WANT(strstr(sipmsg_hdr(&invite, "Proxy-Authorization", val, sizeof(val)), "nonce=\"np\""));
    WANT(strstr(sipmsg_hdr(&invite, "Authorization", val, sizeof(val)), "nonce=\"ns\""));
    WANT(answered(""));
    WANT(agent_hangs_up());
    WANT(strstr(m.text, "nonce=\"np\"") && strstr(m.text, "nonce=\"ns\""));
    close_box();
}

/* We hang up before the trunk's ACK for a call of its own: the BYE that follows the ACK is challenged, and repeated. */
TEST(a_bye_that_had_to_wait_is_repeated_with_credentials)
{
    BOX(NULL);
    trunk_calls();
    WANT(sippeer_expect(&agent.p, &invite, "INVITE", 0));
    sipdlg_of_invite(&da, &agent.p, &invite);
    sippeer_reply(&agent.p, &invite, 200, "OK", "", wsagent_sdp(sdp, sizeof(sdp), "active", "sendrecv"));
    WANT(sippeer_expect(&agent.p, &m, "ACK", 0) && sippeer_expect(&trunk.p, &m, "200 INVITE", 0));
    sipdlg_take(&dt, &m);
    sippeer_request(&agent.p, &da, "BYE", "", NULL, NULL);
    WANT(sippeer_expect(&agent.p, &m, "200 BYE", 0));
    sippeer_ack(&trunk.p, &dt, NULL);
    WANT(sippeer_expect(&trunk.p, &m, "BYE", 0));
    sippeer_reply(&trunk.p, &m, 401, "Who Are You", "WWW-Authenticate: Digest realm=\"s\", nonce=\"n\"\r\n",
                  NULL);
    WANT(sippeer_expect(&trunk.p, &m, "BYE", 0) && strstr(m.text, "nonce=\"n\""));
    sippeer_reply(&trunk.p, &m, 200, "OK", "", NULL);
    close_box();
}

TEST(credentials_that_are_refused_are_the_gateways_failure)
{
    struct cdr cdr;

    BOX(NULL);
    dial("");
    for (int i = 0; i < 2; i++) {
        WANT(sippeer_expect(&trunk.p, &invite, "INVITE", 0));
        sippeer_reply(&trunk.p, &invite, 401, "Unauthorized",
                      "WWW-Authenticate: Digest realm=\"g\", nonce=\"n\", algorithm=MD5, qop=\"auth\"\r\n",
                      NULL);
        WANT(sippeer_expect(&trunk.p, &m, "ACK", 0));
    }
    WANT(sippeer_expect(&agent.p, &m, "403 INVITE",
                        0)); /* a 401 would make the page ask for its own password */
    WANT(box_cdr(&box, 1, &cdr));
    WANT(cdr.code == 403 && cdr.hangup == CDR_GATEWAY);
    close_box();
}

/* --- session timer, with seconds of 10 to 40 ms --- */

TEST(we_refresh_when_the_trunk_wants_it_and_notice_its_death)
{
    struct cdr cdr;

    leg_timer_second = 10;
    BOX(NULL);
    WANT(talk("Session-Expires: 100;refresher=uac\r\nRequire: timer\r\n"));
    for (int i = 0; i < 2; i++) {
        WANT(sippeer_expect(&trunk.p, &m, "UPDATE", 0)); /* after 50 of them */
        WANT(strstr(sipmsg_hdr(&m, "Session-Expires", val, sizeof(val)), "100;refresher=uac"));
        sippeer_reply(&trunk.p, &m, 200, "OK", "Session-Expires: 100;refresher=uac\r\n", NULL);
    }
    WANT(sippeer_expect(&trunk.p, &m, "UPDATE", 0));
    sippeer_reply(&trunk.p, &m, 481, "Call Does Not Exist", "", NULL);
    WANT(sippeer_expect(&agent.p, &m, "BYE", 0));
    sippeer_reply(&agent.p, &m, 200, "OK", "", NULL);
    WANT(box_cdr(&box, 1, &cdr));
    WANT(cdr.code == 200 && cdr.hangup == CDR_GATEWAY);
    close_box();
}

TEST(a_refused_refresh_changes_no_terms_and_a_failed_one_is_tried_again)
{
    leg_timer_second = 40;
    BOX(NULL);
    WANT(talk("Session-Expires: 100;refresher=uac\r\nRequire: timer\r\n"));
    sippeer_request(&trunk.p, &dt, "INVITE", "", "application/sdp",
                    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 4000 RTP/AVP 18\r\n");
    WANT(sippeer_expect(&trunk.p, &m, "488 INVITE", 0)); /* it names no refresher */
    WANT(sippeer_expect(&trunk.p, &m, "UPDATE", 0));
    sippeer_reply(&trunk.p, &m, 500, "Later", "", NULL);
    WANT(sippeer_expect(&trunk.p, &m, "UPDATE", 1500)); /* after 10, not 50 */
    sippeer_reply(&trunk.p, &m, 200, "OK", "Session-Expires: 100;refresher=uac\r\n", NULL);
    WANT(sippeer_expect(&trunk.p, &m, "UPDATE", 0));
    sippeer_reply(&trunk.p, &m, 200, "OK", "Session-Expires: 100;refresher=uac\r\n", NULL);
    WANT(agent_hangs_up());
    close_box();
}

TEST(a_trunk_that_does_not_refresh_is_hung_up)
{
    struct cdr cdr;

    leg_timer_second = 30;
    BOX(NULL);
    WANT(talk("Session-Expires: 120;refresher=uas\r\nRequire: timer\r\n"));
    sippeer_request(&trunk.p, &dt, "UPDATE", "Session-Expires: 120;refresher=uac\r\nSupported: timer\r\n",
                    NULL, NULL);
    WANT(sippeer_expect(&trunk.p, &m, "200 UPDATE", 0));
    WANT(sippeer_hears_no(&trunk.p, "BYE", 500));
    WANT(sippeer_expect(&trunk.p, &m, "BYE", 0)); /* after 88 */
    WANT(sipmsg_has(&m, "Session timer expired"));
    sippeer_reply(&trunk.p, &m, 200, "OK", "", NULL);
    WANT(sippeer_expect(&agent.p, &m, "BYE", 0));
    WANT(sipmsg_has(&m, "Session timer expired"));
    sippeer_reply(&agent.p, &m, 200, "OK", "", NULL);
    WANT(box_cdr(&box, 1, &cdr));
    WANT(cdr.code == 200 && cdr.hangup == CDR_GATEWAY && !strcmp(cdr.reason, "Session timer expired"));
    close_box();
}

/* What keeps our refresh from being an UPDATE: the latest Allow, wherever it stood. */
static bool refreshed_by(const char *method, const char *terms)
{
    return sippeer_expect(&trunk.p, &m, method, 0) &&
           strstr(sipmsg_hdr(&m, "Session-Expires", val, sizeof(val)), terms) &&
           strstr(sipmsg_hdr(&m, "Supported", val, sizeof(val)), "timer");
}

static void reinvite_is_answered(const char *hdrs)
{
    char allow[256], answer[1024];

    (void)snprintf(allow, sizeof(allow), "Session-Expires: 100;refresher=uac\r\n%s", hdrs);
    sippeer_reply(&trunk.p, &m, 200, "OK", allow, fake_trunk_sdp(answer, sizeof(answer), 40000, ""));
}

TEST(a_trunk_whose_allow_lacks_update_is_refreshed_by_the_same_sdp)
{
    char offered[2048], o[256];

    leg_timer_second = 10;
    BOX(NULL);
    WANT(talk("Session-Expires: 100;refresher=uac\r\nAllow: INVITE, ACK, BYE\r\nAllow: CANCEL, INFO\r\n"));
    (void)snprintf(offered, sizeof(offered), "%s", sipmsg_body(&invite));
    (void)snprintf(o, sizeof(o), "%.*s", (int)strcspn(strstr(offered, "o="), "\r"), strstr(offered, "o="));
    for (int i = 0; i < 2; i++) {
        WANT(refreshed_by("INVITE", "100;refresher=uac"));
        WANT(strstr(sipmsg_body(&m), o) && !strcmp(sipmsg_body(&m), offered));
        reinvite_is_answered("");
        WANT(sippeer_expect(&trunk.p, &m, "ACK", 0));
    }
    /* the latest counts: its next request allows UPDATE, and the one after that does not */
    sippeer_request(&trunk.p, &dt, "INFO", "Allow: INVITE, ACK, BYE, CANCEL, UPDATE\r\n", NULL, NULL);
    WANT(refreshed_by("UPDATE", "100;refresher=uac"));
    sippeer_reply(&trunk.p, &m, 200, "OK",
                  "Session-Expires: 100;refresher=uac\r\nAllow: INVITE, ACK, BYE, CANCEL\r\n", NULL);
    WANT(refreshed_by("INVITE", "100;refresher=uac"));
    reinvite_is_answered("");
    WANT(sippeer_hears_no(&agent.p, "INVITE", 100));
    WANT(agent_hangs_up());
    close_box();
}

static void update_is_refused(int code)
{
    leg_timer_second = 10;
    BOX(NULL);
    WANT(talk("Session-Expires: 100;refresher=uac\r\n"));
    WANT(refreshed_by("UPDATE", "100;refresher=uac"));
    sippeer_reply(&trunk.p, &m, code, "No", "Allow: INVITE, UPDATE\r\n", NULL);
    WANT(refreshed_by("INVITE", "100;refresher=uac"));
    reinvite_is_answered("");
    WANT(sippeer_expect(&trunk.p, &m, "ACK", 0));
    WANT(agent_hangs_up());
    close_box();
}

TEST(update_answered_405_becomes_a_reinvite)
{
    update_is_refused(405);
}

TEST(update_answered_501_becomes_a_reinvite)
{
    update_is_refused(501);
}

/* RFC 4028 table 2; a proxy may have put the header in, and a timer that the peer knows nothing of must not end its call. */
static void calls_without_timer(const char *hdrs)
{
    char offer[1024];

    leg_timer_second = 10;
    BOX(NULL);
    sippeer_invite(&trunk.p, &dt, "sip:5001@dngate", hdrs, fake_trunk_sdp(offer, sizeof(offer), 40000, ""));
    WANT(agent_answers());
    WANT(strstr(sipmsg_hdr(&m, "Session-Expires", val, sizeof(val)), ";refresher=uas"));
    WANT(!strstr(sipmsg_hdr(&m, "Require", val, sizeof(val)), "timer"));
    WANT(sippeer_expect(&trunk.p, &m, "UPDATE", 0));
    sippeer_reply(&trunk.p, &m, 501, "Not Implemented", "", NULL);
    WANT(sippeer_expect(&trunk.p, &m, "INVITE", 0));
    sippeer_reply(&trunk.p, &m, 200, "OK", "", fake_trunk_sdp(offer, sizeof(offer), 40000, ""));
    WANT(sippeer_expect(&trunk.p, &m, "ACK", 0) && sippeer_expect(&trunk.p, &m, "INVITE", 0));
    sippeer_reply(&trunk.p, &m, 200, "OK", "", fake_trunk_sdp(offer, sizeof(offer), 40000, ""));
    WANT(agent_hangs_up());
    close_box();
}

TEST(a_caller_without_timer_is_refreshed_by_us)
{
    calls_without_timer("Session-Expires: 100\r\n");
    calls_without_timer("x: 90;refresher=uac\r\nSupported: 100rel, uui\r\n");
}

TEST(a_short_session_is_refused_only_to_those_who_understand_it)
{
    char offer[1024];

    BOX(NULL);
    sippeer_invite(&trunk.p, &dt, "sip:5001@dngate", "Session-Expires: 60\r\nk: 100rel, timer\r\n",
                   fake_trunk_sdp(offer, sizeof(offer), 40000, ""));
    WANT(sippeer_expect(&trunk.p, &m, "422 INVITE", 0));
    WANT(!strcmp(sipmsg_hdr(&m, "Min-SE", val, sizeof(val)), "90"));
    sippeer_ack_failure(&trunk.p, &dt, &m, "sip:5001@dngate");
    sippeer_invite(&trunk.p, &dt, "sip:5001@dngate", "Session-Expires: 60\r\n",
                   fake_trunk_sdp(offer, sizeof(offer), 40000, ""));
    WANT(agent_answers());
    WANT(!strcmp(sipmsg_hdr(&m, "Session-Expires", val, sizeof(val)), "90;refresher=uas"));
    WANT(agent_hangs_up());
    close_box();
}

TEST(our_invite_asks_for_a_timer_and_for_a_longer_one_after_422)
{
    char first[64];

    BOX(NULL);
    dial("");
    WANT(sippeer_expect(&trunk.p, &invite, "INVITE", 0));
    WANT(!strcmp(sipmsg_hdr(&invite, "Supported", val, sizeof(val)), "timer"));
    WANT(!strcmp(sipmsg_hdr(&invite, "Session-Expires", val, sizeof(val)), "1800"));
    WANT(!strcmp(sipmsg_hdr(&invite, "Min-SE", val, sizeof(val)), "90"));
    (void)sipmsg_hdr(&invite, "Call-ID", first, sizeof(first));
    for (unsigned i = 1; i <= 2; i++) {
        char min[64], want[16];

        (void)snprintf(want, sizeof(want), "%u", 3600 * i);
        (void)snprintf(min, sizeof(min), "Min-SE: %s\r\n", want);
        sippeer_reply(&trunk.p, &invite, 422, "Session Interval Too Small", min, NULL);
        WANT(sippeer_expect(&trunk.p, &m, "ACK", 0) && sippeer_expect(&trunk.p, &invite, "INVITE", 0));
        WANT(!strcmp(sipmsg_hdr(&invite, "Session-Expires", val, sizeof(val)), want));
        WANT(!strcmp(sipmsg_hdr(&invite, "Min-SE", val, sizeof(val)), want));
        WANT(!strcmp(sipmsg_hdr(&invite, "Call-ID", val, sizeof(val)), first));
    }
    /* one that is never content gets no third try with the same */
    sippeer_reply(&trunk.p, &invite, 422, "Session Interval Too Small", "Min-SE: 7200\r\n", NULL);
    WANT(sippeer_expect(&trunk.p, &m, "ACK", 0) && sippeer_expect(&agent.p, &m, "422 INVITE", 0));
    sippeer_ack_failure(&agent.p, &da, &m, "sip:600@dngate");
    close_box();
}

TEST(a_refresh_answered_422_asks_for_longer)
{
    leg_timer_second = 10;
    BOX(NULL);
    WANT(talk("Session-Expires: 100;refresher=uac\r\n"));
    WANT(refreshed_by("UPDATE", "100;refresher=uac"));
    sippeer_reply(&trunk.p, &m, 422, "Session Interval Too Small", "Min-SE: 150\r\n", NULL);
    WANT(refreshed_by("UPDATE", "150;refresher=uac"));
    WANT(!strcmp(sipmsg_hdr(&m, "Min-SE", val, sizeof(val)), "150"));
    sippeer_reply(&trunk.p, &m, 200, "OK", "Session-Expires: 150;refresher=uac\r\n", NULL);
    WANT(refreshed_by("UPDATE", "150;refresher=uac"));
    WANT(agent_hangs_up());
    close_box();
}

TEST(no_refusal_of_a_refresh_ends_the_call)
{
    static const int codes[] = {400, 403, 420, 488, 500, 503, 603};

    leg_timer_second = 5;
    BOX(NULL);
    WANT(talk("Session-Expires: 100;refresher=uac\r\nAllow: INVITE\r\n"));
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        WANT(sippeer_expect(&trunk.p, &m, "INVITE", 0));
        sippeer_reply(&trunk.p, &m, codes[i], "No", "", NULL);
        WANT(sippeer_expect(&trunk.p, &m, "ACK", 0));
    }
    WANT(sippeer_hears_no(&agent.p, "BYE", 50));
    WANT(agent_hangs_up());
    close_box();
}

/* --- what crosses --- */

/* Our refresh and the trunk's re-INVITE meet: both get 491, and ours goes again (RFC 3261 14.1). */
TEST(a_refresh_that_meets_the_trunks_reinvite)
{
    char offer[1024];
    uint64_t refused;

    leg_timer_second = 10;
    BOX(NULL);
    WANT(talk("Session-Expires: 100;refresher=uac\r\nAllow: INVITE\r\n"));
    WANT(sippeer_expect(&trunk.p, &agent_req, "INVITE", 0));
    sippeer_request(&trunk.p, &dt, "INVITE", "", "application/sdp",
                    fake_trunk_sdp(offer, sizeof(offer), 40002, ""));
    WANT(sippeer_expect(&trunk.p, &m, "491 INVITE", 0));
    sippeer_request(&trunk.p, &dt, "UPDATE", "", "application/sdp", offer);
    WANT(sippeer_expect(&trunk.p, &m, "491 UPDATE", 0));
    sippeer_request(&trunk.p, &dt, "UPDATE", "", NULL, NULL);
    WANT(sippeer_expect(&trunk.p, &m, "200 UPDATE", 0)); /* no offer: nothing to meet */
    refused = clock_ms();
    sippeer_reply(&trunk.p, &agent_req, 491, "Request Pending", "", NULL);
    WANT(sippeer_expect(&trunk.p, &m, "ACK", 0) && sippeer_expect(&trunk.p, &m, "INVITE", 0));
    CHECK(clock_ms() - refused >= 2100); /* the Call-ID is ours */
    reinvite_is_answered("");
    WANT(sippeer_expect(&trunk.p, &m, "ACK", 0));
    WANT(agent_hangs_up());
    close_box();
}

TEST(we_hang_up_while_our_refresh_is_open)
{
    leg_timer_second = 10;
    BOX(NULL);
    WANT(talk("Session-Expires: 100;refresher=uac\r\nAllow: INVITE\r\n"));
    WANT(sippeer_expect(&trunk.p, &invite, "INVITE", 0));
    sippeer_request(&agent.p, &da, "BYE", "", NULL, NULL);
    WANT(sippeer_expect(&trunk.p, &m, "BYE", 0));
    sippeer_reply(&trunk.p, &m, 200, "OK", "", NULL);
    sippeer_reply(&trunk.p, &invite, 200, "OK", "", fake_trunk_sdp(sdp, sizeof(sdp), 40000, ""));
    WANT(sippeer_expect(&trunk.p, &m, "ACK", 0)); /* the transaction still wants it */
    close_box();
}

/* The agent hangs up before the trunk has said anything to our INVITE. */
static bool given_up(void)
{
    dial("");
    if (!sippeer_expect(&trunk.p, &invite, "INVITE", 0))
        return false;
    sippeer_cancel(&agent.p, &da, "sip:600@dngate", "Reason: SIP;cause=487;text=\"gone\"\r\n");
    if (!sippeer_expect(&agent.p, &m, "487 INVITE", 0))
        return false;
    sippeer_ack_failure(&agent.p, &da, &m, "sip:600@dngate");
    return sippeer_hears_no(&trunk.p, "INVITE", 1200); /* it would go again after 0.5 s and 1 s more */
}

TEST(a_late_ringing_of_a_call_given_up_is_cancelled)
{
    BOX(NULL);
    WANT(given_up());
    sippeer_reply(&trunk.p, &invite, 180, "Ringing", "", NULL);
    WANT(sippeer_expect(&trunk.p, &m, "CANCEL", 0) && sipmsg_has(&m, "text=\"gone\""));
    WANT(!strcmp(sipmsg_hdr(&m, "Via", val, sizeof(val)),
                 sipmsg_hdr(&invite, "Via", (char[256]){0}, 256))); /* RFC 3261 9.1 */
    sippeer_reply(&trunk.p, &m, 200, "OK", "", NULL);
    for (int i = 0; i < 2; i++) { /* as if our ACK had been lost */
        sippeer_reply(&trunk.p, &invite, 487, "Request Terminated", "", NULL);
        WANT(sippeer_expect(&trunk.p, &m, "ACK", 0));
        WANT(strstr(sipmsg_hdr(&m, "To", val, sizeof(val)), trunk.p.tag));
    }
    WANT(sippeer_hears_no(&trunk.p, "CANCEL", 100));
    close_box();
}

TEST(a_late_answer_to_a_call_given_up_is_hung_up)
{
    BOX(NULL);
    WANT(given_up());
    sippeer_reply(&trunk.p, &invite, 200, "OK", "", fake_trunk_sdp(sdp, sizeof(sdp), 40000, ""));
    WANT(sippeer_expect(&trunk.p, &m, "ACK", 0));
    WANT(sippeer_expect(&trunk.p, &agent_req, "BYE", 0) && sipmsg_has(&agent_req, "text=\"gone\""));
    sippeer_reply(&trunk.p, &invite, 200, "OK", "", sdp); /* as if our ACK had been lost */
    WANT(sippeer_expect(&trunk.p, &m, "ACK", 0));
    sippeer_reply(&trunk.p, &agent_req, 200, "OK", "", NULL);
    WANT(sippeer_hears_no(&trunk.p, "BYE", 100));
    close_box();
}

TEST(bye_crosses_bye)
{
    struct cdr cdr;

    BOX(NULL);
    WANT(talk(""));
    sippeer_request(&agent.p, &da, "BYE", "", NULL, NULL);
    WANT(sippeer_expect(&trunk.p, &agent_req, "BYE", 0));
    sippeer_request(&trunk.p, &dt, "BYE", "", NULL, NULL);
    WANT(sippeer_expect(&trunk.p, &m, "200 BYE", 0));
    sippeer_reply(&trunk.p, &agent_req, 481, "Call Does Not Exist", "", NULL);
    WANT(sippeer_expect(&agent.p, &m, "200 BYE", 0));
    WANT(sippeer_hears_no(&agent.p, "BYE", 300));
    WANT(box_cdr(&box, 1, &cdr));
    WANT(cdr.code == 200 && cdr.hangup == CDR_AGENT);
    close_box();
}

/* CANCEL arrives when the 200 to the trunk's INVITE is on its way: it is answered 200 and does nothing. */
TEST(the_trunks_cancel_crosses_our_answer)
{
    struct cdr cdr;

    BOX(NULL);
    sippeer_invite(&trunk.p, &dt, "sip:5001@dngate", "", fake_trunk_sdp(sdp, sizeof(sdp), 40000, ""));
    WANT(sippeer_expect(&agent.p, &agent_req, "INVITE", 0));
    sippeer_reply(&agent.p, &agent_req, 200, "OK", "", wsagent_sdp(sdp, sizeof(sdp), "active", "sendrecv"));
    WANT(sippeer_expect(&trunk.p, &invite, "200 INVITE", 0));
    sippeer_cancel(&trunk.p, &dt, "sip:5001@dngate", "");
    WANT(sippeer_expect(&trunk.p, &m, "200 CANCEL", 0) || sipmsg_code(&m) == 481);
    sipdlg_take(&dt, &invite);
    sippeer_ack(&trunk.p, &dt, NULL);
    sippeer_request(&trunk.p, &dt, "BYE", "", NULL, NULL);
    WANT(sippeer_expect(&trunk.p, &m, "200 BYE", 0));
    WANT(sippeer_expect(&agent.p, &m, "BYE", 0));
    sippeer_reply(&agent.p, &m, 200, "OK", "", NULL);
    WANT(box_cdr(&box, 1, &cdr));
    WANT(cdr.code == 200 && cdr.hangup == CDR_TRUNK);
    close_box();
}

TEST(an_answer_without_ack_is_repeated)
{
    BOX(NULL);
    sippeer_invite(&trunk.p, &dt, "sip:5001@dngate", "", fake_trunk_sdp(sdp, sizeof(sdp), 40000, ""));
    WANT(sippeer_expect(&agent.p, &agent_req, "INVITE", 0));
    sippeer_reply(&agent.p, &agent_req, 200, "OK", "", wsagent_sdp(sdp, sizeof(sdp), "active", "sendrecv"));
    for (int i = 0; i < 3; i++) /* at once, after 0.5 s and 1 s more */
        WANT(sippeer_expect(&trunk.p, &m, "200 INVITE", 0));
    sipdlg_take(&dt, &m);
    sippeer_ack(&trunk.p, &dt, NULL);
    WANT(sippeer_caught_up(&trunk.p, &dt));
    WANT(sippeer_hears_no(&trunk.p, "200 INVITE", 2200));
    close_box();
}

/* --- limits --- */

TEST(calls_beyond_the_limit_get_503)
{
    const char *options[] = {"call.limit_total=2", "call.limit_per_dn=10", NULL};
    struct sipdlg first;
    struct cdr cdr;

    BOX(options);
    WANT(talk(""));
    first = da;
    WANT(talk(""));
    dial("");
    WANT(sippeer_expect(&agent.p, &m, "503 INVITE", 0));
    WANT(sipmsg_has(&m, "Retry-After: "));
    sippeer_ack_failure(&agent.p, &da, &m, "sip:600@dngate");
    WANT(box_cdr(&box, 1, &cdr) && cdr.code == 503 && cdr.hangup == CDR_GATEWAY);
    sippeer_invite(&trunk.p, &dt, "sip:5001@dngate", "", fake_trunk_sdp(sdp, sizeof(sdp), 40000, ""));
    WANT(sippeer_expect(&trunk.p, &m, "503 INVITE", 0));
    sippeer_ack_failure(&trunk.p, &dt, &m, "sip:5001@dngate");
    da = first;
    WANT(agent_hangs_up());
    WANT(box_cdr(&box, 3, &cdr));
    WANT(talk("")); /* there is room again */
    close_box();
}

/* --- headers --- */

static const char *const names[] = {"X-Genesys-CallUUID",
                                    "X-Genesys-Extra",
                                    "User-to-User",
                                    "Reason",
                                    "Diversion",
                                    "P-Asserted-Identity",
                                    NULL};

static const char *extras(const char *where)
{
    static char text[1024];

    (void)snprintf(
        text, sizeof(text),
        "X-Genesys-CallUUID: uuid-%s\r\nX-Genesys-Extra: x-%s\r\nUser-to-User: 41-%s;encoding=hex\r\n"
        "Reason: SIP;cause=200;text=\"r-%s\"\r\nDiversion: <sip:d-%s@a>\r\n"
        "P-Asserted-Identity: <sip:p-%s@a>\r\nX-Other: no\r\n",
        where, where, where, where, where, where);
    return text;
}

/* Has msg each of the headers with `where` in it? P-Asserted-Identity goes to the agent only; the DN's own goes to the trunk. */
static bool carries(const struct sipmsg *msg, const char *where, bool to_agent)
{
    for (size_t i = 0; names[i]; i++) {
        if (!to_agent && !strcmp(names[i], "P-Asserted-Identity"))
            continue;
        if (!strstr(sipmsg_hdr(msg, names[i], val, sizeof(val)), where)) {
            printf("# %s: no %s in\n%s\n", where, names[i], msg->text);
            return false;
        }
    }
    return !sipmsg_has(msg, "X-Other");
}

TEST(headers_cross_on_every_message_of_a_call_out)
{
    BOX(NULL);
    dial(extras("invite"));
    WANT(sippeer_expect(&trunk.p, &invite, "INVITE", 0));
    WANT(carries(&invite, "invite", false));
    WANT(strstr(sipmsg_hdr(&invite, "P-Asserted-Identity", val, sizeof(val)), "sip:5001@"));
    sippeer_reply(&trunk.p, &invite, 180, "Ringing", extras("180"), NULL);
    WANT(sippeer_expect(&agent.p, &m, "180", 0) && carries(&m, "180", true));
    sipdlg_of_invite(&dt, &trunk.p, &invite);
    sippeer_reply(&trunk.p, &invite, 200, "OK", extras("200"), fake_trunk_sdp(sdp, sizeof(sdp), 40000, ""));
    WANT(sippeer_expect(&agent.p, &m, "200 INVITE", 0) && carries(&m, "200", true));
    sipdlg_take(&da, &m);
    sippeer_ack(&agent.p, &da, NULL);
    sippeer_request(&agent.p, &da, "BYE", extras("bye"), NULL, NULL);
    WANT(sippeer_expect(&trunk.p, &m, "BYE", 0) && carries(&m, "bye", false));
    sippeer_reply(&trunk.p, &m, 200, "OK", "", NULL);
    close_box();
}

TEST(headers_cross_on_every_message_of_a_call_in)
{
    BOX(NULL);
    sippeer_invite(&trunk.p, &dt, "sip:5001@dngate", extras("invite"),
                   fake_trunk_sdp(sdp, sizeof(sdp), 40000, ""));
    WANT(sippeer_expect(&agent.p, &agent_req, "INVITE", 0) && carries(&agent_req, "invite", true));
    sippeer_reply(&agent.p, &agent_req, 180, "Ringing", extras("180"), NULL);
    WANT(sippeer_expect(&trunk.p, &m, "180", 0) && carries(&m, "180", false));
    sipdlg_of_invite(&da, &agent.p, &agent_req);
    sippeer_reply(&agent.p, &agent_req, 200, "OK", extras("200"),
                  wsagent_sdp(sdp, sizeof(sdp), "active", "sendrecv"));
    WANT(sippeer_expect(&trunk.p, &m, "200 INVITE", 0) && carries(&m, "200", false));
    sipdlg_take(&dt, &m);
    sippeer_ack(&trunk.p, &dt, NULL);
    sippeer_request(&trunk.p, &dt, "BYE", extras("bye"), NULL, NULL);
    WANT(sippeer_expect(&agent.p, &m, "BYE", 0) && carries(&m, "bye", true));
    sippeer_reply(&agent.p, &m, 200, "OK", "", NULL);
    close_box();
}

/* --- the end of it all --- */

/* The box stops with calls in every state; under TSan this is the proof of the order in which its threads end. */
TEST(stops_with_calls_in_every_state)
{
    for (int i = 0; i < 4; i++) {
        const char *options[] = {"call.limit_per_dn=10", NULL};

        BOX(options);
        WANT(talk(""));
        dial("");
        WANT(sippeer_expect(&trunk.p, &invite, "INVITE", 0));
        sippeer_reply(&trunk.p, &invite, 180, "Ringing", "", NULL);
        dial("");
        WANT(sippeer_expect(&trunk.p, &invite, "INVITE", 0));
        sippeer_reply(&trunk.p, &invite, 180, "Ringing", "", NULL);
        WANT(sippeer_expect(&agent.p, &m, "180", 0));
        sippeer_cancel(&agent.p, &da, "sip:600@dngate", "");
        sippeer_invite(&trunk.p, &dt, "sip:5001@dngate", "", fake_trunk_sdp(sdp, sizeof(sdp), 40000, ""));
        WANT(sippeer_expect(&agent.p, &m, "INVITE", 0));
        if (i & 1)
            sippeer_reply(&agent.p, &m, 200, "OK", "", wsagent_sdp(sdp, sizeof(sdp), "active", "sendrecv"));
        if (i & 2)
            wsagent_close(&agent);
        box_close(&box);
        agent.st = NULL;
        close_box();
    }
}
