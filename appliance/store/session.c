#include "store/session.h"
#include "core/rnd.h"
#include "store/audit.h"
#include "store/reader.h"
#include "store/userrow.h"
#include "store/writer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { SESSION_TOKEN_BYTES = 32 };

/* ---------------------------------------------------------------- reading */

#define SELECT                                                                                               \
    "SELECT s.id, s.user, u.role, u.totp <> '', s.address, s.user_agent, s.created_ms, s.seen_ms, "          \
    "s.expires_ms FROM session s JOIN user u ON u.name = s.user "

static void session_read(sqlite3_stmt *st, struct session *s)
{
    char role[16];

    memset(s, 0, sizeof(*s));
    sql_text(st, 0, s->id, sizeof(s->id));
    sql_text(st, 1, s->user, sizeof(s->user));
    sql_text(st, 2, role, sizeof(role));
    s->role = USER_READONLY; /* whatever an unknown role means, it means little */
    (void)user_role_decode(&s->role, role);
    s->totp = sqlite3_column_int(st, 3);
    sql_text(st, 4, s->address, sizeof(s->address));
    sql_text(st, 5, s->user_agent, sizeof(s->user_agent));
    s->created_ms = sqlite3_column_int64(st, 6);
    s->seen_ms = sqlite3_column_int64(st, 7);
    s->expires_ms = sqlite3_column_int64(st, 8);
}

int session_find(struct store_reader *r, const char *token, int64_t now_ms, int64_t idle_ms,
                 struct session *out)
{
    char hash[SHA256_HEXLEN];
    sqlite3_stmt *st;
    int err =
        sql_prepare(&r->sql, &st, SELECT "WHERE s.token_hash = ? AND s.expires_ms > ? AND s.seen_ms > ?");

    if (err)
        return err;
    token_hash(hash, token);
    sql_bind(st, "tii", hash, now_ms, now_ms - idle_ms);
    err = sql_step(st);
    if (!err)
        session_read(st, out);
    sql_done(&r->sql, st);
    return err;
}

int session_each(struct store_reader *r, const char *user, int64_t now_ms, int64_t idle_ms, session_h *h,
                 void *arg)
{
    sqlite3_stmt *st;
    struct session s;
    int err = sql_prepare(&r->sql, &st,
                          SELECT "WHERE s.expires_ms > ?1 AND s.seen_ms > ?2 AND (?3 = '' OR s.user = ?3) "
                                 "ORDER BY s.seen_ms DESC, s.id");

    if (err)
        return err;
    sql_bind(st, "iit", now_ms, now_ms - idle_ms, user ? user : "");
    while (!(err = sql_step(st))) {
        session_read(st, &s);
        if (h(&s, arg))
            break;
    }
    sql_done(&r->sql, st);
    return err == ENOENT ? 0 : err;
}

/* ---------------------------------------------------------------- writing */

struct add {
    struct session *s;
    char hash[SHA256_HEXLEN];
};

/* What is over, and what is too much; before another is added. */
static int make_room(struct store_tx *tx, const char *user)
{
    sqlite3_stmt *st;
    int err = sql_prepare(tx->sql, &st,
                          "DELETE FROM session WHERE expires_ms <= ?1 OR id IN (SELECT id FROM session WHERE "
                          "user = ?2 ORDER BY seen_ms DESC LIMIT -1 OFFSET ?3) OR id IN (SELECT id FROM "
                          "session ORDER BY seen_ms DESC LIMIT -1 OFFSET ?4)");

    if (err)
        return err;
    sql_bind(st, "itii", tx->now_ms, user, (int64_t)SESSIONS_OF_USER - 1, (int64_t)SESSIONS_MAX - 1);
    return sql_run(tx->sql, st);
}

static int add_job(struct store_tx *tx, void *arg)
{
    const struct add *a = arg;
    struct session *s = a->s;
    sqlite3_stmt *st;
    struct user u;
    int err = user_load(tx->sql, s->user, &u);

    if (!err)
        err = make_room(tx, s->user);
    if (!err)
        err = sql_prepare(tx->sql, &st,
                          "INSERT INTO session (id, token_hash, user, address, user_agent, created_ms, "
                          "seen_ms, expires_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
    if (err)
        return err;
    s->role = u.role;
    s->totp = u.totp;
    s->created_ms = s->seen_ms = tx->now_ms;
    sql_bind(st, "tttttiii", s->id, a->hash, s->user, s->address, s->user_agent, s->created_ms, s->seen_ms,
             s->expires_ms);
    err = sql_run(tx->sql, st);
    return err ? err : audit_write_about(tx, "session", s->id, "user %s signed in", s->user);
}

int session_add(struct store *s, struct session *io, char token[TOKEN_MAX])
{
    struct add a = {.s = io};

    token_make(token, TOKEN_MAX, SESSION_TOKEN_BYTES);
    token_hash(a.hash, token);
    rnd_str(io->id, sizeof(io->id), sizeof(io->id) - 1);
    return store_call(s, add_job, &a);
}

struct remove {
    const char *id, *user;
    size_t n;
};

static int remove_job(struct store_tx *tx, void *arg)
{
    const struct remove *r = arg;
    sqlite3_stmt *st;
    int err = sql_prepare(tx->sql, &st, "DELETE FROM session WHERE id = ?1 AND (?2 = '' OR user = ?2)");

    if (err)
        return err;
    sql_bind(st, "tt", r->id, r->user ? r->user : "");
    err = sql_run(tx->sql, st);
    if (!err && !sql_changes(tx->sql))
        err = ENOENT;
    return err ? err : audit_write_about(tx, "session", r->id, "session %s ended", r->id);
}

int session_remove(struct store *s, const char *id, const char *user)
{
    struct remove r = {.id = id, .user = user};

    return store_call(s, remove_job, &r);
}

static int remove_all_job(struct store_tx *tx, void *arg)
{
    struct remove *r = arg;
    sqlite3_stmt *st;
    int err = sql_prepare(tx->sql, &st, "DELETE FROM session WHERE user = ?");

    if (err)
        return err;
    sql_bind(st, "t", r->user);
    err = sql_run(tx->sql, st);
    r->n = (size_t)sql_changes(tx->sql);
    return err ? err : audit_write_about(tx, "session", "", "sessions of user %s ended: %zu", r->user, r->n);
}

int session_remove_all(struct store *s, const char *user, size_t *n)
{
    struct remove r = {.user = user};
    const int err = store_call(s, remove_all_job, &r);

    *n = r.n;
    return err;
}

struct touch {
    const char *id;
    int64_t ms;
};

static int seen_job(struct store_tx *tx, void *arg)
{
    const struct touch *t = arg;
    sqlite3_stmt *st;
    int err = sql_prepare(tx->sql, &st, "UPDATE session SET seen_ms = ?2 WHERE id = ?1 AND seen_ms < ?2");

    if (err)
        return err;
    sql_bind(st, "ti", t->id, t->ms);
    return sql_run(tx->sql, st);
}

int session_seen(struct store *s, const char *id, int64_t ms)
{
    struct touch t = {id, ms};

    return store_call(s, seen_job, &t);
}
