#include "service/session.h"
#include "conf/conf.h"
#include "core/clock.h"
#include "core/log.h"
#include "crypto/pwhash.h"
#include "service/codeguess.h"
#include "service/user.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SECOND_MS ((int64_t)1000)

static int64_t idle_ms(const struct service *sv)
{
    return conf_int(sv->conf, "admin.session_idle") * SECOND_MS;
}

/* The row of a user whose password this is. EACCES; as long whether or not there is such a user. */
static int password_check(struct service *sv, const char *name, const char *password, struct user *u)
{
    struct store_reader *r;
    int err = store_reader_alloc(&r, sv->store);
    bool right;

    if (!err) {
        err = user_get(r, name, u);
        store_reader_free(r);
    }
    if (err && err != ENOENT)
        return service_fail(sv, err, "cannot read the users: %s", store_strerror(err));
    right = pwhash_verify(err ? NULL : u->pwhash, password);
    return err || !right ? service_fail(sv, EACCES, "The name or the password is wrong.") : 0;
}

static void actor_set(const char *name, const char *address)
{
    struct store_actor a = {.via = "console"};

    snprintf(a.who, sizeof(a.who), "%s", name);
    snprintf(a.address, sizeof(a.address), "%s", address);
    store_actor_set(&a);
}

int service_session_open(struct service *sv, const struct service_signin *in, struct session *out,
                         char token[TOKEN_MAX])
{
    int err;

    *out =
        (struct session){.expires_ms = clock_wall_ms() + conf_int(sv->conf, "admin.session_max") * SECOND_MS};
    snprintf(out->user, sizeof(out->user), "%s", in->name);
    snprintf(out->address, sizeof(out->address), "%s", in->address);
    snprintf(out->user_agent, sizeof(out->user_agent), "%s", in->user_agent);
    actor_set(in->name, in->address);
    err = session_add(sv->store, out, token);
    return err ? service_fail(sv, err, "cannot sign in: %s", store_strerror(err)) : 0;
}

/* Name and password are right. */
static int code_check(struct service *sv, struct service_signin *in)
{
    const bool digits = strlen(in->code) == TOTP_CODE_MAX - 1; /* of recovery nobody guesses one: 80 bits */
    uint32_t wait_s;
    int err;

    in->totp_wanted = true;
    if (!*in->code)
        return service_fail(sv, EACCES,
                            "Type the code that your authenticator app shows, or a code of recovery.");
    wait_s = digits ? codeguess_wait(sv->codes, in->name, clock_ms()) : 0;
    in->waits = wait_s > 0;
    if (wait_s)
        return service_fail(
            sv, EACCES,
            "Too many wrong codes came for this user, with the right password. The next one is "
            "looked at in %u s; a code of recovery at once.",
            wait_s);
    actor_set(in->name, in->address);
    err = totp_use(sv->store, in->name, in->code);
    if (!err)
        codeguess_right(sv->codes, in->name);
    if (err == EALREADY)
        return service_fail(sv, EACCES, "This code was used already. Wait for the next one.");
    if (err == EACCES && digits && codeguess_wrong(sv->codes, in->name, clock_ms())) {
        log_warn("admin", "user=%s codes=%d peer=%s wrong codes in a row, with the right password", in->name,
                 CODEGUESS_FREE, in->address);
        service_noted(sv, "user %s: %d wrong codes of the second factor in a row, with the right password",
                      in->name, CODEGUESS_FREE);
    }
    if (err == EACCES)
        return service_fail(sv, EACCES,
                            "The code is wrong. It changes every 30 seconds; the clocks of the phone and of "
                            "this box must agree.");
    return err ? service_fail(sv, err, "the code cannot be looked up: %s", store_strerror(err)) : 0;
}

int service_signin(struct service *sv, struct service_signin *in, struct session *out, char token[TOKEN_MAX])
{
    struct user u = {.totp = false};
    int err = password_check(sv, in->name, in->password, &u);

    if (!err && u.totp)
        err = code_check(sv, in);
    return err ? err : service_session_open(sv, in, out, token);
}

int service_session_find(const struct service *sv, struct store_reader *r, const char *token,
                         struct session *out)
{
    return session_find(r, token, clock_wall_ms(), idle_ms(sv), out);
}

int64_t service_session_until(const struct service *sv, const struct session *s)
{
    const int64_t idle = s->seen_ms + idle_ms(sv);

    return idle < s->expires_ms ? idle : s->expires_ms;
}

int service_session_each(struct service *sv, const char *user, session_h *h, void *arg)
{
    struct store_reader *r;
    int err = store_reader_alloc(&r, sv->store);

    if (!err) {
        err = session_each(r, user, clock_wall_ms(), idle_ms(sv), h, arg);
        store_reader_free(r);
    }
    return err ? service_fail(sv, err, "cannot read the sessions: %s", store_strerror(err)) : 0;
}

int service_session_end(struct service *sv, const char *id, const char *user)
{
    const int err = session_remove(sv->store, id, user);

    if (err == ENOENT)
        return service_fail(sv, err, "there is no session %s", id);
    return err ? service_fail(sv, err, "session %s: %s", id, store_strerror(err)) : 0;
}

int service_session_end_all(struct service *sv, const char *user, size_t *n)
{
    struct user u;
    int err = service_user_get(sv, user, &u);

    if (err)
        return err;
    err = session_remove_all(sv->store, user, n);
    return err ? service_fail(sv, err, "sessions of user %s: %s", user, store_strerror(err)) : 0;
}

int service_session_password(struct service *sv, const char *user, const char *session, const char *old,
                             const char *password)
{
    const struct user_change ch = {.password = password, .keep_session = session};
    struct user u;
    int err = password_check(sv, user, old, &u);

    if (err == EACCES)
        return service_fail_at(sv, err, "old", "This is not your password.");
    if (!err)
        err = service_user_change(sv, user, &ch, &u);
    if (err == EINVAL)
        snprintf(sv->field, sizeof(sv->field), "new");
    return err;
}

/* ---------------------------------------------------------------- the second factor */

int service_totp_offer(struct service *sv, const char *user, const char *session, char secret[TOTP_TEXT_MAX],
                       char uri[SERVICE_TOTP_URI_MAX])
{
    const int err = totp_offer(sv->store, session, user, secret);

    if (err)
        return service_fail(sv, err, "cannot make a second factor: %s", store_strerror(err));
    snprintf(uri, SERVICE_TOTP_URI_MAX, "otpauth://totp/dngate:%s?secret=%s&issuer=dngate", user, secret);
    return 0;
}

int service_totp_accept(struct service *sv, const char *user, const char *session, const char *code,
                        char recovery[RECOVERY_CODES][RECOVERY_MAX])
{
    const int err = totp_accept(sv->store, session, user, code, recovery);

    if (err == EACCES)
        return service_fail_at(sv, EINVAL, "code",
                               "This is not the code that the app should show. The clocks of the phone and "
                               "of this box must agree.");
    if (err == ENOENT)
        return service_fail(sv, err, "No second factor was offered in this session: ask for one first.");
    return err ? service_fail(sv, err, "cannot turn on the second factor: %s", store_strerror(err)) : 0;
}

int service_totp_off(struct service *sv, const char *user, const char *session, const char *password)
{
    const struct user_change ch = {.totp_off = true, .keep_session = session};
    struct user u;
    const int err = password_check(sv, user, password, &u);

    if (err == EACCES)
        return service_fail_at(sv, err, "password", "This is not your password.");
    return err ? err : service_user_change(sv, user, &ch, &u);
}
