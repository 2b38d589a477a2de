/*
 * store/sql: the little of SQLite that the store uses: a connection with a cache of prepared statements, errors as errno.
 * A connection and its statements belong to one thread at a time.
 *
 *   err = sql_prepare(sql, &st, "SELECT name FROM dn WHERE dn = ?");
 *   if (!err) {
 *       sql_bind(st, "t", dn);
 *       err = sql_step(st);              // 0 = a row, ENOENT = no (more) rows
 *       if (!err) sql_text(st, 0, name, sizeof(name));
 *       sql_done(sql, st);
 *   }
 */
#ifndef STORE_SQL_H
#define STORE_SQL_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SQL_CACHE_SIZE = 40 };

struct sql {
    sqlite3 *db;
    struct sql_cached {
        const char *text; /* compared by address: statements are string literals */
        sqlite3_stmt *st;
    } cache[SQL_CACHE_SIZE];
};

enum sql_mode { SQL_WRITER, SQL_READER };

/* Opens an existing file. busy_ms = how long a statement waits for another process's lock. */
int sql_open(struct sql *sql, const char *path, enum sql_mode mode, int busy_ms);
void sql_close(struct sql *sql);
/* Result code → errno: ENOSPC, EBUSY, EACCES, EUCLEAN, EEXIST (constraint), ENOMEM, else EIO. */
int sql_errno(int rc);
/* Runs one or more statements without parameters or results. */
int sql_exec(struct sql *sql, const char *text);
/* A statement that yields one number, e.g. a PRAGMA. */
int sql_number(struct sql *sql, const char *text, int64_t *n);

int sql_prepare(struct sql *sql, sqlite3_stmt **stp, const char *text);
/* Binds parameters 1.. by type: t = const char * (not copied: must live until sql_done), i = int64_t, r = double. */
void sql_bind(sqlite3_stmt *st, const char *types, ...);
int sql_step(sqlite3_stmt *st);
/* Runs a statement that has no rows, then sql_done. */
int sql_run(struct sql *sql, sqlite3_stmt *st);
/* Gives a statement back. */
void sql_done(struct sql *sql, sqlite3_stmt *st);
/* Copies a text column, cut to sz - 1. */
void sql_text(sqlite3_stmt *st, int col, char *buf, size_t sz);
/* Rows that the last statement changed. */
int sql_changes(const struct sql *sql);

#endif
