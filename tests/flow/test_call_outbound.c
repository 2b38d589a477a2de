/* An agent calls through the trunk: the whole signalling in one process, a SIP Server and a browser in text. */
#include "fake/ends.h"
#include "testing.h"

static void dial_to(const char *to, const char *hdrs)
{
    char uri[96];

    (void)snprintf(uri, sizeof(uri), "sip:%s@dngate", to);
    sippeer_invite(&agent.p, &da, uri, hdrs, wsagent_sdp(sdp, sizeof(sdp), "actpass", "sendrecv"));
}

static bool trunk_rings(void)
{
    if (!sippeer_expect(&trunk.p, &invite, "INVITE", 0))
        return false;
    sipdlg_of_invite(&dt, &trunk.p, &invite);
    sippeer_reply(&trunk.p, &invite, 100, "Trying", "", NULL);
    sippeer_reply(&trunk.p, &invite, 180, "Ringing", "", NULL);
    return true;
}

TEST(answered_call_carries_headers_and_leaves_one_cdr)
{
    char to_tag[256];
    struct cdr cdr;

    BOX(NULL);
    dial_to("600",
            "X-Genesys-CallUUID: 00TESTUUID\r\nUser-to-User: 414243;encoding=hex\r\nX-Private: no\r\n");
    WANT(sippeer_expect(&agent.p, &m, "100", 0));
    WANT(trunk_rings());
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
    ends_close();
}

TEST(failures_of_the_trunk_reach_the_agent_as_they_are)
{
    static const struct {
        int code;
        const char *phrase, *shown;
    } cases[] = {{486, "Busy Here", "486 Busy Here\r\n"},
                 {603, "Decline", "603 Decline\r\n"},
                 {404, "Not Found", "404 Not Found\r\n"},
                 {302, "Moved Temporarily", "302 Moved Temporarily\r\n"},
                 {500, "Broken", "500 Broken\r\n"},
                 /* what a frame of text, and a record, can hold */
                 {480, "\xe2\x80\xaeWeg \xff\xc3\xbc\tber  alles", "480 Weg \xc3\xbc ber alles\r\n"}};
    struct cdr cdr;
    char what[8];

    BOX(NULL);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        dial_to("603", "");
        WANT(sippeer_expect(&trunk.p, &invite, "INVITE", 0));
        sippeer_reply(&trunk.p, &invite, cases[i].code, cases[i].phrase,
                      "Reason: SIP;cause=1;text=\"why\"\r\n", NULL);
        WANT(sippeer_expect(&trunk.p, &m, "ACK", 0));
        (void)snprintf(what, sizeof(what), "%d", cases[i].code);
        WANT(sippeer_expect(&agent.p, &m, what, 0));
        WANT(sipmsg_has(&m, cases[i].shown));
        WANT(sipmsg_has(&m, "Reason: SIP;cause=1;text=\"why\"\r\n"));
        sippeer_ack_failure(&agent.p, &da, &m, "sip:603@dngate");
        WANT(box_cdr(&box, i + 1, &cdr));
        WANT(cdr.code == cases[i].code && cdr.hangup == CDR_TRUNK && !cdr.answer_ms);
    }
    ends_close();
}

TEST(early_media_and_forked_ringing)
{
    char first[1024];

    BOX(NULL);
    dial_to("601", "");
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
    ends_close();
}

TEST(agent_cancels)
{
    struct cdr cdr;

    BOX(NULL);
    dial_to("604", "");
    WANT(trunk_rings());
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
    ends_close();
}

TEST(cancel_that_crosses_the_answer_ends_in_bye)
{
    BOX(NULL);
    dial_to("604", "");
    WANT(trunk_rings());
    sippeer_cancel(&agent.p, &da, "sip:604@dngate", "");
    WANT(sippeer_expect(&agent.p, &m, "487 INVITE", 0));
    WANT(sippeer_expect(&trunk.p, &agent_req, "CANCEL", 0));
    sippeer_reply(&trunk.p, &invite, 200, "OK", "", fake_trunk_sdp(sdp, sizeof(sdp), 40000, ""));
    WANT(sippeer_expect(&trunk.p, &m, "ACK", 0));
    WANT(sippeer_expect(&trunk.p, &m, "BYE", 0));
    sippeer_reply(&trunk.p, &m, 200, "OK", "", NULL);
    ends_close();
}

TEST(trunk_hangs_up_and_its_reason_crosses)
{
    struct cdr cdr;

    BOX(NULL);
    WANT(talk(""));
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
    ends_close();
}

TEST(one_call_per_dn_when_so_set)
{
    const char *options[] = {"call.limit_per_dn=1", NULL};
    struct sipdlg first;
    struct cdr cdr;

    BOX(options);
    WANT(talk(""));
    first = da;
    dial_to("601", "");
    WANT(sippeer_expect(&agent.p, &m, "486", 0));
    WANT(box_cdr(&box, 1, &cdr));
    WANT(cdr.code == 486 && cdr.hangup == CDR_GATEWAY);
    da = first;
    WANT(agent_hangs_up());
    WANT(box_cdr(&box, 2, &cdr));
    ends_close();
}

TEST(an_offer_without_dtls_is_488)
{
    BOX(NULL);
    sippeer_invite(&agent.p, &da, "sip:600@dngate", "", fake_trunk_sdp(sdp, sizeof(sdp), 40000, ""));
    WANT(sippeer_expect(&agent.p, &m, "488", 0));
    sippeer_invite(&agent.p, &da, "sip:600@dngate", "", NULL);
    WANT(sippeer_expect(&agent.p, &m, "488", 0));
    ends_close();
}

TEST(nobody_else_can_speak_in_the_dialog)
{
    struct wsagent other;
    struct sipdlg stolen;

    BOX(NULL);
    WANT(talk(""));
    CHECK_EQ_INT(wsagent_open(&other, box.stack, box.out, 2, "5002", "secret5002"), 0);
    WANT(wsagent_register(&other) == 200);
    stolen = da;
    sippeer_request(&other.p, &stolen, "BYE", "", NULL, NULL);
    WANT(sippeer_expect(&other.p, &m, "403 BYE", 0));
    wsagent_close(&other);
    WANT(agent_hangs_up());
    ends_close();
}

TEST(an_answered_call_outlives_its_websocket_and_the_next_one_takes_over)
{
    struct cdr cdr;

    BOX(NULL);
    WANT(talk(""));
    wsagent_close(&agent);
    WANT(sippeer_hears_no(&trunk.p, "BYE", 500));
    CHECK_EQ_INT(wsagent_open(&agent, box.stack, box.out, 1001, "5001", "secret5001"), 0);
    WANT(wsagent_register(&agent) == 200);
    (void)snprintf(da.branch, sizeof(da.branch), "z9hG4bKnew");
    WANT(agent_hangs_up());
    WANT(box_cdr(&box, 1, &cdr));
    WANT(cdr.code == 200 && cdr.hangup == CDR_AGENT);
    ends_close();
}

TEST(shutdown_ends_calls_on_both_sides)
{
    BOX(NULL);
    WANT(talk(""));
    box_close(&box);
    WANT(sippeer_expect(&trunk.p, &m, "BYE", 1000));
    WANT(sipmsg_has(&m, "Reason: SIP;cause=503"));
    agent.st = NULL;
    ends_close();
}
