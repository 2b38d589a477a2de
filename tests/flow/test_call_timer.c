/* The session timer (RFC 4028), with seconds of 5 to 40 ms. */
/* TSAN */
/* SLOW */
#include "core/clock.h"
#include "dialog/legclock.h"
#include "fake/ends.h"
#include "testing.h"

#define TIMER_BOX(ms)                                                                                        \
    leg_second = ms;                                                                                         \
    BOX(NULL)

TEST(we_refresh_when_the_trunk_wants_it_and_notice_its_death)
{
    struct cdr cdr;

    TIMER_BOX(10);
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
    ends_close();
}

TEST(a_refused_refresh_changes_no_terms_and_a_failed_one_is_tried_again)
{
    TIMER_BOX(40);
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
    ends_close();
}

TEST(a_trunk_that_does_not_refresh_is_hung_up)
{
    struct cdr cdr;

    TIMER_BOX(30);
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
    ends_close();
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

    TIMER_BOX(10);
    WANT(talk("Session-Expires: 100;refresher=uac\r\nAllow: INVITE, ACK, BYE\r\nAllow: CANCEL, INFO\r\n"));
    (void)snprintf(offered, sizeof(offered), "%s", sipmsg_body(&invite));
    (void)snprintf(o, sizeof(o), "%.*s", (int)strcspn(strstr(offered, "o="), "\r"), strstr(offered, "o="));
    for (int i = 0; i < 2; i++) {
        WANT(refreshed_by("INVITE", "100;refresher=uac"));
        WANT(strstr(sipmsg_body(&m), o) && !strcmp(sipmsg_body(&m), offered));
        (void)snprintf(trunk.p.uri_params, sizeof(trunk.p.uri_params), ";moved=%d", i);
        reinvite_is_answered("");
        WANT(
            sippeer_expect(&trunk.p, &m, "ACK", 0)); /* where the answer's Contact says (RFC 3261 12.2.1.2) */
        WANT(strstr(strtok(m.text, "\r"), trunk.p.uri_params));
    }
    trunk.p.uri_params[0] = '\0';
    /* the latest counts: its next request allows UPDATE, and the one after that does not */
    sippeer_request(&trunk.p, &dt, "INFO", "Allow: INVITE, ACK, BYE, CANCEL, UPDATE\r\n", NULL, NULL);
    WANT(refreshed_by("UPDATE", "100;refresher=uac"));
    sippeer_reply(&trunk.p, &m, 200, "OK",
                  "Session-Expires: 100;refresher=uac\r\nAllow: INVITE, ACK, BYE, CANCEL\r\n", NULL);
    WANT(refreshed_by("INVITE", "100;refresher=uac"));
    reinvite_is_answered("");
    WANT(sippeer_hears_no(&agent.p, "INVITE", 100));
    WANT(agent_hangs_up());
    ends_close();
}

static void update_is_refused(int code)
{
    TIMER_BOX(10);
    WANT(talk("Session-Expires: 100;refresher=uac\r\n"));
    WANT(refreshed_by("UPDATE", "100;refresher=uac"));
    sippeer_reply(&trunk.p, &m, code, "No", "Allow: INVITE, UPDATE\r\n", NULL);
    WANT(refreshed_by("INVITE", "100;refresher=uac"));
    reinvite_is_answered("");
    WANT(sippeer_expect(&trunk.p, &m, "ACK", 0));
    WANT(agent_hangs_up());
    ends_close();
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

    TIMER_BOX(10);
    trunk_calls(hdrs, NULL);
    WANT(agent_answers(""));
    WANT(strstr(sipmsg_hdr(&m, "Session-Expires", val, sizeof(val)), ";refresher=uas"));
    WANT(!strstr(sipmsg_hdr(&m, "Require", val, sizeof(val)), "timer"));
    WANT(sippeer_expect(&trunk.p, &m, "UPDATE", 0));
    sippeer_reply(&trunk.p, &m, 501, "Not Implemented", "", NULL);
    WANT(sippeer_expect(&trunk.p, &m, "INVITE", 0));
    sippeer_reply(&trunk.p, &m, 200, "OK", "", fake_trunk_sdp(offer, sizeof(offer), 40000, ""));
    WANT(sippeer_expect(&trunk.p, &m, "ACK", 0) && sippeer_expect(&trunk.p, &m, "INVITE", 0));
    sippeer_reply(&trunk.p, &m, 200, "OK", "", fake_trunk_sdp(offer, sizeof(offer), 40000, ""));
    WANT(agent_hangs_up());
    ends_close();
}

TEST(a_caller_without_timer_is_refreshed_by_us)
{
    calls_without_timer("Session-Expires: 100\r\n");
    calls_without_timer("x: 90;refresher=uac\r\nSupported: 100rel, uui\r\n");
}

TEST(a_short_session_is_refused_only_to_those_who_understand_it)
{
    char offer[1024];

    TIMER_BOX(1000);
    sippeer_invite(&trunk.p, &dt, "sip:5001@dngate", "Session-Expires: 60\r\nk: 100rel, timer\r\n",
                   fake_trunk_sdp(offer, sizeof(offer), 40000, ""));
    WANT(sippeer_expect(&trunk.p, &m, "422 INVITE", 0));
    WANT(!strcmp(sipmsg_hdr(&m, "Min-SE", val, sizeof(val)), "90"));
    sippeer_ack_failure(&trunk.p, &dt, &m, "sip:5001@dngate");
    sippeer_invite(&trunk.p, &dt, "sip:5001@dngate", "Session-Expires: 0\r\nSupported: timer\r\n",
                   fake_trunk_sdp(offer, sizeof(offer), 40000, ""));
    WANT(sippeer_expect(&trunk.p, &m, "422 INVITE", 0));
    sippeer_ack_failure(&trunk.p, &dt, &m, "sip:5001@dngate");
    sippeer_invite(&trunk.p, &dt, "sip:5001@dngate", "Session-Expires: 60\r\n",
                   fake_trunk_sdp(offer, sizeof(offer), 40000, ""));
    WANT(agent_answers(""));
    WANT(!strcmp(sipmsg_hdr(&m, "Session-Expires", val, sizeof(val)), "90;refresher=uas"));
    WANT(agent_hangs_up());
    ends_close();
}

/* It was the INVITE that got it, and the call rang on without a transaction. */
TEST(an_update_with_a_short_session_is_what_gets_the_422)
{
    TIMER_BOX(1000);
    trunk_calls("", NULL);
    WANT(sippeer_expect(&agent.p, &agent_req, "INVITE", 0));
    sippeer_reply(&agent.p, &agent_req, 180, "Ringing", "", NULL);
    WANT(sippeer_expect(&trunk.p, &m, "180 INVITE", 0));
    sipdlg_take(&dt, &m);
    sippeer_request(&trunk.p, &dt, "UPDATE", "Session-Expires: 60\r\nSupported: timer\r\n", NULL, NULL);
    WANT(sippeer_expect(&trunk.p, &m, "422 UPDATE", 0));
    sipdlg_of_invite(&da, &agent.p, &agent_req);
    sippeer_reply(&agent.p, &agent_req, 200, "OK", "", wsagent_sdp(sdp, sizeof(sdp), "active", "sendrecv"));
    WANT(sippeer_expect(&trunk.p, &m, "200 INVITE", 0));
    sippeer_ack(&trunk.p, &dt, NULL);
    WANT(agent_hangs_up());
    ends_close();
}

TEST(our_invite_asks_for_a_timer_and_for_a_longer_one_after_422)
{
    char first[64];

    TIMER_BOX(1000);
    dial("");
    WANT(sippeer_expect(&trunk.p, &invite, "INVITE", 0));
    WANT(!strcmp(sipmsg_hdr(&invite, "Supported", val, sizeof(val)), "timer, replaces, 100rel"));
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
    ends_close();
}

TEST(a_refresh_answered_422_asks_for_longer)
{
    TIMER_BOX(10);
    WANT(talk("Session-Expires: 100;refresher=uac\r\n"));
    WANT(refreshed_by("UPDATE", "100;refresher=uac"));
    sippeer_reply(&trunk.p, &m, 422, "Session Interval Too Small", "Min-SE: 150\r\n", NULL);
    WANT(refreshed_by("UPDATE", "150;refresher=uac"));
    WANT(!strcmp(sipmsg_hdr(&m, "Min-SE", val, sizeof(val)), "150"));
    sippeer_reply(&trunk.p, &m, 200, "OK", "Session-Expires: 150;refresher=uac\r\n", NULL);
    WANT(refreshed_by("UPDATE", "150;refresher=uac"));
    WANT(agent_hangs_up());
    ends_close();
}

TEST(a_refresh_by_reinvite_is_challenged_and_made_longer_like_any_other)
{
    TIMER_BOX(10);
    WANT(talk("Session-Expires: 100;refresher=uac\r\nAllow: INVITE\r\n"));
    WANT(refreshed_by("INVITE", "100;refresher=uac"));
    sippeer_reply(&trunk.p, &m, 401, "Who Are You", "WWW-Authenticate: Digest realm=\"s\", nonce=\"n\"\r\n",
                  NULL);
    WANT(sippeer_expect(&trunk.p, &m, "ACK", 0) && refreshed_by("INVITE", "100;refresher=uac"));
    WANT(strstr(sipmsg_hdr(&m, "Authorization", val, sizeof(val)), "nonce=\"n\""));
    sippeer_reply(&trunk.p, &m, 422, "Session Interval Too Small", "Min-SE: 120\r\n", NULL);
    WANT(sippeer_expect(&trunk.p, &m, "ACK", 0) && refreshed_by("INVITE", "120;refresher=uac"));
    reinvite_is_answered("");
    WANT(sippeer_expect(&trunk.p, &m, "ACK", 0));
    WANT(agent_hangs_up());
    ends_close();
}

/* The Call-ID is the trunk's, so ours goes again within 2 s (RFC 3261 14.1). */
TEST(a_refresh_within_a_call_of_the_trunks_meets_its_reinvite)
{
    TIMER_BOX(10);
    trunk_calls("Session-Expires: 100;refresher=uas\r\nSupported: timer\r\nAllow: INVITE\r\n", NULL);
    WANT(agent_answers(""));
    WANT(refreshed_by("INVITE", "100;refresher=uac"));
    sippeer_reply(&trunk.p, &m, 491, "Request Pending", "", NULL);
    WANT(sippeer_expect(&trunk.p, &m, "ACK", 0) && refreshed_by("INVITE", "100;refresher=uac"));
    reinvite_is_answered("");
    WANT(sippeer_expect(&trunk.p, &m, "ACK", 0));
    WANT(agent_hangs_up());
    ends_close();
}

TEST(no_refusal_of_a_refresh_ends_the_call)
{
    static const int codes[] = {400, 403, 420, 488, 500, 503, 603};

    TIMER_BOX(5);
    WANT(talk("Session-Expires: 100;refresher=uac\r\nAllow: INVITE\r\n"));
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        WANT(sippeer_expect(&trunk.p, &m, "INVITE", 0));
        sippeer_reply(&trunk.p, &m, codes[i], "No", "", NULL);
        WANT(sippeer_expect(&trunk.p, &m, "ACK", 0));
    }
    WANT(sippeer_hears_no(&agent.p, "BYE", 50));
    WANT(agent_hangs_up());
    ends_close();
}

/* Our refresh and the trunk's re-INVITE meet: both get 491, and ours goes again (RFC 3261 14.1). */
TEST(a_refresh_that_meets_the_trunks_reinvite)
{
    char offer[1024];
    uint64_t refused;

    TIMER_BOX(10);
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
    ends_close();
}

TEST(we_hang_up_while_our_refresh_is_open)
{
    TIMER_BOX(10);
    WANT(talk("Session-Expires: 100;refresher=uac\r\nAllow: INVITE\r\n"));
    WANT(sippeer_expect(&trunk.p, &invite, "INVITE", 0));
    sippeer_request(&agent.p, &da, "BYE", "", NULL, NULL);
    WANT(sippeer_expect(&trunk.p, &m, "BYE", 0));
    sippeer_reply(&trunk.p, &m, 200, "OK", "", NULL);
    sippeer_reply(&trunk.p, &invite, 200, "OK", "", fake_trunk_sdp(sdp, sizeof(sdp), 40000, ""));
    WANT(sippeer_expect(&trunk.p, &m, "ACK", 0)); /* the transaction still wants it */
    ends_close();
}
