#include "service/session.h"
#include "conf/conf.h"
#include "core/clock.h"
#include "crypto/pwhash.h"
#include "service/user.h"

#include <errno.h>
#include <stdio.h>

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

int service_signin(struct service *sv, struct service_signin *in, struct session *out, char token[TOKEN_MAX])
{
    struct user u;
    int err = password_check(sv, in->name, in->password, &u);

    if (err)
        return err;
    *out =
        (struct session){.expires_ms = clock_wall_ms() + conf_int(sv->conf, "admin.session_max") * SECOND_MS};
    snprintf(out->user, sizeof(out->user), "%s", u.name);
    snprintf(out->address, sizeof(out->address), "%s", in->address);
    snprintf(out->user_agent, sizeof(out->user_agent), "%s", in->user_agent);
    actor_set(u.name, in->address);
    err = session_add(sv->store, out, token);
    return err ? service_fail(sv, err, "cannot sign in: %s", store_strerror(err)) : 0;
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
