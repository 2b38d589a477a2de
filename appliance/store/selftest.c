#include "store/selftest.h"
#include "core/clock.h"
#include "core/rnd.h"
#include "crypto/token.h"
#include "store/audit.h"
#include "store/check.h"
#include "store/reader.h"
#include "store/writer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TOKEN_BYTES = 16, LINK_KEPT_DAYS = 30 };

#define DAY_MS (24 * 3600 * (int64_t)1000)

/* ---------------------------------------------------------------- results: reading */

#define SELECT "SELECT id, dn, note, time_ms, source, browser, system, verdict, tests FROM selftest "

static void result_read(sqlite3_stmt *st, struct selftest *t)
{
    memset(t, 0, sizeof(*t));
    sql_text(st, 0, t->id, sizeof(t->id));
    sql_text(st, 1, t->dn, sizeof(t->dn));
    sql_text(st, 2, t->note, sizeof(t->note));
    t->time_ms = sqlite3_column_int64(st, 3);
    sql_text(st, 4, t->source, sizeof(t->source));
    sql_text(st, 5, t->browser, sizeof(t->browser));
    sql_text(st, 6, t->system, sizeof(t->system));
    sql_text(st, 7, t->verdict, sizeof(t->verdict));
    sql_text(st, 8, t->tests, sizeof(t->tests));
}

int selftest_each(struct store_reader *r, const char *dn, selftest_h *h, void *arg)
{
    sqlite3_stmt *st;
    struct selftest t;
    int err = dn ? sql_prepare(&r->sql, &st, SELECT "WHERE dn = ? ORDER BY id DESC")
                 : sql_prepare(&r->sql, &st, SELECT "ORDER BY id DESC");

    if (err)
        return err;
    if (dn)
        sql_bind(st, "t", dn);
    while (!(err = sql_step(st))) {
        result_read(st, &t);
        if (h(&t, arg))
            break;
    }
    sql_done(&r->sql, st);
    return err == ENOENT ? 0 : err;
}

int selftest_get(struct store_reader *r, const char *id, struct selftest *out)
{
    sqlite3_stmt *st;
    int err = sql_prepare(&r->sql, &st, SELECT "WHERE id = ?");

    if (err)
        return err;
    sql_bind(st, "t", id);
    err = sql_step(st);
    if (!err)
        result_read(st, out);
    sql_done(&r->sql, st);
    return err;
}

/* ---------------------------------------------------------------- results: writing */

/* The note of the link that the test was made by; a link that is not kept any more has none. */
static int note_read(struct sql *sql, int64_t link, char *note, size_t sz)
{
    sqlite3_stmt *st;
    int err = sql_prepare(sql, &st, "SELECT note FROM selftest_link WHERE id = ?");

    if (err)
        return err;
    sql_bind(st, "i", link);
    err = sql_step(st);
    if (!err)
        sql_text(st, 0, note, sz);
    sql_done(sql, st);
    return err == ENOENT ? 0 : err;
}

static int session_forget(struct sql *sql, const char *session)
{
    sqlite3_stmt *st;
    int err = sql_prepare(sql, &st, "DELETE FROM selftest WHERE session = ?");

    if (err)
        return err;
    sql_bind(st, "t", session);
    return sql_run(sql, st);
}

static int oldest_forget(struct sql *sql, const char *dn)
{
    sqlite3_stmt *st;
    int err = sql_prepare(sql, &st,
                          "DELETE FROM selftest WHERE dn = ?1 AND id NOT IN "
                          "(SELECT id FROM selftest WHERE dn = ?1 ORDER BY id DESC LIMIT ?2)");

    if (err)
        return err;
    sql_bind(st, "ti", dn, (int64_t)(*dn ? SELFTEST_OF_DN : SELFTEST_OF_LINKS));
    return sql_run(sql, st);
}

/* A millisecond after the newest at least: ids sort by time, and the oldest are forgotten by them. */
static int id_make(struct sql *sql, int64_t now_ms, char *id, size_t sz)
{
    char newest[sizeof(((struct selftest *)0)->id)] = "", tail[7];
    sqlite3_stmt *st;
    int64_t last_ms;
    int err = sql_prepare(sql, &st, "SELECT max(id) FROM selftest");

    if (err)
        return err;
    err = sql_step(st);
    if (!err)
        sql_text(st, 0, newest, sizeof(newest));
    sql_done(sql, st);
    last_ms = strtoll(newest, NULL, 10);
    rnd_str(tail, sizeof(tail), sizeof(tail) - 1);
    snprintf(id, sz, "%013lld-%s", (long long)(last_ms < now_ms ? now_ms : last_ms + 1), tail);
    return err;
}

static int put_job(struct store_tx *tx, void *arg)
{
    struct selftest_put *p = arg;
    struct selftest *t = &p->result;
    sqlite3_stmt *st;
    int err = p->link ? note_read(tx->sql, p->link, t->note, sizeof(t->note)) : 0;

    if (!err)
        err = session_forget(tx->sql, p->session);
    if (!err)
        err = id_make(tx->sql, tx->now_ms, t->id, sizeof(t->id));
    if (!err)
        err = sql_prepare(tx->sql, &st,
                          "INSERT INTO selftest (id, dn, note, session, time_ms, source, browser, system, "
                          "verdict, tests) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    if (err)
        return err;
    t->time_ms = tx->now_ms;
    sql_bind(st, "ttttittttt", t->id, t->dn, t->note, p->session, t->time_ms, t->source, t->browser,
             t->system, t->verdict, t->tests);
    err = sql_run(tx->sql, st);
    return err ? err : oldest_forget(tx->sql, t->dn);
}

void selftest_put_answer(void *value, void *store)
{
    struct selftest_put *p = value;

    p->err = store_job(store, put_job, p);
}

/* ---------------------------------------------------------------- links */

/* So long that a link which somebody opens late is known as one that is over. */
static int links_forget(struct sql *sql, int64_t now_ms)
{
    sqlite3_stmt *st;
    int err = sql_prepare(sql, &st, "DELETE FROM selftest_link WHERE expires_ms < ?");

    if (err)
        return err;
    sql_bind(st, "i", now_ms - LINK_KEPT_DAYS * DAY_MS);
    return sql_run(sql, st);
}

static int links_open(struct sql *sql, int64_t now_ms, int64_t *n)
{
    sqlite3_stmt *st;
    int err =
        sql_prepare(sql, &st, "SELECT count(*) FROM selftest_link WHERE used_ms = 0 AND expires_ms > ?");

    if (err)
        return err;
    sql_bind(st, "i", now_ms);
    err = sql_step(st);
    if (!err)
        *n = sqlite3_column_int64(st, 0);
    sql_done(sql, st);
    return err;
}

struct link_add {
    struct selftest_link link;
    char hash[SHA256_HEXLEN];
    unsigned hours;
};

static int add_job(struct store_tx *tx, void *arg)
{
    struct link_add *a = arg;
    sqlite3_stmt *st;
    int64_t n = 0;
    int err = links_forget(tx->sql, tx->now_ms);

    if (!err)
        err = links_open(tx->sql, tx->now_ms, &n);
    if (!err && n >= SELFTEST_LINKS_MAX)
        err = EMLINK;
    if (!err)
        err = sql_prepare(tx->sql, &st,
                          "INSERT INTO selftest_link (token_hash, note, created_ms, expires_ms, used_ms) "
                          "VALUES (?, ?, ?, ?, 0)");
    if (err)
        return err;
    a->link.created_ms = tx->now_ms;
    a->link.expires_ms = tx->now_ms + a->hours * (int64_t)3600000;
    sql_bind(st, "ttii", a->hash, a->link.note, a->link.created_ms, a->link.expires_ms);
    err = sql_run(tx->sql, st);
    a->link.id = sqlite3_last_insert_rowid(tx->sql->db);
    return err ? err : audit_write(tx, "self-test link %lld made", (long long)a->link.id);
}

int selftest_link_add(struct store *s, const char *note, unsigned hours, struct selftest_link *out,
                      char token[SELFTEST_TOKEN_MAX], char *why, size_t whysz)
{
    struct link_add a = {.hours = hours};
    int err;

    if (!check_text(note, sizeof(a.link.note))) {
        snprintf(why, whysz, "a note is text of one line, at most %zu bytes", sizeof(a.link.note) - 1);
        return EINVAL;
    }
    if (!hours || hours > SELFTEST_HOURS_MAX) {
        snprintf(why, whysz, "a link is good for 1 to %d hours", SELFTEST_HOURS_MAX);
        return EINVAL;
    }
    snprintf(a.link.note, sizeof(a.link.note), "%s", note);
    token_make(token, SELFTEST_TOKEN_MAX, TOKEN_BYTES);
    token_hash(a.hash, token);
    err = store_call(s, add_job, &a);
    if (err == EMLINK) {
        snprintf(why, whysz, "%d links are open already: wait until some have been used or are over",
                 SELFTEST_LINKS_MAX);
        err = ENOSPC;
    } else if (err) {
        snprintf(why, whysz, "cannot make a link: %s", store_strerror(err));
    }
    *out = a.link;
    return err;
}

#define LINK_SELECT "SELECT id, note, created_ms, expires_ms, used_ms FROM selftest_link "

static void link_read(sqlite3_stmt *st, struct selftest_link *l)
{
    l->id = sqlite3_column_int64(st, 0);
    sql_text(st, 1, l->note, sizeof(l->note));
    l->created_ms = sqlite3_column_int64(st, 2);
    l->expires_ms = sqlite3_column_int64(st, 3);
    l->used_ms = sqlite3_column_int64(st, 4);
}

int selftest_link_each(struct store_reader *r, int64_t now_ms, selftest_link_h *h, void *arg)
{
    struct selftest_link l;
    sqlite3_stmt *st;
    int err =
        sql_prepare(&r->sql, &st, LINK_SELECT "WHERE used_ms = 0 AND expires_ms > ? ORDER BY expires_ms, id");

    if (err)
        return err;
    sql_bind(st, "i", now_ms);
    while (!(err = sql_step(st))) {
        link_read(st, &l);
        if (h(&l, arg))
            break;
    }
    sql_done(&r->sql, st);
    return err == ENOENT ? 0 : err;
}

static int remove_job(struct store_tx *tx, void *arg)
{
    const int64_t id = *(const int64_t *)arg;
    sqlite3_stmt *st;
    int err = sql_prepare(tx->sql, &st,
                          "DELETE FROM selftest_link WHERE id = ?1 AND used_ms = 0 AND expires_ms > ?2");

    if (err)
        return err;
    sql_bind(st, "ii", id, tx->now_ms);
    err = sql_run(tx->sql, st);
    if (!err && !sql_changes(tx->sql))
        return ENOENT;
    return err ? err : audit_write(tx, "self-test link %lld taken back", (long long)id);
}

int selftest_link_remove(struct store *s, int64_t id)
{
    return store_call(s, remove_job, &id);
}

static int link_find(struct sql *sql, const char *token, struct selftest_link *l)
{
    char hash[SHA256_HEXLEN];
    sqlite3_stmt *st;
    int err = sql_prepare(sql, &st, LINK_SELECT "WHERE token_hash = ?");

    if (err)
        return err;
    token_hash(hash, token);
    sql_bind(st, "t", hash);
    err = sql_step(st);
    if (!err)
        link_read(st, l);
    sql_done(sql, st);
    return err;
}

/* There is one writer, and this is its transaction: nobody else can find it unused meanwhile. */
static int use_job(struct store_tx *tx, void *arg)
{
    struct selftest_use *u = arg;
    sqlite3_stmt *st;
    int err = link_find(tx->sql, u->token, &u->link);

    if (!err && u->link.used_ms)
        err = EALREADY;
    if (!err && u->link.expires_ms <= tx->now_ms)
        err = ETIME;
    if (!err)
        err = sql_prepare(tx->sql, &st, "UPDATE selftest_link SET used_ms = ?2 WHERE id = ?1");
    if (err)
        return err;
    u->link.used_ms = tx->now_ms;
    sql_bind(st, "ii", u->link.id, u->link.used_ms);
    return sql_run(tx->sql, st);
}

void selftest_use_answer(void *value, void *store)
{
    struct selftest_use *u = value;

    u->err = store_job(store, use_job, u);
    explicit_bzero(u->token, sizeof(u->token));
}
