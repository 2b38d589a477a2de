/* Who calls, whom, and in what words: header names, folded lines, another's connection; names and numbers of callers. */
#include "fake/ends.h"
#include "sip/wsedge.h"
#include "testing.h"

static struct sipmsg ring;
static char ruri[96];

static const char *offer(void)
{
    static char text[1024];

    return fake_trunk_sdp(text, sizeof(text), 40000, "");
}

/* The trunk calls 5001; its browser rings. */
static bool rings(const char *hdrs)
{
    (void)snprintf(ruri, sizeof(ruri), "sip:5001@127.0.0.1:%u", box.sip_port);
    sippeer_invite(&trunk.p, &dt, ruri, hdrs, offer());
    if (!sippeer_expect(&agent.p, &ring, "INVITE", 0))
        return false;
    sipdlg_of_invite(&da, &agent.p, &ring);
    sippeer_reply(&agent.p, &ring, 180, "Ringing", "", NULL);
    return sippeer_expect(&trunk.p, &m, "180", 0);
}

static bool answers(const char *hdrs)
{
    sippeer_reply(&agent.p, &ring, 200, "OK", hdrs, wsagent_sdp(sdp, sizeof(sdp), "active", "sendrecv"));
    if (!sippeer_expect(&agent.p, &m, "ACK", 0) || !sippeer_expect(&trunk.p, &m, "200 INVITE", 0))
        return false;
    sipdlg_take(&dt, &m);
    sippeer_ack(&trunk.p, &dt, NULL);
    return true;
}

static bool trunk_hangs_up(const char *hdrs)
{
    sippeer_request(&trunk.p, &dt, "BYE", hdrs, NULL, NULL);
    if (!sippeer_expect(&trunk.p, &m, "200 BYE", 0) || !sippeer_expect(&agent.p, &m, "BYE", 0))
        return false;
    sippeer_reply(&agent.p, &m, 200, "OK", "", NULL);
    return true;
}

/* --- headers --- */

#define STRANGE                                                                                              \
    "Ms-Client-Diagnostics: 52085;reason=\"x\"\r\nDC-Info: a b\r\nAufq: x\r\nAerk: <x>\r\nAdnk: \"\r\n"      \
    "Acwn: <sip:nobody@192.0.2.1>\r\nAump: <sip:[2001:db8::1];lr>\r\nAaov: x\r\nAgda: x\r\nAjup: 1\r\n"      \
    "Subject: a\r\n b\r\nAllow: INVITE, ACK,\r\n\tBYE,\r\n  CANCEL\r\n"

TEST(strange_names_and_folded_lines_in_every_message)
{
    BOX(NULL);
    WANT(rings(STRANGE));
    WANT(answers(STRANGE));
    WANT(trunk_hangs_up(STRANGE "Reason: SIP;cause=200;\r\n text=\"Over\"\r\n"));
    WANT(sipmsg_has(&m, "Over"));
    sippeer_invite(&agent.p, &da, "sip:600@dngate", STRANGE,
                   wsagent_sdp(sdp, sizeof(sdp), "actpass", "sendrecv"));
    WANT(sippeer_expect(&trunk.p, &invite, "INVITE", 0));
    sipdlg_of_invite(&dt, &trunk.p, &invite);
    sippeer_reply(&trunk.p, &invite, 183, "Session Progress", STRANGE, offer());
    WANT(sippeer_expect(&agent.p, &m, "183", 0));
    sippeer_reply(&trunk.p, &invite, 200, "OK", STRANGE, offer());
    WANT(sippeer_expect(&trunk.p, &m, "ACK", 0) && sippeer_expect(&agent.p, &m, "200 INVITE", 0));
    sipdlg_take(&da, &m);
    sippeer_ack(&agent.p, &da, NULL);
    sippeer_request(&agent.p, &da, "BYE", STRANGE, NULL, NULL);
    WANT(sippeer_expect(&agent.p, &m, "200 BYE", 0) && sippeer_expect(&trunk.p, &m, "BYE", 0));
    sippeer_reply(&trunk.p, &m, 200, "OK", STRANGE, NULL);
    ends_close();
}

static int stranger_send(struct sippeer *p, const char *text, size_t len)
{
    (void)p;
    return sip_ws_recv(box.stack, 2, text, len);
}

TEST(only_the_browser_that_was_asked_answers)
{
    struct addr peer, local;
    struct sippeer other;

    BOX(NULL);
    (void)addr_parse_ip(&peer, "127.0.0.1", 40002);
    (void)addr_parse_ip(&local, "127.0.0.1", 8443);
    WANT(!sip_ws_open(box.stack, 2, &peer, &local));
    WANT(rings(""));
    other = agent.p;
    other.send = stranger_send;
    sippeer_reply(&other, &ring, 486, "Busy Here", "", NULL);
    sippeer_reply(&other, &ring, 200, "OK", "", wsagent_sdp(sdp, sizeof(sdp), "active", "sendrecv"));
    WANT(sippeer_hears_no(&trunk.p, "486", 300));
    WANT(answers(""));
    WANT(trunk_hangs_up(""));
    ends_close();
}

/* Two pages that make up the same names for all that identifies a call and its transactions. */
TEST(two_agents_who_say_the_same_do_not_disturb_each_other)
{
    static struct sipmsg invites[2];
    struct wsagent twin;
    struct sipdlg dlg[2];

    BOX(NULL);
    WANT(!wsagent_open(&twin, box.stack, box.out, 2, "5002", "secret5002"));
    agent.other = &twin;
    twin.other = &agent;
    WANT(wsagent_register(&twin) == 200);
    (void)snprintf(twin.p.host, sizeof(twin.p.host), "%s", agent.p.host);
    (void)snprintf(twin.p.tag, sizeof(twin.p.tag), "%s", agent.p.tag);
    sippeer_invite(&agent.p, &dlg[0], "sip:600@dngate", "",
                   wsagent_sdp(sdp, sizeof(sdp), "actpass", "sendrecv"));
    WANT(sippeer_expect(&trunk.p, &invites[0], "INVITE", 0));
    sippeer_reply(&trunk.p, &invites[0], 180, "Ringing", "", NULL);
    WANT(sippeer_expect(&agent.p, &m, "180", 0));
    sippeer_invite(&twin.p, &dlg[1], "sip:600@dngate", "",
                   wsagent_sdp(sdp, sizeof(sdp), "actpass", "sendrecv"));
    CHECK_STR(dlg[0].branch, dlg[1].branch);
    CHECK_STR(dlg[0].callid, dlg[1].callid);
    WANT(sippeer_expect(&trunk.p, &invites[1], "INVITE", 0));
    sippeer_reply(&trunk.p, &invites[1], 180, "Ringing", "", NULL);
    WANT(sippeer_expect(&twin.p, &m, "180", 0));
    WANT(strstr(sipmsg_hdr(&invites[1], "P-Asserted-Identity", val, sizeof(val)), "sip:5002@"));
    sippeer_cancel(&twin.p, &dlg[1], "sip:600@dngate", "");
    WANT(sippeer_expect(&twin.p, &m, "487 INVITE", 0));
    sippeer_ack_failure(&twin.p, &dlg[1], &m, "sip:600@dngate");
    WANT(sippeer_expect(&trunk.p, &m, "CANCEL", 0));
    WANT(strstr(sipmsg_hdr(&m, "From", val, sizeof(val)), "sip:5002@"));
    sippeer_reply(&trunk.p, &invites[0], 200, "OK", "", offer());
    WANT(sippeer_expect(&agent.p, &m, "200 INVITE", 0));
    sipdlg_take(&dlg[0], &m);
    sippeer_ack(&agent.p, &dlg[0], NULL);
    WANT(sippeer_expect(&trunk.p, &m, "ACK", 0));
    wsagent_close(&twin);
    ends_close();
}

/* --- who calls, whom --- */

static bool ends(const char *hdrs, struct cdr *cdr)
{
    static size_t n;

    n = !strcmp(cdr->id, "first") ? 1 : n + 1;
    return trunk_hangs_up(hdrs) && !sipmsg_has(&m, ":7001@") && box_cdr(&box, n, cdr);
}

TEST(the_agent_is_shown_who_calls_and_which_number)
{
    static const struct {
        const char *from, *to, *hdrs;
        const char *shown, *called, *caller, *name, *callee;
    } rows[] = {
        {"Bob the Builder <sip:7002@h.example>", NULL, "", "\"Bob the Builder\" <sip:7002@h.example>;tag=",
         "<sip:5001@127.0.0.1>", "7002", "Bob the Builder", "5001"},
        {"<tel:+49-30-123>", "<tel:+49-800-1>", "",
         "From: <sip:+4930123@127.0.0.1>;tag=", "<sip:+498001@127.0.0.1>", "+4930123", "", "+498001"},
        {"\"Q \\\"x\\\" \xe2\x80\xaeR\" <sip:%2B49@h>", "<sip:%2B498001@gw>", "",
         "\"Q \\\"x\\\" R\" <sip:+49@h>;tag=", "<sip:+498001@gw>", "+49", "Q \"x\" R", "+498001"},
        {"<sip:7002@h>", "<sip:5001@gw>",
         "P-Asserted-Identity: \"Doe, J.\" <sip:jd@x>, <tel:+4930>\r\nP-Called-Party-ID: <sip:800@gw2>\r\n",
         "\"Doe, J.\" <sip:+4930@h>;tag=", "<sip:800@gw2>", "+4930", "Doe, J.", "800"},
    };
    struct cdr cdr = {.id = "first"};

    BOX(NULL);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        trunk.p.from = rows[i].from;
        trunk.p.to = rows[i].to;
        WANT(rings(rows[i].hdrs));
        if (!sipmsg_has(&ring, rows[i].shown) || !sipmsg_has(&ring, "P-Called-Party-ID: ") ||
            !sipmsg_has(&ring, rows[i].called))
            testing_fail(__FILE__, __LINE__, "row %zu: %.600s", i, ring.text);
        WANT(answers(""));
        WANT(ends("", &cdr));
        if (strcmp(cdr.caller, rows[i].caller) || strcmp(cdr.caller_name, rows[i].name) ||
            strcmp(cdr.callee, rows[i].callee) || strcmp(cdr.dn, "5001"))
            testing_fail(__FILE__, __LINE__, "row %zu: %s %s %s %s", i, cdr.caller, cdr.caller_name,
                         cdr.callee, cdr.dn);
    }
    ends_close();
}

TEST(a_number_that_is_withheld_is_the_operators_alone)
{
    static const struct {
        const char *from, *hdrs, *caller;
    } rows[] = {
        {"\"Bob\" <sip:7001@h>", "Privacy: id\r\n", "7001"},
        {"\"Bob\" <sip:7001@h>", "Privacy: header; critical\r\nHistory-Info: <sip:7001@h>;index=1\r\n",
         "7001"},
        {"<sip:anonymous@anonymous.invalid>", "Privacy: id\r\nP-Asserted-Identity: \"Bob\" <sip:7001@x>\r\n",
         "7001"},
        {"\"Bob\" <sip:7001@h>",
         "Privacy: session\r\nCall-Info: <http://h/:7001@.png>;purpose=icon\r\nPrivacy:\r\n critical "
         ";\tID\r\n",
         "7001"},
        {"\"Anonymous\" <sip:anonymous@anonymous.invalid>", "", "anonymous"},
    };
    struct cdr cdr = {.id = "first"};

    BOX(NULL);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        trunk.p.from = rows[i].from;
        WANT(rings(rows[i].hdrs));
        if (!sipmsg_has(&ring, "\"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=") ||
            sipmsg_has(&ring, ":7001@") ||
            sipmsg_has(&ring, "\"Bob\"")) /* alone they may be in what is random */
            testing_fail(__FILE__, __LINE__, "row %zu: %.600s", i, ring.text);
        WANT(answers(""));
        WANT(ends("P-Asserted-Identity: <sip:7001@x>\r\n", &cdr));
        if (strcmp(cdr.caller, rows[i].caller))
            testing_fail(__FILE__, __LINE__, "row %zu: %s", i, cdr.caller);
    }
    ends_close();
}

TEST(a_request_uri_that_is_a_number_finds_its_dn)
{
    static const char *const uris[] = {"tel:5001", "tel:50-01;phone-context=+49", "sip:50.01@gw;user=phone",
                                       "sip:%35001@gw"};
    static const char *const others[] = {"urn:service:5001", "http://gw/5001", "soap.beep://5001:3002",
                                         "nobodyKnows:totally;opaque"};

    BOX(NULL);
    for (size_t i = 0; i < sizeof(uris) / sizeof(uris[0]); i++) {
        sippeer_invite(&trunk.p, &dt, uris[i], "", offer());
        WANT(sippeer_expect(&agent.p, &ring, "INVITE", 0));
        WANT(!strncmp(ring.text, "INVITE sip:5001@x1.invalid;", 27));
        sippeer_cancel(&trunk.p, &dt, uris[i], "");
        WANT(sippeer_expect(&trunk.p, &m, "487 INVITE", 0));
        sippeer_ack_failure(&trunk.p, &dt, &m, uris[i]);
    }
    trunk.p.to = "<sip:5001@gw>";
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        sippeer_invite(&trunk.p, &dt, others[i], "", offer());
        WANT(sippeer_expect(&trunk.p, &m, "416", 0));
        sippeer_ack_failure(&trunk.p, &dt, &m, others[i]);
    }
    ends_close();
}

static void dial_to(const char *uri, const char *hdrs)
{
    sippeer_invite(&agent.p, &da, uri, hdrs, wsagent_sdp(sdp, sizeof(sdp), "actpass", "sendrecv"));
}

/* JsSIP's `anonymous: true` (RFC 3323 4.1, RFC 3325 9). */
TEST(an_agent_may_withhold_his_number)
{
    struct cdr cdr;

    BOX(NULL);
    agent.p.from = "\"Anonymous\" <sip:anonymous@anonymous.invalid>";
    dial_to("sip:600@dngate", "P-Preferred-Identity: <sip:5002@dngate>\r\nPrivacy: id\r\n");
    WANT(sippeer_expect(&agent.p, &m, "403", 0));
    sippeer_ack_failure(&agent.p, &da, &m, "sip:600@dngate");
    for (int i = 0; i < 3; i++) {
        agent.p.from = i < 2 ? agent.p.from : NULL;
        dial_to("sip:600@dngate", i == 0   ? "P-Preferred-Identity: <sip:5001@dngate>\r\nPrivacy: id\r\n"
                                  : i == 1 ? ""
                                           : "Privacy: id\r\n");
        WANT(sippeer_expect(&trunk.p, &invite, "INVITE", 0));
        WANT(sipmsg_has(&invite, "From: \"Anonymous\" <sip:anonymous@anonymous.invalid>;tag="));
        WANT(strstr(sipmsg_hdr(&invite, "P-Asserted-Identity", val, sizeof(val)), "<sip:5001@127.0.0.1>"));
        WANT(!strcmp(sipmsg_hdr(&invite, "Privacy", val, sizeof(val)), "id"));
        sippeer_reply(&trunk.p, &invite, 486, "Busy Here", "", NULL);
        WANT(sippeer_expect(&agent.p, &m, "486", 0));
        sippeer_ack_failure(&agent.p, &da, &m, "sip:600@dngate");
        WANT(box_cdr(&box, (size_t)i + 1, &cdr));
        WANT(!strcmp(cdr.caller, "5001") && !strcmp(cdr.dn, "5001"));
    }
    ends_close();
}

TEST(a_dialled_number_is_escaped_on_the_wire_and_nowhere_else)
{
    static const struct {
        const char *uri, *ruri, *callee;
    } rows[] = {
        {"sip:%2B4930%23@dngate", "INVITE sip:+4930%23@127.0.0.1:", "+4930#"},
        {"tel:+49-30-1", "INVITE sip:+49301@127.0.0.1:", "+49301"},
        {"sip:*21*600%23@dngate", "INVITE sip:*21*600%23@127.0.0.1:", "*21*600#"},
    };
    struct cdr cdr;

    BOX(NULL);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        dial_to(rows[i].uri, "");
        WANT(sippeer_expect(&trunk.p, &invite, "INVITE", 0));
        if (strncmp(invite.text, rows[i].ruri, strlen(rows[i].ruri)))
            testing_fail(__FILE__, __LINE__, "row %zu: %.80s", i, invite.text);
        sippeer_reply(&trunk.p, &invite, 486, "Busy Here", "", NULL);
        WANT(sippeer_expect(&agent.p, &m, "486", 0));
        sippeer_ack_failure(&agent.p, &da, &m, rows[i].uri);
        WANT(box_cdr(&box, i + 1, &cdr));
        WANT(!strcmp(cdr.callee, rows[i].callee));
    }
    ends_close();
}
