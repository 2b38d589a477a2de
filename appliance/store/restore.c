#include "store/restore.h"
#include "core/clock.h"
#include "core/log.h"
#include "store/audit.h"
#include "store/restorepriv.h"
#include "store/schema.h"
#include "store/writer.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const replaced_tables[] = {"dn", "trunk", "user", "recovery", "apikey", "setting"};

const char *restore_path(char *buf, size_t sz, const char *dir)
{
    snprintf(buf, sz, "%s/restore.db", dir);
    return buf;
}

void restore_chown(const char *dir, const char *path)
{
    struct stat st;

    if (!geteuid() && !stat(dir, &st) && st.st_uid && lchown(path, st.st_uid, st.st_gid))
        log_warn("store", "file=%s error=\"%s\" cannot be given to the owner of the data directory", path,
                 strerror(errno));
}

void restore_note(struct restore_result *res, const char *fmt, ...)
{
    size_t len = strlen(res->notes);
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(res->notes + len, sizeof(res->notes) - len, fmt, ap);
    va_end(ap);
    len = strlen(res->notes);
    snprintf(res->notes + len, sizeof(res->notes) - len, "\n");
}

void restore_unstage(const char *dir)
{
    char path[PATH_MAX], other[PATH_MAX + 16];

    unlink(restore_path(path, sizeof(path), dir));
    snprintf(other, sizeof(other), "%s-journal", path);
    unlink(other);
}

/* ---------------------------------------------------------------- taking over */

struct apply {
    struct sql *from;
    int64_t made_ms;
    int64_t cdrs; /* afterwards */
};

static int apply_job(struct store_tx *tx, void *arg)
{
    struct apply *a = arg;
    char made[32] = "unknown date";
    int err = sql_exec(tx->sql, "PRAGMA defer_foreign_keys = ON");

    tx->audit_off = true; /* one entry tells of them all */

    for (size_t i = 0; i < sizeof(replaced_tables) / sizeof(replaced_tables[0]) && !err; i++)
        err = restore_table(tx->sql, a->from, replaced_tables[i]);
    if (!err)
        err = restore_merge(tx->sql, a->from);
    if (!err)
        err = sql_number(tx->sql, "SELECT count(*) FROM cdr", &a->cdrs);
    if (err)
        return err;
    store_tx_notice_all(tx);
    if (a->made_ms)
        clock_iso8601(made, sizeof(made), a->made_ms);
    return audit_write_about(tx, "backup", "", "restored the backup of %s", made);
}

/* Opens DIR/restore.db; the server trusts the command line only so far. */
static int staged_open(struct sql *sql, const char *dir, struct backup_info *info, char *why, size_t whysz)
{
    char path[PATH_MAX], wrong[256];
    int err;

    restore_path(path, sizeof(path), dir);
    err = access(path, F_OK) ? errno : backup_open(sql, path);
    if (err) {
        snprintf(why, whysz, "%s: %s", path, err == ENOENT ? "no backup waits here" : store_strerror(err));
        return err;
    }
    err = backup_check(sql, info, wrong, sizeof(wrong));
    if (!err && info->version != (int64_t)store_migration_count) {
        snprintf(wrong, sizeof(wrong),
                 "is of another version than the running server: use the same program for both");
        err = ENOTSUP;
    }
    if (err) {
        snprintf(why, whysz, "the backup %s", wrong);
        sql_close(sql);
    }
    return err;
}

int restore_apply(struct store *s, struct restore_result *res, char *why, size_t whysz)
{
    char before[PATH_MAX];
    struct backup_info now;
    struct apply a = {0};
    struct sql from;
    int err;

    memset(res, 0, sizeof(*res));
    err = staged_open(&from, s->dir, &res->backup, why, whysz);
    if (err)
        return err;
    *why = '\0';
    snprintf(before, sizeof(before), "%s/dngate.db.before-restore", s->dir);
    err = cdr_flush(s);
    if (!err)
        err = backup_write(s->dir, before, &now, why, whysz);
    if (err)
        goto out;
    restore_chown(s->dir, before);
    a.from = &from;
    a.made_ms = res->backup.made_ms;
    err = store_call(s, apply_job, &a);
    if (err)
        goto out;
    res->cdrs_kept = a.cdrs - res->backup.cdrs;
    err = restore_tls(&from, s->dir, res);
    if (err) /* the rows are in: this is not worth taking them back */
        restore_note(res, "tls/ could not be restored: %s", strerror(err));
    err = 0;
    log_info("store", "dns=%lld trunks=%lld restored a backup", (long long)res->backup.dns,
             (long long)res->backup.trunks);

out:
    sql_close(&from);
    if (err && !*why)
        snprintf(why, whysz, "cannot restore: %s", store_strerror(err));
    restore_unstage(s->dir);
    return err;
}

/* ---------------------------------------------------------------- when the database is beyond use */

static int merge_in_transaction(struct sql *to, struct sql *from)
{
    int err = sql_exec(to, "BEGIN");

    if (!err)
        err = restore_merge(to, from);
    if (!err)
        err = sql_exec(to, "COMMIT");
    if (err)
        sql_exec(to, "ROLLBACK");
    return err;
}

/* What the old one still has of calls and audit; a damaged one may have less. */
static void save_records(const char *old, struct sql *staged, struct restore_result *res)
{
    int64_t cdrs = res->backup.cdrs;
    struct sql from;
    int err = access(old, F_OK) ? errno : sql_open(&from, old, SQL_READER, 0);

    if (err == ENOENT)
        return;
    if (!err) {
        err = merge_in_transaction(staged, &from);
        sql_close(&from);
    }
    if (err)
        restore_note(res, "call records of the old database could not be read (%s)", store_strerror(err));
    sql_number(staged, "SELECT count(*) FROM cdr", &cdrs);
    res->cdrs_kept = cdrs - res->backup.cdrs;
}

static int change_places(const char *dir, const char *live)
{
    char path[PATH_MAX + 16], before[PATH_MAX + 32];
    int err = 0;

    snprintf(before, sizeof(before), "%s.before-restore-wal", live);
    snprintf(path, sizeof(path), "%s-wal", live);
    if (rename(path, before) && errno != ENOENT)
        return errno;
    snprintf(path, sizeof(path), "%s-shm", live);
    unlink(path);
    snprintf(before, sizeof(before), "%s.before-restore", live);
    if (rename(live, before) && errno != ENOENT)
        return errno;
    restore_path(path, PATH_MAX, dir);
    if (rename(path, live))
        err = errno;
    return err;
}

int restore_replace(const char *dir, struct restore_result *res, char *why, size_t whysz)
{
    char live[PATH_MAX];
    struct sql staged;
    int err;

    memset(res, 0, sizeof(*res));
    snprintf(live, sizeof(live), "%s/dngate.db", dir);
    err = staged_open(&staged, dir, &res->backup, why, whysz);
    if (err)
        return err;
    save_records(live, &staged, res);
    err = restore_tls(&staged, dir, res);
    /* What a box owns is not carried over from another: files, calls that were up there, who was signed in; nor one-time links, which
     * may have been used since. */
    if (!err)
        err = sql_exec(&staged, "DROP TABLE IF EXISTS backup; DROP TABLE IF EXISTS backup_file;"
                                "DELETE FROM call_open; DELETE FROM selftest_link;"
                                "DELETE FROM session; DELETE FROM setup_link");
    sql_close(&staged);
    if (!err)
        err = change_places(dir, live);
    if (err) {
        snprintf(why, whysz, "%s: cannot be replaced: %s", live, store_strerror(err));
        restore_unstage(dir);
    }
    return err;
}
