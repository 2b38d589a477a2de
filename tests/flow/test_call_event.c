/* What a desktop, a call or a DN asks of the agent's page: NOTIFY and headers of the trunk, INFO to the page. */
/* TSAN */
#include "fake/ends.h"
#include "testing.h"
#include <stdlib.h>

#define ASK "Content-Type: application/dngate-call+json\r\n"

/* The trunk calls, the agent's phone rings; both know their early dialog then. */
static bool rings(const char *hdrs)
{
    trunk_calls(hdrs, NULL);
    if (!sippeer_expect(&agent.p, &agent_req, "INVITE", 0))
        return false;
    sipdlg_of_invite(&da, &agent.p, &agent_req);
    sippeer_reply(&agent.p, &agent_req, 180, "Ringing", "", NULL);
    if (!sippeer_expect(&trunk.p, &m, "180", 0) || !sipmsg_has(&m, "\r\nAllow-Events: talk, hold\r\n"))
        return false;
    sipdlg_take(&dt, &m);
    return true;
}

/* The page is asked this, and answers with that. */
static bool asked(const char *body, int code)
{
    if (!sippeer_expect(&agent.p, &m, "INFO", 0) || !sipmsg_has(&m, ASK))
        return false;
    if (strcmp(sipmsg_body(&m), body)) {
        printf("  %s, not %s\n", sipmsg_body(&m), body);
        return false;
    }
    sippeer_reply(&agent.p, &m, code, "Whatever", "", NULL);
    return true;
}

static bool picks_up(void)
{
    sippeer_reply(&agent.p, &agent_req, 200, "OK", "", wsagent_sdp(sdp, sizeof(sdp), "active", "sendrecv"));
    if (!sippeer_expect(&agent.p, &m, "ACK", 0) || !sippeer_expect(&trunk.p, &m, "200 INVITE", 0) ||
        !sipmsg_has(&m, "\r\nAllow-Events: talk, hold\r\n"))
        return false;
    sipdlg_take(&dt, &m);
    return true;
}

static bool notified(const char *hdrs, const char *what)
{
    sippeer_request(&trunk.p, &dt, "NOTIFY", hdrs, NULL, NULL);
    return sippeer_expect(&trunk.p, &m, what, 0);
}

/* The INVITE's ACK has a lower CSeq than the NOTIFY. */
TEST(a_desktop_answers_before_the_answer)
{
    unsigned cseq;

    BOX(NULL);
    WANT(rings(""));
    cseq = dt.cseq;
    WANT(notified("Event: talk\r\nSubscription-State: active\r\n", "200 NOTIFY"));
    WANT(asked("{\"do\":\"answer\",\"by\":\"desktop\"}", 200));
    WANT(notified("Event: TALK;id=7\r\n", "200 NOTIFY")); /* again: it is asked once */
    WANT(sippeer_hears_no(&agent.p, "INFO", 300));
    WANT(picks_up());
    CHECK(dt.invite_cseq == cseq);
    sippeer_ack(&trunk.p, &dt, NULL);
    WANT(sippeer_hears_no(&trunk.p, "200 INVITE", 800));
    WANT(notified("Event: hold\r\nSubscription-State: active\r\n", "200 NOTIFY"));
    WANT(asked("{\"do\":\"hold\",\"by\":\"desktop\"}", 200));
    WANT(notified("Event: talk\r\n", "200 NOTIFY"));
    WANT(asked("{\"do\":\"retrieve\",\"by\":\"desktop\"}", 500)); /* a page that refuses: the call goes on */
    WANT(notified("Event: beep\r\n", "200 NOTIFY"));
    WANT(asked("{\"do\":\"beep\",\"by\":\"desktop\"}", 200));
    WANT(agent_hangs_up());
    ends_close();
}

/* A browser that does not ring yet has no dialog to be asked in. */
TEST(a_desktop_that_is_faster_than_the_ringing_is_not_forgotten)
{
    BOX(NULL);
    trunk_calls("", NULL);
    WANT(sippeer_expect(&agent.p, &agent_req, "INVITE", 0));
    WANT(sippeer_expect(&trunk.p, &m, "100", 0));
    sipdlg_of_invite(&da, &agent.p, &agent_req);
    sippeer_reply(&agent.p, &agent_req, 180, "Ringing", "", NULL);
    WANT(sippeer_expect(&trunk.p, &m, "180", 0));
    sipdlg_take(&dt, &m);
    WANT(notified("Event: hold\r\n", "200 NOTIFY")); /* nothing to hold */
    WANT(notified("Event: talk\r\n", "200 NOTIFY"));
    WANT(asked("{\"do\":\"answer\",\"by\":\"desktop\"}", 404));
    WANT(notified("Event: presence\r\n", "489 NOTIFY"));
    WANT(sipmsg_has(&m, "\r\nAllow-Events: talk, hold, dtmf, beep, keep-alive\r\n"));
    WANT(picks_up());
    sippeer_ack(&trunk.p, &dt, NULL);
    WANT(agent_hangs_up());
    ends_close();
}

TEST(a_call_that_wants_to_be_answered_is_asked_for_when_it_rings)
{
    BOX(NULL);
    WANT(rings("Alert-Info: <http://x>;info=alert-autoanswer\r\n"));
    WANT(asked("{\"do\":\"answer\",\"by\":\"header\"}", 200));
    WANT(picks_up());
    sippeer_ack(&trunk.p, &dt, NULL);
    WANT(agent_hangs_up());
    WANT(rings("Call-Info: <sip:x>;answer-after=1\r\n"));
    WANT(asked("{\"do\":\"answer\",\"by\":\"header\"}", 200));
    sippeer_cancel(&trunk.p, &dt, "sip:5001@dngate", "");
    WANT(sippeer_expect(&agent.p, &m, "CANCEL", 0));
    ends_close();
}

/* What a page could say of itself is not what the trunk says. */
TEST(an_agent_asks_for_nothing_this_way)
{
    BOX(NULL);
    WANT(talk("Alert-Info: <http://x>;info=alert-autoanswer\r\n"));
    sippeer_request(&agent.p, &da, "NOTIFY", "Event: talk\r\n", NULL, NULL);
    WANT(sippeer_expect(&agent.p, &m, "489 NOTIFY", 0));
    WANT(sippeer_hears_no(&agent.p, "INFO", 300));
    WANT(agent_hangs_up());
    ends_close();
}

TEST(a_reinvite_that_overtakes_the_answer_is_served_behind_it)
{
    static char offer[1024];
    struct sipdlg first;

    BOX(NULL);
    sippeer_invite(&trunk.p, &dt, "sip:5001@dngate", "", NULL);
    WANT(sippeer_expect(&agent.p, &agent_req, "INVITE", 0));
    sipdlg_of_invite(&da, &agent.p, &agent_req);
    WANT(picks_up());
    first = dt;
    sippeer_request(&trunk.p, &dt, "INVITE", "", "application/sdp",
                    fake_trunk_sdp(offer, sizeof(offer), 40002, "a=sendonly\r\n"));
    sippeer_ack(&trunk.p, &first, fake_trunk_sdp(sdp, sizeof(sdp), 40000, ""));
    do
        WANT(sippeer_expect(&trunk.p, &m, "200 INVITE", 0));
    while (!sipmsg_has(&m, "a=recvonly\r\n"));
    sippeer_ack(&trunk.p, &dt, NULL);
    WANT(sippeer_caught_up(&trunk.p, &dt));
    WANT(agent_hangs_up());
    ends_close();
}
