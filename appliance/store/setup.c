#include "store/setup.h"
#include "store/audit.h"
#include "store/userrow.h"
#include "store/writer.h"

#include <errno.h>
#include <stdio.h>

enum { LINK_BYTES = 24 };

static int closed(struct store_tx *tx)
{
    int64_t admins = 0;
    const int err = sql_number(tx->sql, "SELECT count(*) FROM user WHERE role = 'admin'", &admins);

    return !err && admins ? EPERM : err;
}

struct link {
    char hash[SHA256_HEXLEN];
    int64_t expires_ms;
    struct user u;
};

static int make_job(struct store_tx *tx, void *arg)
{
    struct link *l = arg;
    sqlite3_stmt *st;
    int err = closed(tx);

    if (!err)
        err = sql_exec(tx->sql, "DELETE FROM setup_link");
    if (!err)
        err = sql_prepare(tx->sql, &st,
                          "INSERT INTO setup_link (token_hash, created_ms, expires_ms) VALUES (?, ?, ?)");
    if (err)
        return err;
    l->expires_ms = tx->now_ms + SETUP_MINUTES * (int64_t)60000;
    sql_bind(st, "tii", l->hash, tx->now_ms, l->expires_ms);
    err = sql_run(tx->sql, st);
    return err ? err : audit_write_about(tx, "setup", "", "%s", "set-up link made");
}

int setup_link_make(struct store *s, char token[TOKEN_MAX], int64_t *expires_ms)
{
    struct link l = {.expires_ms = 0};
    int err;

    token_make(token, TOKEN_MAX, LINK_BYTES);
    token_hash(l.hash, token);
    err = store_call(s, make_job, &l);
    *expires_ms = l.expires_ms;
    return err;
}

static int link_find(struct store_tx *tx, const char *hash)
{
    sqlite3_stmt *st;
    int err = sql_prepare(tx->sql, &st, "SELECT 1 FROM setup_link WHERE token_hash = ? AND expires_ms > ?");

    if (err)
        return err;
    sql_bind(st, "ti", hash, tx->now_ms);
    err = sql_step(st);
    sql_done(tx->sql, st);
    return err == ENOENT ? EACCES : err;
}

/* There is one writer, and this is its transaction: nobody else can use it meanwhile. */
static int use_job(struct store_tx *tx, void *arg)
{
    const struct link *l = arg;
    int err = closed(tx);

    if (!err)
        err = link_find(tx, l->hash);
    if (!err)
        err = user_insert(tx, &l->u);
    return err ? err : sql_exec(tx->sql, "DELETE FROM setup_link");
}

int setup_use(struct store *s, const char *token, const char *name, const char *password, char *why,
              size_t whysz)
{
    struct link l = {.expires_ms = 0};
    int err = user_prepare(&l.u, name, USER_ADMIN, password, why, whysz);

    if (err)
        return err;
    token_hash(l.hash, token);
    err = store_call(s, use_job, &l);
    if (err == EACCES)
        snprintf(why, whysz,
                 "This set-up link is not good any more: each is good once and for %d minutes. Make another: "
                 "dngate setup-link",
                 SETUP_MINUTES);
    else if (err == EPERM)
        snprintf(why, whysz, "This box has an administrator already: sign in.");
    else if (err == EEXIST)
        snprintf(why, whysz, "there is a user %s already", name);
    else if (err)
        snprintf(why, whysz, "cannot add the administrator: %s", store_strerror(err));
    return err;
}
