#include "store/sql.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int sql_errno(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return 0;
    case SQLITE_FULL:
        return ENOSPC;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return EBUSY;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_AUTH:
        return EACCES;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_SCHEMA:
        return EUCLEAN;
    case SQLITE_CONSTRAINT:
        return EEXIST;
    case SQLITE_NOMEM:
        return ENOMEM;
    default:
        return EIO;
    }
}

/* The writer appends: it needs again the edge of a few trees only, and shall not grow with the number of records. */
#define SQL_WRITER_CACHE "PRAGMA cache_size = -128;" /* kB; what does not fit goes to the WAL early */

int sql_open(struct sql *sql, const char *path, enum sql_mode mode, int busy_ms)
{
    const char *pragmas = mode == SQL_WRITER ? "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; "
                                               "PRAGMA foreign_keys = ON; " SQL_WRITER_CACHE
                                             : "PRAGMA query_only = ON;";
    int err;

    memset(sql, 0, sizeof(*sql));
    err = sql_errno(sqlite3_open_v2(path, &sql->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL));
    if (err)
        goto out;
    sqlite3_extended_result_codes(sql->db, 1);
    sqlite3_busy_timeout(sql->db, busy_ms);
    err = sql_exec(sql, pragmas);

out:
    if (err)
        sql_close(sql);
    return err;
}

void sql_close(struct sql *sql)
{
    for (size_t i = 0; i < SQL_CACHE_SIZE; i++)
        sqlite3_finalize(sql->cache[i].st);
    sqlite3_close(sql->db);
    memset(sql, 0, sizeof(*sql));
}

int sql_exec(struct sql *sql, const char *text)
{
    return sql_errno(sqlite3_exec(sql->db, text, NULL, NULL, NULL));
}

int sql_number(struct sql *sql, const char *text, int64_t *n)
{
    sqlite3_stmt *st;
    int err = sql_prepare(sql, &st, text);

    if (err)
        return err;
    err = sql_step(st);
    if (!err)
        *n = sqlite3_column_int64(st, 0);
    sql_done(sql, st);
    return err;
}

int sql_prepare(struct sql *sql, sqlite3_stmt **stp, const char *text)
{
    struct sql_cached *slot = NULL;
    int err;

    for (size_t i = 0; i < SQL_CACHE_SIZE && !slot; i++) {
        struct sql_cached *c = &sql->cache[i];

        if (c->text == text && !sqlite3_stmt_busy(c->st)) {
            *stp = c->st;
            return 0;
        }
        if (!c->text || c->text == text)
            slot = c;
    }
    err = sql_errno(sqlite3_prepare_v3(sql->db, text, -1, SQLITE_PREPARE_PERSISTENT, stp, NULL));
    /* A statement that is busy in an outer loop, or one too many, lives only until sql_done. */
    if (!err && slot && !slot->text)
        *slot = (struct sql_cached){text, *stp};
    return err;
}

void sql_bind(sqlite3_stmt *st, const char *types, ...)
{
    va_list ap;

    va_start(ap, types);
    for (int i = 1; *types; i++, types++) {
        if (*types == 't')
            sqlite3_bind_text(st, i, va_arg(ap, const char *), -1, SQLITE_STATIC);
        else if (*types == 'i')
            sqlite3_bind_int64(st, i, va_arg(ap, int64_t));
        else
            sqlite3_bind_double(st, i, va_arg(ap, double));
    }
    va_end(ap);
}

int sql_step(sqlite3_stmt *st)
{
    int rc = sqlite3_step(st);

    return rc == SQLITE_DONE ? ENOENT : sql_errno(rc);
}

int sql_run(struct sql *sql, sqlite3_stmt *st)
{
    int err = sql_step(st);

    sql_done(sql, st);
    return err == ENOENT ? 0 : err;
}

void sql_done(struct sql *sql, sqlite3_stmt *st)
{
    for (size_t i = 0; i < SQL_CACHE_SIZE; i++) {
        if (sql->cache[i].st == st) {
            sqlite3_reset(st);
            sqlite3_clear_bindings(st);
            return;
        }
    }
    sqlite3_finalize(st);
}

void sql_text(sqlite3_stmt *st, int col, char *buf, size_t sz)
{
    const unsigned char *s = sqlite3_column_text(st, col);

    snprintf(buf, sz, "%s", s ? (const char *)s : "");
}

int sql_changes(const struct sql *sql)
{
    return sqlite3_changes(sql->db);
}
