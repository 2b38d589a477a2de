/* Descriptions within a call: who asks for one gets it, and a re-INVITE that comes before an ACK is served. */
/* TSAN */
#include "fake/ends.h"
#include "testing.h"
#include <stdlib.h>

/* What the agent's side would be if it had another stream, and names of its own. */
static const char *two_streams(const char *setup)
{
    static char text[4096];
    char *mid;

    (void)wsagent_sdp(text, sizeof(text) - 256, setup, "sendrecv");
    mid = strstr(text, "a=mid:0");
    mid[6] = 'a';
    mid = strstr(text, "BUNDLE 0");
    mid[7] = 'a';
    (void)strcat(text, "m=video 49205 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 127.0.0.1\r\na=mid:v\r\n"
                       "a=rtpmap:96 VP8/90000\r\n");
    return text;
}

static unsigned version_in(const struct sipmsg *msg)
{
    const char *p = strstr(msg->text, "\r\no=- ");

    p = p ? strchr(p + 6, ' ') : NULL;
    return p ? (unsigned)strtoul(p, NULL, 10) : 0;
}

/* The agent asks for our offer (RFC 3261 14.2); m has it. */
static bool agent_asks(void)
{
    sippeer_request(&agent.p, &da, "INVITE", "", NULL, NULL);
    return sippeer_expect(&agent.p, &m, "200 INVITE", 0) &&
           sipmsg_has(&m, "Content-Type: application/sdp\r\n") && sipmsg_has(&m, "a=setup:actpass\r\n") &&
           sipmsg_has(&m, "a=sendrecv\r\n");
}

static bool agent_is_served(void)
{
    return sippeer_caught_up(&agent.p, &da) && sippeer_caught_up(&trunk.p, &dt);
}

/* Whoever called whom; its answer, or that there is none, leaves a call. */
static bool agent_gets_an_offer(uint32_t path, unsigned version)
{
    if (!agent_asks() || path_in(&m) != path || version_in(&m) != version + 1)
        return false;
    sippeer_ack(&agent.p, &da, wsagent_sdp(sdp, sizeof(sdp), "active", "sendonly"));
    if (!agent_is_served() || !agent_asks() || version_in(&m) > version + 2)
        return false;
    sippeer_ack(&agent.p, &da, NULL); /* what was agreed before stands */
    return agent_is_served();
}

TEST(an_agent_that_asks_for_an_offer_gets_it)
{
    uint32_t path;
    unsigned version;

    BOX(NULL);
    WANT(talk(""));
    path = path_in(&m);
    version = version_in(&m);
    WANT(path && agent_gets_an_offer(path, version) && agent_hangs_up());
    trunk_calls("", NULL);
    WANT(agent_answers(""));
    path = path_in(&agent_req);
    version = version_in(&agent_req);
    WANT(path && agent_gets_an_offer(path, version) && agent_hangs_up());
    ends_close();
}

/* RFC 3264 8: the lines of the dialog stay, and their names. */
TEST(an_offer_to_an_agent_has_the_lines_of_its_dialog)
{
    const char *audio, *video;

    BOX(NULL);
    sippeer_invite(&agent.p, &da, "sip:600@dngate", "", two_streams("actpass"));
    WANT(sippeer_expect(&trunk.p, &invite, "INVITE", 0) && answered(""));
    WANT(agent_asks());
    audio = strstr(m.text, "\r\na=mid:a\r\n");
    video = strstr(m.text, "\r\nm=video 0 UDP/TLS/RTP/SAVPF 96\r\n");
    WANT(audio && video && audio < video && sipmsg_has(&m, "a=group:BUNDLE a\r\n") &&
         sipmsg_has(&m, "a=mid:v\r\n"));
    sippeer_ack(&agent.p, &da, two_streams("passive"));
    WANT(agent_is_served());
    ends_close();
}

TEST(an_agents_answer_without_audio_is_an_end)
{
    BOX(NULL);
    WANT(talk("") && agent_asks());
    (void)wsagent_sdp(sdp, sizeof(sdp), "active", "sendrecv");
    memcpy(strstr(sdp, "m=audio"), "m=videx", 7);
    sippeer_ack(&agent.p, &da, sdp);
    WANT(sippeer_expect(&agent.p, &m, "BYE", 0) && sipmsg_has(&m, "Reason: SIP;cause=488"));
    sippeer_reply(&agent.p, &m, 200, "OK", "", NULL);
    WANT(sippeer_expect(&trunk.p, &m, "BYE", 0));
    sippeer_reply(&trunk.p, &m, 200, "OK", "", NULL);
    ends_close();
}

TEST(hold_and_retrieve_stay_on_the_trunk_side)
{
    BOX(NULL);
    WANT(talk(""));
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
    sippeer_request(&trunk.p, &dt, "NOTIFY", "Event: dialog\r\nSubscription-State: active\r\n", NULL, NULL);
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
    ends_close();
}

TEST(agent_holds_dials_digits_and_gets_answers)
{
    BOX(NULL);
    WANT(talk(""));
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
    WANT(sippeer_expect(&trunk.p, &m, "INVITE", 0) && sipmsg_has(&m, "a=sendonly\r\n"));
    WANT(agent_hangs_up());
    ends_close();
}

/* ------------------------------------------------------------------ before the ACK */

/* The agent takes the trunk's call; our 200 is in m, and not acknowledged. */
static bool answered_without_ack(const char *offer)
{
    if (offer)
        trunk_calls("", offer);
    else
        sippeer_invite(&trunk.p, &dt, "sip:5001@dngate", "", NULL);
    if (!sippeer_expect(&agent.p, &agent_req, "INVITE", 0))
        return false;
    sipdlg_of_invite(&da, &agent.p, &agent_req);
    sippeer_reply(&agent.p, &agent_req, 200, "OK", "", wsagent_sdp(sdp, sizeof(sdp), "active", "sendrecv"));
    if (!sippeer_expect(&agent.p, &m, "ACK", 0) || !sippeer_expect(&trunk.p, &m, "200 INVITE", 0))
        return false;
    sipdlg_take(&dt, &m);
    return true;
}

/* The same offer again; our 2xx to it is in m when it is `what`. */
static bool reoffers(struct sippeer *p, struct sipdlg *d, const char *offer, const char *what)
{
    char cseq[32];

    sippeer_request(p, d, "INVITE", "", "application/sdp", offer);
    (void)snprintf(cseq, sizeof(cseq), "CSeq: %u INVITE\r\n", d->cseq);
    while (sippeer_expect(p, &m, what, 0))
        if (sipmsg_has(&m, cseq)) /* and not the first one, once more */
            return true;
    return false;
}

/* RFC 5407 3.1.4 */
TEST(a_reinvite_that_overtakes_an_ack_is_served)
{
    static char offer[1024];
    struct sipdlg first;

    BOX(NULL);
    WANT(answered_without_ack(fake_trunk_sdp(offer, sizeof(offer), 40000, "")));
    first = dt;
    WANT(reoffers(&trunk.p, &dt, fake_trunk_sdp(offer, sizeof(offer), 40002, "a=sendonly\r\n"), "200"));
    WANT(sipmsg_has(&m, "a=recvonly\r\n"));
    sippeer_ack(&trunk.p, &first, NULL); /* here it is */
    first = dt;
    WANT(reoffers(&trunk.p, &dt, fake_trunk_sdp(offer, sizeof(offer), 40002, ""), "200")); /* and once more */
    sippeer_ack(&trunk.p, &dt, NULL);
    sippeer_ack(&trunk.p, &first, NULL);
    WANT(sippeer_caught_up(&trunk.p, &dt));
    WANT(sippeer_hears_no(&trunk.p, "200 INVITE", 1200)); /* each has its ACK, or needs none */
    WANT(agent_hangs_up());
    ends_close();
}

/* RFC 5407 3.1.5: the answer to our offer is still to come. */
TEST(a_reinvite_that_overtakes_an_answer_has_to_wait)
{
    static char offer[1024];
    struct sipdlg first;

    BOX(NULL);
    WANT(answered_without_ack(NULL));
    first = dt;
    WANT(reoffers(&trunk.p, &dt, fake_trunk_sdp(offer, sizeof(offer), 40002, ""), "491"));
    sippeer_ack_failure(&trunk.p, &dt, &m, dt.target);
    sippeer_ack(&trunk.p, &first, fake_trunk_sdp(offer, sizeof(offer), 40000, ""));
    WANT(sippeer_caught_up(&trunk.p, &dt));
    WANT(reoffers(&trunk.p, &dt, fake_trunk_sdp(offer, sizeof(offer), 40002, ""), "200"));
    sippeer_ack(&trunk.p, &dt, NULL);
    WANT(agent_hangs_up());
    ends_close();
}

TEST(an_agents_reinvite_that_overtakes_its_ack_is_served)
{
    BOX(NULL);
    dial("");
    WANT(sippeer_expect(&trunk.p, &invite, "INVITE", 0));
    sipdlg_of_invite(&dt, &trunk.p, &invite);
    sippeer_reply(&trunk.p, &invite, 200, "OK", "", fake_trunk_sdp(sdp, sizeof(sdp), 40000, ""));
    WANT(sippeer_expect(&trunk.p, &m, "ACK", 0) && sippeer_expect(&agent.p, &m, "200 INVITE", 0));
    sipdlg_take(&da, &m);
    WANT(reoffers(&agent.p, &da, wsagent_sdp(sdp, sizeof(sdp), "actpass", "sendonly"), "200"));
    WANT(sipmsg_has(&m, "a=recvonly\r\n"));
    sippeer_ack(&agent.p, &da, NULL);
    WANT(agent_is_served() && agent_hangs_up());
    ends_close();
}
