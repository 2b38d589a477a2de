/* Routes: names in paths, answers that come later from another thread, bodies and answers longer than any buffer, a WebSocket of one's own. */
/* TSAN */
#include "mboxwait.h"
#include "rig.h"
#include "core/ask.h"
#include "core/clock.h"
#include "web/ws.h"
#include <poll.h>
#include <sched.h>

enum { LONG = 3 << 20, PIECE = 10000 };

/* ---------------------------------------------------------------- {name} */

static void params_h(const struct web_req *req, struct web_resp *resp, void *arg)
{
    (void)arg;
    resp->content_type = "text/plain";
    for (size_t i = 0; i < 4 && req->params[i]; i++)
        buf_printf(&resp->body, "[%s]", req->params[i]);
}

TEST(names_in_a_path_are_decoded_bounded_and_come_after_literals)
{
    static const struct {
        const char *path;
        int status;
        const char *body;
    } cases[] = {
        {"/api/v1/dns/5001", 200, "[5001]"},
        {"/api/v1/dns/%35001", 200, "[5001]"},
        {"/api/v1/dns/*72%23", 200, "[*72#]"},
        {"/api/v1/dns/J%C3%BCrgen%20M", 200, "[J\xc3\xbcrgen M]"},
        {"/api/v1/dns/new", 200, ""}, /* a literal of its own */
        {"/api/v1/dns/5001/calls/a", 200, "[5001][a]"},
        {"/api/v1/dns/%7Bdn%7D", 200, "[{dn}]"},
        {"/api/v1/dns/", 404, NULL},
        {"/api/v1/dns", 404, NULL},
        {"/api/v1/dns//calls/a", 404, NULL},
        {"/api/v1/dns/5001/", 404, NULL},
        {"/api/v1/dns/5001/calls", 404, NULL},
        {"/api/v1/dns/%ff", 404, NULL},   /* not UTF-8 */
        {"/api/v1/dns/a%2Fb", 400, NULL}, /* a slash is never part of a name */
        {"/api/v1/dns/a%00b", 400, NULL},
        {"/api/v1/dns/..", 400, NULL},
        {"/api/v1/dns/%2e%2e/calls/a", 400, NULL},
        {"/api/v1/dns/%2", 400, NULL},
    };
    char path[600], text[64];
    struct client *c;
    struct answer a;

    server_prepare();
    route_add("GET", "/api/v1/dns/{dn}", params_h);
    route_add("DELETE", "/api/v1/dns/{name}", params_h);
    route_add("GET", "/api/v1/dns/new", params_h);
    route_add("GET", "/api/v1/dns/{dn}/calls/{id}", params_h);
    CHECK(server_start());
    c = client_tls(srv.https, 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (cases[i].status == 400) {
            snprintf(path, sizeof(path), "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", cases[i].path);
            CHECK_EQ_INT(ask_once(path), 400);
            continue;
        }
        if (get(c, &a, cases[i].path, "") != cases[i].status ||
            (cases[i].body && strcmp(a.body, cases[i].body)))
            testing_fail(__FILE__, __LINE__, "%s: %d %s", cases[i].path, a.status, a.body);
        answer_free(&a);
    }
    for (int over = 0; over < 2; over++) { /* the longest name, and one byte more */
        int n = snprintf(path, sizeof(path), "/api/v1/dns/");

        memset(path + n, 'x', WEB_PARAM_MAX + (size_t)over);
        path[n + WEB_PARAM_MAX + over] = '\0';
        CHECK_EQ_INT(get(c, &a, path, ""), over ? 404 : 200);
        answer_free(&a);
    }
    CHECK_EQ_INT(client_ask(c, &a, "PUT /api/v1/dns/5001 HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"),
                 405);
    CHECK_STR(answer_header(&a, "Allow", text, sizeof(text)), "GET, HEAD, DELETE");
    answer_free(&a);
    CHECK_EQ_INT(client_ask(c, &a, "DELETE /api/v1/dns/5001 HTTP/1.1\r\nHost: h\r\n\r\n"), 200);
    CHECK_STR(a.body, "[5001]");
    answer_free(&a);
    CHECK_EQ_INT(client_ask(c, &a, "HEAD /api/v1/dns/5001 HTTP/1.1\r\nHost: h\r\n\r\n"), 200);
    answer_free(&a);
    client_close(c);
    server_stop();
}

/* ---------------------------------------------------------------- another thread */

static struct {
    struct mbox *desk;
    pthread_t thread;
    _Atomic bool stop, hold, held;
    _Atomic unsigned answered, dropped;
    /* of uploads, on this thread */
    _Atomic uint64_t taken;
    _Atomic uint8_t next;
    _Atomic bool disorder;
} other;

static void *other_main(void *arg)
{
    while (!other.stop) {
        other.held = other.hold;
        if (!other.held && !mbox_wait(other.desk, 20))
            mbox_drain(other.desk, ask_answer_h, &other);
        if (other.held)
            poll(NULL, 0, 5);
    }
    return arg;
}

/* It answers nothing from here on. */
static void other_hold(void)
{
    other.hold = true;
    while (!other.held)
        sched_yield();
}

static bool other_start(void)
{
    memset(&other, 0, sizeof(other));
    return !ask_mbox_alloc(&other.desk, "test_desk", 64) &&
           !pthread_create(&other.thread, NULL, other_main, NULL);
}

/* After web_stop, before web_free. */
static void other_stop(void)
{
    other.stop = true;
    pthread_join(other.thread, NULL);
    ask_mbox_free(other.desk);
}

static void all_stop(void)
{
    web_stop(srv.w);
    other_stop();
    web_free(srv.w);
    unlink(srv.cfg.cert);
    unlink(srv.cfg.key);
    rmdir(srv.dir);
}

struct twice {
    unsigned n;
};

static void twice_answer(void *value, void *owner)
{
    (void)owner;
    ((struct twice *)value)->n *= 2;
    other.answered++;
}

static void twice_later(void *value, struct web_resp *resp, void *arg)
{
    (void)arg;
    buf_printf(&resp->body, "%u", ((struct twice *)value)->n);
}

WEB_QUESTION(twice, struct twice, twice_answer, twice_later);

static void twice_h(const struct web_req *req, struct web_resp *resp, void *arg)
{
    struct twice t = {(unsigned)strtoul(req->params[0], NULL, 10)};

    (void)arg;
    web_ask(resp, other.desk, &twice, &t, NULL);
}

static void hasty_h(const struct web_req *req, struct web_resp *resp, void *arg)
{
    static struct web_question hasty;
    struct twice t = {1};

    (void)req;
    (void)arg;
    hasty = twice;
    hasty.call.ms = 50;
    web_ask(resp, other.desk, &hasty, &t, NULL);
}

TEST(an_answer_may_come_later_from_another_thread)
{
    struct client *c, *gone;
    struct answer a;
    char text[200], retry[20];

    server_prepare();
    CHECK(other_start());
    route_add("GET", "/api/twice/{n}", twice_h);
    route_add("GET", "/api/hasty", hasty_h);
    CHECK(server_start());
    c = client_tls(srv.https, 0);
    for (int i = 0; i < 200; i++) { /* pipelined: answered in order */
        snprintf(text, sizeof(text), "GET /api/twice/%d HTTP/1.1\r\nHost: h\r\n\r\n", i);
        CHECK(client_puts(c, text));
    }
    for (int i = 0; i < 200; i++) {
        CHECK(answer_read(c, &a, false));
        CHECK_EQ_INT(a.status, 200);
        CHECK_EQ_INT(strtol(a.body, NULL, 10), 2 * i);
        answer_free(&a);
    }
    other_hold();
    gone = client_tls(srv.https, 0); /* leaves while its question is open */
    CHECK(client_puts(gone, "GET /api/twice/1 HTTP/1.1\r\nHost: h\r\n\r\n"));
    CHECK_EQ_INT(get(c, &a, "/", ""), 200); /* nobody else waits */
    answer_free(&a);
    client_close(gone);
    CHECK_EQ_INT(get(c, &a, "/api/hasty", ""), 503); /* no answer in its time */
    CHECK_STR(answer_header(&a, "Retry-After", retry, sizeof(retry)), "5");
    answer_free(&a);
    other.hold = false;
    CHECK_EQ_INT(get(c, &a, "/api/twice/21", ""), 200);
    CHECK_STR(a.body, "42");
    answer_free(&a);
    client_close(c);
    other_hold();
    gone = client_tls(srv.https, 0); /* the server stops while it is open */
    CHECK(client_puts(gone, "GET /api/twice/1 HTTP/1.1\r\nHost: h\r\n\r\n"));
    CHECK_EQ_INT(ask_once("GET / HTTP/1.1\r\nHost: h\r\n\r\n"), 200);
    all_stop();
    client_close(gone);
}

/* ---------------------------------------------------------------- uploads */

struct part {
    uint8_t bytes[600];
    size_t len;
};

static void part_answer(void *value, void *owner)
{
    const struct part *p = value;

    (void)owner;
    for (size_t i = 0; i < p->len; i++)
        other.disorder |= p->bytes[i] != other.next++;
    other.taken += p->len;
}

static void part_later(void *value, struct web_resp *resp, void *arg)
{
    (void)value;
    (void)arg;
    if (other.taken > 2 << 20 && resp->state == &other.hold)
        web_problem(resp, 409, "Conflict", "enough");
}

WEB_QUESTION(part, struct part, part_answer, part_later);

static void upload_drop(void *state)
{
    (void)state;
    other.dropped++;
}

/* The other thread looks at a sample of each chunk; the rest is counted here. */
static void upload_chunk(const struct web_req *req, const void *p, size_t n, struct web_resp *resp, void *arg)
{
    struct part sample = {.len = 0};

    (void)arg;
    resp->state = strcmp(req->query, "refuse") ? (void *)&other : (void *)&other.hold;
    resp->drop = upload_drop;
    sample.len = n < sizeof(sample.bytes) ? n : sizeof(sample.bytes);
    memcpy(sample.bytes, p, sample.len);
    if (n > sample.len) { /* told as bytes that were right */
        for (size_t i = sample.len; i < n; i++)
            if (((const uint8_t *)p)[i] != (uint8_t)(sample.bytes[0] + i))
                web_problem(resp, 422, "Unprocessable Content", "torn");
        memcpy(sample.bytes, (const uint8_t *)p + n - sample.len, sample.len);
        other.next = (uint8_t)(other.next + n - sample.len);
        other.taken += n - sample.len;
    }
    web_ask(resp, other.desk, &part, &sample, NULL);
}

static void upload_h(const struct web_req *req, struct web_resp *resp, void *arg)
{
    (void)req;
    (void)arg;
    buf_printf(&resp->body, "%llu %d", (unsigned long long)other.taken, other.disorder);
}

static bool upload_send(struct client *c, size_t n)
{
    static uint8_t counting[16384];

    for (size_t i = 0; i < sizeof(counting); i++)
        counting[i] = (uint8_t)i;
    for (size_t sent = 0; sent < n; sent += sizeof(counting))
        if (!client_send(c, counting, n - sent < sizeof(counting) ? n - sent : sizeof(counting)))
            return false;
    return true;
}

TEST(a_long_body_goes_to_its_handler_in_chunks_no_faster_than_it_is_taken)
{
    struct web_route *r;
    struct client *c;
    struct answer a;
    char req[200], want[40];

    server_prepare();
    CHECK(other_start());
    r = route_add("PUT", "/api/upload", upload_h);
    r->chunk = upload_chunk;
    r->body_max = LONG;
    CHECK(server_start());
    c = client_tls(srv.https, 0);
    snprintf(req, sizeof(req), "PUT /api/upload HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n", LONG);
    snprintf(want, sizeof(want), "%d 0", LONG);
    for (int i = 0; i < 2; i++) { /* the second on the same connection */
        other.taken = 0;
        other.next = 0;
        CHECK(client_puts(c, req) && upload_send(c, LONG));
        CHECK(answer_read(c, &a, false));
        CHECK_EQ_INT(a.status, 200);
        CHECK_STR(a.body, want);
        answer_free(&a);
    }
    client_close(c);
    CHECK((c = client_tls(srv.https, 0))); /* nobody takes it: the sender is held back, and not by memory */
    other_hold();
    CHECK(client_puts(c, req));
    {
        struct timeval tv = {.tv_usec = 500000};
        int64_t before = metric_get(&web_rx_bytes);

        setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
        (void)upload_send(c, LONG);
        CHECK(metric_get(&web_rx_bytes) - before < 64 * 1024);
    }
    client_close(c); /* and goes: what the handler holds is freed */
    other.hold = false;
    CHECK((c = client_tls(srv.https, 0)));
    snprintf(req, sizeof(req), "PUT /api/upload HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n", LONG + 1);
    CHECK_EQ_INT(client_ask(c, &a, req), 413);
    answer_free(&a);
    client_close(c);
    other.taken = 0;
    CHECK((c = client_tls(srv.https, 0))); /* refused half-way */
    snprintf(req, sizeof(req), "PUT /api/upload?refuse HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n",
             LONG);
    CHECK(client_puts(c, req));
    (void)upload_send(c, LONG);
    CHECK(answer_read(c, &a, false));
    CHECK_EQ_INT(a.status, 409);
    answer_free(&a);
    client_close(c);
    all_stop();
    CHECK_EQ_INT(other.dropped, 4);
}

/* ---------------------------------------------------------------- downloads */

struct stream {
    size_t made;
    bool breaks, asks;
};

static void piece_write(struct web_resp *resp, struct stream *s)
{
    for (size_t i = 0; i < PIECE && s->made < LONG; i++, s->made++) {
        char b = (char)('a' + s->made % 26);

        buf_write(&resp->body, &b, 1);
    }
}

static void piece_later(void *value, struct web_resp *resp, void *arg)
{
    (void)value;
    piece_write(resp, arg);
}

WEB_QUESTION(piece, struct twice, twice_answer, piece_later);

static bool piece_h(struct web_resp *resp)
{
    struct stream *s = resp->state;

    if (s->breaks && s->made > LONG / 2)
        return false;
    if (s->asks && s->made < LONG)
        web_ask(resp, other.desk, &piece, &(struct twice){1}, s);
    else
        piece_write(resp, s);
    return true;
}

static void stream_drop(void *state)
{
    other.dropped++;
    free(state);
}

static void stream_h(const struct web_req *req, struct web_resp *resp, void *arg)
{
    struct stream *s = calloc(1, sizeof(*s));

    (void)arg;
    s->breaks = !strcmp(req->params[0], "breaks");
    s->asks = !strcmp(req->params[0], "asks");
    resp->content_type = "text/plain";
    resp->piece = piece_h;
    resp->state = s;
    resp->drop = stream_drop;
    if (!strcmp(req->params[0], "begun"))
        piece_write(resp, s);
}

/* Bytes of a chunked body that are as they should be; the connection stays in step only if the end was there. */
static size_t chunked_read(struct client *c)
{
    size_t got = 0, n;
    char *end;

    for (;;) {
        while (!(end = strstr(c->in, "\r\n")))
            if (!client_read(c))
                return got;
        n = strtoul(c->in, NULL, 16);
        client_take(c, (size_t)(end + 2 - c->in));
        if (!client_wait(c, n + 2))
            return got;
        for (size_t i = 0; i < n; i++)
            if (c->in[i] != (char)('a' + got++ % 26))
                return 0;
        client_take(c, n + 2);
        if (!n)
            return got;
    }
}

TEST(a_long_answer_is_made_piece_by_piece)
{
    static const char *const kinds[] = {"plain", "begun", "asks"};
    struct client *c;
    struct answer a;
    char text[200];
    size_t got = 0;

    server_prepare();
    CHECK(other_start());
    route_add("GET", "/api/stream/{kind}", stream_h);
    CHECK(server_start());
    c = client_tls(srv.https, 0);
    for (size_t i = 0; i < 3; i++) {
        snprintf(text, sizeof(text), "/api/stream/%s", kinds[i]);
        CHECK_EQ_INT(get(c, &a, text, ""), 200);
        CHECK_STR(answer_header(&a, "Transfer-Encoding", text, sizeof(text)), "chunked");
        CHECK_STR(answer_header(&a, "Content-Length", text, sizeof(text)), "");
        answer_free(&a);
        CHECK_EQ_INT(chunked_read(c), LONG);
    }
    CHECK_EQ_INT(client_ask(c, &a, "HEAD /api/stream/plain HTTP/1.1\r\nHost: h\r\n\r\n"), 200);
    answer_free(&a);
    CHECK_EQ_INT(get(c, &a, "/", ""), 200); /* still in step */
    answer_free(&a);
    CHECK_EQ_INT(get(c, &a, "/api/stream/breaks", ""), 200); /* cut short, and seen to be */
    answer_free(&a);
    got = chunked_read(c);
    CHECK(got > 0 && got < LONG && c->eof);
    client_close(c);
    CHECK((c = client_tls(srv.https, 0))); /* HTTP/1.0: up to the end of the connection */
    CHECK(client_puts(c, "GET /api/stream/asks HTTP/1.0\r\n\r\n"));
    CHECK(answer_read(c, &a, false));
    CHECK_STR(answer_header(&a, "Transfer-Encoding", text, sizeof(text)), "");
    answer_free(&a);
    for (got = 0; c->len || client_read(c); client_take(c, c->len))
        for (size_t i = 0; i < c->len; i++)
            CHECK(c->in[i] == (char)('a' + got++ % 26));
    CHECK_EQ_INT(got, LONG);
    client_close(c);
    CHECK((c = client_tls(srv.https, 0))); /* leaves in the middle */
    CHECK_EQ_INT(get(c, &a, "/api/stream/asks", ""), 200);
    answer_free(&a);
    CHECK(client_read(c));
    client_close(c);
    all_stop();
    CHECK_EQ_INT(other.dropped, 7);
}

/* ---------------------------------------------------------------- a WebSocket of one's own */

static struct {
    unsigned opened, closed;
} echoes;

static int echo_open(struct conn *c, void *arg)
{
    (void)c;
    (void)arg;
    echoes.opened++;
    return echoes.opened > 2 ? EBUSY : 0;
}

static int echo_message(struct conn *c, const void *p, size_t n, void *arg)
{
    if (arg != &echoes)
        return EINVAL;
    if (n == 4 && !memcmp(p, "stop", 4))
        ws_close(c, 4321, "as you wish");
    else
        ws_send(c, p, n);
    return n == 4 && !memcmp(p, "busy", 4) ? ENOBUFS : 0;
}

static void echo_closed(struct conn *c, void *arg)
{
    (void)c;
    (void)arg;
    echoes.closed++;
}

TEST(a_websocket_serves_whatever_service_its_route_names)
{
    static const struct ws_service echo = {.protocol = "echo",
                                           .what = "An echo.",
                                           .message_max = 1000,
                                           .open = echo_open,
                                           .message = echo_message,
                                           .closed = echo_closed};
    static const struct web_route route = {.method = "GET", .path = "/api/echo/{room}", .ws = &echo};
    static const char shake[] =
        "GET /api/echo/1 HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Protocol: x, echo\r\n\r\n";
    struct client *c;
    struct answer a;
    struct frame f;
    char text[40];

    server_prepare();
    memset(&echoes, 0, sizeof(echoes));
    CHECK_EQ_INT(web_routes(&route, 1, &echoes), 0);
    CHECK(server_start());
    CHECK((c = client_tls(srv.https, 0)));
    CHECK_EQ_INT(client_ask(c, &a, shake), 101);
    CHECK_STR(answer_header(&a, "Sec-WebSocket-Protocol", text, sizeof(text)), "echo");
    answer_free(&a);
    CHECK(ws_put(c, 0x81, true, "hello", 5) && ws_get(c, &f) && f.len == 5);
    CHECK_MEM(f.data, "hello", 5);
    free(f.data);
    CHECK(ws_put(c, 0x81, true, "stop", 4));
    CHECK_EQ_INT(ws_close_code(c), 4321);
    client_close(c);
    CHECK((c = client_tls(srv.https, 0)));
    CHECK_EQ_INT(client_ask(c, &a, shake), 101);
    answer_free(&a);
    CHECK(ws_put(c, 0x81, true, "busy", 4) && ws_get(c, &f));
    free(f.data);
    CHECK_EQ_INT(ws_close_code(c), 1013);
    client_close(c);
    CHECK((c = client_tls(srv.https, 0)));
    CHECK_EQ_INT(client_ask(c, &a, shake), 503); /* the service has no room */
    answer_free(&a);
    CHECK_EQ_INT(get(c, &a, "/api/echo/1", ""), 426);
    CHECK(strstr(a.body, "An echo."));
    answer_free(&a);
    client_close(c);
    server_stop();
    CHECK_EQ_INT(echoes.closed, 2);
    CHECK_EQ_INT(sip.opened, 0);
}
