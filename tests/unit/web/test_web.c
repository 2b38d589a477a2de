/* The web server as a client sees it: pages, routes, limits. */
/* TSAN */
#include "rig.h"
#include "core/budget.h"
#include "core/clock.h"
#include "core/guard.h"
#include "core/metric.h"
#include "web/source.h"

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

/* Every view of the console is an address of its own: what is no file there is its page. */
TEST(an_address_of_the_console_is_its_page)
{
    static const char *const views[] = {"/admin/", "/admin/agents?sort=name", "/admin/trunks/sip.example.com",
                                        "/admin/calls/1/"};
    struct client *c;
    struct answer a;
    char text[128];

    WITH_SERVER;
    c = client_tls(srv.https, 0);
    for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++) {
        CHECK_EQ_INT(get(c, &a, views[i], ""), 200);
        CHECK_STR(answer_header(&a, "ETag", text, sizeof(text)), "\"console\"");
        answer_free(&a);
    }
    CHECK_EQ_INT(get(c, &a, "/admin/app.js", ""), 200);
    CHECK_STR(answer_header(&a, "ETag", text, sizeof(text)), "\"app\"");
    answer_free(&a);
    CHECK_EQ_INT(get(c, &a, "/admin", ""), 301);
    CHECK_STR(answer_header(&a, "Location", text, sizeof(text)), "/admin/");
    answer_free(&a);
    CHECK_EQ_INT(get(c, &a, "/administrator", ""), 404);
    answer_free(&a);
    CHECK_EQ_INT(get(c, &a, "/", ""), 200); /* while there is a page of that name */
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

static void metrics_h(const struct web_req *req, struct web_resp *resp, void *arg)
{
    (void)req;
    (void)arg;
    metric_render(&resp->body);
    while (resp->body.len < 100000 && !resp->body.err) /* as long as the whole program's */
        buf_puts(&resp->body, "# and so on and so on and so on\n");
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
    route_add("GET", "/api/{any}", echo_h);
    route_add("POST", "/api/xy", echo_h);
    route_add("POST", "/api/slow", slow_h);
    CHECK(server_start());
    c = client_tls(srv.https, 0);
    CHECK_EQ_INT(get(c, &a, "/api/x%41?q=%20", "Authorization: Bearer t\r\n"), 200);
    CHECK_STR(a.body, "GET /api/xA?q=%20 [] Bearer t");
    answer_free(&a);
    CHECK_EQ_INT(client_ask(c, &a, "POST /api/xy HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello"),
                 200);
    CHECK_STR(a.body, "POST /api/xy? [hello] ");
    answer_free(&a);
    CHECK_EQ_INT(get(c, &a, "/api/xy", ""), 405); /* a literal goes before a name */
    CHECK_STR(answer_header(&a, "Allow", text, sizeof(text)), "POST");
    CHECK_STR(answer_header(&a, "Content-Type", text, sizeof(text)), "application/problem+json");
    CHECK(strstr(a.body, "\"status\":405"));
    answer_free(&a);
    CHECK_EQ_INT(get(c, &a, "/api/none/x", ""), 404);
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

/* Many send most of a long body each: the server holds a part of it, says 503 to the others, and serves who wants little. */
TEST(what_strangers_send_is_held_up_to_a_bound_in_all)
{
    enum { MANY = 40, MB = 1 << 20 };
    static char most[MB - 1];
    struct client *v[MANY], *other;
    struct answer a;
    size_t refused = 0;
    char *gauge;

    server_prepare();
    srv.cfg.body_max = MB;
    route_add("POST", "/api/x", echo_h);
    route_add("GET", "/api/metrics", metrics_h);
    CHECK(server_start());
    for (size_t i = 0; i < MANY; i++) {
        char req[] = "POST /api/x HTTP/1.1\r\nHost: h\r\nContent-Length: 1048576\r\n\r\n";

        CHECK((v[i] = client_tls(srv.https, 0)));
        CHECK(client_puts(v[i], req));
        (void)client_send(v[i], most, sizeof(most));
    }
    client_ip = "127.0.0.2"; /* a source that holds little still gets a long answer */
    CHECK((other = client_tls(srv.https, 0)));
    client_ip = NULL;
    CHECK_EQ_INT(get(other, &a, "/api/metrics", ""), 200);
    gauge = strstr(a.body, "dngate_limit_used{name=\"strangers_bytes\"} ");
    CHECK(gauge && strtoul(strchr(gauge, ' '), NULL, 10) <= BUDGET_STRANGERS);
    answer_free(&a);
    for (size_t i = 0; i < MANY; i++) {
        (void)client_send(v[i], "x", 1); /* the last byte */
        if (answer_read(v[i], &a, false))
            refused += a.status == 503;
        else
            refused++; /* told, but our bytes were in its way */
        answer_free(&a);
        client_close(v[i]);
    }
    CHECK(refused >= MANY - BUDGET_STRANGERS / MB && refused < MANY);
    CHECK_EQ_INT(get(other, &a, "/", ""), 200);
    answer_free(&a);
    client_close(other);
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
        {421, "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n"},
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

TEST(connections_per_source)
{
    struct client *v[3];
    struct answer a;

    server_prepare();
    srv.cfg.conns_per_ip = 2;
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
    server_stop();
}

/* One source takes all that it can get; another one still comes in. */
TEST(the_last_quarter_of_connections_is_for_sources_that_have_few)
{
    enum { MAX = 32 };
    struct client *v[MAX], *other;
    struct answer a;

    server_prepare();
    srv.cfg.conns_max = MAX;
    CHECK(server_start());
    for (size_t i = 0; i < MAX; i++) {
        v[i] = client_tls(srv.https, 0);
        CHECK(!v[i] == (i >= MAX / 4 * 3));
    }
    client_ip = "127.0.0.2";
    CHECK((other = client_tls(srv.https, 0)));
    CHECK_EQ_INT(get(other, &a, "/", ""), 200);
    answer_free(&a);
    client_ip = NULL;
    client_close(other);
    for (size_t i = 0; i < MAX / 4 * 3; i++)
        client_close(v[i]);
    server_stop();
}

/* RFC 9112 3.2.2: the absolute form must be taken; the host in it counts, not the Host header's. */
TEST(absolute_form_is_served_when_the_host_is_ours)
{
    static const struct {
        int status;
        const char *target, *host;
    } cases[] = {
        {200, "https://localhost/", "localhost"},
        {200, "https://LOCALHOST:8443/", "localhost:8443"},
        {200, "HTTPS://127.0.0.1/app-1234.js", "127.0.0.1"},
        {200, "http://localhost/", "localhost"}, /* how it came here is another matter */
        {200, "https://localhost", "localhost"},
        {200, "https://localhost?a=b", "localhost"},
        {200, "https://gw.example/", "other.example"},
        {200, "https://a.wild.example/", "x"},
        {404, "https://localhost/none", "localhost"},
        {421, "https://a.b.wild.example/", "x"},
        {421, "https://evil.example/", "localhost"},
        {421, "http://evil.example/", "evil.example"},
        {421, "https://192.0.2.1/", "192.0.2.1"},
        {421, "https://localhost.evil.example/", "localhost"},
        {400, "https://user@localhost/", "localhost"},
        {400, "https:///", "localhost"},
        {400, "https://localhost:x/", "localhost"},
        {400, "https://local host/", "localhost"},
        {400, "ftp://localhost/", "localhost"},
        {400, "localhost:443", "localhost"},
        {400, "https://localhost/..", "localhost"},
    };
    char req[300];

    server_prepare();
    CHECK_EQ_INT(unlink(srv.cfg.cert) | unlink(srv.cfg.key), 0);
    CHECK_EQ_INT(cert_make(srv.cfg.cert, srv.cfg.key, "localhost,127.0.0.1,gw.example,*.wild.example"), 0);
    CHECK(server_start());
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        snprintf(req, sizeof(req), "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", cases[i].target, cases[i].host);
        if (ask_once(req) != cases[i].status)
            testing_fail(__FILE__, __LINE__, "%s: not %d", cases[i].target, cases[i].status);
    }
    server_stop();
}

static uint64_t guard_now = 1000000;

static uint64_t guard_clock(void)
{
    return guard_now;
}

/* A banned source is told so, in the form it asked for, and for how long; and it gets few connections for that. */
TEST(a_banned_source_can_load_what_says_so)
{
    static const struct {
        const char *path, *headers, *type;
    } cases[] = {
        {"/", "Accept: text/html\r\n", "text/html; charset=utf-8"},
        {"/index-agent-dn.html", "Accept: text/html,*/*\r\n", "text/html; charset=utf-8"},
        {"/api/agent/v1/config", "", "application/problem+json"},
        {"/app-1234.js", "", "text/plain; charset=utf-8"},
        {"/ws", "Upgrade: websocket\r\nConnection: Upgrade\r\n", "text/plain; charset=utf-8"},
    };
    struct client *c, *v[SOURCE_BANNED_CONNS + 1];
    struct answer a;
    struct guard *g;
    struct addr lo;
    char text[64];

    server_prepare();
    CHECK_EQ_INT(
        guard_alloc(&g, &(struct guard_config){.ban_after = 1, .ban_seconds = 600, .now_ms = guard_clock}),
        0);
    srv.cfg.guard = g;
    CHECK(server_start());
    CHECK((c = client_tls(srv.https, 0))); /* open when the ban comes */
    CHECK_EQ_INT(get(c, &a, "/", ""), 200);
    answer_free(&a);
    addr_parse_ip(&lo, "127.0.0.1", 0);
    guard_fail(g, &lo);
    guard_now += 61500; /* of the ten minutes */
    CHECK_EQ_INT(get(c, &a, "/", "Accept: text/html\r\n"), 429);
    CHECK(client_closed(c));
    answer_free(&a);
    client_close(c);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CHECK((c = client_tls(srv.https, 0)));
        CHECK_EQ_INT(get(c, &a, cases[i].path, cases[i].headers), 429);
        CHECK_STR(answer_header(&a, "Content-Type", text, sizeof(text)), cases[i].type);
        CHECK_STR(answer_header(&a, "Retry-After", text, sizeof(text)), "539");
        CHECK(strstr(a.body, "another 9 minutes."));
        CHECK(client_closed(c));
        answer_free(&a);
        client_close(c);
    }
    for (size_t i = 0; i < SOURCE_BANNED_CONNS; i++)
        CHECK((v[i] = client_tls(srv.https, 0)));
    CHECK(!client_tls(srv.https, 0));
    CHECK_EQ_INT(guard_lift(g, &lo), 1);
    CHECK((v[SOURCE_BANNED_CONNS] = client_tls(srv.https, 0)));
    for (size_t i = 0; i <= SOURCE_BANNED_CONNS; i++) {
        CHECK_EQ_INT(get(v[i], &a, "/", ""), 200); /* the lock is off */
        answer_free(&a);
        client_close(v[i]);
    }
    server_stop();
    guard_free(g);
}

TEST(slow_and_silent_clients_are_ended)
{
    static const char *const heads[] = {"GET / HTTP/1.1\r\nHost: h\r\n",
                                        "POST /api/x HTTP/1.1\r\nHost: h\r\n"};
    struct client *dumb, *mute, *slow[2], *idle;
    struct answer a;

    server_prepare();
    srv.cfg.head_ms = 3000; /* the handshake included */
    srv.cfg.idle_ms = 1500;
    CHECK(server_start());
    dumb = client_plain(srv.https);           /* no handshake */
    CHECK((mute = client_tls(srv.https, 0))); /* a handshake and nothing else */
    for (size_t i = 0; i < 2; i++)            /* a head that never ends */
        CHECK((slow[i] = client_tls(srv.https, 0)) && client_puts(slow[i], heads[i]));
    idle = client_tls(srv.https, 0); /* idle after an answer */
    CHECK_EQ_INT(get(idle, &a, "/", ""), 200);
    answer_free(&a);
    CHECK(client_closed(idle) && !idle->len);
    client_close(idle);
    CHECK(client_closed(dumb));
    client_close(dumb);
    CHECK(client_closed(mute) && !mute->len);
    client_close(mute);
    for (size_t i = 0; i < 2; i++) {
        CHECK(answer_read(slow[i], &a, false));
        CHECK_EQ_INT(a.status, 408);
        CHECK(client_closed(slow[i]));
        answer_free(&a);
        client_close(slow[i]);
    }
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
