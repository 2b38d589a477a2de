/* Provisional responses that must arrive (RFC 3262), and UPDATE in early dialogs (RFC 3311), both ways. */
/* TSAN */
#include "dialog/legclock.h"
#include "fake/ends.h"
#include "testing.h"
#include <stdlib.h>

/* ------------------------------------------------------------------ the trunk's 18x */

static char more[256];

static const char *reliable(unsigned rseq)
{
    (void)snprintf(more, sizeof(more), "Require: 100rel\r\nRSeq: %u\r\n", rseq);
    return more;
}

static bool acknowledged(unsigned rseq)
{
    char want[64], cseq[64];

    (void)snprintf(want, sizeof(want), "%u %u INVITE", rseq,
                   (unsigned)strtoul(sipmsg_hdr(&invite, "CSeq", cseq, sizeof(cseq)), NULL, 10));
    if (!sippeer_expect(&trunk.p, &m, "PRACK", 0) || strcmp(sipmsg_hdr(&m, "RAck", val, sizeof(val)), want))
        return false;
    sippeer_reply(&trunk.p, &m, 200, "OK", "", NULL);
    return true;
}

TEST(reliable_ringing_gets_its_prack_once_and_in_order)
{
    BOX(NULL);
    dial("");
    WANT(sippeer_expect(&trunk.p, &invite, "INVITE", 0));
    WANT(strstr(sipmsg_hdr(&invite, "Supported", val, sizeof(val)), "100rel") &&
         strstr(sipmsg_hdr(&invite, "Allow", val, sizeof(val)), "PRACK") && !sipmsg_has(&invite, "Require"));
    sipdlg_of_invite(&dt, &trunk.p, &invite);
    sippeer_reply(&trunk.p, &invite, 180, "Ringing", reliable(7), NULL);
    WANT(acknowledged(7) && sippeer_expect(&agent.p, &m, "180", 0));
    WANT(!sipmsg_has(&m, "RSeq"));
    sippeer_reply(&trunk.p, &invite, 180, "Ringing", reliable(7), NULL);  /* once more */
    sippeer_reply(&trunk.p, &invite, 183, "Progress", reliable(9), NULL); /* before its turn */
    WANT(sippeer_hears_no(&trunk.p, "PRACK", 100) && sippeer_hears_no(&agent.p, "18", 20));
    sippeer_reply(&trunk.p, &invite, 183, "Progress", reliable(8),
                  fake_trunk_sdp(sdp, sizeof(sdp), 40000, ""));
    WANT(acknowledged(8) && sippeer_expect(&agent.p, &m, "183", 0));
    sippeer_reply(&trunk.p, &invite, 180, "Ringing", "", NULL); /* unreliable ones go between */
    WANT(sippeer_expect(&agent.p, &m, "180", 0));
    /* the answer is agreed: a 200 needs none */
    sippeer_reply(&trunk.p, &invite, 200, "OK", "", NULL);
    WANT(sippeer_expect(&trunk.p, &m, "ACK", 0) && sippeer_expect(&agent.p, &m, "200 INVITE", 0));
    sipdlg_take(&da, &m);
    sippeer_ack(&agent.p, &da, NULL);
    WANT(agent_hangs_up());
    ends_close();
}

/* Each branch of a fork counts for itself (RFC 3262 4), also behind one that does not count. */
TEST(branches_of_a_fork_count_their_reliable_ringing_apart)
{
    BOX(NULL);
    dial("");
    WANT(sippeer_expect(&trunk.p, &invite, "INVITE", 0));
    sippeer_reply(&trunk.p, &invite, 180, "Ringing", reliable(70), NULL);
    WANT(acknowledged(70) && sippeer_expect(&agent.p, &m, "180", 0));
    (void)snprintf(trunk.p.tag, sizeof(trunk.p.tag), "branch2");
    sippeer_reply(&trunk.p, &invite, 180, "Ringing", "", NULL);
    WANT(sippeer_expect(&agent.p, &m, "180", 0));
    for (unsigned i = 3; i < 6; i++) {
        (void)snprintf(trunk.p.tag, sizeof(trunk.p.tag), "branch%u", i);
        sippeer_reply(&trunk.p, &invite, 180, "Ringing", reliable(i), NULL);
        WANT(acknowledged(i) && sippeer_expect(&agent.p, &m, "180", 0));
    }
    ends_close();
}

TEST(a_prack_that_the_trunk_does_not_know_ends_nothing)
{
    BOX(NULL);
    dial("");
    WANT(sippeer_expect(&trunk.p, &invite, "INVITE", 0));
    sippeer_reply(&trunk.p, &invite, 180, "Ringing", reliable(1), NULL);
    WANT(sippeer_expect(&trunk.p, &agent_req, "PRACK", 0));
    WANT(answered(""));
    sippeer_reply(&trunk.p, &agent_req, 481, "Call/Transaction Does Not Exist", "", NULL);
    WANT(sippeer_caught_up(&trunk.p, &dt) && sippeer_hears_no(&agent.p, "BYE", 100));
    WANT(agent_hangs_up());
    ends_close();
}

/* Early dialog of our own INVITE: RFC 3311 5.1, 5.2. */
TEST(the_trunk_updates_before_it_answers)
{
    char offer[1024];

    BOX(NULL);
    dial("");
    WANT(sippeer_expect(&trunk.p, &invite, "INVITE", 0));
    sipdlg_of_invite(&dt, &trunk.p, &invite);
    sippeer_reply(&trunk.p, &invite, 183, "Progress", "", fake_trunk_sdp(sdp, sizeof(sdp), 40000, ""));
    WANT(sippeer_expect(&agent.p, &m, "183", 0));
    (void)fake_trunk_sdp(offer, sizeof(offer), 40002, "a=sendonly\r\n");
    sippeer_request(&trunk.p, &dt, "UPDATE", "", "application/sdp", offer);
    WANT(sippeer_expect(&trunk.p, &m, "491 UPDATE", 0)); /* ours is open: that answer was not reliable */
    sippeer_request(&trunk.p, &dt, "UPDATE", "X-Genesys-CallUUID: EARLY\r\n", NULL, NULL);
    WANT(sippeer_expect(&trunk.p, &m, "200 UPDATE", 0) && !sipmsg_has(&m, "m=audio"));
    sippeer_reply(&trunk.p, &invite, 183, "Progress", reliable(1),
                  fake_trunk_sdp(sdp, sizeof(sdp), 40000, ""));
    WANT(acknowledged(1));
    sippeer_request(&trunk.p, &dt, "UPDATE", "", "application/sdp", offer);
    WANT(sippeer_expect(&trunk.p, &m, "200 UPDATE", 0) && sipmsg_has(&m, "a=recvonly"));
    WANT(sippeer_hears_no(&agent.p, "UPDATE", 50) && sippeer_hears_no(&agent.p, "INVITE", 20));
    sippeer_request(&trunk.p, &dt, "UPDATE", "", "application/sdp", "v=0\r\nnonsense");
    WANT(sippeer_expect(&trunk.p, &m, "488 UPDATE", 0));
    WANT(answered(""));
    WANT(agent_hangs_up());
    ends_close();
}

/* ------------------------------------------------------------------ ours */

static unsigned rseq;

/* Our 18x is in m. */
static bool rings_reliably(const char *offer)
{
    char lines[] = "Require: 100rel\r\nSupported: 100rel\r\n";

    if (offer)
        trunk_calls(lines, offer);
    else
        sippeer_invite(&trunk.p, &dt, "sip:5001@dngate", lines, NULL);
    if (!sippeer_expect(&agent.p, &agent_req, "INVITE", 0))
        return false;
    sipdlg_of_invite(&da, &agent.p, &agent_req);
    sippeer_reply(&agent.p, &agent_req, 180, "Ringing", "", NULL);
    if (!sippeer_expect(&trunk.p, &m, "180", 0) ||
        strcmp(sipmsg_hdr(&m, "Require", val, sizeof(val)), "100rel"))
        return false;
    rseq = (unsigned)strtoul(sipmsg_hdr(&m, "RSeq", val, sizeof(val)), NULL, 10);
    sipdlg_take(&dt, &m);
    return rseq > 0;
}

static void prack(unsigned seq, unsigned cseq, const char *answer)
{
    char rack[64];

    (void)snprintf(rack, sizeof(rack), "RAck: %u %u INVITE\r\n", seq, cseq);
    sippeer_request(&trunk.p, &dt, "PRACK", rack, "application/sdp", answer);
}

static void agent_takes_it(void)
{
    sippeer_reply(&agent.p, &agent_req, 200, "OK", "", wsagent_sdp(sdp, sizeof(sdp), "active", "sendrecv"));
}

TEST(ringing_is_reliable_where_that_is_required_alone)
{
    BOX(NULL);
    trunk_calls("Supported: 100rel\r\n", NULL);
    WANT(sippeer_expect(&agent.p, &agent_req, "INVITE", 0));
    WANT(!strstr(sipmsg_hdr(&agent_req, "Supported", val, sizeof(val)), "100rel"));
    sippeer_reply(&agent.p, &agent_req, 180, "Ringing", "", NULL);
    WANT(sippeer_expect(&trunk.p, &m, "180", 0) && !sipmsg_has(&m, "RSeq") && !sipmsg_has(&m, "100rel"));
    ends_close();
}

TEST(required_ringing_goes_again_until_its_prack)
{
    BOX(NULL);
    WANT(rings_reliably(fake_trunk_sdp(sdp, sizeof(sdp), 40000, "")));
    WANT(!sipmsg_has(&m, "m=audio"));
    WANT(sippeer_expect(&trunk.p, &m, "180", 2000)); /* nothing came for it */
    prack(rseq + 1, dt.invite_cseq, NULL);
    WANT(sippeer_expect(&trunk.p, &m, "481 PRACK", 0));
    prack(rseq, dt.invite_cseq + 1, NULL);
    WANT(sippeer_expect(&trunk.p, &m, "481 PRACK", 0));
    sippeer_request(&trunk.p, &dt, "PRACK", "", NULL, NULL);
    WANT(sippeer_expect(&trunk.p, &m, "481 PRACK", 0));
    prack(rseq, dt.invite_cseq, NULL);
    WANT(sippeer_expect(&trunk.p, &m, "200 PRACK", 0));
    WANT(sippeer_hears_no(&trunk.p, "180", 2200));
    prack(rseq, dt.invite_cseq, NULL);
    WANT(sippeer_expect(&trunk.p, &m, "200 PRACK", 0));
    agent_takes_it();
    WANT(sippeer_expect(&trunk.p, &m, "200 INVITE", 0) && sipmsg_has(&m, "m=audio"));
    sippeer_ack(&trunk.p, &dt, NULL);
    WANT(sippeer_caught_up(&trunk.p, &dt) && agent_hangs_up());
    ends_close();
}

TEST(an_answer_does_not_wait_for_the_prack_of_ringing)
{
    BOX(NULL);
    WANT(rings_reliably(fake_trunk_sdp(sdp, sizeof(sdp), 40000, "")));
    agent_takes_it();
    WANT(sippeer_expect(&trunk.p, &m, "200 INVITE", 0) && sipmsg_has(&m, "m=audio"));
    prack(rseq, dt.invite_cseq, NULL);
    WANT(sippeer_expect(&trunk.p, &m, "200 PRACK", 0));
    sippeer_ack(&trunk.p, &dt, NULL);
    WANT(sippeer_caught_up(&trunk.p, &dt) && agent_hangs_up());
    ends_close();
}

/* RFC 3262 5: the first reliable one offers, the PRACK answers; the 200 says nothing of it. */
TEST(an_invite_without_offer_gets_it_with_the_ringing)
{
    char answer[1024];

    BOX(NULL);
    WANT(rings_reliably(NULL));
    WANT(sipmsg_has(&m, "m=audio"));
    agent_takes_it();
    WANT(sippeer_hears_no(&trunk.p, "200 INVITE", 300)); /* it must wait for the answer */
    prack(rseq, dt.invite_cseq, fake_trunk_sdp(answer, sizeof(answer), 40000, ""));
    WANT(sippeer_expect(&trunk.p, &m, "200", 0));
    if (strstr(sipmsg_hdr(&m, "CSeq", val, sizeof(val)), "PRACK"))
        WANT(sippeer_expect(&trunk.p, &m, "200 INVITE", 0));
    WANT(!sipmsg_has(&m, "m=audio"));
    sippeer_ack(&trunk.p, &dt, NULL);
    WANT(sippeer_caught_up(&trunk.p, &dt));
    sippeer_request(&trunk.p, &dt, "INVITE", "", "application/sdp",
                    fake_trunk_sdp(answer, sizeof(answer), 40002, "a=sendonly\r\n"));
    WANT(sippeer_expect(&trunk.p, &m, "200 INVITE", 0) && sipmsg_has(&m, "a=recvonly"));
    sippeer_ack(&trunk.p, &dt, NULL);
    WANT(sippeer_caught_up(&trunk.p, &dt) && agent_hangs_up());
    ends_close();
}

TEST(early_media_is_changed_by_update_behind_a_prack)
{
    char offer[1024];

    BOX(NULL);
    WANT(rings_reliably(NULL));
    prack(rseq, dt.invite_cseq, fake_trunk_sdp(offer, sizeof(offer), 40000, ""));
    WANT(sippeer_expect(&trunk.p, &m, "200 PRACK", 0));
    sippeer_request(&trunk.p, &dt, "UPDATE", "", "application/sdp",
                    fake_trunk_sdp(offer, sizeof(offer), 40002, "a=inactive\r\n"));
    WANT(sippeer_expect(&trunk.p, &m, "200 UPDATE", 0) && sipmsg_has(&m, "a=inactive"));
    agent_takes_it();
    WANT(sippeer_expect(&trunk.p, &m, "200 INVITE", 0) && !sipmsg_has(&m, "m=audio"));
    sippeer_ack(&trunk.p, &dt, NULL);
    WANT(sippeer_caught_up(&trunk.p, &dt) && agent_hangs_up());
    ends_close();
}

TEST(an_update_with_an_offer_while_theirs_is_open_comes_too_early)
{
    char offer[1024];

    BOX(NULL);
    WANT(rings_reliably(fake_trunk_sdp(sdp, sizeof(sdp), 40000, "")));
    sippeer_request(&trunk.p, &dt, "UPDATE", "", "application/sdp",
                    fake_trunk_sdp(offer, sizeof(offer), 40002, ""));
    WANT(sippeer_expect(&trunk.p, &m, "500 UPDATE", 0) && sipmsg_has(&m, "Retry-After"));
    sippeer_request(&trunk.p, &dt, "UPDATE", "", NULL, NULL);
    WANT(sippeer_expect(&trunk.p, &m, "200 UPDATE", 0));
    ends_close();
}

TEST(a_trunk_that_never_acknowledges_what_it_required_loses_its_call)
{
    struct cdr cdr;

    leg_second = 20;
    BOX(NULL);
    WANT(rings_reliably(NULL));
    agent_takes_it(); /* the 200 waits for the PRACK, which does not come */
    WANT(sippeer_expect(&trunk.p, &m, "504 INVITE", 0));
    sippeer_ack_failure(&trunk.p, &dt, &m, dt.target);
    WANT(sippeer_expect(&agent.p, &m, "BYE", 0) && sipmsg_has(&m, "No PRACK"));
    sippeer_reply(&agent.p, &m, 200, "OK", "", NULL);
    WANT(box_cdr(&box, 1, &cdr) && cdr.hangup == CDR_GATEWAY && !strcmp(cdr.reason, "No PRACK"));
    ends_close();
    leg_second = 1000;
}

TEST(a_caller_who_gives_up_is_not_told_again_that_it_rings)
{
    struct cdr cdr;

    BOX(NULL);
    WANT(rings_reliably(fake_trunk_sdp(sdp, sizeof(sdp), 40000, "")));
    sippeer_cancel(&trunk.p, &dt, dt.target, "");
    WANT(sippeer_expect(&agent.p, &m, "CANCEL", 0));
    sippeer_reply(&agent.p, &m, 200, "OK", "", NULL);
    sippeer_reply(&agent.p, &agent_req, 487, "Request Terminated", "", NULL);
    WANT(sippeer_hears_no(&trunk.p, "180", 1200));
    WANT(box_cdr(&box, 1, &cdr) && cdr.code == 487);
    ends_close();
}
