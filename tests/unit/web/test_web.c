/* The web server as a client sees it: pages, routes, limits, TLS, certificate change, SIP over WebSocket. */
/* TSAN */
#include "testing.h"
#include "client.h"
#include "core/clock.h"
#include "core/guard.h"
#include "core/health.h"
#include "core/mbox.h"
#include "core/metric.h"
#include "crypto/cert.h"
#include "sip/wsedge.h"
#include "web/web.h"
#include "web/www.h"
#include <pthread.h>
#include <sys/stat.h>

/* ---------------------------------------------------------------- pages of our own, in place of the generated ones */

#define PAGE "<!doctype html><title>t</title>"
static const uint8_t page[] = PAGE, page_gz[] = "gzipped", page_br[] = "brotli!!";
static const uint8_t script[] = "1;";
static uint8_t big[200000];
const struct www_file www_files[] = {
    {"/index.html", "text/html; charset=utf-8", "\"abc\"", page, page_gz, page_br, sizeof(page) - 1, 7, 8, 0},
    {"/app-1234.js", "text/javascript", "\"def\"", script, NULL, NULL, 2, 0, 0, 1},
    {"/big", "application/octet-stream", "\"big\"", big, NULL, NULL, sizeof(big), 0, 0, 0},
};
const size_t www_file_count = 3;

/* ---------------------------------------------------------------- the signalling side, in place of sip/ */

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct mbox *out;
    uint64_t conn;
    unsigned opened, closed, messages;
    uint8_t data[SIP_WS_FRAME_MAX + 1];
    size_t len;
    int recv_err;
} sip = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

void sip_ws_attach(struct sip_stack *st, struct mbox *out)
{
    (void)st;
    sip.out = out;
}

static void sip_changed(void)
{
    pthread_cond_broadcast(&sip.changed);
    pthread_mutex_unlock(&sip.lock);
}

int sip_ws_open(struct sip_stack *st, uint64_t conn, const struct addr *peer, const struct addr *local)
{
    (void)st;
    pthread_mutex_lock(&sip.lock);
    sip.conn = addr_is_loopback(peer) && addr_is_loopback(local) ? conn : 0;
    sip.opened++;
    sip_changed();
    return 0;
}

int sip_ws_recv(struct sip_stack *st, uint64_t conn, const void *p, size_t len)
{
    (void)st;
    (void)conn;
    pthread_mutex_lock(&sip.lock);
    memcpy(sip.data, p, len);
    sip.len = len;
    sip.messages++;
    sip_changed();
    return sip.recv_err;
}

int sip_ws_closed(struct sip_stack *st, uint64_t conn)
{
    (void)st;
    (void)conn;
    pthread_mutex_lock(&sip.lock);
    sip.closed++;
    sip_changed();
    return 0;
}

/* Waits until *counter reaches n. */
static bool sip_wait(const unsigned *counter, unsigned n)
{
    struct timespec until;
    int err = 0;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 5;
    pthread_mutex_lock(&sip.lock);
    while (*counter < n && !err)
        err = pthread_cond_timedwait(&sip.changed, &sip.lock, &until);
    pthread_mutex_unlock(&sip.lock);
    return !err;
}

static void sip_send(enum sip_ws_out_type type, const char *data, size_t len, uint16_t code)
{
    struct sip_ws_out o = {.type = type, .conn = sip.conn, .len = len, .code = code};

    if (len) {
        o.data = malloc(len);
        memcpy(o.data, data, len);
    }
    snprintf(o.reason, sizeof(o.reason), "%s", code ? "replaced" : "");
    if (mbox_post(sip.out, &o))
        free(o.data);
}

/* ---------------------------------------------------------------- a server per test */

static struct {
    struct web *w;
    struct web_config cfg;
    char dir[64], why[256];
    uint16_t https, wss, http;
} srv;

static bool server_start(void)
{
    int err;

    err = web_start(&srv.w, &srv.cfg, srv.why, sizeof(srv.why));
    if (err) {
        testing_fail(__FILE__, __LINE__, "web_start: %s", srv.why);
        return false;
    }
    srv.https = web_port(srv.w, "https");
    srv.wss = web_port(srv.w, "wss");
    srv.http = web_port(srv.w, "http");
    return true;
}

static void server_prepare(void)
{
    memset(&srv, 0, sizeof(srv));
    snprintf(srv.dir, sizeof(srv.dir), "/tmp/dngate-test-XXXXXX");
    if (!mkdtemp(srv.dir))
        abort();
    addr_parse_ip(&srv.cfg.bind[0], "127.0.0.1", 0);
    srv.cfg.bind_count = 1;
    srv.cfg.http_on = srv.cfg.https_on = srv.cfg.wss_on = true;
    snprintf(srv.cfg.cert, sizeof(srv.cfg.cert), "%s/cert.pem", srv.dir);
    snprintf(srv.cfg.key, sizeof(srv.cfg.key), "%s/key.pem", srv.dir);
    srv.cfg.sip = (struct sip_stack *)&sip;
    srv.cfg.body_max = 1000;
    sip.recv_err = 0;
    sip.opened = sip.closed = sip.messages = 0;
    if (cert_make(srv.cfg.cert, srv.cfg.key, "localhost,127.0.0.1"))
        abort();
    web_routes_clear();
}

static void server_stop(void)
{
    web_stop(srv.w);
    web_free(srv.w);
    srv.w = NULL;
    unlink(srv.cfg.cert);
    unlink(srv.cfg.key);
    rmdir(srv.dir);
}

static int get(struct client *c, struct answer *a, const char *path, const char *headers)
{
    char req[2048];

    snprintf(req, sizeof(req), "GET %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n", path, headers);
    return client_ask(c, a, req);
}

/* One request on a connection of its own; the status. */
static int ask_once(const char *request)
{
    struct client *c = client_tls(srv.https, 0);
    struct answer a = {0};
    int status = client_ask(c, &a, request);

    answer_free(&a);
    client_close(c);
    return status;
}

static struct client *ws_open(void)
{
    struct client *c = client_tls(srv.https, 0);
    struct answer a = {0};
    char origin[64];
    int status;

    snprintf(origin, sizeof(origin), "https://localhost:%u", srv.https);
    status = ws_ask(c, &a, srv.https, origin, "sip", "");
    answer_free(&a);
    if (status != 101) {
        client_close(c);
        return NULL;
    }
    return c;
}

static bool shown_certificate(uint8_t out[32])
{
    struct client *c = client_tls(srv.https, 0);

    if (!c)
        return false;
    client_fingerprint(c, out);
    client_close(c);
    return true;
}

static bool file_write(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    bool ok = f && fputs(text, f) >= 0;

    if (f)
        fclose(f);
    return ok;
}

#define WITH_SERVER                                                                                          \
    server_prepare();                                                                                        \
    if (!server_start())                                                                                     \
    return

/* ---------------------------------------------------------------- pages */

TEST(a_page_comes_with_its_headers)
{
    struct client *c;
    struct answer a;
    char text[1024];

    WITH_SERVER;
    c = client_tls(srv.https, 0);
    CHECK_EQ_INT(get(c, &a, "/", ""), 200);
    CHECK_EQ_INT(a.len, sizeof(PAGE) - 1);
    CHECK_MEM(a.body, PAGE, a.len);
    CHECK_STR(answer_header(&a, "Content-Type", text, sizeof(text)), "text/html; charset=utf-8");
    CHECK_STR(answer_header(&a, "ETag", text, sizeof(text)), "\"abc\"");
    CHECK_STR(answer_header(&a, "Cache-Control", text, sizeof(text)), "no-cache");
    CHECK_STR(answer_header(&a, "Vary", text, sizeof(text)), "Accept-Encoding");
    CHECK_STR(answer_header(&a, "X-Content-Type-Options", text, sizeof(text)), "nosniff");
    CHECK_STR(answer_header(&a, "X-Frame-Options", text, sizeof(text)), "DENY");
    CHECK(strstr(answer_header(&a, "Strict-Transport-Security", text, sizeof(text)), "max-age="));
    CHECK(strlen(answer_header(&a, "Referrer-Policy", text, sizeof(text))));
    CHECK(strstr(answer_header(&a, "Permissions-Policy", text, sizeof(text)), "microphone=(self)"));
    answer_header(&a, "Content-Security-Policy", text, sizeof(text));
    CHECK(strstr(text, "default-src 'none'") && strstr(text, "frame-ancestors 'none'") &&
          !strstr(text, "unsafe"));
    CHECK(strstr(text, "wss://localhost:*"));
    answer_free(&a);
    CHECK_EQ_INT(get(c, &a, "/app-1234.js", ""), 200); /* the same connection */
    CHECK(strstr(answer_header(&a, "Cache-Control", text, sizeof(text)), "immutable"));
    answer_free(&a);
    client_close(c);
    server_stop();
}

TEST(codings_and_conditions)
{
    struct client *c;
    struct answer a;
    char text[128];

    WITH_SERVER;
    c = client_tls(srv.https, 0);
    CHECK_EQ_INT(get(c, &a, "/", "Accept-Encoding: gzip, deflate, br\r\n"), 200);
    CHECK_STR(a.body, "brotli!!");
    CHECK_STR(answer_header(&a, "Content-Encoding", text, sizeof(text)), "br");
    CHECK_STR(answer_header(&a, "ETag", text, sizeof(text)), "\"abc-br\"");
    answer_free(&a);
    CHECK_EQ_INT(get(c, &a, "/", "Accept-Encoding: br;q=0, gzip;q=0.5\r\n"), 200);
    CHECK_STR(a.body, "gzipped");
    answer_free(&a);
    CHECK_EQ_INT(get(c, &a, "/", "Accept-Encoding: identity\r\n"), 200);
    CHECK_STR(a.body, PAGE);
    answer_free(&a);
    CHECK_EQ_INT(get(c, &a, "/", "If-None-Match: \"x\", W/\"abc\"\r\n"), 304);
    CHECK_EQ_INT(a.len, 0);
    answer_free(&a);
    CHECK_EQ_INT(get(c, &a, "/", "If-None-Match: \"other\"\r\n"), 200);
    answer_free(&a);
    CHECK_EQ_INT(client_ask(c, &a, "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
    CHECK_STR(answer_header(&a, "Content-Length", text, sizeof(text)), "31");
    answer_free(&a);
    CHECK_EQ_INT(get(c, &a, "/big", ""), 200); /* HEAD sent no body, else this would not parse */
    CHECK_EQ_INT(a.len, sizeof(big));
    answer_free(&a);
    client_close(c);
    server_stop();
}

TEST(tls_12_and_13_on_both_ports_and_nothing_older)
{
    struct client *c;
    struct answer a;

    WITH_SERVER;
    c = client_tls(srv.https, MBEDTLS_SSL_VERSION_TLS1_2);
    CHECK(c && !strcmp(mbedtls_ssl_get_version(&c->ssl), "TLSv1.2"));
    CHECK_EQ_INT(get(c, &a, "/", ""), 200);
    answer_free(&a);
    client_close(c);
    c = client_tls(srv.wss, MBEDTLS_SSL_VERSION_TLS1_3);
    CHECK(c && !strcmp(mbedtls_ssl_get_version(&c->ssl), "TLSv1.3"));
    CHECK_EQ_INT(get(c, &a, "/", ""), 200);
    answer_free(&a);
    client_close(c);
    server_stop();
}

TEST(tls_12_with_authenticated_encryption_only)
{
    static const int cbc[] = {MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256,
                              MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA, 0},
                     gcm[] = {MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, 0};
    struct client *c;

    WITH_SERVER;
    client_suites = cbc;
    CHECK(!client_tls(srv.https, MBEDTLS_SSL_VERSION_TLS1_2));
    client_suites = gcm;
    CHECK((c = client_tls(srv.https, MBEDTLS_SSL_VERSION_TLS1_2)));
    client_close(c);
    client_suites = NULL;
    server_stop();
}

TEST(http_redirects_to_https)
{
    struct client *c;
    struct answer a;
    char text[200], want[200];

    WITH_SERVER;
    c = client_plain(srv.http);
    CHECK_EQ_INT(client_ask(c, &a, "GET /x/y?q=1 HTTP/1.1\r\nHost: gw.example:8080\r\n\r\n"), 301);
    snprintf(want, sizeof(want), "https://gw.example:%u/x/y?q=1", srv.https);
    CHECK_STR(answer_header(&a, "Location", text, sizeof(text)), want);
    CHECK_STR(answer_header(&a, "Strict-Transport-Security", text, sizeof(text)), "");
    answer_free(&a);
    CHECK_EQ_INT(client_ask(c, &a, "POST / HTTP/1.1\r\nHost: [::1]\r\nContent-Length: 1\r\n\r\nx"), 308);
    snprintf(want, sizeof(want), "https://[::1]:%u/", srv.https);
    CHECK_STR(answer_header(&a, "Location", text, sizeof(text)), want);
    answer_free(&a);
    CHECK_EQ_INT(client_ask(c, &a, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"),
                 404); /* not redirected; no route here */
    answer_free(&a);
    client_close(c);
    c = client_plain(srv.http);
    CHECK_EQ_INT(client_ask(c, &a, "GET / HTTP/1.1\r\nHost: a\"><b\r\n\r\n"), 400);
    answer_free(&a);
    client_close(c);
    server_stop();
}

/* ---------------------------------------------------------------- requests */

static void echo_h(const struct web_req *req, struct web_resp *resp, void *arg)
{
    (void)arg;
    resp->content_type = "text/plain";
    buf_printf(&resp->body, "%s %s?%s [%.*s] %s", req->method, req->path, req->query, (int)req->body_len,
               (const char *)req->body, req->authorization);
}

static void slow_h(const struct web_req *req, struct web_resp *resp, void *arg)
{
    (void)req;
    (void)arg;
    web_problem(resp, 401, "Unauthorized", "not \"%s\"", "you");
    resp->delay_ms = 300;
}

TEST(routes_bodies_and_problems)
{
    struct client *c;
    struct answer a;
    char text[100];
    uint64_t start;

    server_prepare();
    web_route("GET", "/api/x*", echo_h, NULL);
    web_route("POST", "/api/xy", echo_h, NULL);
    web_route("POST", "/api/slow", slow_h, NULL);
    CHECK(server_start());
    c = client_tls(srv.https, 0);
    CHECK_EQ_INT(get(c, &a, "/api/x%41?q=%20", "Authorization: Bearer t\r\n"), 200);
    CHECK_STR(a.body, "GET /api/xA?q=%20 [] Bearer t");
    answer_free(&a);
    CHECK_EQ_INT(client_ask(c, &a, "POST /api/xy HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello"),
                 200);
    CHECK_STR(a.body, "POST /api/xy? [hello] ");
    answer_free(&a);
    CHECK_EQ_INT(get(c, &a, "/api/xy", ""), 405); /* the longer pattern is the one that counts */
    CHECK_STR(answer_header(&a, "Allow", text, sizeof(text)), "POST");
    CHECK_STR(answer_header(&a, "Content-Type", text, sizeof(text)), "application/problem+json");
    CHECK(strstr(a.body, "\"status\":405"));
    answer_free(&a);
    CHECK_EQ_INT(get(c, &a, "/api/none", ""), 404);
    CHECK_STR(answer_header(&a, "Content-Type", text, sizeof(text)), "application/problem+json");
    answer_free(&a);
    CHECK_EQ_INT(client_ask(c, &a, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"), 405);
    CHECK_STR(answer_header(&a, "Allow", text, sizeof(text)), "GET, HEAD");
    answer_free(&a);
    CHECK_EQ_INT(get(c, &a, "/none", "Accept: text/html\r\n"), 404);
    CHECK(strstr(a.body, "<h1>Not Found</h1>"));
    answer_free(&a);
    start = clock_ms();
    CHECK_EQ_INT(client_ask(c, &a, "POST /api/slow HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}"), 401);
    CHECK(clock_ms() - start >= 300);
    CHECK(strstr(a.body, "not \\\"you\\\""));
    answer_free(&a);
    client_close(c);
    server_stop();
}

TEST(pipelined_and_split_requests)
{
    struct client *c;
    struct answer a;
    const char *two = "GET / HTTP/1.1\r\nHost: h\r\n\r\nGET /none HTTP/1.1\r\nHost: h\r\n\r\n";

    WITH_SERVER;
    c = client_tls(srv.https, 0);
    CHECK_EQ_INT(client_ask(c, &a, two), 200);
    answer_free(&a);
    CHECK(answer_read(c, &a, false));
    CHECK_EQ_INT(a.status, 404);
    answer_free(&a);
    for (const char *p = two; p < two + 27; p++)
        CHECK(client_send(c, p, 1)); /* a record a byte */
    CHECK(answer_read(c, &a, false));
    CHECK_EQ_INT(a.status, 200);
    answer_free(&a);
    CHECK_EQ_INT(
        client_ask(c, &a,
                   "POST /none HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n"),
        100);
    answer_free(&a);
    CHECK_EQ_INT(client_ask(c, &a, "x"), 404);
    answer_free(&a);
    CHECK_EQ_INT(client_ask(c, &a, "GET / HTTP/1.0\r\n\r\n"), 200);
    answer_free(&a);
    CHECK(client_closed(c)); /* HTTP/1.0 without keep-alive */
    client_close(c);
    server_stop();
}

TEST(what_is_not_a_request_is_refused)
{
    static const struct {
        int status;
        const char *request;
    } cases[] = {
        {400, "GET / HTTP/1.1\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"},
        {400, "GET / HTTP/1.1\nHost: a\n\n"},
        {400, "GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n"},
        {400, "GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n"},
        {400, "GET /../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n"},
        {400, "GET /%2e%2e/etc HTTP/1.1\r\nHost: a\r\n\r\n"},
        {400, "GET /a\\b HTTP/1.1\r\nHost: a\r\n\r\n"},
        {400, "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n"},
        {400, "GET * HTTP/1.1\r\nHost: a\r\n\r\n"},
        {400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"},
        {400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"},
        {400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n"},
        {411, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"},
        {411, "PUT / HTTP/1.1\r\nHost: a\r\n\r\n"},
        {413, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n"},
        {405, "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n"},
        {405, "OPTIONS / HTTP/1.1\r\nHost: a\r\n\r\n"},
        {501, "BREW / HTTP/1.1\r\nHost: a\r\n\r\n"},
        {505, "PRI * HTTP/2.0\r\n\r\n"},
        {400, "hello\r\n\r\n"},
    };

    WITH_SERVER;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int status = ask_once(cases[i].request);

        if (status != cases[i].status)
            testing_fail(__FILE__, __LINE__, "%d, want %d for: %.60s", status, cases[i].status,
                         cases[i].request);
    }
    server_stop();
}

TEST(long_heads_and_targets)
{
    static char req[40000];
    struct answer a;
    struct client *c;

    WITH_SERVER;
    memset(req, 'a', 5000);
    memcpy(req, "GET /", 5);
    snprintf(req + 5000, 100, " HTTP/1.1\r\nHost: h\r\n\r\n");
    CHECK_EQ_INT(ask_once(req), 414);
    memset(req, 'a', 30000);
    memcpy(req, "GET / HTTP/1.1\r\nHost: h\r\nX: ", 28);
    snprintf(req + 30000, 100, "\r\n\r\n");
    c = client_tls(srv.https, 0);
    CHECK_EQ_INT(client_ask(c, &a, req), 431);
    CHECK(client_closed(c));
    answer_free(&a);
    client_close(c);
    server_stop();
}

TEST(a_source_that_asks_too_often)
{
    struct client *c;
    struct answer a;
    char text[20];
    int status = 0, n;

    server_prepare();
    srv.cfg.rate_per_s = 5;
    CHECK(server_start());
    c = client_tls(srv.https, 0);
    for (n = 0; n < 40 && (status = get(c, &a, "/", "")) == 200; n++)
        answer_free(&a);
    CHECK_EQ_INT(status, 429);
    CHECK(n >= 20); /* a burst of 4 s is fine */
    CHECK(atoi(answer_header(&a, "Retry-After", text, sizeof(text))) >= 1);
    answer_free(&a);
    client_close(c);
    server_stop();
}

TEST(connections_per_source_and_banned_sources)
{
    struct client *v[3];
    struct answer a;
    struct guard *g;
    struct addr lo;

    server_prepare();
    CHECK_EQ_INT(guard_alloc(&g, &(struct guard_config){.ban_after = 1}), 0);
    srv.cfg.conns_per_ip = 2;
    srv.cfg.guard = g;
    CHECK(server_start());
    v[0] = client_tls(srv.https, 0);
    v[1] = client_tls(srv.https, 0);
    CHECK(v[0] && v[1]);
    v[2] = client_tls(srv.https, 0);
    CHECK(!v[2]);
    CHECK_EQ_INT(get(v[0], &a, "/", "Connection: close\r\n"), 200);
    answer_free(&a);
    client_close(v[0]);
    CHECK_EQ_INT(get(v[1], &a, "/", ""), 200);
    answer_free(&a);
    client_close(v[1]);
    addr_parse_ip(&lo, "127.0.0.1", 0);
    for (int i = 0; i < 30; i++)
        guard_fail(g, &lo);
    CHECK(!client_tls(srv.https, 0));
    server_stop();
    guard_free(g);
}

TEST(slow_and_silent_clients_are_ended)
{
    static const char *const heads[] = {"GET / HTTP/1.1\r\nHost: h\r\n",
                                        "POST /api/x HTTP/1.1\r\nHost: h\r\n"};
    struct client *c;
    struct answer a;

    server_prepare();
    srv.cfg.head_ms = 300;
    srv.cfg.idle_ms = 200;
    CHECK(server_start());
    c = client_plain(srv.https); /* no handshake */
    CHECK(client_closed(c));
    client_close(c);
    c = client_tls(srv.https, 0); /* a handshake and nothing else */
    CHECK(client_closed(c));
    CHECK_EQ_INT(c->len, 0);
    client_close(c);
    for (size_t i = 0; i < 2; i++) { /* a head that never ends */
        c = client_tls(srv.https, 0);
        CHECK_EQ_INT(client_ask(c, &a, heads[i]), 408);
        CHECK(client_closed(c));
        answer_free(&a);
        client_close(c);
    }
    c = client_tls(srv.https, 0); /* idle after an answer */
    CHECK_EQ_INT(get(c, &a, "/", ""), 200);
    answer_free(&a);
    CHECK(client_closed(c));
    CHECK_EQ_INT(c->len, 0);
    client_close(c);
    server_stop();
}

TEST(ws_that_does_not_answer_a_ping_is_ended)
{
    struct client *c;
    struct frame f;

    server_prepare();
    srv.cfg.ping_ms = 100;
    srv.cfg.pong_ms = 100;
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

TEST(a_port_that_is_taken_is_named)
{
    struct web *other = NULL;
    struct web_config cfg;
    char why[256], port[16];

    WITH_SERVER;
    cfg = srv.cfg;
    cfg.https_port = srv.https;
    CHECK_EQ_INT(web_start(&other, &cfg, why, sizeof(why)), EADDRINUSE);
    snprintf(port, sizeof(port), "%u", srv.https);
    CHECK(strstr(why, port) && strstr(why, "https.port"));
    server_stop();
    server_prepare();
    unlink(srv.cfg.key);
    CHECK(web_start(&other, &srv.cfg, why, sizeof(why)) != 0);
    CHECK(strstr(why, "key.pem"));
    unlink(srv.cfg.cert);
    rmdir(srv.dir);
}

/* ---------------------------------------------------------------- certificate */

TEST(a_new_certificate_is_taken_and_open_connections_live_on)
{
    struct client *open;
    struct frame f;
    struct cert_info info;
    uint8_t before[32], after[32];
    char why[200];
    uint64_t start;

    WITH_SERVER;
    CHECK((open = ws_open()));
    CHECK(shown_certificate(before));
    CHECK_EQ_INT(cert_make(srv.cfg.cert, srv.cfg.key, "localhost"), 0);
    CHECK_EQ_INT(cert_check(srv.cfg.cert, srv.cfg.key, &info, why, sizeof(why)), 0);
    for (start = clock_ms(); clock_ms() - start < 5000;) { /* found by itself */
        CHECK(shown_certificate(after));
        if (!memcmp(after, info.sha256, 32))
            break;
        usleep(50000);
    }
    CHECK_MEM(after, info.sha256, 32);
    CHECK(memcmp(before, after, 32));
    CHECK(ws_put(open, 0x89, true, "hi", 2));
    CHECK(ws_get(open, &f));
    CHECK_EQ_INT(f.opcode, 10);
    free(f.data);
    client_close(open);
    server_stop();
}

/* Appends one file to another. */
static bool file_append(const char *to, const char *from)
{
    FILE *out = fopen(to, "a"), *in = fopen(from, "r");
    int ch;

    while (in && out && (ch = getc(in)) != EOF)
        putc(ch, out);
    if (in)
        fclose(in);
    return out && in && !fclose(out);
}

TEST(a_chain_is_sent_whole)
{
    char issuer[100], issuer_key[100];
    const mbedtls_x509_crt *crt;
    struct client *c;

    server_prepare();
    snprintf(issuer, sizeof(issuer), "%s/issuer.pem", srv.dir);
    snprintf(issuer_key, sizeof(issuer_key), "%s/issuer.key", srv.dir);
    CHECK_EQ_INT(cert_make(issuer, issuer_key, "issuer.example"), 0);
    CHECK(file_append(srv.cfg.cert, issuer));
    unlink(issuer);
    unlink(issuer_key);
    CHECK(server_start());
    CHECK((c = client_tls(srv.https, 0)));
    crt = mbedtls_ssl_get_peer_cert(&c->ssl);
    CHECK(crt && crt->next && crt->next->raw.len);
    client_close(c);
    server_stop();
}

TEST(a_bad_certificate_is_refused_and_the_old_one_stays)
{
    struct cert_info good;
    uint8_t shown[32];
    char why[200];
    struct buf b;

    WITH_SERVER;
    CHECK_EQ_INT(cert_check(srv.cfg.cert, srv.cfg.key, &good, why, sizeof(why)), 0);
    CHECK(file_write(srv.cfg.cert, "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n"));
    web_reload(srv.w);
    CHECK(shown_certificate(shown));
    CHECK_MEM(shown, good.sha256, 32);
    buf_init(&b, 100000);
    for (int i = 0; i < 100; i++) {
        buf_clear(&b);
        health_json(&b);
        if (strstr(b.data, "refused"))
            break;
        usleep(20000);
    }
    CHECK(strstr(b.data, "refused"));
    buf_reset(&b);
    CHECK(health_ready());
    server_stop();
}

/* ---------------------------------------------------------------- SIP over WebSocket */

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
        {403, NULL, "sip", ""},
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
    CHECK(sip_wait(&sip.closed, 3));
    CHECK_EQ_INT(sip.opened, 3);
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

    WITH_SERVER;
    CHECK((other = ws_open()));
    CHECK((c = ws_open()));
    for (int i = 0; i < 5000 && ws_put(c, 0x81, true, "flood", 5); i++)
        ;
    CHECK_EQ_INT(ws_close_code(c), 1008);
    CHECK(sip.messages >= 1000 && sip.messages < 4000);
    client_close(c);
    CHECK(sip_wait(&sip.closed, 1));
    CHECK(ws_put(other, 0x81, true, "mine", 4));
    CHECK(sip_wait(&sip.messages, sip.messages + 1));
    CHECK_MEM(sip.data, "mine", 4);
    client_close(other);
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

TEST(noise_instead_of_tls)
{
    struct client *c;
    struct answer a;

    WITH_SERVER;
    c = client_plain(srv.https);
    CHECK(client_puts(c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
    CHECK(client_closed(c));
    client_close(c);
    c = client_tls(srv.https, 0);
    CHECK_EQ_INT(get(c, &a, "/", ""), 200);
    answer_free(&a);
    client_close(c);
    server_stop();
}
