/* The way of a request of the console's REST across the threads, with routes of its own; this thread is WEB and MAIN in one. */
/* TSAN */
/* SLOW */
#include "testing.h"
#include "admin/api.h"
#include "admin/apihost.h"
#include "conf/conf.h"
#include "core/ask.h"
#include "core/clock.h"
#include "core/guard.h"
#include "core/json.h"
#include "service/session.h"
#include "service/user.h"
#include "web/route.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

static struct {
    char dir[64];
    struct store *store;
    struct conf *conf;
    struct guard *guard;
    struct service sv;
    struct api *api;
    struct ask_box *box;
    struct addr peer;
    char cookie[128], csrf[128]; /* of the one who asks; "" = nobody */
    pthread_t ran_on;
    int thing, pieces, dropped;
    struct web_resp resp;
} t;

static atomic_bool let_go;

/* ---------------------------------------------------------------- routes */

static int echo_h(struct api_call *c)
{
    buf_puts(c->out, "{");
    api_put_str(c->out, "x", c->params[0]);
    api_put_int(c->out, "n", api_query_int(c, "n", -1));
    api_put_int(c->out, "limit", (int64_t)api_limit(c));
    api_put_bool(c->out, "on", api_query_bool(c, "on", true));
    api_put_real(c->out, "real", 0.5);
    api_put_real(c->out, "unknown", 0.0 / 0.0);
    buf_puts(c->out, "}");
    return 0;
}

static int fail_h(struct api_call *c)
{
    const int err = (int)api_query_int(c, "err", 0);

    return err == EINVAL ? service_fail_at(c->sv, err, "err", "It is %d.", err)
           : err         ? service_fail(c->sv, err, "It is %d.", err)
                         : 0;
}

static int csrf_h(struct api_call *c)
{
    return buf_puts(c->out, c->csrf);
}

static int thing_get_h(struct api_call *c)
{
    buf_printf(c->out, "{\"thing\":%d}", t.thing);
    return 0;
}

static int thing_put_h(struct api_call *c)
{
    int64_t n = 0;

    (void)json_get_int(c->body, "thing", &n);
    t.thing = (int)n;
    return thing_get_h(c);
}

static int slow_h(struct api_call *c)
{
    t.ran_on = pthread_self();
    api_guess(c, api_query_bool(c, "right", true));
    buf_puts(c->out, "{}");
    return 0;
}

/* As a backup of a large box: until somebody has signed in, which must not wait for it. */
static int lasting_h(struct api_call *c)
{
    for (int i = 0; i < 1000 && !atomic_load(&let_go); i++)
        (void)poll(NULL, 0, 10);
    return buf_puts(c->out, atomic_load(&let_go) ? "{}" : "[]");
}

static int pieces_h(struct api_call *c)
{
    buf_puts(c->out, "head,");
    return 0;
}

static int piece_h(struct api_call *c, void **state)
{
    int *n = *state;

    if (!n)
        *state = n = calloc(1, sizeof(*n));
    if (!n)
        return ENOMEM;
    if ((*n)++ < t.pieces)
        buf_printf(c->out, "%d,", *n);
    return t.pieces == 99 ? EIO : 0;
}

static void piece_drop(void *state)
{
    free(state);
    t.dropped++;
}

static int text_h(struct api_call *c)
{
    buf_printf(c->out, "[%zu]", c->text_len);
    return 0;
}

static const struct api_value echo_query[] = {{.name = "n", .type = API_INT},
                                              {.name = "on", .type = API_BOOL}};
static const struct api_value fail_query[] = {{.name = "err", .type = API_INT}};
static const struct api_value right_query[] = {{.name = "right", .type = API_BOOL}};
static const struct api_value thing[] = {{.name = "thing", .type = API_INT, .needed = true},
                                         {.name = "reason", .type = API_TEXT}};

static const struct api_route routes[] = {
    {.method = "GET", .path = "/echo/{x}", .summary = "E.", .h = echo_h, .list = true, API_QUERY(echo_query)},
    {.method = "GET", .path = "/csrf", .access = API_READONLY, .summary = "C.", .h = csrf_h},
    {.method = "GET", .path = "/fail", .summary = "F.", .h = fail_h, API_QUERY(fail_query)},
    {.method = "GET",
     .path = "/thing",
     .access = API_READONLY,
     .summary = "T.",
     .h = thing_get_h,
     API_ANSWER(thing)},
    {.method = "PUT",
     .path = "/thing",
     .access = API_SUPERVISOR,
     .summary = "T.",
     .h = thing_put_h,
     API_BODY(thing)},
    {.method = "POST",
     .path = "/slow",
     .summary = "S.",
     .h = slow_h,
     .slow = true,
     .guarded = true,
     API_QUERY(right_query)},
    {.method = "POST", .path = "/lasting", .summary = "L.", .h = lasting_h, .lasting = true},
    {.method = "GET",
     .path = "/pieces",
     .summary = "P.",
     .h = pieces_h,
     .answer_type = "text/csv",
     .piece = piece_h,
     .drop = piece_drop},
    {.method = "POST",
     .path = "/text",
     .summary = "T.",
     .h = text_h,
     .body_type = "text/csv",
     .body_max = 1 << 20},
};

/* ---------------------------------------------------------------- rig */

static bool set_up(void)
{
    const struct guard_config gentle = {.slow_after = 3, .ban_after = 3};
    char why[256];

    memset(&t, 0, sizeof(t));
    test_temp(t.dir, sizeof(t.dir));
    web_routes_clear();
    addr_parse_ip(&t.peer, "192.0.2.7", 4711);
    web_resp_init(&t.resp, NULL);
    if (!mkdtemp(t.dir) || store_open(&t.store, t.dir, why, sizeof(why)) || conf_alloc(&t.conf) ||
        guard_alloc(&t.guard, &gentle) || ask_box_alloc(&t.box, "test", 64))
        return false;
    t.sv = (struct service){.store = t.store, .conf = t.conf, .guard = t.guard};
    return !api_alloc(&t.api, &t.sv) && !api_routes(routes, sizeof(routes) / sizeof(routes[0]), NULL) &&
           !api_open(t.api);
}

static void tear_down(void)
{
    char cmd[100];

    web_resp_reset(&t.resp);
    api_free(t.api);
    ask_box_free(t.box);
    guard_free(t.guard);
    conf_free(t.conf);
    store_questions_end(t.store);
    store_close(t.store);
    snprintf(cmd, sizeof(cmd), "rm -rf %s", t.dir);
    if (system(cmd))
        abort();
}

static void answered_h(struct exchange *x, void *owner)
{
    (void)x;
    (void)owner;
}

/* Both threads' turns, until the question is answered. */
static void answer_wait(struct exchange *x)
{
    const uint64_t until = clock_ms() + 20000;

    while (x->question && clock_ms() < until) {
        struct pollfd fds[] = {{.fd = ask_box_fd(t.box), .events = POLLIN},
                               {.fd = api_fd(t.api), .events = POLLIN}};

        if (poll(fds, 2, 1000) < 0)
            abort();
        if (fds[1].revents)
            api_serve(t.api);
        if (fds[0].revents)
            ask_box_drain(t.box);
    }
}

struct sent { /* a request on its way */
    struct exchange *x;
    char text[2048];
    struct http_head head;
};

/* headers: whole lines. The body is headers' part behind an empty line. */
static bool send_(struct sent *s, const char *method, const char *target, const char *headers,
                  const char *body)
{
    char allow[100];
    const int n =
        snprintf(s->text, sizeof(s->text),
                 "%s " API_BASE "%s HTTP/1.1\r\nHost: gw.example\r\nContent-Length: %zu\r\n%s%s%s%s%s%s\r\n",
                 method, target, strlen(body), *t.cookie ? "Cookie: __Host-dngate=" : "", t.cookie,
                 *t.cookie ? "\r\nX-CSRF-Token: " : "", t.csrf, *t.cookie ? "\r\n" : "", headers);

    if (http_head_decode(&s->head, s->text, (size_t)n) ||
        exchange_alloc(&s->x, t.box, 65536, NULL, answered_h, &t))
        return false;
    if (route_find(s->x, method, s->head.path, allow, sizeof(allow)))
        return false;
    s->x->req = (struct web_req){.method = method,
                                 .path = s->head.path,
                                 .query = s->head.query,
                                 .peer = &t.peer,
                                 .content_type = http_field(&s->head, "content-type"),
                                 .authorization = http_field(&s->head, "authorization"),
                                 .cookie = http_field(&s->head, "cookie"),
                                 .csrf = http_field(&s->head, "x-csrf-token"),
                                 .host = s->head.host,
                                 .route = s->x->route,
                                 .head = &s->head,
                                 .body = (const uint8_t *)body,
                                 .body_len = strlen(body)};
    for (size_t i = 0; i < 4; i++)
        s->x->req.params[i] = NULL;
    if (strchr(s->x->route->path, '{'))
        s->x->req.params[0] = strrchr(s->head.path, '/') + 1;
    s->x->route->h(&s->x->req, &s->x->resp, s->x->arg);
    return true;
}

static int request(const char *method, const char *target, const char *headers, const char *body)
{
    struct sent s;

    web_resp_reset(&t.resp);
    if (!send_(&s, method, target, headers, body))
        return -1;
    answer_wait(s.x);
    t.resp = s.x->resp;
    web_resp_init(&s.x->resp, NULL);
    exchange_leave(s.x);
    return t.resp.status;
}

#define JSON_TYPE "Content-Type: application/json\r\n"

static const char *answer(void)
{
    return t.resp.body.data ? t.resp.body.data : "";
}

/* Whoever asks from here on is a user of this role. */
static bool sign_in(enum user_role role)
{
    const struct service_signin in = {
        .name = user_role_name(role), .address = "192.0.2.7", .user_agent = "test"};
    char token[TOKEN_MAX];
    struct session s;
    struct user u;

    if (service_user_get(&t.sv, in.name, &u) && service_user_add(&t.sv, in.name, role, "longenough", &u))
        return false;
    if (service_session_open(&t.sv, &in, &s, token))
        return false;
    snprintf(t.cookie, sizeof(t.cookie), "%s", token);
    if (request("GET", "/csrf", "", "") != 200)
        return false;
    snprintf(t.csrf, sizeof(t.csrf), "%s", answer());
    return true;
}

/* ---------------------------------------------------------------- */

TEST(a_request_is_answered_from_its_table)
{
    CHECK(set_up());
    CHECK_EQ_INT(request("GET", "/echo/abc?n=5&on=false&limit=7", "", ""), 200);
    CHECK_STR(answer(), "{\"x\":\"abc\",\"n\":5,\"limit\":7,\"on\":false,\"real\":0.5,\"unknown\":null}");
    CHECK(strstr(t.resp.headers, "ETag: \""));
    CHECK_EQ_INT(request("GET", "/echo/abc", "", ""), 200);
    CHECK_STR(answer(), "{\"x\":\"abc\",\"n\":-1,\"limit\":100,\"on\":true,\"real\":0.5,\"unknown\":null}");
    CHECK_EQ_INT(request("GET", "/echo/abc?m=5", "", ""), 422);
    CHECK(strstr(answer(), "\"errors\":[{\"field\":\"m\",\"detail\":\"is not known here\"}]"));
    CHECK_STR(t.resp.content_type, "application/problem+json");
    CHECK_EQ_INT(request("GET", "/openapi.json", "", ""), 200);
    CHECK(strstr(answer(), "\"/echo/{x}\""));
    tear_down();
}

TEST(what_a_handler_returns_becomes_a_status)
{
    static const struct {
        int err, status;
    } v[] = {{0, 204},      {EINVAL, 422},   {ENOENT, 404},  {EEXIST, 409}, {EPERM, 403},
             {EACCES, 401}, {EMSGSIZE, 413}, {ENOTSUP, 501}, {EBUSY, 503},  {ETIMEDOUT, 503},
             {EAGAIN, 429}, {ENOTCONN, 503}, {EIO, 500}};
    char target[40], detail[40];

    CHECK(set_up());
    for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
        snprintf(target, sizeof(target), "/fail?err=%d", v[i].err);
        snprintf(detail, sizeof(detail), "\"detail\":\"It is %d.\"", v[i].err);
        CHECK_EQ_INT(request("GET", target, "", ""), v[i].status);
        CHECK(!v[i].err || strstr(answer(), detail));
        CHECK(!!strstr(answer(), "\"field\":\"err\"") == (v[i].err == EINVAL));
    }
    tear_down();
}

/* Of the last answer, as a header of the next request. */
static void etag_take(char etag[160])
{
    const char *p = strstr(t.resp.headers, "ETag: ");
    const int n = p ? (int)strcspn(p + 6, "\r") : 0;

    snprintf(etag, 160, "If-Match: %.*s\r\n" JSON_TYPE, n, p ? p + 6 : "");
}

TEST(who_asks_must_be_somebody_with_the_role_and_the_token)
{
    char etag[160];

    CHECK(set_up());
    CHECK_EQ_INT(request("GET", "/thing", "", ""), 401);
    CHECK(strstr(answer(), "no administrator yet"));
    CHECK(sign_in(USER_ADMIN));
    CHECK(sign_in(USER_READONLY));
    CHECK_EQ_INT(request("GET", "/thing", "", ""), 200);
    CHECK_EQ_INT(request("GET", "/thing", "Authorization: Bearer x\r\n", ""), 401);
    CHECK_EQ_INT(request("PUT", "/thing", JSON_TYPE, "{\"thing\":5}"), 403);
    CHECK(strstr(answer(), "role supervisor"));
    t.csrf[3] ^= 1;
    CHECK_EQ_INT(request("PUT", "/thing", JSON_TYPE, "{\"thing\":5}"), 403);
    CHECK(strstr(answer(), "X-CSRF-Token"));
    t.cookie[3] ^= 1;
    CHECK_EQ_INT(request("GET", "/thing", "", ""), 401);
    CHECK(strstr(answer(), "session is over"));
    CHECK(sign_in(USER_SUPERVISOR));
    CHECK_EQ_INT(request("GET", "/thing", "", ""), 200);
    etag_take(etag);
    CHECK_EQ_INT(request("PUT", "/thing", etag, "{\"thing\":5}"), 200);
    CHECK_STR(answer(), "{\"thing\":5}");
    CHECK_EQ_INT(request("PUT", "/thing", etag, "{\"thing\":6}"), 412);
    CHECK_EQ_INT(request("PUT", "/thing", "If-Match: *\r\n" JSON_TYPE, "{\"thing\":6}"), 200);
    CHECK_EQ_INT(request("PUT", "/thing", JSON_TYPE, "{\"thing\":\"6\"}"), 422);
    CHECK_EQ_INT(request("PUT", "/thing", JSON_TYPE, "{\"thing\":"), 400);
    CHECK_EQ_INT(request("PUT", "/thing", "Content-Type: text/plain\r\n", "{}"), 415);
    CHECK_EQ_INT(t.thing, 6);
    tear_down();
}

TEST(what_is_slow_runs_on_a_thread_of_its_own_and_guesses_are_counted)
{
    CHECK(set_up());
    CHECK_EQ_INT(request("POST", "/slow", "", ""), 200);
    CHECK(!pthread_equal(t.ran_on, pthread_self()));
    for (int i = 0; i < 3; i++)
        CHECK_EQ_INT(request("POST", "/slow?right=false", "", ""), 200);
    CHECK_EQ_INT(request("POST", "/slow", "", ""), 429);
    CHECK(strstr(t.resp.headers, "Retry-After: "));
    CHECK_EQ_INT(request("GET", "/echo/a", "", ""), 200);
    tear_down();
}

TEST(what_lasts_is_waited_for_and_holds_nobody_back)
{
    struct sent s;

    atomic_store(&let_go, false);
    CHECK(set_up());
    CHECK(send_(&s, "POST", "/lasting", "", ""));
    CHECK_EQ_INT(request("POST", "/slow", "", ""), 200);
    ask_box_expire(t.box, clock_ms() + 60 * 1000);
    CHECK(s.x->question);
    atomic_store(&let_go, true);
    answer_wait(s.x);
    CHECK_EQ_INT(s.x->resp.status, 200);
    CHECK_STR(s.x->resp.body.data, "{}");
    exchange_leave(s.x);
    tear_down();
}

TEST(an_answer_in_pieces_comes_whole_and_leaves_nothing)
{
    struct sent s;

    CHECK(set_up());
    t.pieces = 3;
    CHECK(send_(&s, "GET", "/pieces", "", ""));
    answer_wait(s.x);
    CHECK_EQ_INT(s.x->resp.status, 200);
    CHECK_STR(s.x->resp.content_type, "text/csv");
    CHECK(s.x->resp.piece);
    for (int i = 0; s.x->resp.body.len && i < 9; i++) {
        CHECK(s.x->resp.body.len == (i ? 2 : 5));
        buf_clear(&s.x->resp.body);
        CHECK(s.x->resp.piece(&s.x->resp));
        answer_wait(s.x);
    }
    exchange_leave(s.x);
    CHECK_EQ_INT(t.dropped, 1);

    t.pieces = 99; /* breaks off */
    CHECK(send_(&s, "GET", "/pieces", "", ""));
    answer_wait(s.x);
    buf_clear(&s.x->resp.body);
    CHECK(s.x->resp.piece(&s.x->resp));
    answer_wait(s.x);
    CHECK_EQ_INT(s.x->resp.status, 500);
    exchange_leave(s.x);
    CHECK_EQ_INT(t.dropped, 2);

    t.pieces = 3; /* its asker goes while the next one is made */
    CHECK(send_(&s, "GET", "/pieces", "", ""));
    answer_wait(s.x);
    buf_clear(&s.x->resp.body);
    CHECK(s.x->resp.piece(&s.x->resp));
    exchange_leave(s.x);
    api_serve(t.api);
    ask_box_drain(t.box);
    CHECK_EQ_INT(t.dropped, 3);
    tear_down();
}

TEST(a_body_of_another_type_is_taken_as_it_is)
{
    CHECK(set_up());
    CHECK_EQ_INT(request("POST", "/text", "Content-Type: text/csv; charset=utf-8\r\n", "a,b\n"), 200);
    CHECK_STR(answer(), "[4]");
    CHECK_EQ_INT(request("POST", "/text", JSON_TYPE, "{}"), 415);
    CHECK_EQ_INT(request("POST", "/text", "", ""), 200);
    tear_down();
}

TEST(who_finds_no_room_is_told_and_nothing_is_left)
{
    enum { MANY = 80 };
    static struct sent s[MANY];
    int busy = 0, done = 0;

    CHECK(set_up());
    for (int i = 0; i < MANY; i++)
        CHECK(send_(&s[i], "POST", "/slow", "", ""));
    for (int i = 0; i < MANY; i++) {
        answer_wait(s[i].x);
        busy += s[i].x->resp.status == 503;
        done += s[i].x->resp.status == 200;
        exchange_leave(s[i].x);
    }
    CHECK_EQ_INT(busy + done, MANY);
    CHECK(busy > 0 && done > 0);
    tear_down();
}
