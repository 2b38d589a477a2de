#include "store/trace.h"

#include "core/buf.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/mbox.h"
#include "core/metric.h"
#include "store/reader.h"
#include "store/writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

METRIC_COUNTER(kept, "dngate_traces_kept_total", NULL, "Traces of calls written to the database");
METRIC_COUNTER(
    lost, "dngate_traces_lost_total", NULL,
    "Traces of calls that were to be kept and could not be: the database was behind or refused them");
METRIC_GAUGE(bytes, "dngate_traces_bytes", NULL, "Size of the kept traces of calls");

int store_traces_alloc(struct store *s)
{
    return mbox_alloc(&s->traces, "store_traces", sizeof(struct store_trace), STORE_TRACES_MAX);
}

static void drop_h(void *msg, void *arg)
{
    (void)arg;
    free(((struct store_trace *)msg)->json);
}

void store_traces_free(struct store *s)
{
    mbox_free(s->traces, drop_h, NULL);
}

void store_trace_put(struct store *s, const struct store_trace *t)
{
    if (!mbox_post(s->traces, t))
        return;
    metric_add(&lost, 1);
    free(t->json);
}

/* ---------------------------------------------------------------- the writer thread */

static int insert(struct sql *sql, const struct store_trace *t)
{
    sqlite3_stmt *st;
    const int err = sql_prepare(sql, &st,
                                "INSERT INTO trace (id, time_ms, why, bytes, json) VALUES (?, ?, ?, ?, ?) "
                                "ON CONFLICT (id) DO NOTHING");

    if (err)
        return err;
    sql_bind(st, "titi", t->id, t->time_ms, t->why, (int64_t)t->len);
    sqlite3_bind_text(st, 5, t->json, (int)t->len, SQLITE_STATIC);
    return sql_run(sql, st);
}

static int delete_before(struct sql *sql, int64_t time_ms)
{
    sqlite3_stmt *st;
    const int err = sql_prepare(sql, &st, "DELETE FROM trace WHERE time_ms < ?");

    if (err)
        return err;
    sql_bind(st, "i", time_ms);
    return sql_run(sql, st);
}

/* The oldest until the rest fits. */
static int delete_surplus(struct sql *sql, int64_t max)
{
    sqlite3_stmt *st;
    int err;

    err = sql_prepare(sql, &st,
                      "DELETE FROM trace WHERE id IN (SELECT id FROM (SELECT id, sum(bytes) OVER "
                      "(ORDER BY time_ms DESC, id DESC) AS kept FROM trace) WHERE kept > ?)");
    if (err)
        return err;
    sql_bind(st, "i", max);
    return sql_run(sql, st);
}

static int bound(struct sql *sql, const struct store_trace *t)
{
    int64_t sum = 0;
    int err = 0;

    if (t->age_max_ms)
        err = delete_before(sql, clock_wall_ms() - t->age_max_ms);
    if (!err)
        err = sql_number(sql, "SELECT coalesce(sum(bytes), 0) FROM trace", &sum);
    if (!err && t->bytes_max && sum > t->bytes_max) {
        err = delete_surplus(sql, t->bytes_max / 10 * 9); /* not one for each that comes */
        if (!err)
            err = sql_number(sql, "SELECT coalesce(sum(bytes), 0) FROM trace", &sum);
    }
    metric_set(&bytes, sum);
    return err;
}

static void write_h(void *msg, void *arg)
{
    const struct store_trace *t = msg;
    struct store *s = arg;
    int err = sql_exec(&s->sql, "BEGIN IMMEDIATE");

    if (!err) {
        err = insert(&s->sql, t);
        if (!err)
            err = bound(&s->sql, t);
        if (!err)
            err = sql_exec(&s->sql, "COMMIT");
        if (err)
            sql_exec(&s->sql, "ROLLBACK");
    }
    metric_add(err ? &lost : &kept, 1);
    if (err)
        log_warn_limited("store", "id=%s error=\"%s\" the trace of a call was not kept", t->id,
                         store_strerror(err));
    free(t->json);
}

void store_traces_service(struct store *s)
{
    (void)mbox_drain_max(s->traces, 4, write_h, s); /* records come first */
}

/* ---------------------------------------------------------------- readers */

static int text_get(struct store_reader *r, const char *sql, const char *id, struct buf *out)
{
    sqlite3_stmt *st;
    int err = sql_prepare(&r->sql, &st, sql);

    if (err)
        return err;
    sql_bind(st, "t", id);
    err = sql_step(st);
    if (!err)
        err = buf_write(out, sqlite3_column_text(st, 0), (size_t)sqlite3_column_bytes(st, 0));
    sql_done(&r->sql, st);
    return err;
}

int store_trace_get(struct store_reader *r, const char *id, struct buf *out)
{
    return text_get(r, "SELECT json FROM trace WHERE id = ?", id, out);
}

int store_trace_facts(struct store_reader *r, const char *id, struct buf *out)
{
    return text_get(r, "SELECT coalesce(json_extract(json, '$.facts'), '') FROM trace WHERE id = ?", id, out);
}
