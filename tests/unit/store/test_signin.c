/* What signing in to the console leaves in the store: sessions, keys, second factors, the link of the first administrator. */
#include "opened.h"
#include "core/clock.h"
#include "store/apikey.h"
#include "store/session.h"
#include "store/setup.h"
#include "store/totp.h"

#include <errno.h>

#define HOUR_MS ((int64_t)3600000)

static bool begin(void)
{
    CHECK_OR(start(), return false);
    CHECK_OR(!user_add(store, "ada", USER_ADMIN, "longenough", why, sizeof(why)), return false);
    CHECK_OR(!user_add(store, "bob", USER_READONLY, "longenough", why, sizeof(why)), return false);
    return true;
}

static int sign_in(const char *user, struct session *s, char token[TOKEN_MAX])
{
    *s = (struct session){.address = "192.0.2.1", .user_agent = "B", .expires_ms = clock_wall_ms() + HOUR_MS};
    snprintf(s->user, sizeof(s->user), "%s", user);
    return session_add(store, s, token);
}

static bool count_h(const struct session *s, void *arg)
{
    (void)s;
    ++*(size_t *)arg;
    return false;
}

static size_t count(const char *user)
{
    size_t n = 0;

    return session_each(reader, user, clock_wall_ms(), HOUR_MS, count_h, &n) ? 999 : n;
}

TEST(a_session_is_found_by_its_token_until_its_time_is_over)
{
    char token[TOKEN_MAX];
    struct session s, found;
    const int64_t now = clock_wall_ms();

    CHECK(begin());
    CHECK_EQ_INT(sign_in("nobody", &s, token), ENOENT);
    CHECK_EQ_INT(sign_in("bob", &s, token), 0);
    CHECK_EQ_INT(session_find(reader, token, now, HOUR_MS, &found), 0);
    CHECK_STR(found.id, s.id);
    CHECK_STR(found.user, "bob");
    CHECK_EQ_INT(found.role, USER_READONLY);
    CHECK_EQ_INT(session_find(reader, "", now, HOUR_MS, &found), ENOENT);
    CHECK_EQ_INT(session_find(reader, s.id, now, HOUR_MS, &found), ENOENT);
    CHECK_EQ_INT(session_find(reader, token, s.expires_ms, HOUR_MS * 9, &found), ENOENT);
    CHECK_EQ_INT(session_find(reader, token, s.seen_ms + 1000, 1000, &found), ENOENT);
    CHECK_EQ_INT(session_seen(store, s.id, s.seen_ms + 500), 0);
    CHECK_EQ_INT(session_find(reader, token, s.seen_ms + 1000, 1000, &found), 0);
    CHECK_EQ_INT(session_seen(store, s.id, 5), 0); /* never back */
    CHECK_EQ_INT(session_find(reader, token, s.seen_ms + 1000, 1000, &found), 0);
    CHECK_EQ_INT(session_remove(store, s.id, "ada"), ENOENT);
    CHECK_EQ_INT(session_remove(store, s.id, "bob"), 0);
    CHECK_EQ_INT(session_find(reader, token, now, HOUR_MS, &found), ENOENT);
    CHECK_EQ_INT(session_remove(store, s.id, NULL), ENOENT);
    finish();
}

TEST(a_user_has_so_many_sessions_and_the_oldest_ends)
{
    char first[TOKEN_MAX], token[TOKEN_MAX];
    struct session s, found;

    CHECK(begin());
    CHECK_EQ_INT(sign_in("bob", &s, first), 0);
    CHECK_EQ_INT(sign_in("ada", &s, token), 0);
    for (int i = 0; i < SESSIONS_OF_USER; i++) {
        clock_wall_ms();
        CHECK_EQ_INT(sign_in("bob", &s, token), 0);
        CHECK_EQ_INT(session_seen(store, s.id, s.seen_ms + 1 + i), 0);
    }
    CHECK_EQ_INT(count("bob"), SESSIONS_OF_USER);
    CHECK_EQ_INT(count(NULL), SESSIONS_OF_USER + 1);
    CHECK_EQ_INT(session_find(reader, first, clock_wall_ms(), HOUR_MS, &found), ENOENT);
    CHECK_EQ_INT(session_find(reader, token, clock_wall_ms(), HOUR_MS, &found), 0);
    finish();
}

TEST(sessions_end_with_their_user_and_his_password)
{
    struct user_change ch = {.password = "another word"};
    char kept[TOKEN_MAX], other[TOKEN_MAX];
    struct session s, t, found;
    size_t n = 0;

    CHECK(begin());
    CHECK_EQ_INT(sign_in("bob", &s, kept), 0);
    CHECK_EQ_INT(sign_in("bob", &t, other), 0);
    ch.keep_session = s.id;
    CHECK_EQ_INT(user_change(store, "bob", &ch, why, sizeof(why)), 0);
    CHECK_EQ_INT(session_find(reader, kept, clock_wall_ms(), HOUR_MS, &found), 0);
    CHECK_EQ_INT(session_find(reader, other, clock_wall_ms(), HOUR_MS, &found), ENOENT);
    CHECK_EQ_INT(session_remove_all(store, "bob", &n), 0);
    CHECK_EQ_INT(n, 1);
    CHECK_EQ_INT(sign_in("bob", &s, kept), 0);
    CHECK_EQ_INT(user_remove(store, "bob"), 0);
    CHECK_EQ_INT(count(NULL), 0);
    finish();
}

TEST(a_role_is_changed_and_the_last_administrator_stays_one)
{
    struct user_change ch = {.set_role = true, .role = USER_READONLY};
    char token[TOKEN_MAX];
    struct session s, found;
    bool has = false;

    CHECK(begin());
    CHECK_EQ_INT(user_change(store, "ada", &ch, why, sizeof(why)), EPERM);
    CHECK_STR(why, "ada is the last administrator and stays one; add another first");
    CHECK_EQ_INT(user_change(store, "nobody", &ch, why, sizeof(why)), ENOENT);
    CHECK_EQ_INT(sign_in("bob", &s, token), 0);
    ch.role = USER_ADMIN;
    CHECK_EQ_INT(user_change(store, "bob", &ch, why, sizeof(why)), 0);
    CHECK_EQ_INT(session_find(reader, token, clock_wall_ms(), HOUR_MS, &found), 0);
    CHECK_EQ_INT(found.role, USER_ADMIN);
    CHECK_EQ_INT(user_remove(store, "ada"), 0);
    CHECK_EQ_INT(user_has_admin(reader, &has), 0);
    CHECK(has);
    finish();
}

static int code_now(const char *secret, int64_t steps, char code[TOTP_CODE_MAX])
{
    return totp_code(code, secret, clock_wall_ms() / TOTP_STEP_MS + steps);
}

TEST(a_second_factor_is_proved_first_and_each_code_is_good_once)
{
    char token[TOKEN_MAX], secret[TOTP_TEXT_MAX], code[TOTP_CODE_MAX];
    char recovery[RECOVERY_CODES][RECOVERY_MAX];
    struct user_change off = {.totp_off = true};
    struct session s;
    struct user u;

    CHECK(begin());
    CHECK_EQ_INT(sign_in("bob", &s, token), 0);
    CHECK_EQ_INT(totp_accept(store, s.id, "bob", "123456", recovery), ENOENT);
    CHECK_EQ_INT(totp_offer(store, s.id, "ada", secret), ENOENT); /* not hers */
    CHECK_EQ_INT(totp_offer(store, s.id, "bob", secret), 0);
    CHECK_EQ_INT(code_now(secret, 5, code), 0);
    CHECK_EQ_INT(totp_accept(store, s.id, "bob", code, recovery), EACCES);
    CHECK_EQ_INT(code_now(secret, 0, code), 0);
    CHECK_EQ_INT(totp_accept(store, s.id, "bob", code, recovery), 0);
    CHECK_EQ_INT(user_get(reader, "bob", &u), 0);
    CHECK(u.totp);

    CHECK_EQ_INT(totp_use(store, "bob", code), EALREADY);
    CHECK_EQ_INT(code_now(secret, 1, code), 0);
    CHECK_EQ_INT(totp_use(store, "bob", code), 0);
    CHECK_EQ_INT(totp_use(store, "bob", code), EALREADY);
    CHECK_EQ_INT(totp_use(store, "bob", "no code"), EACCES);
    for (size_t i = 0; i < RECOVERY_CODES; i++) {
        CHECK_EQ_INT(totp_use(store, "bob", recovery[i]), 0);
        CHECK_EQ_INT(totp_use(store, "bob", recovery[i]), EACCES);
    }
    CHECK_EQ_INT(user_change(store, "bob", &off, why, sizeof(why)), 0);
    CHECK_EQ_INT(user_get(reader, "bob", &u), 0);
    CHECK(!u.totp);
    CHECK_EQ_INT(totp_use(store, "bob", code), ENOENT);
    finish();
}

TEST(a_key_is_good_until_its_end)
{
    struct apikey k = {.name = "grafana", .role = USER_SUPERVISOR, .user = "ada"}, found;
    char key[APIKEY_MAX], other[APIKEY_MAX];
    const int64_t now = clock_wall_ms();

    CHECK(begin());
    k.expires_ms = now + HOUR_MS;
    CHECK_EQ_INT(apikey_add(store, &k, key, why, sizeof(why)), 0);
    CHECK_EQ_INT(apikey_find(reader, key, now, &found), 0);
    CHECK_STR(found.name, "grafana");
    CHECK_EQ_INT(found.role, USER_SUPERVISOR);
    CHECK_EQ_INT(apikey_find(reader, key, k.expires_ms, &found), ENOENT);
    CHECK_EQ_INT(apikey_find(reader, key + 4, now, &found), ENOENT);
    CHECK_EQ_INT(apikey_add(store, &k, other, why, sizeof(why)), EEXIST);
    k.name[0] = '\0';
    CHECK_EQ_INT(apikey_add(store, &k, other, why, sizeof(why)), EINVAL);
    snprintf(k.name, sizeof(k.name), "two\nlines");
    CHECK_EQ_INT(apikey_add(store, &k, other, why, sizeof(why)), EINVAL);
    CHECK_EQ_INT(apikey_seen(store, found.id, now + 5), 0);
    CHECK_EQ_INT(apikey_find(reader, key, now, &found), 0);
    CHECK_EQ_INT(found.seen_ms, now + 5);
    CHECK_EQ_INT(apikey_remove(store, "grafana"), 0);
    CHECK_EQ_INT(apikey_remove(store, "grafana"), ENOENT);
    CHECK_EQ_INT(apikey_find(reader, key, now, &found), ENOENT);
    finish();
}

TEST(the_first_administrator_is_made_once)
{
    char old[TOKEN_MAX], token[TOKEN_MAX];
    int64_t expires_ms = 0;
    bool has = true;

    CHECK(start());
    CHECK_EQ_INT(user_add(store, "rita", USER_READONLY, "longenough", why, sizeof(why)), 0);
    CHECK_EQ_INT(user_has_admin(reader, &has), 0);
    CHECK(!has);
    CHECK_EQ_INT(setup_link_make(store, old, &expires_ms), 0);
    CHECK_EQ_INT(setup_link_make(store, token, &expires_ms), 0);
    CHECK(expires_ms > clock_wall_ms() + 29 * 60000 && expires_ms <= clock_wall_ms() + 30 * 60000);
    CHECK_EQ_INT(setup_use(store, old, "ada", "longenough", why, sizeof(why)), EACCES);
    CHECK_EQ_INT(setup_use(store, "", "ada", "longenough", why, sizeof(why)), EACCES);
    CHECK_EQ_INT(setup_use(store, token, "ada", "short", why, sizeof(why)), EINVAL);
    CHECK_EQ_INT(setup_use(store, token, "a da", "longenough", why, sizeof(why)), EINVAL);
    CHECK_EQ_INT(setup_use(store, token, "rita", "longenough", why, sizeof(why)), EEXIST);
    CHECK_EQ_INT(setup_use(store, token, "ada", "longenough", why, sizeof(why)), 0);
    CHECK_EQ_INT(setup_use(store, token, "eve", "longenough", why, sizeof(why)), EPERM);
    CHECK_EQ_INT(setup_link_make(store, token, &expires_ms), EPERM);
    finish();
}
