/* The trunk calls a DN: the whole signalling in one process, a SIP Server and a browser in text. */
#include "core/buf.h"
#include "core/health.h"
#include "fake/ends.h"
#include "sip/resolver.h"
#include "testing.h"
#include <errno.h>
#include <poll.h>

static struct sipmsg ring; /* what the agent is called with */
static char ruri[96];

static void call(const char *dn, const char *hdrs, const char *offer)
{
    (void)snprintf(ruri, sizeof(ruri), "sip:%s@127.0.0.1:%u", dn, box.sip_port);
    sippeer_invite(&trunk.p, &dt, ruri, hdrs, offer);
}

/* Calls 5001; its browser rings. */
static bool rings(const char *hdrs, const char *offer)
{
    call("5001", hdrs, offer);
    if (!sippeer_expect(&trunk.p, &m, "100", 0) || !sippeer_expect(&agent.p, &ring, "INVITE", 0))
        return false;
    sipdlg_of_invite(&da, &agent.p, &ring);
    sippeer_reply(&agent.p, &ring, 100, "Trying", "", NULL);
    sippeer_reply(&agent.p, &ring, 180, "Ringing", "", NULL);
    return sippeer_expect(&trunk.p, &m, "180", 0);
}

static bool answers(void)
{
    sippeer_reply(&agent.p, &ring, 200, "OK", "", wsagent_sdp(sdp, sizeof(sdp), "active", "sendrecv"));
    return sippeer_expect(&agent.p, &m, "ACK", 0) && sippeer_expect(&trunk.p, &m, "200 INVITE", 0);
}

static const char *offer(void)
{
    static char text[1024];

    return fake_trunk_sdp(text, sizeof(text), 40000, "");
}

static int lookup_h(struct addr *v, size_t max, size_t *n, const char *host, uint16_t port)
{
    if (strcmp(host, "gw.example") || !max)
        return EHOSTUNREACH;
    *n = 1;
    return addr_parse_ip(v, "192.0.2.7", port);
}

static bool public_name_is_known(void)
{
    bool known = false;

    for (int i = 0; i < SIPPEER_MS && !known; i++) {
        struct buf b;

        buf_init(&b, 8192);
        known = !health_json(&b) && strstr(b.data, "\"address\":{\"state\":\"up\"");
        buf_reset(&b);
        (void)poll(NULL, 0, 1);
    }
    return known;
}

/* Each of the offer's candidates is one that we listen on, or public.address; the best first. */
TEST(the_offer_to_the_browser_names_where_we_are_reached)
{
    const char *options[] = {"public.address=gw.example", NULL};
    const char *first, *second;

    resolver_lookup = lookup_h;
    BOX(options);
    WANT(public_name_is_known());
    WANT(rings("", offer()));
    first = strstr(ring.text, "a=candidate:");
    WANT(first && strstr(first, " 192.0.2.7 ") && strstr(first, " 192.0.2.7 ") < strchr(first, '\r'));
    second = strstr(first + 1, "a=candidate:");
    WANT(second && strstr(second, " 127.0.0.1 ") && strstr(second, " 127.0.0.1 ") < strchr(second, '\r'));
    WANT(!strstr(second + 1, "a=candidate:")); /* the machine's others are not bound */
    ends_close();
}

TEST(answered_call_carries_headers_and_leaves_one_cdr)
{
    char to[256];
    struct cdr cdr;

    BOX(NULL);
    WANT(rings("X-Genesys-CallUUID: 00IN\r\nP-Asserted-Identity: <sip:1003@x>\r\nCall-Info: "
               "<sip:x>;answer-after=0\r\nX-Other: 1\r\n",
               offer()));
    WANT(strstr(sipmsg_hdr(&m, "To", to, sizeof(to)), ";tag="));
    WANT(sipmsg_has(&m, "Contact: <sip:5001@127.0.0.1:"));
    WANT(!strncmp(ring.text, "INVITE sip:5001@x1.invalid;transport=ws SIP/2.0", 46));
    WANT(strstr(sipmsg_hdr(&ring, "From", val, sizeof(val)), "\"Peer\" <sip:1003@127.0.0.1>;tag="));
    WANT(sipmsg_has(&ring, "X-Genesys-CallUUID: 00IN\r\n") &&
         sipmsg_has(&ring, "P-Asserted-Identity: <sip:1003@x>\r\n"));
    WANT(sipmsg_has(&ring, "Call-Info: <sip:x>;answer-after=0\r\n") && !sipmsg_has(&ring, "X-Other"));
    WANT(sipmsg_has(&ring, "UDP/TLS/RTP/SAVPF 111 0 8 110 126") && sipmsg_has(&ring, "a=setup:actpass"));
    WANT(sipmsg_has(&ring, "a=rtcp-mux") && sipmsg_has(&ring, "a=candidate:") &&
         sipmsg_has(&ring, "a=group:BUNDLE 0"));
    WANT(answers());
    WANT(!strcmp(to, sipmsg_hdr(&m, "To", val, sizeof(val))));
    WANT(sipmsg_has(&m, "RTP/AVP 0 101\r\n"));
    sipdlg_take(&dt, &m);
    sippeer_ack(&trunk.p, &dt, NULL);
    sippeer_request(&trunk.p, &dt, "BYE", "Reason: SIP;cause=200;text=\"Over\"\r\n", NULL, NULL);
    WANT(sippeer_expect(&trunk.p, &m, "200 BYE", 0));
    WANT(sippeer_expect(&agent.p, &m, "BYE", 0));
    WANT(sipmsg_has(&m, "text=\"Over\""));
    sippeer_reply(&agent.p, &m, 200, "OK", "", NULL);
    WANT(box_cdr(&box, 1, &cdr));
    WANT(cdr.code == 200 && cdr.hangup == CDR_TRUNK && cdr.direction == CDR_INBOUND);
    WANT(!strcmp(cdr.dn, "5001") && !strcmp(cdr.caller, "1003") && !strcmp(cdr.call_uuid, "00IN"));
    ends_close();
}

TEST(calls_that_cannot_ring_are_refused_and_recorded)
{
    static const struct {
        const char *dn;
        int code;
    } cases[] = {{"9999", 404}, {"5003", 404}, {"5002", 480}, {"bad%20dn", 404}};
    struct cdr cdr;
    char what[8];

    BOX(NULL);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void)snprintf(what, sizeof(what), "%d", cases[i].code);
        call(cases[i].dn, "", offer());
        WANT(sippeer_expect(&trunk.p, &m, what, 0));
        sippeer_ack_failure(&trunk.p, &dt, &m, ruri);
        WANT(box_cdr(&box, i + 1, &cdr));
        WANT(cdr.code == cases[i].code && cdr.hangup == CDR_GATEWAY);
    }
    call(
        "5001", "",
        "v=0\r\no=- 1 1 IN IP4 1.1.1.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 18\r\n");
    WANT(sippeer_expect(&trunk.p, &m, "488", 0));
    ends_close();
}

TEST(what_the_agent_says_reaches_the_trunk)
{
    static const int codes[] = {486, 480, 603};
    struct cdr cdr;
    char what[8];

    BOX(NULL);
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(what, sizeof(what), "%d", codes[i]);
        WANT(rings("", offer()));
        sippeer_reply(&agent.p, &ring, codes[i], "No", "Reason: SIP;cause=1;text=\"at lunch\"\r\n", NULL);
        WANT(sippeer_expect(&agent.p, &m, "ACK", 0));
        WANT(sippeer_expect(&trunk.p, &m, what, 0));
        WANT(sipmsg_has(&m, "text=\"at lunch\""));
        sippeer_ack_failure(&trunk.p, &dt, &m, ruri);
        WANT(box_cdr(&box, i + 1, &cdr));
        WANT(cdr.code == codes[i] && cdr.hangup == CDR_AGENT);
    }
    ends_close();
}

TEST(nobody_answers)
{
    const char *options[] = {"call.ring_seconds=5", NULL};
    struct cdr cdr;

    BOX(options);
    WANT(rings("", offer()));
    WANT(sippeer_expect(&trunk.p, &m, "480", 20000));
    WANT(sipmsg_has(&m, "Reason: SIP;cause=480"));
    WANT(sippeer_expect(&agent.p, &m, "CANCEL", 0));
    sippeer_reply(&agent.p, &m, 200, "OK", "", NULL);
    sippeer_reply(&agent.p, &ring, 487, "Request Terminated", "", NULL);
    WANT(sippeer_expect(&agent.p, &m, "ACK", 0));
    WANT(box_cdr(&box, 1, &cdr));
    WANT(cdr.code == 480 && cdr.hangup == CDR_GATEWAY);
    ends_close();
}

TEST(a_browser_that_says_nothing_at_all_lets_the_caller_go_on)
{
    struct cdr cdr;

    BOX(NULL);
    call("5001", "", offer());
    WANT(sippeer_expect(&agent.p, &ring, "INVITE", 0)); /* its laptop sleeps */
    WANT(sippeer_expect(&trunk.p, &m, "480", 20000));
    WANT(box_cdr(&box, 1, &cdr));
    WANT(cdr.code == 480 && cdr.hangup == CDR_GATEWAY && strstr(cdr.reason, "does not respond"));
    ends_close();
}

TEST(caller_gives_up)
{
    struct cdr cdr;

    BOX(NULL);
    WANT(rings("", offer()));
    sippeer_cancel(&trunk.p, &dt, ruri, "Reason: SIP;cause=200;text=\"Call completed elsewhere\"\r\n");
    WANT(sippeer_expect(&trunk.p, &m, "200 CANCEL", 0));
    WANT(sippeer_expect(&trunk.p, &m, "487 INVITE", 0));
    sippeer_ack_failure(&trunk.p, &dt, &m, ruri);
    WANT(sippeer_expect(&agent.p, &m, "CANCEL", 0));
    WANT(sipmsg_has(&m, "Call completed elsewhere"));
    sippeer_reply(&agent.p, &m, 200, "OK", "", NULL);
    sippeer_reply(&agent.p, &ring, 487, "Request Terminated", "", NULL);
    WANT(sippeer_expect(&agent.p, &m, "ACK", 0));
    WANT(box_cdr(&box, 1, &cdr));
    WANT(cdr.code == 487 && cdr.hangup == CDR_TRUNK);
    ends_close();
}

TEST(late_offer_is_answered_with_ours)
{
    BOX(NULL);
    WANT(rings("", NULL));
    WANT(answers());
    WANT(sipmsg_has(&m, "RTP/AVP 0 8 101"));
    sipdlg_take(&dt, &m);
    sippeer_ack(&trunk.p, &dt, offer());
    sippeer_request(&trunk.p, &dt, "BYE", "", NULL, NULL);
    WANT(sippeer_expect(&trunk.p, &m, "200 BYE", 0));
    ends_close();
}

/* A SIP Server of the old school: port 0 is its hold, also where the answer is in the ACK. */
TEST(port_0_is_a_hold)
{
    static const char held[] = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
                               "m=audio 0 RTP/AVP 0\r\n";

    BOX(NULL);
    WANT(rings("", offer()));
    WANT(answers());
    sipdlg_take(&dt, &m);
    sippeer_ack(&trunk.p, &dt, NULL);
    WANT(sippeer_caught_up(&trunk.p, &dt));
    sippeer_request(&trunk.p, &dt, "INVITE", "", "application/sdp", held);
    WANT(sippeer_expect(&trunk.p, &m, "200 INVITE", 0));
    WANT(sipmsg_has(&m, "m=audio 0 RTP/AVP 0\r\n") && sipmsg_has(&m, "a=inactive"));
    sippeer_ack(&trunk.p, &dt, NULL);
    WANT(sippeer_caught_up(&trunk.p, &dt));
    sippeer_request(&trunk.p, &dt, "INVITE", "", NULL, NULL);
    WANT(sippeer_expect(&trunk.p, &m, "200 INVITE", 0) && sipmsg_has(&m, "RTP/AVP 0 8 101"));
    sippeer_ack(&trunk.p, &dt, held);
    WANT(sippeer_caught_up(&trunk.p, &dt));
    WANT(sippeer_hears_no(&trunk.p, "BYE", 300));
    sippeer_request(&trunk.p, &dt, "INVITE", "", "application/sdp", offer());
    WANT(sippeer_expect(&trunk.p, &m, "200 INVITE", 0) && sipmsg_has(&m, "a=sendrecv"));
    sippeer_ack(&trunk.p, &dt, NULL);
    sippeer_request(&trunk.p, &dt, "BYE", "", NULL, NULL);
    WANT(sippeer_expect(&trunk.p, &m, "200 BYE", 0));
    ends_close();
}

TEST(another_invite_before_the_answer_and_a_late_ack)
{
    struct sipdlg again;

    BOX(NULL);
    WANT(rings("", offer()));
    again = dt;
    sipdlg_take(&dt, &m);
    sippeer_request(&trunk.p, &dt, "INVITE", "", "application/sdp", offer());
    WANT(sippeer_expect(&trunk.p, &m, "500 INVITE",
                        0)); /* not before the answer to the first: RFC 3261 14.2 */
    WANT(sipmsg_has(&m, "Retry-After"));
    dt.invite_cseq = again.invite_cseq;
    WANT(answers());
    WANT(sippeer_expect(&trunk.p, &m, "200 INVITE", 0)); /* no ACK: said again */
    sippeer_ack(&trunk.p, &dt, NULL);
    WANT(sippeer_caught_up(&trunk.p, &dt));
    WANT(sippeer_hears_no(&trunk.p, "200 INVITE", 1500));
    ends_close();
}

TEST(browser_gone_while_ringing)
{
    static const char *const options[] = {"call.rebind_seconds=0", NULL}; /* else it is waited for */
    struct cdr cdr;

    BOX(options);
    WANT(rings("", offer()));
    wsagent_close(&agent);
    WANT(sippeer_expect(&trunk.p, &m, "480", 0));
    WANT(box_cdr(&box, 1, &cdr));
    WANT(cdr.code == 480);
    ends_close();
}

TEST(required_extensions_we_lack_are_named)
{
    BOX(NULL);
    call("5001", "Require: sec-agree\r\n", offer());
    WANT(sippeer_expect(&trunk.p, &m, "420", 0));
    WANT(sipmsg_has(&m, "Unsupported: sec-agree"));
    sippeer_ack_failure(&trunk.p, &dt, &m, ruri);
    call("5001", "Require: timer\r\nProxy-Require: sec-agree\r\nRequire: a, b\r\n", offer());
    WANT(sippeer_expect(&trunk.p, &m, "420", 0));
    WANT(sipmsg_has(&m, "Unsupported: a, b, sec-agree\r\n"));
    sippeer_ack_failure(&trunk.p, &dt, &m, ruri);
    /* within a dialog, too, and the call goes on */
    WANT(rings("", offer()));
    WANT(answers());
    sipdlg_take(&dt, &m);
    sippeer_ack(&trunk.p, &dt, NULL);
    sippeer_request(&trunk.p, &dt, "INVITE", "Require: gruu\r\n", "application/sdp", offer());
    WANT(sippeer_expect(&trunk.p, &m, "420 INVITE", 0) && sipmsg_has(&m, "Unsupported: gruu\r\n"));
    sippeer_request(&agent.p, &da, "INFO", "Require: what\r\n", NULL, NULL);
    WANT(sippeer_expect(&agent.p, &m, "420 INFO", 0) && sipmsg_has(&m, "Unsupported: what\r\n"));
    WANT(sippeer_caught_up(&trunk.p, &dt));
    ends_close();
}

/* An INVITE with these hops left, by this branch. */
static void comes_by(const char *id, const char *branch, unsigned hops)
{
    char text[1024];
    int n = snprintf(
        text, sizeof(text),
        "INVITE sip:5001@dngate SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bK%s\r\n"
        "Max-Forwards: %u\r\nFrom: <sip:1003@127.0.0.1>;tag=loop\r\nTo: <sip:5001@dngate>\r\n"
        "Call-ID: %s\r\nCSeq: 1 INVITE\r\nContact: <sip:1003@127.0.0.1:%u>\r\nContent-Length: 0\r\n\r\n",
        trunk.port, branch, hops, id, trunk.port);

    (void)trunk.p.send(&trunk.p, text, (size_t)n);
}

/* RFC 3261 8.2.2.2: the same request by another way; RFC 7332 4: one that has come too far. */
TEST(what_goes_in_circles_is_refused)
{
    BOX(NULL);
    comes_by("far", "1", 0);
    WANT(sippeer_expect(&trunk.p, &m, "483 INVITE", 0));
    comes_by("loop", "2", 70);
    WANT(sippeer_expect(&agent.p, &agent_req, "INVITE", 0));
    comes_by("loop", "3", 69);
    WANT(sippeer_expect(&trunk.p, &m, "482 INVITE", 0));
    WANT(sippeer_hears_no(&agent.p, "INVITE", 50));
    ends_close();
}
