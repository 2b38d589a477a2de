#include "store/peek.h"
#include "store/reader.h"
#include "store/schema.h"
#include "store/spill.h"
#include "store/writer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int peek_open(struct store **sp, const char *dir, char *why, size_t whysz)
{
    struct store *s = calloc(1, sizeof(*s));
    struct store_reader *r = NULL;
    char path[PATH_MAX];
    int64_t version = 0;
    int err;

    if (!s)
        return ENOMEM;
    snprintf(s->dir, sizeof(s->dir), "%s", dir);
    snprintf(path, sizeof(path), "%s/dngate.db", s->dir);
    err = access(path, F_OK) ? errno : store_reader_alloc(&r, s);
    if (!err)
        err = sql_number(&r->sql, "PRAGMA user_version", &version);
    if (!err && version > (int64_t)store_migration_count) {
        snprintf(why, whysz, "%s is of a newer dngate (database version %lld, this program knows up to %zu)",
                 path, (long long)version, store_migration_count);
        err = ENOTSUP;
    } else if (err) {
        snprintf(why, whysz, "%s: %s", path, err == ENOENT ? strerror(err) : store_strerror(err));
    }
    store_reader_free(r);
    if (err)
        free(s);
    else
        *sp = s;
    return err;
}

int peek_due(struct store *s, bool *older, bool *spilled)
{
    struct store_reader *r;
    int64_t version = 0;
    int err = store_reader_alloc(&r, s);

    if (err)
        return err;
    err = sql_number(&r->sql, "PRAGMA user_version", &version);
    store_reader_free(r);
    *older = version < (int64_t)store_migration_count;
    *spilled = spill_exists(s->dir);
    return err;
}

static int first_line(struct sql *sql, const char *pragma, char *said, size_t sz)
{
    sqlite3_stmt *st;
    int err = sql_prepare(sql, &st, pragma);

    if (err)
        return err;
    err = sql_step(st);
    if (!err)
        sql_text(st, 0, said, sz);
    sql_done(sql, st);
    return err;
}

int peek_verify(struct store *s, int64_t *version, int64_t *ours, char *why, size_t whysz)
{
    char said[256] = "";
    struct store_reader *r;
    int err = store_reader_alloc(&r, s);

    if (err) {
        snprintf(why, whysz, "%s", store_strerror(err));
        return err;
    }
    *ours = (int64_t)store_migration_count;
    err = sql_number(&r->sql, "PRAGMA user_version", version);
    if (!err)
        err = first_line(&r->sql, "PRAGMA quick_check(1)", said, sizeof(said));
    if (!err && strcmp(said, "ok"))
        err = EUCLEAN;
    if (!err) {
        err = first_line(&r->sql, "PRAGMA foreign_key_check", said, sizeof(said));
        err = err == ENOENT ? 0 : err ? err : EUCLEAN;
    }
    if (err)
        snprintf(why, whysz, "%s", said[0] && strcmp(said, "ok") ? said : store_strerror(err));
    store_reader_free(r);
    return err;
}
