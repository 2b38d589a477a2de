/* Who calls, whom, and in what words: header names, folded lines, another's connection; names and numbers of callers. */
#include "fake/box.h"
#include "sip/wsedge.h"
#include "testing.h"

static struct box box;
static struct fake_trunk trunk;
static struct wsagent agent;
static struct sipdlg da, dt; /* the dialogs as agent and trunk see them */
static struct sipmsg m, ring, invite;
static char sdp[2048], ruri[96];

static void open_box(void)
{
    CHECK_EQ_INT(fake_trunk_open(&trunk), 0);
    CHECK_EQ_INT(box_open(&box, NULL, &trunk, 1), 0);
    CHECK_EQ_INT(wsagent_open(&agent, box.stack, box.out, 1, "5001", "secret5001"), 0);
    CHECK_EQ_INT(wsagent_register(&agent), 200);
}

static void close_box(void)
{
    wsagent_close(&agent);
    box_close(&box);
    fake_trunk_close(&trunk);
}

#define BOX()                                                                                                \
    open_box();                                                                                              \
    CHECK_OR(!testing_failed, close_box(); return )
#define WANT(cond) CHECK_OR(cond, close_box(); return )

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
    BOX();
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
    close_box();
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

    BOX();
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
    close_box();
}
