/* The agent's sign-in and the status pages, through the routes that the web server would call. */
#include "rig.h"

static int sign_in(const char *dn, const char *password)
{
    char body[600];

    snprintf(body, sizeof(body), "{\"dn\":\"%s\",\"password\":\"%s\"}", dn, password);
    return ask_for("POST", "/api/agent/v1/config", "application/json; charset=utf-8", body);
}

TEST(the_right_password_gets_what_the_page_needs)
{
    struct json *doc;
    const struct json_val *root, *sip;

    CHECK(set_up());
    CHECK_EQ_INT(sign_in("5001", "secret1"), 200);
    CHECK_EQ_INT(json_parse(&doc, t.resp.body.data, t.resp.body.len, NULL, 0), 0);
    root = json_root(doc);
    sip = json_get(root, "sip");
    CHECK_STR(json_get_str(root, "dn"), "5001");
    CHECK_STR(json_get_str(root, "displayName"), "Ada \"Q\"");
    CHECK(json_get(root, "iceServers"));
    CHECK_STR(json_get_str(sip, "uri"), "sip:5001@gw.example");
    CHECK_STR(json_get_str(sip, "ws"), "wss://gw.example:8443/ws");
    CHECK_STR(json_get_str(sip, "realm"), "dngate");
    CHECK_STR(json_get_str(json_get(root, "features"), "codec"), "auto");
    CHECK(strstr(t.resp.body.data, "\"autoAnswer\":false,\"callLimit\":0,") != NULL);
    CHECK(!strstr(t.resp.body.data, "ha1") && !strstr(t.resp.body.data, "secret1"));
    json_free(doc);
    tear_down();
}

TEST(wrong_unknown_and_disabled_answer_alike)
{
    char *wrong;

    CHECK(set_up());
    CHECK_EQ_INT(sign_in("5001", "secret2"), 401);
    wrong = strdup(t.resp.body.data);
    CHECK_EQ_INT(sign_in("5999", "secret1"), 401);
    CHECK_STR(t.resp.body.data, wrong);
    CHECK_EQ_INT(sign_in("5002", "secret2"), 401);
    CHECK_STR(t.resp.body.data, wrong);
    CHECK_STR(t.resp.content_type, "application/problem+json");
    free(wrong);
    tear_down();
}

static int renew(const char *dn, const char *word)
{
    char body[600];

    snprintf(body, sizeof(body), "{\"dn\":\"%s\",\"renew\":\"%s\"}", dn, word);
    return ask_for("POST", "/api/agent/v1/config", "application/json", body);
}

/* The word of the last answer into out; "" when there is none. */
static void renew_of(char *out, size_t sz)
{
    struct json *doc = NULL;

    snprintf(out, sz, "%s",
             json_parse(&doc, t.resp.body.data, t.resp.body.len, NULL, 0)
                 ? ""
                 : json_get_str(json_root(doc), "renew"));
    json_free(doc);
}

TEST(a_page_without_its_password_gets_new_credentials_until_the_dn_has_another)
{
    char word[200], other[200], why[200];

    CHECK(set_up());
    CHECK_EQ_INT(sign_in("5001", "secret1"), 200);
    renew_of(word, sizeof(word));
    CHECK(*word);
    CHECK_EQ_INT(renew("5001", word), 200);
    CHECK(strstr(t.resp.body.data, "\"credential\""));
    renew_of(other, sizeof(other));
    CHECK_EQ_INT(renew("5001", other), 200);

    CHECK_EQ_INT(renew("5002", word), 401); /* another's, and disabled */
    CHECK_EQ_INT(renew("5999", word), 401);
    snprintf(other, sizeof(other), "9%s", word); /* would be good for longer */
    CHECK_EQ_INT(renew("5001", other), 401);
    snprintf(other, sizeof(other), "%s", word);
    other[strlen(other) - 1] ^= 1;
    CHECK_EQ_INT(renew("5001", other), 401);
    CHECK_EQ_INT(renew("5001", "1:00"), 401);

    CHECK_EQ_INT(dn_passwd(t.store, "5001", "secret9", why, sizeof(why)), 0);
    directory_free(t.live.directory);
    CHECK(directory_read());
    CHECK_EQ_INT(renew("5001", word), 401);
    tear_down();
}

/* An office comes back on Monday: what is over by its own word is refused without being held against the address. */
TEST(a_word_that_is_over_is_no_guess)
{
    CHECK(set_up());
    for (int i = 0; i < 50; i++)
        CHECK_EQ_INT(renew("5001", "1700000000:00"), 401);
    CHECK_EQ_INT(guard_check(t.guard, &t.peer, NULL), GUARD_PASS);
    CHECK_EQ_INT(sign_in("5001", "secret1"), 200);
    for (int i = 0; i < 50; i++)
        (void)renew("5001", "99999999999:00");
    CHECK_EQ_INT(guard_check(t.guard, &t.peer, NULL), GUARD_BAN); /* a guess at one is */
    tear_down();
}

TEST(the_database_is_locked)
{
    int right, wrong;
    pid_t pid;

    CHECK(set_up());
    pid = database_lock(t.dir);
    CHECK(pid > 0);
    right = sign_in("5001", "secret1");
    wrong = sign_in("5001", "secret2");
    database_unlock(pid);
    CHECK_EQ_INT(right, 200);
    CHECK_EQ_INT(wrong, 401);
    tear_down();
}

TEST(repeated_failures_slow_down_then_ban_the_source_not_the_dn)
{
    int status = 0, tries;
    uint32_t longest = 0;

    CHECK(set_up());
    for (tries = 0; tries < 60 && (status = sign_in("5001", "wrong!")) == 401; tries++)
        if (t.resp.delay_ms > longest)
            longest = t.resp.delay_ms;
    CHECK_EQ_INT(status, 429);
    CHECK(strstr(t.resp.headers, "Retry-After: "));
    CHECK(longest >= 250 && longest <= 8000);
    CHECK_EQ_INT(sign_in("5001", "secret1"), 429);
    addr_parse_ip(&t.peer, "192.0.2.8", 4711);
    CHECK_EQ_INT(sign_in("5001", "secret1"), 200);
    CHECK_EQ_INT(t.resp.delay_ms, 0);
    tear_down();
}

TEST(bad_bodies)
{
    static const struct {
        int status;
        const char *type, *body;
    } cases[] = {
        {415, "text/plain", "{\"dn\":\"5001\",\"password\":\"secret1\"}"},
        {400, "application/json", ""},
        {400, "application/json", "{\"dn\":"},
        {422, "application/json", "[]"},
        {422, "application/json", "{\"dn\":5001,\"password\":\"secret1\"}"},
        {422, "application/json", "{\"dn\":\"5001\"}"},
        {422, "application/json", "{\"dn\":\"5001\",\"password\":\"secret1\",\"renew\":\"1:2\"}"},
        {422, "application/json", "{\"dn\":\"5001'; --\",\"password\":\"secret1\"}"},
    };

    CHECK(set_up());
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        CHECK_EQ_INT(ask_for("POST", "/api/agent/v1/config", cases[i].type, cases[i].body), cases[i].status);
    tear_down();
}

TEST(health_ready_and_metrics)
{
    CHECK(set_up());
    health_reset();
    CHECK_EQ_INT(ask_for("GET", "/healthz", "", ""), 200);
    health_set("store", HEALTH_UP, "%s", "");
    CHECK_EQ_INT(ask_for("GET", "/readyz", "", ""), 200);
    health_set("trunk", HEALTH_DEGRADED, "no answer from %s", "gsx1");
    CHECK_EQ_INT(ask_for("HEAD", "/readyz", "", ""), 200);
    health_set("sip", HEALTH_DOWN, "port lost");
    CHECK_EQ_INT(ask_for("GET", "/readyz", "", ""), 503);
    CHECK(strstr(t.resp.body.data, "port lost") && strstr(t.resp.body.data, "gsx1"));
    CHECK_EQ_INT(ask_for("GET", "/metrics", "", ""), 200);
    CHECK(strstr(t.resp.body.data, "# TYPE dngate_agent_signins_total counter"));
    tear_down();
}
