#include "store/schema.h"
#include "core/log.h"
#include "store/sql.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SCHEMA_BUSY_MS = 5000 }; /* another process may be migrating */

static const char *schema_explain(int err)
{
    switch (err) {
    case EUCLEAN:
        return "is damaged or not a database";
    case EBUSY:
        return "is locked by another process";
    default:
        return strerror(err);
    }
}

/* The file is made here and not by SQLite, so that it (and with it -wal and -shm) is private from the start. */
static int schema_make_file(const char *dir, const char *path, char *why, size_t whysz)
{
    int fd, err;

    if (mkdir(dir, 0700) && errno != EEXIST) {
        err = errno;
        snprintf(why, whysz, "%s: cannot make the data directory: %s", dir, strerror(err));
        return err;
    }
    fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0) {
        close(fd);
        return 0;
    }
    if (errno == EEXIST)
        return 0;
    err = errno;
    snprintf(why, whysz, "%s: cannot make the database: %s", path, strerror(err));
    return err;
}

/* What people go back to when they must return to the older program. */
static int schema_snapshot(struct sql *sql, const char *path, size_t version)
{
    char tmp[PATH_MAX], final[PATH_MAX];
    sqlite3_stmt *st;
    int err;

    snprintf(final, sizeof(final), "%s.before-v%zu", path, version);
    if (snprintf(tmp, sizeof(tmp), "%s.tmp", final) >= (int)sizeof(tmp))
        return ENAMETOOLONG;
    if (unlink(tmp) && errno != ENOENT)
        return errno;
    err = sql_prepare(sql, &st, "VACUUM INTO ?");
    if (err)
        return err;
    sql_bind(st, "t", tmp);
    err = sql_run(sql, st);
    if (!err && (chmod(tmp, 0600) || rename(tmp, final)))
        err = errno;
    if (err)
        unlink(tmp);
    else
        log_info("store", "file=%s copied the database before its migration", final);
    return err;
}

static int schema_apply(struct sql *sql, const struct schema *schema, int64_t from)
{
    char pragma[64];
    int err;

    for (size_t i = (size_t)from; i < schema->count; i++) {
        const struct store_migration *m = &schema->migrations[i];

        err = sql_exec(sql, m->sql);
        if (err) {
            log_error("store", "migration=%s error=\"%s\" failed", m->name, sqlite3_errmsg(sql->db));
            return err;
        }
        snprintf(pragma, sizeof(pragma), "PRAGMA user_version = %d", m->version);
        err = sql_exec(sql, pragma);
        if (err)
            return err;
    }
    return 0;
}

/* Inside the transaction: the version is read again, because another process may have been faster. */
static int schema_migrate(struct sql *sql, const struct schema *schema, bool fresh)
{
    int64_t version;
    int err;

    err = sql_exec(sql, "BEGIN IMMEDIATE");
    if (err)
        return err;
    err = sql_number(sql, "PRAGMA user_version", &version);
    if (!err && version < (int64_t)schema->count)
        err = fresh && !version ? sql_exec(sql, schema->sql) : schema_apply(sql, schema, version);
    if (!err)
        err = sql_exec(sql, "COMMIT");
    if (err)
        sql_exec(sql, "ROLLBACK");
    return err;
}

int schema_raise(struct sql *sql, const struct schema *schema)
{
    return schema_migrate(sql, schema, false);
}

static int schema_bring(struct sql *sql, const char *path, const struct schema *schema, char *why,
                        size_t whysz)
{
    int64_t version, tables;
    int err;

    err = sql_number(sql, "PRAGMA user_version", &version);
    if (!err)
        err = sql_number(sql, "SELECT count(*) FROM sqlite_master", &tables);
    if (err)
        goto out;
    if (version == (int64_t)schema->count)
        return 0;
    if (version > (int64_t)schema->count) {
        snprintf(why, whysz,
                 "%s was written by a newer dngate (database version %lld, this program knows up to %zu): "
                 "use the newer program or "
                 "restore a backup",
                 path, (long long)version, schema->count);
        return ENOTSUP;
    }
    if (version < 0 || (!version && tables)) {
        snprintf(why, whysz, "%s is not a database of dngate", path);
        return EUCLEAN;
    }
    if (version) {
        err = schema_snapshot(sql, path, schema->count);
        if (err) {
            snprintf(why, whysz, "%s: cannot copy the database before its migration: %s", path,
                     schema_explain(err));
            return err;
        }
    }
    err = schema_migrate(sql, schema, !tables);
    if (!err && version)
        log_info("store", "old=%lld new=%zu database migrated", (long long)version, schema->count);

out:
    if (err)
        snprintf(why, whysz, "%s: cannot migrate the database: %s", path, schema_explain(err));
    return err;
}

int schema_open(struct sql *sql, const char *dir, const struct schema *schema, char *why, size_t whysz)
{
    char path[PATH_MAX];
    int err;

    if (snprintf(path, sizeof(path), "%s/dngate.db", dir) >= (int)sizeof(path) - 32) {
        snprintf(why, whysz, "%.64s…: the path of the data directory is too long", dir);
        return ENAMETOOLONG;
    }
    err = schema_make_file(dir, path, why, whysz);
    if (err)
        return err;
    err = sql_open(sql, path, SQL_WRITER, SCHEMA_BUSY_MS);
    if (err) {
        snprintf(why, whysz, "%s: cannot open the database: %s", path, schema_explain(err));
        return err;
    }
    err = schema_bring(sql, path, schema, why, whysz);
    if (err)
        sql_close(sql);
    return err;
}
