#include "store/retention.h"
#include "store/reader.h"
#include "store/writer.h"

#include <errno.h>
#include <poll.h>

enum { PAUSE_MS = 20 }; /* between two transactions: others' turn */

static const struct {
    const char *name, *count, *by_age, *by_number;
} tables[RETENTION_TABLES] = {
    [RETENTION_CDR] =
        {"cdr", "SELECT count(*) FROM cdr",
         "DELETE FROM cdr WHERE id IN (SELECT id FROM cdr WHERE start_ms < ?1 ORDER BY start_ms LIMIT ?2)",
         "DELETE FROM cdr WHERE id IN (SELECT id FROM cdr ORDER BY id LIMIT ?2)"},
    [RETENTION_AUDIT] = {"audit", "SELECT count(*) FROM audit",
                         "DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE time_ms < ?1 AND id < "
                         "(SELECT max(id) FROM audit) ORDER BY time_ms LIMIT ?2)",
                         "DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE id < "
                         "(SELECT max(id) FROM audit) ORDER BY id LIMIT ?2)"},
    [RETENTION_SELFTEST] =
        {"selftest", "SELECT count(*) FROM selftest",
         "DELETE FROM selftest WHERE id IN (SELECT id FROM selftest WHERE time_ms < ?1 LIMIT ?2)",
         "DELETE FROM selftest WHERE id IN (SELECT id FROM selftest ORDER BY id LIMIT ?2)"},
};

const char *retention_name(enum retention_table t)
{
    return tables[t].name;
}

struct batch {
    const char *sql;
    int64_t before_ms, rows;
    int removed;
};

static int batch_job(struct store_tx *tx, void *arg)
{
    struct batch *b = arg;
    sqlite3_stmt *st;
    int err = sql_prepare(tx->sql, &st, b->sql);

    b->removed = 0;
    if (err)
        return err;
    sqlite3_bind_int64(st, 1, b->before_ms); /* out of range in a statement that takes no ?1: harmless */
    sqlite3_bind_int64(st, 2, b->rows);
    err = sql_run(tx->sql, st);
    if (!err)
        b->removed = sql_changes(tx->sql);
    return err;
}

/* Until there are no more, or limit is reached. */
static int batches(struct store *s, const char *sql, int64_t before_ms, int64_t limit, size_t *removed)
{
    struct batch b = {.sql = sql, .before_ms = before_ms};
    int err;

    do {
        b.rows = limit < RETENTION_BATCH ? limit : RETENTION_BATCH;
        err = store_call(s, batch_job, &b);
        *removed += (size_t)(err ? 0 : b.removed);
        limit -= b.removed;
        if (!err && b.removed == RETENTION_BATCH)
            (void)poll(NULL, 0, PAUSE_MS);
    } while (!err && b.removed && b.removed == b.rows && limit > 0);
    return err;
}

static int rows_count(struct store *s, enum retention_table t, int64_t *n)
{
    struct store_reader *r;
    int err = store_reader_alloc(&r, s);

    if (err)
        return err;
    err = sql_number(&r->sql, tables[t].count, n);
    store_reader_free(r);
    return err;
}

int retention_run(struct store *s, enum retention_table t, int64_t before_ms, int64_t max_rows, size_t limit,
                  size_t *removed)
{
    int64_t left = limit ? (int64_t)limit : INT64_MAX, count = 0;
    int err = 0;

    *removed = 0;
    if (before_ms)
        err = batches(s, tables[t].by_age, before_ms, left, removed);
    left -= (int64_t)*removed;
    if (err || !max_rows || left <= 0)
        return err;
    err = rows_count(s, t, &count);
    if (err || count <= max_rows)
        return err;
    count -= max_rows;
    return batches(s, tables[t].by_number, 0, count < left ? count : left, removed);
}
