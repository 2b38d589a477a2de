#include "store/totp.h"
#include "core/clock.h"
#include "core/rnd.h"
#include "crypto/secret.h"
#include "crypto/token.h"
#include "store/audit.h"
#include "store/userrow.h"
#include "store/writer.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { SEALED_MAX = 160, CONTEXT_MAX = 72, GROUP = 4, GROUPS = 4 };

static const char letters[] = "abcdefghjkmnpqrstuvwxyz23456789x"; /* 32, none that look alike */

static void context_of(char out[CONTEXT_MAX], const char *user)
{
    snprintf(out, CONTEXT_MAX, "totp/%s", user);
}

/* ---------------------------------------------------------------- offered */

struct offer {
    const char *session, *user;
    char sealed[SEALED_MAX];
};

static int offer_job(struct store_tx *tx, void *arg)
{
    const struct offer *o = arg;
    sqlite3_stmt *st;
    int err = sql_prepare(tx->sql, &st, "UPDATE session SET totp_new = ?3 WHERE id = ?1 AND user = ?2");

    if (err)
        return err;
    sql_bind(st, "ttt", o->session, o->user, o->sealed);
    err = sql_run(tx->sql, st);
    return !err && !sql_changes(tx->sql) ? ENOENT : err;
}

int totp_offer(struct store *s, const char *session, const char *user, char secret[TOTP_TEXT_MAX])
{
    struct offer o = {.session = session, .user = user};
    char context[CONTEXT_MAX];
    int err;

    totp_make(secret);
    context_of(context, user);
    err = secret_seal(s->secret, o.sealed, sizeof(o.sealed), context, secret);
    return err ? err : store_call(s, offer_job, &o);
}

/* ---------------------------------------------------------------- proved */

/* 80 bits, in groups that can be read aloud. */
static void recovery_make(char out[RECOVERY_MAX])
{
    uint8_t random[GROUP * GROUPS];
    size_t n = 0;

    rnd_bytes(random, sizeof(random));
    for (size_t i = 0; i < sizeof(random); i++) {
        if (i && !(i % GROUP))
            out[n++] = '-';
        out[n++] = letters[random[i] % 32];
    }
    out[n] = '\0';
    explicit_bzero(random, sizeof(random));
}

/* As somebody may write it: capitals, other or no dashes. */
static void recovery_hash(char hash[SHA256_HEXLEN], const char *code)
{
    char plain[GROUP * GROUPS + 1];
    size_t n = 0;

    for (; *code && n < sizeof(plain) - 1; code++)
        if (isalnum((unsigned char)*code))
            plain[n++] = (char)tolower((unsigned char)*code);
    plain[n] = '\0';
    token_hash(hash, plain);
    explicit_bzero(plain, sizeof(plain));
}

struct accept {
    const char *session, *user, *code;
    char hashes[RECOVERY_CODES][SHA256_HEXLEN];
};

/* A secret in the clear, out of one column of one row. */
static int unseal(struct store_tx *tx, sqlite3_stmt *st, const char *user, char secret[TOTP_TEXT_MAX])
{
    char sealed[SEALED_MAX], context[CONTEXT_MAX];
    int err = sql_step(st);

    if (!err)
        sql_text(st, 0, sealed, sizeof(sealed));
    sql_done(tx->sql, st);
    if (err)
        return err;
    if (!*sealed)
        return ENOENT;
    context_of(context, user);
    return secret_open(tx->store->secret, secret, TOTP_TEXT_MAX, context, sealed);
}

static int recovery_forget(struct store_tx *tx, const char *user)
{
    sqlite3_stmt *st;
    int err = sql_prepare(tx->sql, &st, "DELETE FROM recovery WHERE user = ?");

    if (err)
        return err;
    sql_bind(st, "t", user);
    return sql_run(tx->sql, st);
}

static int recovery_add(struct store_tx *tx, const struct accept *a)
{
    int err = recovery_forget(tx, a->user);

    for (size_t i = 0; i < RECOVERY_CODES && !err; i++) {
        sqlite3_stmt *st;

        err = sql_prepare(tx->sql, &st, "INSERT INTO recovery (user, code_hash) VALUES (?, ?)");
        if (err)
            break;
        sql_bind(st, "tt", a->user, a->hashes[i]);
        err = sql_run(tx->sql, st);
    }
    return err;
}

static int adopt(struct store_tx *tx, const struct accept *a, int64_t step)
{
    sqlite3_stmt *st;
    int err = sql_prepare(tx->sql, &st,
                          "UPDATE user SET totp = (SELECT totp_new FROM session WHERE id = ?1), last_step = "
                          "?3, changed_ms = ?4 WHERE name = ?2");

    if (err)
        return err;
    sql_bind(st, "ttii", a->session, a->user, step, tx->now_ms);
    err = sql_run(tx->sql, st);
    if (!err)
        err = audit_write(tx, "user %s asks for a second factor from now on", a->user);
    if (!err)
        err = sql_prepare(tx->sql, &st, "UPDATE session SET totp_new = '' WHERE id = ?");
    if (err)
        return err;
    sql_bind(st, "t", a->session);
    return sql_run(tx->sql, st);
}

static int accept_job(struct store_tx *tx, void *arg)
{
    const struct accept *a = arg;
    char secret[TOTP_TEXT_MAX];
    int64_t step = 0;
    sqlite3_stmt *st;
    int err = sql_prepare(tx->sql, &st, "SELECT totp_new FROM session WHERE id = ? AND user = ?");

    if (err)
        return err;
    sql_bind(st, "tt", a->session, a->user);
    err = unseal(tx, st, a->user, secret);
    if (!err)
        err = totp_check(secret, a->code, clock_wall_ms(), 0, &step);
    explicit_bzero(secret, sizeof(secret));
    if (!err)
        err = adopt(tx, a, step);
    return err ? err : recovery_add(tx, a);
}

int totp_accept(struct store *s, const char *session, const char *user, const char *code,
                char recovery[RECOVERY_CODES][RECOVERY_MAX])
{
    struct accept a = {.session = session, .user = user, .code = code};

    for (size_t i = 0; i < RECOVERY_CODES; i++) {
        recovery_make(recovery[i]);
        recovery_hash(a.hashes[i], recovery[i]);
    }
    return store_call(s, accept_job, &a);
}

/* ---------------------------------------------------------------- used */

struct use {
    const char *user, *code;
};

static int recovery_use(struct store_tx *tx, const struct use *u)
{
    char hash[SHA256_HEXLEN];
    sqlite3_stmt *st;
    int err = sql_prepare(tx->sql, &st, "DELETE FROM recovery WHERE user = ? AND code_hash = ?");

    if (err)
        return err;
    recovery_hash(hash, u->code);
    sql_bind(st, "tt", u->user, hash);
    err = sql_run(tx->sql, st);
    if (!err && !sql_changes(tx->sql))
        return EACCES;
    return err ? err : audit_write_about(tx, "user", u->user, "user %s used a code of recovery", u->user);
}

static int step_note(struct store_tx *tx, const char *user, int64_t step)
{
    sqlite3_stmt *st;
    int err = sql_prepare(tx->sql, &st, "UPDATE user SET last_step = ?2 WHERE name = ?1");

    if (err)
        return err;
    sql_bind(st, "ti", user, step);
    return sql_run(tx->sql, st);
}

static int last_step(struct store_tx *tx, const char *user, int64_t *step)
{
    sqlite3_stmt *st;
    int err = sql_prepare(tx->sql, &st, "SELECT last_step FROM user WHERE name = ?");

    if (err)
        return err;
    sql_bind(st, "t", user);
    err = sql_step(st);
    if (!err)
        *step = sqlite3_column_int64(st, 0);
    sql_done(tx->sql, st);
    return err;
}

/* There is one writer, and this is its transaction: nobody else can use the same code meanwhile. */
static int use_job(struct store_tx *tx, void *arg)
{
    const struct use *u = arg;
    char secret[TOTP_TEXT_MAX];
    int64_t last = 0, step = 0;
    sqlite3_stmt *st;
    int err;

    if (strlen(u->code) != TOTP_CODE_MAX - 1)
        return recovery_use(tx, u);
    err = last_step(tx, u->user, &last);
    if (!err)
        err = sql_prepare(tx->sql, &st, "SELECT totp FROM user WHERE name = ?");
    if (err)
        return err;
    sql_bind(st, "t", u->user);
    err = unseal(tx, st, u->user, secret);
    if (!err)
        err = totp_check(secret, u->code, clock_wall_ms(), last, &step);
    explicit_bzero(secret, sizeof(secret));
    return err ? err : step_note(tx, u->user, step);
}

int totp_use(struct store *s, const char *user, const char *code)
{
    struct use u = {user, code};

    return store_call(s, use_job, &u);
}
