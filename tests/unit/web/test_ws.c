/* SIP over WebSocket as a client sees it: handshake, messages, violations, floods. */
/* TSAN */
#include "rig.h"

TEST(ws_handshake_needs_subprotocol_and_origin)
{
    static const struct {
        int status;
        const char *origin, *protocol, *extra;
    } cases[] = {
        {101, "https://localhost", "sip", ""},
        {101, "https://LOCALHOST", "chat, sip", ""},
        {101, "https://pages.example:8443", "sip", ""},
        {400, "https://localhost", NULL, ""},
        {400, "https://localhost", "chat", ""},
        {101, NULL, "sip", ""}, /* no browser */
        {403, "null", "sip", ""},
        {403, "https://evil.example", "sip", ""},
        {403, "http://localhost", "sip", ""},
        {403, "https://localhost.evil.example", "sip", ""},
        {403, "https://localhost:1", "sip", ""},
        {403, "https://pages.example", "sip", ""},
    };
    char origin[64];
    struct answer a;
    struct client *c;

    server_prepare();
    snprintf(srv.cfg.origins, sizeof(srv.cfg.origins), "https://other.example, https://pages.example:8443/");
    CHECK(server_start());
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bool own = cases[i].origin && !strcasecmp(cases[i].origin, "https://localhost");

        snprintf(origin, sizeof(origin), "%s:%u", cases[i].origin ? cases[i].origin : "", srv.https);
        c = client_tls(srv.wss, 0); /* the page is from https.port, its WebSocket on wss.port */
        CHECK_EQ_INT(
            ws_ask(c, &a, srv.wss, own ? origin : cases[i].origin, cases[i].protocol, cases[i].extra),
            cases[i].status);
        if (a.status == 101) {
            CHECK(
                strstr(a.head, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n")); /* RFC 6455 1.3 */
            CHECK(strstr(a.head, "Sec-WebSocket-Protocol: sip\r\n"));
        }
        answer_free(&a);
        client_close(c);
    }
    CHECK_EQ_INT(ask_once("GET /ws HTTP/1.1\r\nHost: h\r\n\r\n"), 426);
    CHECK(sip_wait(&sip.closed, 4));
    CHECK_EQ_INT(sip.opened, 4);
    server_stop();
}

/* RFC 6455 4.1: only browsers send an Origin, and no page can leave it out. */
TEST(an_agent_that_is_no_browser_needs_no_origin_unless_it_is_required)
{
    struct answer a;
    struct client *c;

    WITH_SERVER;
    for (int i = 0; i < 4; i++) { /* live: as set at the moment of each handshake */
        bool required = i & 1;

        web_require_origin(srv.w, required);
        CHECK((c = client_tls(srv.https, 0)));
        CHECK_EQ_INT(ws_ask(c, &a, srv.https, NULL, "sip", ""), required ? 403 : 101);
        answer_free(&a);
        client_close(c);
        CHECK((c = client_tls(srv.https, 0)));
        CHECK_EQ_INT(ws_ask(c, &a, srv.https, "https://evil.example", "sip", ""), 403);
        answer_free(&a);
        client_close(c);
    }
    server_stop();
}

TEST(ws_messages_cross_in_both_directions)
{
    static char large[SIP_WS_FRAME_MAX];
    struct client *c;
    struct frame f;

    WITH_SERVER;
    CHECK((c = ws_open()));
    CHECK(ws_put(c, 0x81, true, "REGISTER", 8));
    CHECK(sip_wait(&sip.messages, 1));
    CHECK_MEM(sip.data, "REGISTER", sip.len);
    CHECK(ws_put(c, 0x02, true, "IN", 2)); /* binary, in three fragments with a ping between */
    CHECK(ws_put(c, 0x89, true, "p", 1));
    CHECK(ws_put(c, 0x00, true, "VI", 2));
    CHECK(ws_put(c, 0x80, true, "TE", 2));
    CHECK(sip_wait(&sip.messages, 2));
    CHECK_EQ_INT(sip.len, 6);
    CHECK_MEM(sip.data, "INVITE", 6);
    CHECK(ws_get(c, &f));
    CHECK_EQ_INT(f.opcode, 10);
    CHECK_STR(f.data, "p");
    free(f.data);
    memset(large, 'x', sizeof(large));
    CHECK(ws_put(c, 0x81, true, large, sizeof(large)));
    CHECK(sip_wait(&sip.messages, 3));
    CHECK_EQ_INT(sip.len, sizeof(large));
    sip_send(SIP_WS_SEND, "SIP/2.0 200 OK", 14, 0);
    CHECK(ws_get(c, &f));
    CHECK(f.fin && f.opcode == 1);
    CHECK_STR(f.data, "SIP/2.0 200 OK");
    free(f.data);
    sip_send(SIP_WS_SEND, large, 40000, 0);
    CHECK(ws_get(c, &f));
    CHECK_EQ_INT(f.len, 40000);
    free(f.data);
    sip_send(SIP_WS_SEND, "last", 4, 0);
    sip_send(SIP_WS_CLOSE, NULL, 0, 4003);
    CHECK(ws_get(c, &f)); /* what was sent before still arrives */
    CHECK_STR(f.data, "last");
    free(f.data);
    CHECK_EQ_INT(ws_close_code(c), 4003);
    CHECK(ws_put(c, 0x88, true, "\x0f\xa3", 2));
    CHECK(client_closed(c));
    client_close(c);
    CHECK(sip_wait(&sip.closed, 1));
    server_stop();
}

TEST(ws_violations_are_closed_with_their_code)
{
    static char large[SIP_WS_FRAME_MAX + 1];
    static const struct {
        int code;
        uint8_t first;
        bool masked;
        const char *data;
        size_t len;
    } cases[] = {
        {1002, 0x81, false, "x", 1},       /* unmasked */
        {1002, 0xc1, true, "x", 1},        /* reserved bit */
        {1002, 0x83, true, "x", 1},        /* reserved opcode */
        {1002, 0x80, true, "x", 1},        /* continues nothing */
        {1002, 0x09, true, "x", 1},        /* control frame in fragments */
        {1002, 0x89, true, large, 126},    /* long control frame */
        {1007, 0x81, true, "\xff\xfe", 2}, /* not UTF-8 */
        {1009, 0x81, true, large, sizeof(large)},
        {1002, 0x88, true, "\x03", 1},     /* half a code */
        {1002, 0x88, true, "\x03\xed", 2}, /* 1005 is not for the wire */
        {1000, 0x88, true, "", 0},
        {1001, 0x88, true, "\x03\xe9", 2},
    };

    WITH_SERVER;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct client *c = ws_open();

        CHECK(c);
        ws_put(c, cases[i].first, cases[i].masked, cases[i].data, cases[i].len);
        CHECK_EQ_INT(ws_close_code(c), cases[i].code);
        CHECK(client_closed(c));
        client_close(c);
    }
    CHECK_EQ_INT(sip.messages, 0);
    server_stop();
}

TEST(ws_backlog_and_busy_signalling)
{
    static char chunk[60000];
    struct client *c;

    WITH_SERVER;
    CHECK((c = ws_open()));
    memset(chunk, 'x', sizeof(chunk));
    for (int i = 0; i < 300; i++) /* 18 MB to a peer that does not read: sockets take some, then it is over */
        sip_send(SIP_WS_SEND, chunk, sizeof(chunk), 0);
    CHECK(sip_wait(&sip.closed, 1));
    client_close(c);
    CHECK((c = ws_open()));
    sip.recv_err = ENOBUFS;
    CHECK(ws_put(c, 0x81, true, "x", 1));
    CHECK_EQ_INT(ws_close_code(c), 1013);
    client_close(c);
    server_stop();
}

TEST(a_flood_of_ws_messages_ends_its_connection_only)
{
    struct client *c, *other;
    unsigned before;

    WITH_SERVER;
    CHECK((other = ws_open()));
    CHECK((c = ws_open()));
    for (int i = 0; i < 5000 && ws_put(c, 0x81, true, "flood", 5); i++)
        ;
    CHECK_EQ_INT(ws_close_code(c), 1008);
    CHECK(sip.messages >= 1000 && sip.messages < 4000);
    client_close(c);
    CHECK(sip_wait(&sip.closed, 1));
    before = sip.messages;
    CHECK(ws_put(other, 0x81, true, "mine", 4));
    CHECK(sip_wait(&sip.messages, before + 1));
    CHECK_MEM(sip.data, "mine", 4);
    client_close(other);
    server_stop();
}

TEST(a_flood_of_pings_ends_like_one_of_messages)
{
    struct client *c;
    struct frame f;
    unsigned pongs = 0;

    WITH_SERVER;
    CHECK((c = ws_open()));
    for (int i = 0; i < 5000 && ws_put(c, 0x89, true, "flood", 5); i++)
        ;
    while (ws_get(c, &f) && f.opcode == 10) {
        pongs++;
        free(f.data);
    }
    CHECK_EQ_INT(f.opcode, 8);
    CHECK_MEM(f.data, "\x03\xf0", 2); /* 1008 */
    free(f.data);
    CHECK(pongs >= 1000 && pongs < 4000);
    client_close(c);
    server_stop();
}

TEST(stopping_tells_websockets)
{
    struct client *c;

    WITH_SERVER;
    CHECK((c = ws_open()));
    server_stop();
    CHECK_EQ_INT(ws_close_code(c), 1001);
    client_close(c);
}

TEST(ws_that_does_not_answer_a_ping_is_ended)
{
    struct client *c;
    struct frame f;

    server_prepare();
    srv.cfg.ping_ms = 100;
    srv.cfg.pong_ms = 2500;
    CHECK(server_start());
    CHECK((c = ws_open()));
    for (int i = 0; i < 2; i++) {
        CHECK(ws_get(c, &f));
        CHECK_EQ_INT(f.opcode, 9);
        if (!i)
            CHECK(ws_put(c, 0x8a, true, f.data, f.len));
        free(f.data);
    }
    CHECK(client_closed(c));
    CHECK(sip_wait(&sip.closed, 1));
    client_close(c);
    server_stop();
}
