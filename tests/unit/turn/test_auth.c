/* Credentials: REST names and static users, nonces, both hashes, USERHASH, and what is refused with which code. */
#include "testing.h"
#include "turnhost.h"

static struct turnhost host;

#define SETUP(c)                                                                                             \
    struct turnclient c;                                                                                     \
    CHECK(!turnhost_open_server(&host, NULL));                                                               \
    turnclient_init(&c, &host, "203.0.113.7:40000", "5001");                                                 \
    CHECK(turnclient_challenge(&c))

#define TEARDOWN turn_server_free(host.server)

TEST(a_rest_password_is_base64_of_hmac_sha1)
{
    char name[TURN_NAME_MAX + 1], password[TURN_REST_PASSWORD_LEN], longer[200];

    CHECK_EQ_INT(turn_rest_name(name, sizeof(name), 1433895918, "me"), 0);
    CHECK_STR(name, "1433895918:me");
    /* printf 1433895918:me | openssl dgst -sha1 -hmac north -binary | base64 */
    turn_rest_password(password, "north", 5, name);
    CHECK_EQ_INT(strlen(password), 28);
    CHECK_STR(password, "Avs0siN6iVJAegZADQQ4cYT7/7Q=");
    memset(longer, 'x', sizeof(longer));
    longer[sizeof(longer) - 1] = '\0';
    CHECK_EQ_INT(turn_rest_name(name, sizeof(name), 1, longer), EOVERFLOW);
}

TEST(both_integrities_with_both_algorithms)
{
    struct stun_view v;
    const uint8_t *p;
    uint8_t key[32], mac[SHA256_LEN], msg[1024];
    size_t n, klen;
    SETUP(c);

    for (unsigned how = 0; how < 4; how++) {
        c.sha256 = how & 1;
        c.sha256_key = how & 2;
        CHECK_EQ_INT(turnclient_allocate(&c), 0);
        CHECK(turnclient_answer(&c, &v));
        turnclient_key(&c, key, &klen);
        if (c.sha256) { /* the answer has what the request had: RFC 8489 9.2.4 */
            CHECK(!v.mi);
            p = stun_get(&v, TURN_MESSAGE_INTEGRITY_SHA256, &n);
            CHECK(p && n == SHA256_LEN);
            n = (size_t)(p - 4 - host.last);
            memcpy(msg, host.last, n);
            msg[3] = (uint8_t)(n + 36 - 20);
            msg[2] = (uint8_t)((n + 36 - 20) >> 8);
            hash_hmac_sha256(mac, key, klen, msg, n);
            CHECK_MEM(p, mac, SHA256_LEN);
        } else {
            CHECK(stun_auth(&v, key, klen));
        }
        CHECK_EQ_INT(turnclient_refresh(&c, 0), 0);
    }
    TEARDOWN;
}

TEST(a_wrong_password_is_401_and_counted)
{
    struct turn_figures f;
    SETUP(c);

    c.password[0] ^= 1;
    CHECK_EQ_INT(turnclient_allocate(&c), 401);
    turnclient_init(&c, &host, "203.0.113.7:40000", "5001");
    c.name[0] = '9'; /* another expiry than the password's */
    CHECK(turnclient_challenge(&c));
    CHECK_EQ_INT(turnclient_allocate(&c), 401);
    strcpy(c.name, "nobody");
    CHECK_EQ_INT(turnclient_allocate(&c), 401);
    turn_server_figures(host.server, &f);
    CHECK_EQ_INT(f.unauthorized, 3);
    CHECK_EQ_INT(f.allocations, 0);
    TEARDOWN;
}

TEST(a_name_is_over_at_its_second)
{
    static const char *const odd[] = {":5001",
                                      "1700000100",
                                      "1700000100:",
                                      "x1700000100:5001",
                                      "-1:5001",
                                      " 1700000100:5001",
                                      "99999999999999999999:5001"};
    SETUP(c);

    CHECK(!turn_rest_name(c.name, sizeof(c.name), TURNHOST_UNIX + 100, "5001"));
    turn_rest_password(c.password, TURNHOST_SECRET, 32, c.name);
    CHECK_EQ_INT(turnclient_allocate(&c), 0);
    turnhost_pass(&host, 99);
    CHECK_EQ_INT(turnclient_refresh(&c, 600), 0);
    turnhost_pass(&host, 1);
    CHECK_EQ_INT(turnclient_refresh(&c, 600), 401);
    for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++) {
        strcpy(c.name, odd[i]);
        turn_rest_password(c.password, TURNHOST_SECRET, 32, c.name);
        CHECK_EQ_INT(turnclient_allocate(&c), 401);
    }
    TEARDOWN;
}

TEST(a_nonce_is_for_its_address_and_its_hour)
{
    char nonce[128];
    SETUP(c);

    strcpy(nonce, c.nonce);
    c.flow.client.u.in.sin_port ^= 1; /* the port may change */
    CHECK_EQ_INT(turnclient_allocate(&c), 0);
    CHECK(!addr_parse(&c.flow.client, "203.0.113.8:40000"));
    CHECK_EQ_INT(turnclient_allocate(&c), 438);
    CHECK(turnclient_challenge(&c));
    CHECK(strcmp(nonce, c.nonce));
    CHECK_EQ_INT(turnclient_allocate(&c), 0);
    for (size_t i = 0; i < strlen(nonce); i++) {
        strcpy(c.nonce, nonce);
        c.nonce[i] ^= 1;
        CHECK_EQ_INT(turnclient_allocate(&c), 438);
    }
    CHECK(!addr_parse(&c.flow.client, "203.0.113.7:40000"));
    strcpy(c.nonce, nonce);
    turnhost_pass(&host, 3600);
    CHECK_EQ_INT(turnclient_allocate(&c), 0);
    turnhost_pass(&host, 1);
    CHECK_EQ_INT(turnclient_refresh(&c, 600), 438);
    CHECK(turnclient_challenge(&c));
    CHECK_EQ_INT(turnclient_refresh(&c, 600), 0);
    TEARDOWN;
}

TEST(half_a_credential_is_400)
{
    static const uint8_t algorithms[] = {0, 2, 0, 0, 0, 1, 0, 0}, fewer[] = {0, 1, 0, 0},
                         third[] = {0, 3, 0, 0};
    uint8_t key[32];
    size_t klen;
    SETUP(c);

    turnclient_key(&c, key, &klen);
    for (unsigned missing = 0; missing < 3; missing++) {
        turnclient_want_udp(&c);
        if (missing != 0)
            stun_put(&c.w, STUN_USERNAME, c.name, strlen(c.name));
        if (missing != 1)
            stun_put(&c.w, STUN_REALM, TURNHOST_REALM, strlen(TURNHOST_REALM));
        if (missing != 2)
            stun_put(&c.w, STUN_NONCE, c.nonce, strlen(c.nonce));
        stun_put_integrity(&c.w, key, klen);
        turnclient_send(&c);
        CHECK_EQ_INT(turnclient_code(&c), 400);
    }
    for (unsigned how = 0; how < 4; how++) { /* bid down, or made up: RFC 8489 9.2.4 */
        turnclient_want_udp(&c);
        if (how != 1)
            stun_put(&c.w, TURN_PASSWORD_ALGORITHMS, how == 2 ? fewer : algorithms, how == 2 ? 4 : 8);
        if (how != 0)
            stun_put(&c.w, TURN_PASSWORD_ALGORITHM, how == 3 ? third : fewer, 4);
        CHECK_EQ_INT(turnclient_ask(&c), 400);
    }
    TEARDOWN;
}

TEST(a_userhash_is_found_for_names_that_were_given_out)
{
    char name[TURN_NAME_MAX + 1];
    struct turn_auth *auth;
    SETUP(c);

    auth = turn_server_auth(host.server);
    c.userhash = c.sha256 = c.sha256_key = true;
    CHECK_EQ_INT(turnclient_allocate(&c), 401);
    CHECK_EQ_INT(turn_auth_learn(auth, "alice"), EINVAL);
    CHECK_EQ_INT(turn_auth_learn(auth, c.name), 0);
    CHECK_EQ_INT(turn_auth_learn(auth, c.name), 0);
    CHECK_EQ_INT(turnclient_allocate(&c), 0);
    for (int i = 0; i < TURN_LEARNED_MAX; i++) {
        CHECK(!turn_rest_name(name, sizeof(name), TURNHOST_UNIX + i, "6000"));
        CHECK_EQ_INT(turn_auth_learn(auth, name), 0);
    }
    CHECK_EQ_INT(turnclient_refresh(&c, 600), 401); /* forgotten; its plain name still works */
    c.userhash = false;
    CHECK_EQ_INT(turnclient_refresh(&c, 600), 0);
    TEARDOWN;
}

TEST(static_users_come_change_and_go)
{
    char name[16];
    struct turn_auth *auth;
    SETUP(c);

    auth = turn_server_auth(host.server);
    CHECK_EQ_INT(turn_auth_set_user(auth, "", "x"), EINVAL);
    CHECK_EQ_INT(turn_auth_set_user(auth, "alice", ""), EINVAL);
    CHECK_EQ_INT(turn_auth_set_user(auth, "1700000000:alice", "x"), EINVAL);
    CHECK_EQ_INT(turn_auth_set_user(auth, "alice", NULL), 0);
    CHECK_EQ_INT(turn_auth_set_user(auth, "alice", "wonderland"), 0);
    strcpy(c.name, "alice");
    strcpy(c.password, "wonderland");
    CHECK_EQ_INT(turnclient_allocate(&c), 0);
    c.userhash = true;
    CHECK_EQ_INT(turnclient_refresh(&c, 600), 0);
    CHECK_EQ_INT(turn_auth_set_user(auth, "alice", "glass"), 0);
    CHECK_EQ_INT(turnclient_refresh(&c, 600), 401);
    strcpy(c.password, "glass");
    CHECK_EQ_INT(turnclient_refresh(&c, 600), 0);
    CHECK_EQ_INT(turn_auth_set_user(auth, "alice", NULL), 0);
    CHECK_EQ_INT(turnclient_refresh(&c, 600), 401);
    for (int i = 0; i < TURN_USERS_MAX; i++) {
        snprintf(name, sizeof(name), "user%d", i);
        CHECK_EQ_INT(turn_auth_set_user(auth, name, "x"), 0);
    }
    CHECK_EQ_INT(turn_auth_set_user(auth, "one too many", "x"), ENOSPC);
    TEARDOWN;
}

TEST(a_realm_and_a_secret_have_lengths)
{
    struct turn_auth *a = NULL;
    char longer[100];

    memset(longer, 'x', sizeof(longer));
    longer[sizeof(longer) - 1] = '\0';
    CHECK_EQ_INT(turn_auth_alloc(&a, "", TURNHOST_SECRET, 32), EINVAL);
    CHECK_EQ_INT(turn_auth_alloc(&a, longer, TURNHOST_SECRET, 32), EINVAL);
    CHECK_EQ_INT(turn_auth_alloc(&a, "dngate", TURNHOST_SECRET, 15), EINVAL);
    CHECK_EQ_INT(turn_auth_alloc(&a, "dngate", longer, 65), EINVAL);
    CHECK_EQ_INT(turn_auth_alloc(&a, "dngate", TURNHOST_SECRET, 16), 0);
    turn_auth_free(a);
}
