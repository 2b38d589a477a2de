/* Who may speak, what a malformed message gets on each transport, streams, and the way to a browser whatever its Contact says. */
/* TSAN */
#include "metrics.h"
#include "rig.h"

#include "core/buf.h"
#include "core/metric.h"

#include <re.h>
#include <re-private/sip.h>

#define UNKNOWN_SOURCE "dngate_sip_dropped_total{reason=\"unknown_source\"}"

#define TO_HERE "To: <sip:5001@127.0.0.1>\r\n"
#define HEAD(method, transport, branch)                                                                      \
    method " sip:5001@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/" transport                                          \
           " 127.0.0.1:9;rport;branch=z9hG4bK" branch "\r\n"                                                 \
           "From: sip:1003@127.0.0.1;tag=a\r\n" TO_HERE "Call-ID: " branch "\r\n"
#define OPTIONS_UDP HEAD("OPTIONS", "UDP", "o1") "CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
#define OPTIONS_TCP HEAD("OPTIONS", "TCP", "o2") "CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"

/* A trunk on 127.0.0.1 that is not pinged; the sockets of the test stand for it. */
static bool rig_with_trunk(struct rig *rig)
{
    struct addr a;
    struct trunk_config c;

    addr_parse_ip(&a, "127.0.0.1", 5999);
    c = trunk_at("t", &a, 10, 0);
    return rig_start(rig) && rig_trunks(rig, &c, 1);
}

static bool answered(struct rig *rig, int fd, int status)
{
    char want[32];

    snprintf(want, sizeof(want), "SIP/2.0 %d ", status);
    CHECK_OR(sock_recv(rig, fd, RIG_WAIT_MS) > 0, return false);
    if (strncmp(rig->text, want, strlen(want)))
        testing_fail(__FILE__, __LINE__, "want %d, got %.60s", status, rig->text);
    return !strncmp(rig->text, want, strlen(want));
}

static int tcp_open(struct rig *rig, const char *ip)
{
    struct addr a;
    int fd = sock_open(SOCK_STREAM, ip, &a);

    CHECK_OR(fd >= 0 && !connect(fd, &rig->addr.u.sa, addr_len(&rig->addr)), return -1);
    return fd;
}

static void rig_tcp_send(int fd, const char *p, size_t n)
{
    CHECK_OR(send(fd, p, n, MSG_NOSIGNAL) == (ssize_t)n, return );
}

/* What we say of where a request came from, whatever it says itself (RFC 3261 18.2.1, RFC 3581 4). */
TEST(a_via_that_claims_where_it_came_from)
{
    static const struct {
        const char *via, *want; /* of the reply's, behind its sent-by, without blanks */
    } rows[] = {
        {"UDP 192.0.2.1:9;received=192.0.2.7;rport=7;branch=z9hG4bKv1", ";branch=z9hG4bKv1"},
        {"UDP 192.0.2.1:9;rport= ;branch=z9hG4bKv2", ";branch=z9hG4bKv2"},
        {"UDP 192.0.2.1:9;branch=z9hG4bKv3;RPORT = 7 ; Received=[::1]", ";branch=z9hG4bKv3"},
        {"UDP 192.0.2.1:9;x=\";received=a;b\";branch=z9hG4bKv4;rport",
         ";x=\";received=a;b\";branch=z9hG4bKv4"},
    };
    char text[512], mine[64], got[256];
    struct rig rig = {0};
    struct addr a;
    int trunk;

    CHECK(rig_with_trunk(&rig));
    trunk = sock_open(SOCK_DGRAM, "127.0.0.1", &a);
    (void)snprintf(mine, sizeof(mine), ";rport=%u;received=127.0.0.1", addr_port(&a));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t n = 0;
        const char *p;

        (void)snprintf(text, sizeof(text),
                       "OPTIONS sip:x@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/%s\r\nFrom: sip:1@h;tag=a\r\n" TO_HERE
                       "Call-ID: v%zu\r\nCSeq: 1 OPTIONS\r\n\r\n",
                       rows[i].via, i);
        rig_udp_send(&rig, trunk, text, strlen(text));
        if (!answered(&rig, trunk, 200))
            break;
        p = strstr(rig.text, "192.0.2.1:9");
        for (p = p ? p + 11 : ""; *p && *p != '\r' && n < sizeof(got) - 1; p++)
            if (*p != ' ')
                got[n++] = *p;
        got[n] = '\0';
        if (strncmp(got, rows[i].want, strlen(rows[i].want)) || strcmp(got + strlen(rows[i].want), mine))
            testing_fail(__FILE__, __LINE__, "row %zu: %s", i, got);
    }
    close(trunk);
    rig_stop(&rig);
}

TEST(another_version_of_sip_is_not_supported)
{
    static const char text[] = "\r\n\r\n" HEAD("OPTIONS", "UDP", "o9") "CSeq: 1 OPTIONS\r\n\r\n";
    char other[sizeof(text)];
    struct rig rig = {0};
    struct addr a;
    int trunk;

    memcpy(other, text, sizeof(text));
    *strchr(strstr(other, "SIP/2"), '2') = '7';
    CHECK(rig_with_trunk(&rig));
    trunk = sock_open(SOCK_DGRAM, "127.0.0.1", &a);
    rig_udp_send(&rig, trunk, other, strlen(other));
    if (answered(&rig, trunk, 505)) {
        rig_udp_send(&rig, trunk, text, strlen(text)); /* nor do empty lines before it hide a good one */
        (void)answered(&rig, trunk, 200);
    }
    close(trunk);
    rig_stop(&rig);
}

TEST(a_stranger_gets_nothing_on_udp)
{
    double before = metric_value(UNKNOWN_SOURCE);
    struct rig rig = {0};
    struct addr a;
    int stranger, trunk;

    CHECK(rig_with_trunk(&rig));
    stranger = sock_open(SOCK_DGRAM, "127.0.0.2", &a);
    trunk = sock_open(SOCK_DGRAM, "127.0.0.1", &a);
    rig_udp_send(&rig, stranger, OPTIONS_UDP, sizeof(OPTIONS_UDP) - 1);
    rig_udp_send(&rig, stranger, "rubbish", 7);
    rig_udp_send(&rig, trunk, OPTIONS_UDP, sizeof(OPTIONS_UDP) - 1);
    if (answered(&rig, trunk, 200)) {
        CHECK_OR(strstr(rig.text, "Allow: INVITE") && strstr(rig.text, "Accept: application/sdp"), ;);
        CHECK_OR(!sock_recv(&rig, stranger, 0), ;);
        CHECK_OR(metric_value(UNKNOWN_SOURCE) == before + 2, ;);
    }
    close(stranger);
    close(trunk);
    rig_stop(&rig);
}

TEST(a_stranger_is_hung_up_on_tcp)
{
    struct rig rig = {0};
    int fd;

    CHECK(rig_with_trunk(&rig));
    fd = tcp_open(&rig, "127.0.0.2");
    CHECK_OR(!sock_recv(&rig, fd, RIG_WAIT_MS), ;);
    close(fd);
    rig_stop(&rig);
}

static const struct {
    const char *text;
    int status; /* 0: silence */
} malformed[] = {
    {HEAD("OPTIONS", "UDP", "m1") "CSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n", 400},
    {HEAD("OPTIONS", "UDP", "m2") "CSeq: 1 OPTIONS\r\nContent-Length: 50\r\n\r\nx", 400},
    {HEAD("OPTIONS", "UDP", "m3") "CSeq: 1 OPTIONS\r\nContent-Length: -5\r\n\r\n", 400},
    {HEAD("OPTIONS", "UDP", "m4") "CSeq: 1 OPTIONS\r\nMax-Forwards: 300\r\nContent-Length: 0\r\n\r\n", 400},
    {"OPTIONS sip:a SIP/2.0\r\n folded\r\nVia: SIP/2.0/UDP 127.0.0.1:9;rport;branch=z9hG4bKm5\r\nFrom: "
     "<sip:a@h>;tag=a\r\n" TO_HERE "Call-ID: m5\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
     400},
#define FROM_TO(branch, from, to, more)                                                                      \
    "OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;rport;branch=z9hG4bK" branch "\r\nFrom: " from    \
    "\r\nTo: " to "\r\nCall-ID: " branch "\r\nCSeq: 1 OPTIONS\r\n" more "Content-Length: 0\r\n\r\n"
    {FROM_TO("m9", "<sip:>;tag=a", "<sip:b@h>", ""), 400},
    {FROM_TO("m10", "<sip:@h>;tag=a", "<sip:b@h>", ""), 400},
    {FROM_TO("m18", "<sip:a@>;tag=a", "<sip:b@h>", ""), 400},
    {FROM_TO("m11", "\"open <sip:a@h>;tag=a", "<sip:b@h>", ""), 400},
    {FROM_TO("m12", "<sip:a@h>;tag=a", "<sip:>", ""), 400},
    {FROM_TO("m13", "<tel:>;tag=a", "<sip:b@h>", ""), 400},
    {FROM_TO("m14", "<sip:a@h>;tag=a", "<sip:b@h>", "Content-Type: none\r\n"), 400},
    {FROM_TO("m15", "<sip:a@h>;tag=a", "<sip:b@h>", "Require: timer, foo\r\n"), 420},
    {FROM_TO("m16", "<sip:a@h>;tag=a", "<sip:b@h>", "Proxy-Require: foo\r\n"), 420},
    {FROM_TO("m17", "<sip:a@h>;tag=a", "<sip:b@h>", "Require: timer\r\n"), 200},
    {"OPTIONS : SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;rport;branch=z9hG4bKm6\r\nFrom: "
     "<sip:a@h>;tag=a\r\n" TO_HERE "Call-ID: m6\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
     400}, /* a request URI that libre cannot read */
    {HEAD("OPTIONS", "UDP", "m7") "Content-Length: 0\r\n\r\n", 0},
    {"OPTIONS sip:a SIP/2.0\r\n\r\n", 0},
    {"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKno\r\nFrom: <sip:a@h>;tag=a\r\n" TO_HERE
     "Call-ID: no\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
     0},
    {"\r\n\r\n", 0},
    {HEAD("ACK", "UDP", "m8") "CSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n", 0},
};

TEST(malformed_on_udp)
{
    struct rig rig = {0};
    struct addr a;
    int fd;

    CHECK(rig_with_trunk(&rig));
    fd = sock_open(SOCK_DGRAM, "127.0.0.1", &a);
    for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
        rig_udp_send(&rig, fd, malformed[i].text, strlen(malformed[i].text));
        if (malformed[i].status && !answered(&rig, fd, malformed[i].status))
            testing_fail(__FILE__, __LINE__, "row %zu", i);
    }
    /* the silent ones were silent, and it lives */
    rig_udp_send(&rig, fd, OPTIONS_UDP, sizeof(OPTIONS_UDP) - 1);
    CHECK_OR(answered(&rig, fd, 200) && strstr(rig.text, "Call-ID: o1"), ;);
    close(fd);
    rig_stop(&rig);
}

TEST(malformed_from_a_browser)
{
    struct rig rig = {0};

    CHECK(rig_start(&rig));
    ws_open(&rig, 1);
    for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
        ws_send(&rig, 1, "%s", malformed[i].text);
        if (malformed[i].status && !ws_expect(&rig, 1, malformed[i].status))
            testing_fail(__FILE__, __LINE__, "row %zu", i);
        if (!strcmp(malformed[i].text, "\r\n\r\n"))
            CHECK_OR(ws_next(&rig, 1, NULL, RIG_WAIT_MS) && !strcmp(rig.text, "\r\n"), ;);
    }
    ws_send(&rig, 1, "%s", OPTIONS_UDP);
    ws_expect(&rig, 1, 200);
    ws_send(&rig, 1, "%s", HEAD("BOGUS", "WS", "b1") "CSeq: 1 BOGUS\r\n\r\n");
    ws_expect(&rig, 1, 501);
    ws_send(&rig, 1, "%s", HEAD("BYE", "WS", "b2") "CSeq: 1 BYE\r\n\r\n");
    ws_expect(&rig, 1, 481);
    ws_send(&rig, 1, "%s", HEAD("SUBSCRIBE", "WS", "b3") "CSeq: 1 SUBSCRIBE\r\nEvent: x\r\n\r\n");
    ws_expect(&rig, 1, 489);
    CHECK(strstr(rig.text, "\r\nAllow-Events: talk, hold, dtmf, beep, keep-alive\r\n")); /* RFC 6665 8.2.2 */
    ws_send(&rig, 1, "%s", HEAD("NOTIFY", "WS", "b5") "CSeq: 1 NOTIFY\r\nEvent: keep-alive\r\n\r\n");
    ws_expect(&rig, 1, 200);
    ws_send(&rig, 1, "%s", HEAD("NOTIFY", "WS", "b6") "CSeq: 1 NOTIFY\r\nEvent: keep-alive-x\r\n\r\n");
    ws_expect(&rig, 1, 481);
    ws_send(&rig, 1, "%s", HEAD("CANCEL", "WS", "b4") "CSeq: 1 CANCEL\r\n\r\n");
    ws_expect(&rig, 1, 481);
    rig_stop(&rig);
}

/* What the grammar allows is taken, whatever carries it; each must come back with its Via as it was. */
static const char *const forms[] = {
    /* RFC 3261 7.3.1 */
    "OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/UDP\r\n 127.0.0.1:9\r\n\t;rport;branch=z9hG4bKf1\r\nFrom: A\r\n "
    "B\r\n "
    "<sip:a@h>\r\n ;tag=a\r\nTo:\r\n <sip:b@h>\r\nCall-ID:\r\n f1\r\nCSeq: 1\r\n OPTIONS\r\nAllow: "
    "INVITE,\r\n "
    "ACK,\r\n\tBYE\r\nContact:\r\n <sip:a@h>\r\nContent-Length:\r\n 0\r\n\r\n",
    "OPTIONS sip:a SIP/2.0\r\nv : sip / 2.0 / tls-sctp 127.0.0.1 : 9 ; RPORT ; BRANCH = z9hG4bKf2\r\nf\t: "
    "sip:a@h;tag=a\r\nt: sip:b@h\r\ni: f2\r\ncseq: 1 OPTIONS\r\nl: 0\r\n\r\n",
    "OPTIONS sip:a SIP/2.0\r\nMs-Client-Diagnostics: 1\r\nVia: SIP/2.0/udp "
    "127.0.0.1:9;rport;branch=z9hG4bKf3\r\n"
    "From: <tel:+4930>;tag=a\r\nTo: <tel:5001>\r\nCall-ID: f3\r\nDC-Info: x y\r\nCSeq: 1 OPTIONS\r\n"
    "Aufq: x\r\nAerk: x\r\nAdnk: x\r\nAael: x y\r\nAhwb: x\r\nAbfz: -1\r\nAgda: x\r\nAump: x\r\nAaov: x\r\n"
    "Content-Length: 0\r\n\r\n",
};

static void check_form(struct rig *rig, size_t i)
{
    char callid[32], branch[32];

    snprintf(callid, sizeof(callid), ": f%zu\r\n", i + 1);
    snprintf(branch, sizeof(branch), "z9hG4bKf%zu", i + 1);
    if (!strstr(rig->text, callid) || !strstr(rig->text, branch))
        testing_fail(__FILE__, __LINE__, "row %zu: %s", i, rig->text);
}

TEST(what_the_grammar_allows)
{
    for (int carrier = SIP_DATAGRAM; carrier <= SIP_WEBSOCKET; carrier++) {
        struct rig rig = {0};
        struct addr a;
        int udp, tcp;

        CHECK(rig_with_trunk(&rig));
        udp = sock_open(SOCK_DGRAM, "127.0.0.1", &a);
        tcp = tcp_open(&rig, "127.0.0.1");
        ws_open(&rig, 1);
        for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
            if (carrier == SIP_DATAGRAM)
                rig_udp_send(&rig, udp, forms[i], strlen(forms[i]));
            for (const char *p = forms[i]; carrier == SIP_STREAM && *p; p++)
                rig_tcp_send(tcp, p, 1);
            if (carrier == SIP_WEBSOCKET)
                ws_send(&rig, 1, "%s", forms[i]);
            if (carrier == SIP_WEBSOCKET ? ws_expect(&rig, 1, 200)
                                         : answered(&rig, carrier == SIP_STREAM ? tcp : udp, 200))
                check_form(&rig, i);
        }
        close(udp);
        close(tcp);
        rig_stop(&rig);
    }
}

TEST(messages_of_a_stream)
{
    static const char two[] =
        OPTIONS_TCP "\r\n\r\n" HEAD("OPTIONS", "TCP", "o3") "CSeq: 2 OPTIONS\r\nl: 3\r\n\r\nabc";
    struct rig rig = {0};
    int fd;

    CHECK(rig_with_trunk(&rig));
    fd = tcp_open(&rig, "127.0.0.1");
    for (size_t i = 0; i < sizeof(OPTIONS_TCP) - 1; i++) /* byte by byte */
        rig_tcp_send(fd, &two[i], 1);
    CHECK_OR(answered(&rig, fd, 200) && strstr(rig.text, "Call-ID: o2"), ;);
    rig_tcp_send(fd, two + sizeof(OPTIONS_TCP) - 1, 4);
    CHECK_OR(sock_recv(&rig, fd, RIG_WAIT_MS) == 2 && !strcmp(rig.text, "\r\n"), ;); /* pong */
    rig_tcp_send(fd, two + sizeof(OPTIONS_TCP) + 3, sizeof(two) - sizeof(OPTIONS_TCP) - 4);
    CHECK_OR(answered(&rig, fd, 200) && strstr(rig.text, "Call-ID: o3"), ;);
    close(fd);
    rig_stop(&rig);
}

TEST(a_bad_message_does_not_end_a_stream)
{
    static const char bad[] = HEAD("OPTIONS", "TCP", "c1") "CSeq: 1 BYE\r\nContent-Length: 0\r\n\r\n";
    static const char worse[] = HEAD("OPTIONS", "TCP", "c2") "Content-Length: 0\r\n\r\n";
    struct rig rig = {0};
    int fd;

    CHECK(rig_with_trunk(&rig));
    fd = tcp_open(&rig, "127.0.0.1");
    rig_tcp_send(fd, bad, sizeof(bad) - 1);
    CHECK_OR(answered(&rig, fd, 400) && strstr(rig.text, "400 CSeq Method Does Not Match"), ;);
    rig_tcp_send(fd, worse, sizeof(worse) - 1);
    rig_tcp_send(fd, OPTIONS_TCP, sizeof(OPTIONS_TCP) - 1);
    CHECK_OR(answered(&rig, fd, 200) && strstr(rig.text, "Call-ID: o2"), ;);
    close(fd);
    rig_stop(&rig);
}

static void hung_up_after(const char *text)
{
    struct rig rig = {0};
    int fd;

    CHECK(rig_with_trunk(&rig));
    fd = tcp_open(&rig, "127.0.0.1");
    rig_tcp_send(fd, text, strlen(text));
    CHECK_OR(!sock_recv(&rig, fd, RIG_WAIT_MS), ;);
    close(fd);
    rig_stop(&rig);
}

TEST(a_stream_that_cannot_be_cut_is_hung_up)
{
    hung_up_after(HEAD("OPTIONS", "TCP", "s1") "CSeq: 1 OPTIONS\r\n\r\n");
    hung_up_after(HEAD("OPTIONS", "TCP", "s2") "CSeq: 1 OPTIONS\r\nContent-Length: 99999\r\n\r\n");
    hung_up_after("GET / HTTP/1.1\r\n\r\n");
}

/* A byte now and then buys a message no time: it is cut at the time that it has, the connection's first as any other. */
TEST(a_message_that_trickles_is_cut_at_its_time)
{
    struct rig rig = {.message_ms = 400};

    CHECK(rig_with_trunk(&rig));
    for (int later = 0; later < 2; later++) {
        int fd = tcp_open(&rig, "127.0.0.1"), sent = 0;

        if (later) {
            rig_tcp_send(fd, OPTIONS_TCP, sizeof(OPTIONS_TCP) - 1);
            answered(&rig, fd, 200);
        }
        for (const char *p = OPTIONS_TCP; sent < 150 && send(fd, p + sent, 1, MSG_NOSIGNAL) == 1; sent++)
            poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1,
                 100); /* the trickle; the hang-up wakes it */
        CHECK_OR(sent > 0 && sent < 150, ;);
        close(fd);
    }
    rig_stop(&rig);
}

static _Atomic unsigned gone_conns;

static void gone_h(uint64_t conn, void *arg)
{
    (void)conn;
    (void)arg;
    gone_conns++;
}

static int gone_listen(struct sip_stack *st, struct rig *rig)
{
    return sip_ws_on_gone(st, gone_h, rig);
}

static void wait_for(void *arg)
{
    sem_wait(arg);
}

/* Signalling hangs for a while: web goes on, and no end of a connection is lost. */
TEST(the_end_of_a_connection_is_never_lost_and_never_waited_for)
{
    struct rig rig = {.extra_h = gone_listen};
    unsigned opened = 0;
    sem_t go, done;

    gone_conns = 0;
    CHECK(rig_start(&rig));
    sem_init(&go, 0, 0);
    sem_init(&done, 0, 0);
    for (uint64_t i = 1; i <= 2000; i++)
        opened += ws_open(&rig, i);
    ws_sync(&rig, 1);
    CHECK_EQ_INT(mbox_post(rig.jobs, &(struct rig_job){wait_for, &go, &done}), 0);
    while (ws_open(&rig, opened + 1))
        opened++;
    CHECK_OR(sip_ws_recv(rig.stack, 1, "x", 1) == ENOBUFS, ;); /* full */
    for (uint64_t i = 1; i <= opened; i++)
        sip_ws_closed(rig.stack, i);
    sem_post(&go);
    sem_wait(&done);
    for (int i = 0; i < RIG_WAIT_MS / 10 && gone_conns < opened; i++)
        poll(NULL, 0, 10);
    CHECK_OR(gone_conns == opened && opened > 2000, ;);
    sem_destroy(&go);
    sem_destroy(&done);
    rig_stop(&rig);
}

TEST(connections_from_one_address_are_limited)
{
    enum { LIMIT = 16 };
    struct rig rig = {0};
    int fd[LIMIT + 1];

    CHECK(rig_with_trunk(&rig));
    for (int i = 0; i <= LIMIT; i++)
        fd[i] = tcp_open(&rig, "127.0.0.1");
    CHECK_OR(!sock_recv(&rig, fd[LIMIT], RIG_WAIT_MS), ;);
    rig_tcp_send(fd[0], OPTIONS_TCP, sizeof(OPTIONS_TCP) - 1);
    answered(&rig, fd[0], 200);
    for (int i = 0; i <= LIMIT; i++)
        close(fd[i]);
    rig_stop(&rig);
}
