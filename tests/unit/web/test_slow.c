/* Peers that take their time to read: nothing is lost, nothing grows, nobody spins. */
/* TSAN */
#include "rig.h"
#include "core/table.h"
#include "web/conn.h"
#include "web/source.h"
#include "web/wsconn.h"
#include <time.h>

enum { PAIRS = 4, LONG = 16 * 16384 - 1500, PIECE = 4096, FRAME = 4000 };

/* An answer of LONG bytes that says which of many it is. */
static void long_h(const struct web_req *req, struct web_resp *resp, void *arg)
{
    static char filler[LONG];

    (void)arg;
    memset(filler, 'x', sizeof(filler));
    buf_puts(&resp->body, req->query);
    buf_write(&resp->body, filler, LONG - resp->body.len);
}

/* A server whose sockets take little, so that nearly every write of 16 kB is only begun. */
static bool slow_start(void)
{
    const int narrow = 4096;

    server_prepare();
    web_route("GET", "/healthz", long_h, NULL); /* the one that http.port answers, too */
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
    if (sources_alloc(&ws_web.sources, 0, 0) || table_alloc(&ws_web.ws_conns, 1) ||
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
        ws_drain(&ws_web);
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
