/*
 * store/schema: opens the database file and brings it to today's schema. The SQL comes from db/schema.sql and
 * db/migrations by way of db/embed.sh. Runs in store_open, before any other thread knows the connection.
 */
#ifndef STORE_SCHEMA_H
#define STORE_SCHEMA_H

#include <stddef.h>

struct sql;

struct store_migration {
    int version;      /* PRAGMA user_version when it is done: 1, 2, 3, … without gaps */
    const char *name; /* "001-first" */
    const char *sql;
};

extern const char *const store_schema_sql;
extern const struct store_migration store_migrations[];
extern const size_t store_migration_count; /* = today's user_version */

struct schema { /* what to bring a database to; tests make their own */
    const char *sql;
    const struct store_migration *migrations;
    size_t count;
};

/*
 * Makes DIR and DIR/dngate.db when missing (modes 0700, 0600), opens it as the writer and migrates it in one transaction; an
 * existing database is copied to DIR/dngate.db.before-vN first. On error why is one clear line:
 * ENOTSUP newer than us, EUCLEAN corrupt or not ours, EACCES, ENOSPC, EIO, EBUSY.
 */
int schema_open(struct sql *sql, const char *dir, const struct schema *schema, char *why, size_t whysz);
/* Migrates an open database that is no box's own, e.g. a backup on its way in: one transaction, no copy, no line. */
int schema_raise(struct sql *sql, const struct schema *schema);

#endif
