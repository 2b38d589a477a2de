#include "admin/selftest.h"
#include "admin/iceservers.h"
#include "admin/pace.h"
#include "admin/report.h"
#include "admin/signin.h"
#include "call/testid.h"
#include "core/clock.h"
#include "core/guard.h"
#include "core/json.h"
#include "core/log.h"
#include "core/metric.h"
#include "crypto/hash.h"
#include "turn/auth.h"
#include "version.h"
#include "web/web.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    START_BODY_MAX = 4096,
    RESULT_BODY_MAX = 16384,
    STARTS_BURST = 12,
    STARTS_EVERY_MS = 60000,
    RESULTS_BURST = 24,
    RESULTS_EVERY_MS = 10000,
};

METRIC_COUNTER(verdict_good, "dngate_selftests_total", "verdict=\"good\"", "Self-tests that left a result");
METRIC_COUNTER(verdict_fair, "dngate_selftests_total", "verdict=\"fair\"", "Self-tests that left a result");
METRIC_COUNTER(verdict_bad, "dngate_selftests_total", "verdict=\"bad\"", "Self-tests that left a result");
METRIC_COUNTER(links_used, "dngate_selftest_links_total", "result=\"used\"",
               "One-time links of the self-test that were opened");
METRIC_COUNTER(links_over, "dngate_selftest_links_total", "result=\"over\"",
               "One-time links of the self-test that were opened");
METRIC_COUNTER(links_unknown, "dngate_selftest_links_total", "result=\"unknown\"",
               "One-time links of the self-test that were opened");

struct admin_selftest {
    const struct signin *signin;
    const struct iceservers *ice;
    const struct store *store;
    uint8_t key[TESTID_KEY_LEN];
    struct pace starts, results; /* by DN or link */
};

/* ------------------------------------------------------------------ start */

static bool paced(struct pace *p, struct web_resp *resp, const char *dn, int64_t link)
{
    char who[DN_MAX + 32];
    uint32_t wait_ms, wait_s;

    snprintf(who, sizeof(who), *dn ? "d%s" : "l%s%lld", dn, (long long)link);
    if (pace_take(p, who, clock_ms(), &wait_ms))
        return true;
    wait_s = wait_ms / 1000 + 1;
    web_problem(resp, 429, "Too Many Requests", "That was often. Try again in %u seconds.", wait_s);
    snprintf(resp->headers, sizeof(resp->headers), "Retry-After: %u\r\n", wait_s);
    return false;
}

/* dn: "" for a link's test. */
static void start_write(struct admin_selftest *a, struct web_resp *resp, const char *host, const char *dn,
                        const char *name, int64_t link)
{
    struct buf *b = &resp->body;
    struct testid id;

    if (!paced(&a->starts, resp, dn, link))
        return;
    testid_make(&id, a->key, clock_wall_ms() / 1000, dn, link);
    buf_printf(b, "{\"session\":\"%s\",\"expires_s\":%d,\"dn\":\"%s\",\"name\":", id.session, TESTID_SECONDS,
               dn);
    buf_json_str(b, name);
    buf_printf(b, ",\"user\":\"%s\",\"password\":\"%s\",\"echo\":\"" TESTID_ECHO "\",", id.user, id.password);
    /* a DN's are all made for the same time, which says when they were made (turn/revoked) */
    iceservers_write(a->ice, b, host, *dn ? dn : id.user, *dn ? TURN_REST_SECONDS : TESTID_SECONDS);
    buf_printf(b, ",\"version\":\"%s\"}", DNGATE_VERSION);
    explicit_bzero(&id, sizeof(id));
}

/* A signin_h. */
static void start_by_dn(struct web_resp *resp, const char *host, const struct dn *dn, void *arg)
{
    start_write(arg, resp, host, dn->dn, *dn->name ? dn->name : dn->dn, 0);
}

struct using
{ /* the question to the writer, and what of the request is needed with the answer */
    struct selftest_use use;
    char host[SIGNIN_HOST_MAX];
    struct addr peer;
};

static void use_answer(void *value, void *store)
{
    selftest_use_answer(&((struct using *)value)->use, store);
}

/* A token that never was may be a guess; one that has been used is a bookmark. */
static void link_refuse(const struct admin_selftest *a, struct web_resp *resp, const struct using *u)
{
    char peer[ADDR_STRLEN];

    (void)addr_ip(&u->peer, peer, sizeof(peer));
    if (u->use.err == ENOENT && guard_fail(a->signin->guard, &u->peer) == GUARD_BAN)
        log_warn("http", "peer=%s banned after repeated wrong links of the self-test", peer);
    metric_add(u->use.err == ENOENT ? &links_unknown : &links_over, 1);
    log_warn_limited("http", "peer=%s self-test link refused: %s", peer,
                     u->use.err == ENOENT     ? "there is none such"
                     : u->use.err == EALREADY ? "it was used before"
                                              : "it is over");
    web_problem(resp, 410, "Gone",
                u->use.err == EALREADY
                    ? "This link has been used: it is good for one self-test. Ask whoever gave it to you for "
                      "another one."
                    : "This link is not good any more. Ask whoever gave it to you for another one.");
}

/* WEB thread. */
static void use_later(void *value, struct web_resp *resp, void *arg)
{
    struct admin_selftest *a = arg;
    const struct using *u = value;

    if (!u->use.err) {
        metric_add(&links_used, 1);
        start_write(a, resp, u->host, "", u->use.link.note, u->use.link.id);
    } else if (u->use.err == ENOENT || u->use.err == EALREADY || u->use.err == ETIME) {
        link_refuse(a, resp, u);
    } else {
        web_problem(resp, 503, "Service Unavailable", "The server cannot look the link up: %s.",
                    store_strerror(u->use.err));
    }
}

WEB_QUESTION(link_use, struct using, use_answer, use_later);

static void start_by_link(struct admin_selftest *a, const struct web_req *req, struct web_resp *resp,
                          const char *token)
{
    struct using u = {.peer = *req->peer};

    if (strlen(token) != SELFTEST_TOKEN_MAX - 1) {
        u.use.err = ENOENT;
        link_refuse(a, resp, &u);
        return;
    }
    snprintf(u.use.token, sizeof(u.use.token), "%s", token);
    snprintf(u.host, sizeof(u.host), "%s", req->host);
    web_ask(resp, store_questions(a->store), &link_use, &u, a);
    explicit_bzero(&u, sizeof(u));
}

static void start_h(const struct web_req *req, struct web_resp *resp, void *arg)
{
    struct admin_selftest *a = arg;
    const char *token;
    struct json *doc;

    if (!signin_gate(a->signin, req, resp) || !signin_body(req, resp, START_BODY_MAX, &doc))
        return;
    token = json_get_str(json_root(doc), "link");
    if (token)
        start_by_link(a, req, resp, token);
    else
        signin_ask(a->signin, req, resp, json_root(doc), start_by_dn, a);
    json_free(doc);
}

/* ------------------------------------------------------------------ result */

static void put_later(void *value, struct web_resp *resp, void *arg)
{
    const struct selftest_put *p = value;
    const struct selftest *t = &p->result;

    (void)arg;
    if (p->err) {
        web_problem(resp, 503, "Service Unavailable", "The result cannot be kept: %s.",
                    store_strerror(p->err));
        return;
    }
    metric_add(!strcmp(t->verdict, "good")   ? &verdict_good
               : !strcmp(t->verdict, "fair") ? &verdict_fair
                                             : &verdict_bad,
               1);
    log_info("selftest", "id=%s dn=%s verdict=%s result kept", t->id, *t->dn ? t->dn : "-", t->verdict);
    resp->status = 201;
    buf_printf(&resp->body, "{\"id\":\"%s\"}", t->id);
}

WEB_QUESTION(result_put, struct selftest_put, selftest_put_answer, put_later);

static bool session_read(const struct admin_selftest *a, struct web_resp *resp, const char *session,
                         struct selftest_put *p)
{
    uint8_t sum[SHA256_LEN];
    int err =
        session ? testid_session(a->key, clock_wall_ms() / 1000, session, p->result.dn, &p->link) : EACCES;

    if (err) {
        web_problem(resp, err == ETIME ? 410 : 401, err == ETIME ? "Gone" : "Unauthorized",
                    err == ETIME ? "This self-test is over. Begin another one."
                                 : "This is not the session of a self-test. Begin another one.");
        return false;
    }
    hash_sha256(sum, session, strlen(session));
    hash_hex(p->session, sum, sizeof(sum));
    return true;
}

static void result_take(struct admin_selftest *a, const struct web_req *req, struct web_resp *resp,
                        const struct json_val *body)
{
    struct selftest_put *p = calloc(1, sizeof(*p));
    char why[REPORT_WHY_MAX];
    int err;

    if (!p) {
        web_problem(resp, 503, "Service Unavailable", "The server is short of memory.");
        return;
    }
    if (session_read(a, resp, json_get_str(body, "session"), p) &&
        paced(&a->results, resp, p->result.dn, p->link)) {
        (void)addr_ip(req->peer, p->result.source, sizeof(p->result.source));
        err = report_read(&p->result, json_get(body, "report"), why);
        if (err)
            web_problem(resp, 400, "Bad Request", "The report is refused: %s.", *why ? why : strerror(err));
        else
            web_ask(resp, store_questions(a->store), &result_put, p, a);
    }
    free(p);
}

static void result_h(const struct web_req *req, struct web_resp *resp, void *arg)
{
    struct json *doc;

    if (!signin_body(req, resp, RESULT_BODY_MAX, &doc))
        return;
    result_take(arg, req, resp, json_root(doc));
    json_free(doc);
}

/* ------------------------------------------------------------------ */

int admin_selftest_alloc(struct admin_selftest **ap, const struct signin *signin,
                         const struct iceservers *ice, const struct store *store)
{
    static const struct web_route routes[] = {
        {.method = "POST", .path = "/api/selftest/v1/start", .h = start_h},
        {.method = "POST", .path = "/api/selftest/v1/result", .h = result_h},
    };
    struct admin_selftest *a = calloc(1, sizeof(*a));
    int err;

    if (!a)
        return ENOMEM;
    a->signin = signin;
    a->ice = ice;
    a->store = store;
    pace_init(&a->starts, STARTS_BURST, STARTS_EVERY_MS);
    pace_init(&a->results, RESULTS_BURST, RESULTS_EVERY_MS);
    store_key(store, a->key, TESTID_KEY);
    err = web_routes(routes, sizeof(routes) / sizeof(routes[0]), a);
    if (err)
        admin_selftest_free(a);
    else
        *ap = a;
    return err;
}

void admin_selftest_free(struct admin_selftest *a)
{
    if (a)
        explicit_bzero(a, sizeof(*a));
    free(a);
}
