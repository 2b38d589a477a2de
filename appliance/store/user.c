#include "store/user.h"
#include "crypto/pwhash.h"
#include "store/audit.h"
#include "store/check.h"
#include "store/reader.h"
#include "store/userrow.h"
#include "store/writer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { USER_PASSWORD_MIN = 8 };

static const char *const role_names[] = {
    [USER_ADMIN] = "admin", [USER_SUPERVISOR] = "supervisor", [USER_READONLY] = "readonly"};
enum { ROLE_COUNT = sizeof(role_names) / sizeof(role_names[0]) };

const char *user_role_name(enum user_role r)
{
    return role_names[(unsigned)r % ROLE_COUNT];
}

int user_role_decode(enum user_role *r, const char *name)
{
    for (unsigned i = 0; i < ROLE_COUNT; i++) {
        if (!strcmp(role_names[i], name)) {
            *r = (enum user_role)i;
            return 0;
        }
    }
    return EINVAL;
}

bool user_name_valid(const char *name)
{
    return check_word(name, "._@-", sizeof(((struct user *)0)->name));
}

/* ---------------------------------------------------------------- rows */

#define USER_SELECT "SELECT name, role, pwhash, created_ms, changed_ms, totp <> '' FROM user "

static void user_read(sqlite3_stmt *st, struct user *u)
{
    memset(u, 0, sizeof(*u));
    sql_text(st, 0, u->name, sizeof(u->name));
    u->role = USER_READONLY; /* whatever an unknown role means, it means little */
    user_role_decode(&u->role, (const char *)sqlite3_column_text(st, 1));
    sql_text(st, 2, u->pwhash, sizeof(u->pwhash));
    u->created_ms = sqlite3_column_int64(st, 3);
    u->changed_ms = sqlite3_column_int64(st, 4);
    u->totp = sqlite3_column_int(st, 5);
}

int user_load(struct sql *sql, const char *name, struct user *out)
{
    sqlite3_stmt *st;
    int err = sql_prepare(sql, &st, USER_SELECT "WHERE name = ?");

    if (err)
        return err;
    sql_bind(st, "t", name);
    err = sql_step(st);
    if (!err)
        user_read(st, out);
    sql_done(sql, st);
    return err;
}

int user_get(struct store_reader *r, const char *name, struct user *out)
{
    return user_load(&r->sql, name, out);
}

int user_has_admin(struct store_reader *r, bool *has)
{
    int64_t n = 0;
    const int err = sql_number(&r->sql, "SELECT EXISTS (SELECT 1 FROM user WHERE role = 'admin')", &n);

    *has = n != 0;
    return err;
}

int user_each(struct store_reader *r, user_h *h, void *arg)
{
    sqlite3_stmt *st;
    struct user u;
    int err = sql_prepare(&r->sql, &st, USER_SELECT "ORDER BY name");

    if (err)
        return err;
    while (!(err = sql_step(st))) {
        user_read(st, &u);
        if (h(&u, arg))
            break;
    }
    sql_done(&r->sql, st);
    return err == ENOENT ? 0 : err;
}

/* ---------------------------------------------------------------- writing */

static int user_changed(struct store_tx *tx, const char *name, const char *what)
{
    store_tx_notice(tx, STORE_USER, name);
    return audit_write(tx, "user %s %s", name, what);
}

int user_prepare(struct user *u, const char *name, enum user_role role, const char *password, char *why,
                 size_t whysz)
{
    int err;

    memset(u, 0, sizeof(*u));
    u->role = role;
    if (!user_name_valid(name)) {
        snprintf(why, whysz, "a user's name is 1 to %zu letters, digits or . _ @ -", sizeof(u->name) - 1);
        return EINVAL;
    }
    err = check_password(password, USER_PASSWORD_MIN, why, whysz);
    if (err)
        return err;
    snprintf(u->name, sizeof(u->name), "%s", name);
    err = pwhash_make(u->pwhash, password);
    if (err)
        snprintf(why, whysz, "user %s: %s", name, store_strerror(err));
    return err;
}

int user_insert(struct store_tx *tx, const struct user *u)
{
    char what[64];
    sqlite3_stmt *st;
    int err = sql_prepare(
        tx->sql, &st, "INSERT INTO user (name, role, pwhash, created_ms, changed_ms) VALUES (?, ?, ?, ?, ?)");

    if (err)
        return err;
    sql_bind(st, "tttii", u->name, user_role_name(u->role), u->pwhash, tx->now_ms, tx->now_ms);
    err = sql_run(tx->sql, st);
    snprintf(what, sizeof(what), "added as %s", user_role_name(u->role));
    return err ? err : user_changed(tx, u->name, what);
}

static int add_job(struct store_tx *tx, void *arg)
{
    return user_insert(tx, arg);
}

int user_add(struct store *s, const char *name, enum user_role role, const char *password, char *why,
             size_t whysz)
{
    struct user u;
    int err = user_prepare(&u, name, role, password, why, whysz);

    if (err)
        return err;
    err = store_call(s, add_job, &u);
    if (err == EEXIST)
        snprintf(why, whysz, "user %s exists already", name);
    else if (err)
        snprintf(why, whysz, "user %s: %s", name, store_strerror(err));
    return err;
}

struct change {
    const struct user_change *ch;
    struct user u; /* name, and the new hash */
};

static int sessions_end(struct store_tx *tx, const char *name, const char *but)
{
    sqlite3_stmt *st;
    int err = sql_prepare(tx->sql, &st, "DELETE FROM session WHERE user = ? AND id <> ?");

    if (err)
        return err;
    sql_bind(st, "tt", name, but);
    return sql_run(tx->sql, st);
}

static int change_password(struct store_tx *tx, const struct change *c)
{
    sqlite3_stmt *st;
    int err = sql_prepare(tx->sql, &st, "UPDATE user SET pwhash = ?2, changed_ms = ?3 WHERE name = ?1");

    if (err)
        return err;
    sql_bind(st, "tti", c->u.name, c->u.pwhash, tx->now_ms);
    err = sql_run(tx->sql, st);
    if (!err)
        err = sessions_end(tx, c->u.name, c->ch->keep_session ? c->ch->keep_session : "");
    return err ? err : user_changed(tx, c->u.name, "password changed");
}

/* Keys that he made in the console and that may more than this; NULL: all of them. */
static int keys_end(struct store_tx *tx, const char *name, const enum user_role *role)
{
    sqlite3_stmt *st;
    int err = sql_prepare(tx->sql, &st,
                          "DELETE FROM apikey WHERE user = ?1 AND (?2 = '' OR role = 'admin' OR "
                          "(?2 = 'readonly' AND role = 'supervisor'))");

    if (err)
        return err;
    sql_bind(st, "tt", name, role ? user_role_name(*role) : "");
    return sql_run(tx->sql, st);
}

static int admin_count(struct store_tx *tx, int64_t *n)
{
    return sql_number(tx->sql, "SELECT count(*) FROM user WHERE role = 'admin'", n);
}

static int change_role(struct store_tx *tx, const struct change *c, const struct user *now)
{
    char what[64];
    sqlite3_stmt *st;
    int64_t admins = 0;
    int err = admin_count(tx, &admins);

    if (!err && now->role == USER_ADMIN && c->ch->role != USER_ADMIN && admins == 1)
        err = EPERM;
    if (!err)
        err = sql_prepare(tx->sql, &st, "UPDATE user SET role = ?2, changed_ms = ?3 WHERE name = ?1");
    if (err)
        return err;
    sql_bind(st, "tti", c->u.name, user_role_name(c->ch->role), tx->now_ms);
    err = sql_run(tx->sql, st);
    snprintf(what, sizeof(what), "is now %s", user_role_name(c->ch->role));
    if (!err)
        err = user_changed(tx, c->u.name, what);
    return err || c->ch->role == USER_ADMIN ? err : keys_end(tx, c->u.name, &c->ch->role);
}

static int change_totp(struct store_tx *tx, const struct change *c)
{
    sqlite3_stmt *st;
    int err = sql_prepare(tx->sql, &st,
                          "UPDATE user SET totp = '', last_step = 0, changed_ms = ?2 WHERE name = ?1");

    if (err)
        return err;
    sql_bind(st, "ti", c->u.name, tx->now_ms);
    err = sql_run(tx->sql, st);
    if (!err)
        err = sql_prepare(tx->sql, &st, "DELETE FROM recovery WHERE user = ?");
    if (err)
        return err;
    sql_bind(st, "t", c->u.name);
    err = sql_run(tx->sql, st);
    return err ? err : user_changed(tx, c->u.name, "asks for no second factor any more");
}

static int change_job(struct store_tx *tx, void *arg)
{
    const struct change *c = arg;
    struct user now;
    int err = user_load(tx->sql, c->u.name, &now);

    if (!err && c->ch->set_role && c->ch->role != now.role)
        err = change_role(tx, c, &now);
    if (!err && c->ch->password)
        err = change_password(tx, c);
    if (!err && c->ch->totp_off && now.totp)
        err = change_totp(tx, c);
    return err;
}

int user_change(struct store *s, const char *name, const struct user_change *ch, char *why, size_t whysz)
{
    struct change c = {.ch = ch};
    int err = ch->password ? check_password(ch->password, USER_PASSWORD_MIN, why, whysz) : 0;

    if (err)
        return err;
    if (!user_name_valid(name))
        err = ENOENT;
    else
        snprintf(c.u.name, sizeof(c.u.name), "%s", name);
    if (!err && ch->password)
        err = pwhash_make(c.u.pwhash, ch->password);
    if (!err)
        err = store_call(s, change_job, &c);
    if (err == ENOENT)
        snprintf(why, whysz, "there is no user %s", name);
    else if (err == EPERM)
        snprintf(why, whysz, "%s is the last administrator and stays one; add another first", name);
    else if (err)
        snprintf(why, whysz, "user %s: %s", name, store_strerror(err));
    return err;
}

static int remove_job(struct store_tx *tx, void *arg)
{
    const char *name = arg;
    sqlite3_stmt *st;
    struct user u;
    int64_t admins = 0;
    int err = user_load(tx->sql, name, &u);

    if (!err)
        err = admin_count(tx, &admins);
    if (!err && u.role == USER_ADMIN && admins == 1)
        err = EPERM;
    if (!err)
        err = sql_prepare(tx->sql, &st, "DELETE FROM user WHERE name = ?");
    if (err)
        return err;
    sql_bind(st, "t", name);
    err = sql_run(tx->sql, st);
    if (!err)
        err = user_changed(tx, name, "removed");
    return err ? err : keys_end(tx, name, NULL);
}

int user_remove(struct store *s, const char *name)
{
    char copy[sizeof(((struct user *)0)->name)];

    if (!user_name_valid(name))
        return ENOENT;
    snprintf(copy, sizeof(copy), "%s", name);
    return store_call(s, remove_job, copy);
}
