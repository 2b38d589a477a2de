#include "store/callopen.h"
#include "core/buf.h"
#include "core/log.h"
#include "store/cdrrow.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { RECORD_MAX = 16384, CODE_CUT_OFF = 500 };

int callopen_put(struct sql *sql, const struct cdr *c, int64_t now_ms)
{
    sqlite3_stmt *st;
    struct buf record;
    int err;

    buf_init(&record, RECORD_MAX);
    err = cdrrow_encode(&record, c);
    if (err)
        goto out;
    err = sql_prepare(sql, &st,
                      "INSERT INTO call_open (id, record, seen_ms) VALUES (?1, ?2, ?3) "
                      "ON CONFLICT (id) DO UPDATE SET record = ?2, seen_ms = ?3");
    if (err)
        goto out;
    sql_bind(st, "tti", c->id, record.data, now_ms);
    err = sql_run(sql, st);

out:
    buf_reset(&record);
    return err;
}

int callopen_delete(struct sql *sql, const char *id)
{
    sqlite3_stmt *st;
    int err = sql_prepare(sql, &st, "DELETE FROM call_open WHERE id = ?");

    if (err)
        return err;
    sql_bind(st, "t", id);
    return sql_run(sql, st);
}

int callopen_seen(struct sql *sql, int64_t now_ms)
{
    sqlite3_stmt *st;
    int err = sql_prepare(sql, &st, "UPDATE call_open SET seen_ms = ?");

    if (err)
        return err;
    sql_bind(st, "i", now_ms);
    return sql_run(sql, st);
}

static void record_close(struct cdr *c, int64_t seen_ms, const char *reason)
{
    int64_t known_ms = c->answer_ms > c->start_ms ? c->answer_ms : c->start_ms;

    c->end_ms = seen_ms > known_ms ? seen_ms : known_ms;
    c->code = c->answer_ms ? 200 : CODE_CUT_OFF;
    c->hangup = CDR_GATEWAY;
    snprintf(c->reason, sizeof(c->reason), "%s", reason);
}

int callopen_close_all(struct sql *sql, const char *reason, size_t *count)
{
    sqlite3_stmt *st;
    struct cdr c;
    int err = sql_prepare(sql, &st, "SELECT record, seen_ms FROM call_open ORDER BY id");

    if (err)
        return err;
    *count = 0;
    while (!(err = sql_step(st))) {
        const char *record = (const char *)sqlite3_column_text(st, 0);

        if (cdrrow_decode(&c, record, strlen(record))) {
            log_error("store", "bytes=%zu cannot read the note of a call that was cut off", strlen(record));
            continue;
        }
        record_close(&c, sqlite3_column_int64(st, 1), reason);
        err = cdrrow_insert(sql, &c);
        if (err)
            break;
        *count += sql_changes(sql) > 0;
    }
    sql_done(sql, st);
    return err == ENOENT ? sql_exec(sql, "DELETE FROM call_open") : err;
}
