/* Peers that take their time to read: nothing is lost, nothing grows, nobody spins. */
/* TSAN */
/* SLOW */
#include "rig.h"
#include "core/budget.h"
#include "core/table.h"
#include "web/conn.h"
#include "web/source.h"
#include "web/ws.h"
#include "web/wssip.h"
#include <poll.h>
#include <time.h>

enum { PAIRS = 4, LONG = 16 * 16384 - 1500, SHORT = 20000, PIECE = 4096, FRAME = 4000 };

/* An answer of LONG bytes that says which of many it is. */
static void long_h(const struct web_req *req, struct web_resp *resp, void *arg)
{
    static char filler[LONG];

    (void)arg;
    memset(filler, 'x', sizeof(filler));
    buf_puts(&resp->body, req->query);
    buf_write(&resp->body, filler, (strcmp(req->query, "short") ? LONG : SHORT) - resp->body.len);
}

/* A server whose sockets take little, so that nearly every write of 16 kB is only begun. */
static bool slow_start(void)
{
    const int narrow = 4096;

    server_prepare();
    route_add("GET", "/healthz", long_h); /* the one that http.port answers, too */
    if (!server_start())
        return false;
    for (size_t i = 0; i < srv.w->listener_count; i++)
        setsockopt(srv.w->listeners[i].fd, SOL_SOCKET, SO_SNDBUF, &narrow, sizeof(narrow));
    client_rcvbuf = narrow;
    return true;
}

static void slow_stop(void)
{
    client_rcvbuf = 0;
    server_stop();
}

/* The largest page and the numbered answer by turns, all asked for at once. */
static bool ask_all(struct client *c)
{
    char req[200];
    bool ok = c != NULL;

    for (int i = 0; i < PAIRS && ok; i++) {
        snprintf(req, sizeof(req),
                 "GET /big HTTP/1.1\r\nHost: h\r\n\r\nGET /healthz?%d HTTP/1.1\r\nHost: h\r\n%s\r\n", i,
                 i == PAIRS - 1 ? "Connection: close\r\n" : "");
        ok = client_puts(c, req);
    }
    return ok;
}

/* Everything is full between the server and a peer that does not read: nothing more is sent. */
static void stalled(void)
{
    int64_t before = -1, now;

    while ((now = metric_get(&web_tx_bytes)) != before || !now) {
        before = now;
        usleep(200000);
    }
}

/* Reads what ask_all asked for in small pieces, then the end. http.port says 301 to pages. */
static bool all_arrive(struct client *c, int page_status)
{
    char number[12];
    struct answer a;
    bool ok = true;

    c->piece = PIECE;
    for (int i = 0; i < 2 * PAIRS && ok; i++) {
        snprintf(number, sizeof(number), "%dx", i / 2);
        ok = answer_read(c, &a, false) &&
             (i & 1 ? a.status == 200 && a.len == LONG && !strncmp(a.body, number, strlen(number))
                    : a.status == page_status);
        answer_free(&a);
    }
    return ok && client_closed(c) && !c->len;
}

static double cpu_s(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* A peer stops reading, then writes: the loop has bytes it cannot read yet and must sleep nevertheless. */
static void stops_reading(struct client *c, int page_status)
{
    double start;

    CHECK(ask_all(c));
    stalled();
    CHECK(client_puts(c, "G"));
    start = cpu_s();
    usleep(1000000);
    CHECK(cpu_s() - start < 0.3);
    CHECK(all_arrive(c, page_status));
}

TEST(a_peer_that_stops_reading_costs_nothing)
{
    struct client *c;

    CHECK(slow_start());
    stops_reading(c = client_plain(srv.http), 301);
    client_close(c);
    stops_reading(c = client_tls(srv.https, MBEDTLS_SSL_VERSION_TLS1_2), 200);
    client_close(c);
    stops_reading(c = client_tls(srv.https, MBEDTLS_SSL_VERSION_TLS1_3), 200);
    client_close(c);
    slow_stop();
}

TEST(connection_close_loses_nothing_of_a_slow_reader)
{
    struct client *c;

    CHECK(slow_start());
    for (int i = 0; i < 4; i++) {
        CHECK((c = i & 1 ? client_tls(srv.https, 0) : client_plain(srv.http)));
        CHECK(ask_all(c));
        CHECK(all_arrive(c, i & 1 ? 200 : 301));
        client_close(c);
    }
    slow_stop();
}

/* ---------------------------------------------------------------- who trickles */

enum { TRICKLE_MS = 40, TRICKLES = 500 /* far longer than any phase of the tests */ };

/* One byte after the other, each in time, until the server has had enough. True: it had. */
static bool cut_while_sending(struct client *c, const char *bytes, size_t n)
{
    struct timeval tv = {.tv_usec = TRICKLE_MS * 1000};

    setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
    for (size_t i = 0; i < TRICKLES; i++) {
        if (!client_send(c, bytes + i % n, 1))
            return true;
        while (client_read(c))
            ;
        if (c->eof)
            return true;
    }
    return false;
}

TEST(whoever_trickles_is_cut_at_the_time_of_the_phase)
{
    static const char hello[] = "\x16\x03\x01\x40\x00\x01\x00\x3f\xfc\x03\x03";
    struct client *c;
    size_t old;

    server_prepare();
    srv.cfg.head_ms = 1000;
    srv.cfg.body_ms = 700;
    CHECK(server_start());
    CHECK((c = client_plain(srv.https))); /* a handshake */
    CHECK(cut_while_sending(c, hello, sizeof(hello)));
    client_close(c);
    CHECK((c = client_plain(srv.http))); /* a head, the first … */
    CHECK(client_puts(c, "GET /healthz HTTP/1.1\r\nX: "));
    CHECK(cut_while_sending(c, "x", 1));
    client_close(c);
    CHECK((c = client_tls(srv.https, 0)));
    CHECK(client_puts(c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
    CHECK(client_read(c));
    old = c->len;
    CHECK(client_puts(c, "GET /2 HTTP/1.1\r\n")); /* … and another one */
    CHECK(cut_while_sending(c, "X: x\r\n", 6));
    CHECK(strstr(c->in + old - 1, "HTTP/1.1 408 "));
    client_close(c);
    CHECK((c = client_tls(srv.https, 0)));
    CHECK(client_puts(c, "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 900\r\n\r\n")); /* a body */
    CHECK(cut_while_sending(c, "x", 1));
    CHECK(strstr(c->in, "HTTP/1.1 408 "));
    client_close(c);
    server_stop();
}

TEST(a_websocket_message_that_trickles_is_cut)
{
    static const char ping[] = "\x89\x80\x01\x02\x03\x04"; /* between the fragments, each whole and in time */
    struct client *c;

    server_prepare();
    srv.cfg.message_ms = 700;
    CHECK(server_start());
    CHECK((c = ws_open())); /* one frame, long */
    CHECK(client_send(c, "\x81\xfe\x04\x00\x01\x02\x03\x04", 8));
    CHECK(cut_while_sending(c, "x", 1));
    client_close(c);
    CHECK((c = ws_open()));
    CHECK(ws_put(c, 0x01, true, "fragment", 8)); /* not the last one */
    CHECK(cut_while_sending(c, ping, sizeof(ping) - 1));
    CHECK(memmem(c->in, c->len, "the message takes too long", 26));
    client_close(c);
    CHECK((c = ws_open())); /* a frame's head */
    CHECK(cut_while_sending(c, "\x81\xfe", 2));
    client_close(c);
    CHECK_EQ_INT(sip.messages, 0);
    server_stop();
}

/* Of an answer that is read byte by byte; the time for it is counted from its length. */
TEST(whoever_reads_in_a_trickle_is_cut)
{
    int64_t before = metric_get(&web_drop_timeout);
    struct client *c;
    int read = 0;

    server_prepare();
    srv.cfg.send_ms = 300;
    route_add("GET", "/healthz", long_h);
    CHECK(server_start());
    for (size_t i = 0; i < srv.w->listener_count; i++)
        setsockopt(srv.w->listeners[i].fd, SOL_SOCKET, SO_SNDBUF, &(int){4096}, sizeof(int));
    client_rcvbuf = 4096;
    CHECK((c = client_plain(srv.http)));
    c->piece = 1;
    CHECK(client_puts(c, "GET /healthz?short HTTP/1.1\r\nHost: h\r\n\r\n"));
    for (; read < TRICKLES && metric_get(&web_drop_timeout) == before && client_read(c); read++)
        poll(NULL, 0, TRICKLE_MS);
    CHECK_EQ_INT(metric_get(&web_drop_timeout), before + 1);
    client_close(c);
    client_rcvbuf = 0;
    server_stop();
}

/* ---------------------------------------------------------------- after our Close */

/* Sends until nobody takes it; what the server has read of it. */
static int64_t shout(struct client *c)
{
    static char noise[16384];
    struct timeval tv = {.tv_usec = 300000};
    int64_t before = metric_get(&web_rx_bytes);

    setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
    for (int i = 0; i < 4096 && client_send(c, noise, sizeof(noise)); i++)
        ;
    return metric_get(&web_rx_bytes) - before;
}

TEST(after_our_close_a_websocket_is_read_no_more)
{
    static char large[SIP_WS_FRAME_MAX + 1];
    struct client *c;

    WITH_SERVER;
    CHECK((c = ws_open())); /* a flood: 1008 */
    for (int i = 0; i < 5000 && ws_put(c, 0x81, true, "flood", 5); i++)
        ;
    CHECK_EQ_INT(ws_close_code(c), 1008);
    CHECK(shout(c) <= 2 * 16384); /* what was read before the Close was seen here */
    client_close(c);
    CHECK((c = ws_open())); /* a violation: 1009 */
    CHECK(ws_put(c, 0x81, true, large, sizeof(large)));
    CHECK_EQ_INT(ws_close_code(c), 1009);
    CHECK(shout(c) <= 2 * 16384);
    client_close(c);
    CHECK((c = ws_open())); /* a Close of signalling's: the peer's is looked for, not for long */
    sip_send(SIP_WS_CLOSE, NULL, 0, 4001);
    CHECK_EQ_INT(ws_close_code(c), 4001);
    CHECK(shout(c) <= WS_SKIM_MAX + 2 * 16384);
    client_close(c);
    server_stop();
}

TEST(after_an_error_little_is_read)
{
    struct client *c;
    struct answer a;

    WITH_SERVER;
    CHECK((c = client_tls(srv.https, 0)));
    CHECK_EQ_INT(client_ask(c, &a, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999\r\n\r\n"), 413);
    answer_free(&a);
    CHECK(shout(c) <= CONN_LINGER_MAX + 2 * 16384);
    client_close(c);
    server_stop();
}

/* Strangers hold all that they may; who has signed in is served. */
TEST(an_agent_who_signed_in_needs_no_room_of_the_strangers)
{
    struct client *agent, *stranger;
    static char message[30000];
    size_t taken = 0;
    struct frame f;

    WITH_SERVER;
    CHECK((stranger = ws_open()));
    CHECK((agent = ws_open()));
    CHECK(sip_wait(&sip.opened, 2));
    sip_send(SIP_WS_KNOWN, NULL, 0, 0);
    sip_send(SIP_WS_SEND, "hello", 5, 0); /* it has been heard */
    CHECK(ws_get(agent, &f));
    free(f.data);
    while (budget_take(BUDGET_WEB, 0, 1024))
        taken += 1024;
    CHECK(ws_put(agent, 0x81, true, message, sizeof(message)));
    CHECK(sip_wait(&sip.messages, 1));
    CHECK_EQ_INT(sip.len, sizeof(message));
    CHECK(ws_put(stranger, 0x81, true, message, sizeof(message)));
    CHECK(client_closed(stranger)); /* there is no room for a word of farewell either */
    budget_give(BUDGET_WEB, taken);
    client_close(agent);
    client_close(stranger);
    server_stop();
}

/* ---------------------------------------------------------------- a WebSocket that is always behind */

static struct web ws_web;

static struct conn *ws_conn(void)
{
    static const char upgrade[] = "GET /ws HTTP/1.1\r\nHost: h\r\nOrigin: https://h\r\nUpgrade: websocket\r\n"
                                  "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                                  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: sip\r\n\r\n";
    struct addr lo;
    struct conn *c;

    memset(&ws_web, 0, sizeof(ws_web));
    ws_web.cfg = (struct web_config){.sip = (struct sip_stack *)&sip, .conns_max = 1};
    ws_web.ports[LISTEN_HTTPS] = 443;
    addr_parse_ip(&lo, "127.0.0.1", 0);
    web_routes_clear();
    if (wssip_register(&ws_web) || sources_alloc(&ws_web.sources, 0, 0) || table_alloc(&ws_web.ws_conns, 1) ||
        mbox_alloc(&ws_web.out, "web_out", sizeof(struct sip_ws_out), 16) ||
        conn_alloc(&c, &ws_web, LISTEN_HTTPS, &lo, &lo))
        return NULL;
    sip.out = ws_web.out;
    return conn_rx(c, (const uint8_t *)upgrade, sizeof(upgrade) - 1) && c->ws ? c : NULL;
}

TEST(a_websocket_that_is_always_behind_lives_on_in_little_memory)
{
    static char frame[FRAME];
    struct conn *c = ws_conn();
    const uint8_t *p;
    size_t frame_len = FRAME + 4, ahead, most = 0;

    CHECK(c);
    CHECK(conn_sent(c, conn_out(c, &p)));  /* 101 */
    for (unsigned i = 0; i < 10000; i++) { /* 40 MB, of which 200 kB are always still to be sent */
        memset(frame, 'a' + (int)(i % 26), sizeof(frame));
        sip_send(SIP_WS_SEND, frame, sizeof(frame), 0);
        wssip_drain(&ws_web);
        CHECK(!c->dead);
        most = c->out.cap > most ? c->out.cap : most;
        if (i < 50)
            continue;
        ahead = conn_out(c, &p);
        CHECK_EQ_INT(ahead, 51 * frame_len);
        CHECK_EQ_INT(p[0], 0x81);
        CHECK_EQ_INT(p[4], 'a' + (int)((i - 50) % 26));
        CHECK_EQ_INT(p[frame_len - 1], p[4]);
        CHECK(conn_sent(c, frame_len));
    }
    CHECK(most <= 4 * WS_OUT_MAX);
    conn_free(c);
    mbox_free(ws_web.out, NULL, NULL);
    table_free(ws_web.ws_conns);
    sources_free(ws_web.sources);
}
