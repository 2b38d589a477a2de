#include "store/apikey.h"
#include "core/rnd.h"
#include "store/audit.h"
#include "store/check.h"
#include "store/reader.h"
#include "store/writer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { KEY_BYTES = 32 };

#define PREFIX "dng_"

/* ---------------------------------------------------------------- reading */

#define SELECT "SELECT id, name, role, user, created_ms, expires_ms, seen_ms FROM apikey "

static void apikey_read(sqlite3_stmt *st, struct apikey *k)
{
    char role[16];

    memset(k, 0, sizeof(*k));
    sql_text(st, 0, k->id, sizeof(k->id));
    sql_text(st, 1, k->name, sizeof(k->name));
    sql_text(st, 2, role, sizeof(role));
    k->role = USER_READONLY; /* whatever an unknown role means, it means little */
    (void)user_role_decode(&k->role, role);
    sql_text(st, 3, k->user, sizeof(k->user));
    k->created_ms = sqlite3_column_int64(st, 4);
    k->expires_ms = sqlite3_column_int64(st, 5);
    k->seen_ms = sqlite3_column_int64(st, 6);
}

int apikey_find(struct store_reader *r, const char *key, int64_t now_ms, struct apikey *out)
{
    char hash[SHA256_HEXLEN];
    sqlite3_stmt *st;
    int err = sql_prepare(&r->sql, &st, SELECT "WHERE key_hash = ? AND (expires_ms = 0 OR expires_ms > ?)");

    if (err)
        return err;
    token_hash(hash, key);
    sql_bind(st, "ti", hash, now_ms);
    err = sql_step(st);
    if (!err)
        apikey_read(st, out);
    sql_done(&r->sql, st);
    return err;
}

int apikey_each(struct store_reader *r, apikey_h *h, void *arg)
{
    sqlite3_stmt *st;
    struct apikey k;
    int err = sql_prepare(&r->sql, &st, SELECT "ORDER BY name");

    if (err)
        return err;
    while (!(err = sql_step(st))) {
        apikey_read(st, &k);
        if (h(&k, arg))
            break;
    }
    sql_done(&r->sql, st);
    return err == ENOENT ? 0 : err;
}

/* ---------------------------------------------------------------- writing */

struct add {
    struct apikey *k;
    char hash[SHA256_HEXLEN];
};

static int add_job(struct store_tx *tx, void *arg)
{
    const struct add *a = arg;
    struct apikey *k = a->k;
    int64_t n = 0;
    sqlite3_stmt *st;
    int err = sql_number(tx->sql, "SELECT count(*) FROM apikey", &n);

    if (!err && n >= APIKEYS_MAX)
        err = ENOSPC;
    if (!err)
        err = sql_prepare(tx->sql, &st,
                          "INSERT INTO apikey (id, name, key_hash, role, user, created_ms, expires_ms, "
                          "seen_ms) VALUES (?, ?, ?, ?, ?, ?, ?, 0)");
    if (err)
        return err;
    k->created_ms = tx->now_ms;
    sql_bind(st, "tttttii", k->id, k->name, a->hash, user_role_name(k->role), k->user, k->created_ms,
             k->expires_ms);
    err = sql_run(tx->sql, st);
    return err ? err : audit_write(tx, "API key %s added as %s", k->name, user_role_name(k->role));
}

int apikey_add(struct store *s, struct apikey *io, char key[APIKEY_MAX], char *why, size_t whysz)
{
    struct add a = {.k = io};
    int err;

    if (!*io->name || !check_text(io->name, sizeof(io->name))) {
        snprintf(why, whysz, "a key's name is text of one line, 1 to %zu bytes", sizeof(io->name) - 1);
        return EINVAL;
    }
    snprintf(key, APIKEY_MAX, PREFIX);
    token_make(key + strlen(PREFIX), TOKEN_MAX, KEY_BYTES);
    token_hash(a.hash, key);
    rnd_str(io->id, sizeof(io->id), sizeof(io->id) - 1);
    err = store_call(s, add_job, &a);
    if (err == EEXIST)
        snprintf(why, whysz, "there is a key %s already", io->name);
    else if (err == ENOSPC)
        snprintf(why, whysz, "there are %d keys already: remove some", APIKEYS_MAX);
    else if (err)
        snprintf(why, whysz, "cannot add a key: %s", store_strerror(err));
    return err;
}

static int remove_job(struct store_tx *tx, void *arg)
{
    const char *id = arg;
    sqlite3_stmt *st;
    int err = sql_prepare(tx->sql, &st, "DELETE FROM apikey WHERE id = ?1 OR name = ?1");

    if (err)
        return err;
    sql_bind(st, "t", id);
    err = sql_run(tx->sql, st);
    if (!err && !sql_changes(tx->sql))
        err = ENOENT;
    return err ? err : audit_write(tx, "API key %s removed", id);
}

int apikey_remove(struct store *s, const char *id)
{
    return store_call(s, remove_job, (void *)(uintptr_t)id);
}

struct touch {
    const char *id;
    int64_t ms;
};

static int seen_job(struct store_tx *tx, void *arg)
{
    const struct touch *t = arg;
    sqlite3_stmt *st;
    int err = sql_prepare(tx->sql, &st, "UPDATE apikey SET seen_ms = ?2 WHERE id = ?1 AND seen_ms < ?2");

    if (err)
        return err;
    sql_bind(st, "ti", t->id, t->ms);
    return sql_run(tx->sql, st);
}

int apikey_seen(struct store *s, const char *id, int64_t ms)
{
    struct touch t = {id, ms};

    return store_call(s, seen_job, &t);
}
