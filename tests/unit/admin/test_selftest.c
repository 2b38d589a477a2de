/* The self-test's resources: who may begin one, with what, and what may be left behind. */
#define TESTING_NO_OOM "the store's thread: what it waits for would not come"
#include "rig.h"

#include "admin/pace.h"
#include "call/testid.h"
#include "core/clock.h"
#include "crypto/hash.h"
#include "store/selftest.h"

static int start(const char *body)
{
    return ask_for("POST", "/api/selftest/v1/start", "application/json", body);
}

static int result(const char *session, const char *report)
{
    char body[20000];

    snprintf(body, sizeof(body), "{\"session\":\"%s\",\"report\":%s}", session, report);
    return ask_for("POST", "/api/selftest/v1/result", "application/json", body);
}

/* A member of the last answer. */
static void told(const char *key, char *out, size_t sz)
{
    struct json *doc = NULL;
    const char *s = json_parse(&doc, t.resp.body.data, t.resp.body.len, NULL, 0)
                        ? NULL
                        : json_get_str(json_root(doc), key);

    snprintf(out, sz, "%s", s ? s : "?");
    json_free(doc);
}

#define GOOD                                                                                                 \
    "{\"verdict\":\"good\",\"tests\":[{\"name\":\"wss\",\"result\":\"good\",\"figures\":{\"ms\":12}}]}"
#define FAIR "{\"verdict\":\"fair\",\"tests\":[{\"name\":\"wss\",\"result\":\"fair\"}]}"

TEST(a_dn_gets_an_identity_that_signalling_will_know)
{
    char text[256], user[64], password[64];
    uint8_t key[TESTID_KEY_LEN];
    char ha1[SHA256_HEXLEN];
    struct dn dn;

    CHECK(set_up());
    CHECK_EQ_INT(start("{\"dn\":\"5001\",\"password\":\"secret1\"}"), 200);
    told("user", user, sizeof(user));
    told("password", password, sizeof(password));
    store_key(t.store, key, TESTID_KEY);
    CHECK_EQ_INT(testid_lookup(&dn, key, clock_wall_ms() / 1000, user), 0);
    hash_ha1_sha256(ha1, user, DN_REALM, password);
    CHECK_STR(dn.ha1_sha256, ha1);
    CHECK(dn.enabled);
    told("dn", text, sizeof(text));
    CHECK_STR(text, "5001");
    told("name", text, sizeof(text));
    CHECK_STR(text, "Ada \"Q\"");
    told("echo", text, sizeof(text));
    CHECK_STR(text, "selftest");
    CHECK(strstr(t.resp.body.data, "\"expires_s\":1800"));
    CHECK(strstr(t.resp.body.data, ":5001\",\"credential\":")); /* TURN's quota is the DN's */
    CHECK(!strstr(t.resp.body.data, "secret1"));
    tear_down();
}

TEST(a_wrong_password_is_refused_as_the_agents_page_is)
{
    CHECK(set_up());
    CHECK_EQ_INT(start("{\"dn\":\"5001\",\"password\":\"wrong\"}"), 401);
    CHECK_EQ_INT(start("{\"dn\":\"5999\",\"password\":\"secret1\"}"), 401);
    CHECK_EQ_INT(start("{\"dn\":\"5002\",\"password\":\"secret2\"}"), 401); /* disabled */
    CHECK_EQ_INT(start("{}"), 422);
    CHECK_EQ_INT(start("{\"link\":7}"), 422);
    CHECK_EQ_INT(start("{"), 400);
    CHECK_EQ_INT(ask_for("POST", "/api/selftest/v1/start", "text/plain", "{}"), 415);
    for (int i = 0; i < 20; i++)
        (void)start("{\"dn\":\"5001\",\"password\":\"wrong\"}");
    CHECK_EQ_INT(start("{\"dn\":\"5001\",\"password\":\"secret1\"}"), 429);
    tear_down();
}

TEST(a_link_begins_one_test_and_no_second)
{
    char token[SELFTEST_TOKEN_MAX], body[100], why[200], text[200], user[64];
    struct selftest_link link;

    CHECK(set_up());
    CHECK_EQ_INT(selftest_link_add(t.store, "Grace", 24, &link, token, why, sizeof(why)), 0);
    snprintf(body, sizeof(body), "{\"link\":\"%s\"}", token);
    CHECK_EQ_INT(start(body), 200);
    told("dn", text, sizeof(text));
    CHECK_STR(text, "");
    told("name", text, sizeof(text));
    CHECK_STR(text, "Grace");
    told("user", user, sizeof(user));
    snprintf(text, sizeof(text), ":%s\",\"credential\":", user); /* TURN by a name of its own */
    CHECK(strstr(t.resp.body.data, text));
    CHECK_EQ_INT(start(body), 410);
    CHECK(strstr(t.resp.body.data, "has been used"));
    CHECK_STR(t.resp.content_type, "application/problem+json");
    for (int i = 0; i < 40; i++) /* a bookmark is no guess … */
        CHECK_EQ_INT(start(body), 410);
    for (int i = 0; i < 20; i++) /* … a token that never was may be one */
        (void)start("{\"link\":\"AAAAAAAAAAAAAAAAAAAAAA\"}");
    CHECK_EQ_INT(start("{\"link\":\"short\"}"), 429);
    tear_down();
}

struct keeping {
    size_t n;
    struct selftest *last;
};

static bool keep_h(const struct selftest *s, void *arg)
{
    struct keeping *k = arg;

    if (!k->n++)
        *k->last = *s;
    return false;
}

static size_t kept(const char *dn, struct selftest *last)
{
    struct keeping k = {.last = last};
    struct store_reader *r;

    CHECK_OR(!store_reader_alloc(&r, t.store), return 99);
    CHECK_OR(!selftest_each(r, dn, keep_h, &k), return 99);
    store_reader_free(r);
    return k.n;
}

TEST(a_result_is_kept_once_for_each_test)
{
    char session[200], other[200], id[64];
    struct selftest s;

    CHECK(set_up());
    CHECK_EQ_INT(start("{\"dn\":\"5001\",\"password\":\"secret1\"}"), 200);
    told("session", session, sizeof(session));
    CHECK_EQ_INT(result(session, GOOD), 201);
    told("id", id, sizeof(id));
    CHECK_EQ_INT(kept("5001", &s), 1);
    CHECK_STR(s.id, id);
    CHECK_STR(s.source, "192.0.2.7");
    CHECK_STR(s.tests, "[{\"name\":\"wss\",\"result\":\"good\",\"detail\":\"\",\"figures\":{\"ms\":12}}]");
    CHECK_EQ_INT(result(session, FAIR), 201);
    CHECK_EQ_INT(kept("5001", &s), 1);
    CHECK_STR(s.verdict, "fair");
    CHECK_EQ_INT(start("{\"dn\":\"5001\",\"password\":\"secret1\"}"), 200);
    told("session", other, sizeof(other));
    CHECK_EQ_INT(result(other, GOOD), 201);
    CHECK_EQ_INT(kept("5001", &s), 2);

    CHECK_EQ_INT(result(other, "{\"verdict\":\"good\",\"tests\":[{\"name\":\"nose\",\"result\":\"good\"}]}"),
                 400);
    CHECK(strstr(t.resp.body.data, "nose"));
    session[strlen(session) - 1] ^= 1;
    CHECK_EQ_INT(result(session, GOOD), 401);
    CHECK_EQ_INT(ask_for("POST", "/api/selftest/v1/result", "application/json", "{\"report\":{}}"), 401);
    CHECK_EQ_INT(kept("5001", &s), 2);
    tear_down();
}

TEST(what_is_too_long_or_too_often_is_refused)
{
    static char long_report[20000];
    char session[200];
    int code = 0, n;

    CHECK(set_up());
    CHECK_EQ_INT(start("{\"dn\":\"5001\",\"password\":\"secret1\"}"), 200);
    told("session", session, sizeof(session));
    memset(long_report, ' ', sizeof(long_report));
    memcpy(long_report + 17000, "{}", 3);
    CHECK_EQ_INT(result(session, long_report), 413);
    for (n = 0; n < 50 && (code = result(session, GOOD)) == 201; n++)
        continue;
    CHECK_EQ_INT(code, 429);
    CHECK(n >= 24 && n < 30);
    CHECK(strstr(t.resp.headers, "Retry-After: "));
    for (n = 0; n < 50 && (code = start("{\"dn\":\"5001\",\"password\":\"secret1\"}")) == 200; n++)
        continue;
    CHECK_EQ_INT(code, 429);
    CHECK(n >= 11 && n < 16);
    tear_down();
}

TEST(a_pace_lets_a_burst_through_and_then_one_at_a_time)
{
    static struct pace p;
    uint32_t wait_ms = 0;

    pace_init(&p, 3, 1000);
    for (int i = 0; i < 3; i++)
        CHECK(pace_take(&p, "one", 5000, &wait_ms));
    CHECK(!pace_take(&p, "one", 5000, &wait_ms));
    CHECK_EQ_INT(wait_ms, 1000);
    CHECK(!pace_take(&p, "one", 5999, &wait_ms));
    CHECK_EQ_INT(wait_ms, 1);
    CHECK(pace_take(&p, "one", 6000, &wait_ms));
    CHECK(!pace_take(&p, "one", 6000, &wait_ms));
    for (int i = 0; i < 3; i++) /* rested */
        CHECK(pace_take(&p, "one", 60000, &wait_ms));
    CHECK(!pace_take(&p, "one", 60000, &wait_ms));
}
