/* The agent's hold, as the trunk is told of it: by a re-INVITE of ours that crosses others, is refused, comes late or never. */
/* TSAN */
/* SLOW */
#include "dialog/legclock.h"
#include "fake/ends.h"
#include "testing.h"

#define TIMER_BOX(ms)                                                                                        \
    leg_second = ms;                                                                                         \
    BOX(NULL)

/* The browser says this of its audio, and has its answer at once. */
static bool agent_says(const char *dir, const char *answered)
{
    sippeer_request(&agent.p, &da, "INVITE", "", "application/sdp",
                    wsagent_sdp(sdp, sizeof(sdp), "actpass", dir));
    if (!sippeer_expect(&agent.p, &m, "200 INVITE", 0) || !strstr(sipmsg_body(&m), answered))
        return false;
    sippeer_ack(&agent.p, &da, NULL);
    return true;
}

static unsigned version(const struct sipmsg *msg)
{
    unsigned v = 0;

    (void)sscanf(sipmsg_body(msg), "v=0%*[\r\n]o=%*s %*s %u", &v);
    return v;
}

static bool is_silent_of_direction(const struct sipmsg *msg)
{
    return !strstr(sipmsg_body(msg), "a=sendonly") && !strstr(sipmsg_body(msg), "a=recvonly") &&
           !strstr(sipmsg_body(msg), "a=inactive");
}

static bool trunk_is_told(const char *dir)
{
    return sippeer_expect(&trunk.p, &invite, "INVITE", 8000) &&
           (dir ? strstr(sipmsg_body(&invite), dir) != NULL : is_silent_of_direction(&invite));
}

static bool trunk_agrees(const char *dir)
{
    char answer[1024];

    sippeer_reply(&trunk.p, &invite, 200, "OK", "", fake_trunk_sdp(answer, sizeof(answer), 40000, dir));
    return sippeer_expect(&trunk.p, &m, "ACK", 0);
}

TEST(an_agents_hold_and_retrieve_reach_the_trunk)
{
    unsigned first;

    BOX(NULL);
    WANT(talk(""));
    first = version(&invite);
    WANT(agent_says("sendonly", "a=recvonly"));
    WANT(trunk_is_told("a=sendonly\r\n") && version(&invite) == first + 1);
    WANT(trunk_agrees("a=recvonly\r\n"));
    WANT(agent_says("sendrecv", "a=setup:active"));
    WANT(trunk_is_told(NULL) && version(&invite) == first + 2);
    WANT(trunk_agrees(""));
    WANT(agent_says("sendrecv", "a=setup:active")); /* says nothing new */
    WANT(sippeer_hears_no(&trunk.p, "INVITE", 100));
    WANT(agent_hangs_up());
    ends_close();
}

TEST(a_held_trunks_agent_holds_too_and_each_retrieves_for_itself)
{
    char offer[1024];

    BOX(NULL);
    WANT(talk(""));
    sippeer_request(&trunk.p, &dt, "INVITE", "", "application/sdp",
                    fake_trunk_sdp(offer, sizeof(offer), 40000, "a=sendonly\r\n"));
    WANT(sippeer_expect(&trunk.p, &m, "200 INVITE", 0) && sipmsg_has(&m, "a=recvonly"));
    sippeer_ack(&trunk.p, &dt, NULL);
    WANT(agent_says("inactive", "a=inactive"));
    WANT(trunk_is_told("a=inactive\r\n") && trunk_agrees("a=inactive\r\n"));
    /* its retrieve finds ours in the answer, and needs no re-INVITE of ours */
    sippeer_request(&trunk.p, &dt, "INVITE", "", "application/sdp",
                    fake_trunk_sdp(offer, sizeof(offer), 40000, ""));
    WANT(sippeer_expect(&trunk.p, &m, "200 INVITE", 0) && sipmsg_has(&m, "a=inactive"));
    sippeer_ack(&trunk.p, &dt, NULL);
    sippeer_request(&trunk.p, &dt, "INVITE", "", NULL, NULL); /* and in our offer, too */
    WANT(sippeer_expect(&trunk.p, &m, "200 INVITE", 0) && sipmsg_has(&m, "a=inactive"));
    sippeer_ack(&trunk.p, &dt, fake_trunk_sdp(offer, sizeof(offer), 40000, "a=inactive\r\n"));
    WANT(agent_says("sendrecv", "a=setup:active"));
    WANT(trunk_is_told(NULL) && trunk_agrees(""));
    WANT(agent_hangs_up());
    ends_close();
}

/* What was wanted last wins: of three changes while the first is under way only the last is said. */
TEST(changes_of_mind_while_the_trunk_thinks_become_one_reinvite)
{
    BOX(NULL);
    WANT(talk(""));
    WANT(agent_says("sendonly", "a=recvonly") && trunk_is_told("a=sendonly\r\n"));
    WANT(agent_says("sendrecv", "a=setup:active") && agent_says("sendonly", "a=recvonly") &&
         agent_says("sendrecv", "a=setup:active"));
    WANT(sippeer_hears_no(&trunk.p, "INVITE", 50)); /* but the first, once more */
    WANT(trunk_agrees("a=recvonly\r\n"));
    WANT(trunk_is_told(NULL) && trunk_agrees(""));
    WANT(agent_says("sendonly", "a=recvonly") && trunk_is_told("a=sendonly\r\n"));
    WANT(agent_says("sendrecv", "a=setup:active") && agent_says("sendonly", "a=recvonly"));
    WANT(trunk_agrees("a=recvonly\r\n"));
    WANT(sippeer_hears_no(&trunk.p, "INVITE", 100)); /* it knows that already */
    WANT(agent_hangs_up());
    ends_close();
}

/* RFC 3261 14.1, both ways: 491 for each, and we, who made the Call-ID, wait longer. */
TEST(two_reinvites_that_cross_are_both_refused_and_both_come_again)
{
    char offer[1024];

    BOX(NULL);
    WANT(talk(""));
    WANT(agent_says("sendonly", "a=recvonly") && trunk_is_told("a=sendonly\r\n"));
    sippeer_request(&trunk.p, &dt, "INVITE", "", "application/sdp",
                    fake_trunk_sdp(offer, sizeof(offer), 40002, ""));
    WANT(sippeer_expect(&trunk.p, &m, "491 INVITE", 0));
    sippeer_ack_failure(&trunk.p, &dt, &m, dt.target);
    sippeer_reply(&trunk.p, &invite, 491, "Request Pending", "", NULL);
    WANT(sippeer_expect(&trunk.p, &m, "ACK", 0));
    WANT(sippeer_hears_no(&trunk.p, "INVITE", 1900)); /* 2.1 to 4 s */
    sippeer_request(&trunk.p, &dt, "INVITE", "", "application/sdp",
                    fake_trunk_sdp(offer, sizeof(offer), 40002, ""));
    WANT(sippeer_expect(&trunk.p, &m, "200 INVITE", 0));
    WANT(sipmsg_has(&m, "a=sendonly\r\n")); /* said with that */
    sippeer_ack(&trunk.p, &dt, NULL);
    WANT(sippeer_hears_no(&trunk.p, "INVITE", 2400));
    WANT(agent_says("sendrecv", "a=setup:active") && trunk_is_told(NULL) && trunk_agrees(""));
    WANT(agent_hangs_up());
    ends_close();
}

TEST(a_hold_waits_for_the_ack_of_the_trunks_own_reinvite)
{
    char offer[1024];

    BOX(NULL);
    WANT(talk(""));
    sippeer_request(&trunk.p, &dt, "INVITE", "", "application/sdp",
                    fake_trunk_sdp(offer, sizeof(offer), 40002, ""));
    WANT(sippeer_expect(&trunk.p, &m, "200 INVITE", 0));
    WANT(agent_says("sendonly", "a=recvonly"));
    WANT(sippeer_hears_no(&trunk.p, "INVITE", 100));
    sippeer_ack(&trunk.p, &dt, NULL);
    WANT(trunk_is_told("a=sendonly\r\n") && trunk_agrees("a=recvonly\r\n"));
    WANT(agent_hangs_up());
    ends_close();
}

/* The hold stays between browser and gateway; a retrieve comes again. */
TEST(what_the_trunk_refuses_of_a_hold)
{
    TIMER_BOX(10);
    WANT(talk(""));
    WANT(agent_says("sendonly", "a=recvonly") && trunk_is_told("a=sendonly\r\n"));
    sippeer_reply(&trunk.p, &invite, 488, "Not Acceptable Here", "", NULL);
    WANT(sippeer_expect(&trunk.p, &m, "ACK", 0));
    WANT(sippeer_hears_no(&trunk.p, "INVITE", 100));
    WANT(agent_says("sendrecv", "a=setup:active")); /* as the trunk has it */
    WANT(sippeer_hears_no(&trunk.p, "INVITE", 100));
    WANT(agent_says("sendonly", "a=recvonly") && trunk_is_told("a=sendonly\r\n"));
    sippeer_reply(&trunk.p, &invite, 500, "Server Internal Error", "Retry-After: 3\r\n", NULL);
    WANT(sippeer_expect(&trunk.p, &m, "ACK", 0));
    WANT(trunk_is_told("a=sendonly\r\n") && trunk_agrees("a=recvonly\r\n"));
    WANT(agent_hangs_up());
    ends_close();
    leg_second = 1000;
}

TEST(a_trunk_that_never_answers_a_hold_gets_a_cancel_and_the_call_goes_on)
{
    TIMER_BOX(10);
    WANT(talk(""));
    WANT(agent_says("sendonly", "a=recvonly") && trunk_is_told("a=sendonly\r\n"));
    sippeer_reply(&trunk.p, &invite, 100, "Trying", "", NULL);
    WANT(sippeer_expect(&trunk.p, &m, "CANCEL", 0));
    sippeer_reply(&trunk.p, &m, 200, "OK", "", NULL);
    WANT(sippeer_hears_no(&trunk.p, "BYE", 600)); /* given up meanwhile: 32 */
    WANT(agent_says("inactive", "a=inactive") && trunk_is_told("a=inactive\r\n") &&
         trunk_agrees("a=inactive\r\n"));
    WANT(agent_hangs_up());
    ends_close();
    leg_second = 1000;
}

TEST(the_call_ends_while_the_trunk_thinks_about_a_hold)
{
    struct cdr cdr;

    BOX(NULL);
    WANT(talk(""));
    WANT(agent_says("sendonly", "a=recvonly") && trunk_is_told("a=sendonly\r\n"));
    WANT(agent_hangs_up());
    sippeer_reply(&trunk.p, &invite, 487, "Request Terminated", "", NULL);
    WANT(sippeer_expect(&trunk.p, &m, "ACK", 0));
    WANT(box_cdr(&box, 1, &cdr) && cdr.code == 200 && cdr.hangup == CDR_AGENT);
    ends_close();
}

TEST(a_site_may_keep_holds_to_itself)
{
    const char *const options[] = {"call.hold=local", NULL};

    BOX(options);
    WANT(talk(""));
    WANT(agent_says("sendonly", "a=recvonly"));
    WANT(sippeer_hears_no(&trunk.p, "INVITE", 200));
    WANT(agent_says("sendrecv", "a=setup:active"));
    WANT(sippeer_hears_no(&trunk.p, "INVITE", 100));
    WANT(agent_hangs_up());
    ends_close();
}
