#include "store/audit.h"
#include "store/writer.h"

#include <stdarg.h>
#include <stdio.h>

int audit_write(struct store_tx *tx, const char *what_fmt, ...)
{
    sqlite3_stmt *st;
    char what[256];
    va_list ap;
    int err;

    va_start(ap, what_fmt);
    vsnprintf(what, sizeof(what), what_fmt, ap);
    va_end(ap);
    err = sql_prepare(tx->sql, &st, "INSERT INTO audit (time_ms, who, what) VALUES (?, ?, ?)");
    if (err)
        return err;
    sql_bind(st, "itt", tx->now_ms, tx->who, what);
    return sql_run(tx->sql, st);
}

static int note_job(struct store_tx *tx, void *arg)
{
    return audit_write(tx, "%s", (const char *)arg);
}

int audit_note(struct store *s, const char *what)
{
    char copy[256];

    snprintf(copy, sizeof(copy), "%s", what);
    return store_call(s, note_job, copy);
}
