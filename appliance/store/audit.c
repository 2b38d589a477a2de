#include "store/audit.h"
#include "core/buf.h"
#include "store/audittrail.h"
#include "store/reader.h"
#include "store/writer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { LIKE_MAX = 512, SQL_MAX = 2048 };

/* ---------------------------------------------------------------- writing */

static int reword(struct store_tx *tx, const char *what)
{
    sqlite3_stmt *st;
    int err = sql_prepare(tx->sql, &st, "UPDATE audit SET what = ? WHERE id = ?");

    if (err)
        return err;
    sql_bind(st, "ti", what, tx->audit_id);
    return sql_run(tx->sql, st);
}

static int write_words(struct store_tx *tx, const char *noun, const char *key, const char *what)
{
    const unsigned rows = tx->audit_rows;

    tx->audit_rows = 0;
    if (rows == 1)
        return reword(tx, what);
    return audittrail_insert(tx, &(struct audittrail_row){.noun = noun, .key = key, .what = what});
}

/* "calls hangup: 1234": the first word, when it is one. */
static void noun_of(char *noun, size_t sz, const char *what)
{
    const size_t n = strspn(what, "abcdefghijklmnopqrstuvwxyz-");

    snprintf(noun, sz, "%.*s", what[n] == ' ' ? (int)n : 0, what);
}

int audit_write(struct store_tx *tx, const char *what_fmt, ...)
{
    char what[sizeof(((struct audit_entry *)0)->what)], noun[sizeof(((struct audit_entry *)0)->noun)];
    va_list ap;

    va_start(ap, what_fmt);
    vsnprintf(what, sizeof(what), what_fmt, ap);
    va_end(ap);
    noun_of(noun, sizeof(noun), what);
    return write_words(tx, noun, "", what);
}

int audit_write_about(struct store_tx *tx, const char *noun, const char *key, const char *what_fmt, ...)
{
    char what[sizeof(((struct audit_entry *)0)->what)];
    va_list ap;

    va_start(ap, what_fmt);
    vsnprintf(what, sizeof(what), what_fmt, ap);
    va_end(ap);
    return write_words(tx, noun, key, what);
}

struct note {
    const char *noun, *key, *what;
};

static int note_job(struct store_tx *tx, void *arg)
{
    const struct note *n = arg;

    if (!n->noun)
        return audit_write(tx, "%s", n->what);
    return audit_write_about(tx, n->noun, n->key, "%s", n->what);
}

int audit_note(struct store *s, const char *what)
{
    struct note n = {.what = what};

    return store_call(s, note_job, &n);
}

int audit_note_about(struct store *s, const char *noun, const char *key, const char *what)
{
    struct note n = {noun, key, what};

    return store_call(s, note_job, &n);
}

/* ---------------------------------------------------------------- reading */

#define COLUMNS "id, time_ms, who, via, address, noun, key, what, reason, before, after"

static const char *json_of(sqlite3_stmt *st, int col)
{
    const char *s = (const char *)sqlite3_column_text(st, col);

    return s ? s : "";
}

static void entry_read(sqlite3_stmt *st, struct audit_entry *e)
{
    e->id = sqlite3_column_int64(st, 0);
    e->time_ms = sqlite3_column_int64(st, 1);
    sql_text(st, 2, e->who, sizeof(e->who));
    sql_text(st, 3, e->via, sizeof(e->via));
    sql_text(st, 4, e->address, sizeof(e->address));
    sql_text(st, 5, e->noun, sizeof(e->noun));
    sql_text(st, 6, e->key, sizeof(e->key));
    sql_text(st, 7, e->what, sizeof(e->what));
    sql_text(st, 8, e->reason, sizeof(e->reason));
    e->before = json_of(st, 9);
    e->after = json_of(st, 10);
}

/* The words of a search as a pattern of LIKE, in which they mean themselves. */
static void like_of(char *out, size_t sz, const char *q)
{
    size_t n = 0;

    out[n++] = '%';
    for (; *q && n + 4 < sz; q++) {
        if (strchr("%_\\", *q))
            out[n++] = '\\';
        out[n++] = *q;
    }
    out[n++] = '%';
    out[n] = '\0';
}

/* Only what is asked for stands in a statement, so that there is an index for it. */
static void where(struct buf *b, const struct audit_filter *f)
{
    static const char any_of[] =
        " AND (what LIKE ?6 ESCAPE '\\' OR key LIKE ?6 ESCAPE '\\' OR who LIKE ?6 ESCAPE '\\' "
        "OR address LIKE ?6 ESCAPE '\\' OR reason LIKE ?6 ESCAPE '\\')";

    buf_puts(b, " FROM audit WHERE 1");
    buf_puts(b, f->who && *f->who ? " AND who = ?1" : "");
    buf_puts(b, f->noun && *f->noun ? " AND noun = ?2" : "");
    buf_puts(b, f->key && *f->key ? " AND key = ?3" : "");
    buf_puts(b, f->from_ms ? " AND time_ms >= ?4" : "");
    buf_puts(b, f->to_ms ? " AND time_ms < ?5" : "");
    buf_puts(b, f->q && *f->q ? any_of : "");
}

/* The texts differ: they must not stay in the cache, which goes by address. What a statement lacks is bound in vain. */
static int prepare(struct sql *sql, sqlite3_stmt **stp, const struct buf *text, const struct audit_filter *f,
                   char like[LIKE_MAX])
{
    const int err = text->err ? text->err : sql_errno(sqlite3_prepare_v2(sql->db, text->data, -1, stp, NULL));

    if (err)
        return err;
    like[0] = '\0';
    if (f->q && *f->q)
        like_of(like, LIKE_MAX, f->q);
    sql_bind(*stp, "tttiit", f->who ? f->who : "", f->noun ? f->noun : "", f->key ? f->key : "", f->from_ms,
             f->to_ms, like);
    return 0;
}

int audit_each(struct store_reader *r, const struct audit_filter *f, audit_h *h, void *arg)
{
    char like[LIKE_MAX];
    struct audit_entry e;
    sqlite3_stmt *st = NULL;
    struct buf text;
    int err;

    buf_init(&text, SQL_MAX);
    buf_puts(&text, "SELECT " COLUMNS);
    where(&text, f);
    if (f->oldest_first)
        buf_puts(&text, " AND id > ?7 ORDER BY id LIMIT ?8");
    else
        buf_printf(&text, "%s ORDER BY id DESC LIMIT ?8", f->before_id ? " AND id < ?7" : "");
    err = prepare(&r->sql, &st, &text, f, like);
    buf_reset(&text);
    if (err)
        return err;
    sqlite3_bind_int64(st, 7, f->oldest_first ? f->after_id : f->before_id);
    sqlite3_bind_int64(st, 8, f->limit ? (int64_t)f->limit : 100);
    while (!(err = sql_step(st))) {
        entry_read(st, &e);
        if (h(&e, arg))
            break;
    }
    sqlite3_finalize(st);
    return err == ENOENT ? 0 : err;
}

int audit_get(struct store_reader *r, int64_t id, audit_h *h, void *arg)
{
    struct audit_entry e;
    sqlite3_stmt *st;
    int err = sql_prepare(&r->sql, &st, "SELECT " COLUMNS " FROM audit WHERE id = ?");

    if (err)
        return err;
    sql_bind(st, "i", id);
    err = sql_step(st);
    if (!err) {
        entry_read(st, &e);
        (void)h(&e, arg);
    }
    sql_done(&r->sql, st);
    return err;
}

int audit_newest(struct store_reader *r, int64_t *id)
{
    return sql_number(&r->sql, "SELECT coalesce(max(id), 0) FROM audit", id);
}

int audit_count(struct store_reader *r, const struct audit_filter *f, int64_t *count)
{
    char like[LIKE_MAX];
    sqlite3_stmt *st = NULL;
    struct buf text;
    int err;

    buf_init(&text, SQL_MAX);
    buf_puts(&text, "SELECT count(*)");
    where(&text, f);
    err = prepare(&r->sql, &st, &text, f, like);
    buf_reset(&text);
    if (err)
        return err;
    err = sql_step(st);
    if (!err)
        *count = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    return err;
}

/* ---------------------------------------------------------------- news */

struct listening {
    audit_news_h *h;
    void *arg;
};

static int listen_job(struct store_tx *tx, void *arg)
{
    const struct listening *l = arg;

    tx->store->audit_news = l->h;
    tx->store->audit_news_arg = l->arg;
    return 0;
}

int audit_listen(struct store *s, audit_news_h *h, void *arg)
{
    struct listening l = {h, arg};

    return store_call(s, listen_job, &l);
}
