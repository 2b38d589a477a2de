/* The certificates of a backup: put beside what is there, never over a pair that serves better. */
#include "core/file.h"
#include "crypto/cert.h"
#include "store/restorepriv.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Only what backup_write puts there: a file right in tls/. */
static bool tls_name_ok(const char *name)
{
    const char *p = name + 4;

    if (strncmp(name, "tls/", 4) || !*p || *p == '.' || strlen(p) > 100)
        return false;
    for (; *p; p++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-", *p))
            return false;
    return true;
}

static bool same_content(const char *path, const void *p, size_t n)
{
    char *now;
    size_t len;
    bool same;

    if (file_read(path, BACKUP_FILE_MAX, &now, &len))
        return false;
    same = len == n && !memcmp(now, p, n);
    explicit_bzero(now, len);
    free(now);
    return same;
}

static int tls_file(const char *dir, const char *name, const void *p, size_t n)
{
    char path[PATH_MAX], before[PATH_MAX + 16];
    int err;

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    snprintf(before, sizeof(before), "%s.before-restore", path);
    if (same_content(path, p, n))
        return 0;
    if (rename(path, before) && errno != ENOENT)
        return errno;
    err = file_replace(path, p, n, 0600);
    restore_chown(dir, path);
    return err;
}

/* Would the backup's own pair serve? It is tried under names that nobody uses. */
static bool pair_usable(struct sql *from, const char *dir, char *why, size_t whysz)
{
    static const char *const names[] = {"tls/cert.pem", "tls/key.pem"};
    char path[2][PATH_MAX] = {"", ""};
    struct cert_info info;
    sqlite3_stmt *st;
    int err = 0, found = 0;

    for (int i = 0; i < 2 && !err; i++) {
        snprintf(path[i], sizeof(path[i]), "%s/%s.tmp", dir, names[i]);
        err = sql_prepare(from, &st, "SELECT content FROM backup_file WHERE name = ?");
        if (err)
            break;
        sql_bind(st, "t", names[i]);
        err = sql_step(st);
        if (!err)
            err =
                file_replace(path[i], sqlite3_column_blob(st, 0), (size_t)sqlite3_column_bytes(st, 0), 0600);
        found += !err;
        sql_done(from, st);
    }
    snprintf(why, whysz, "%s", strerror(err));
    if (!err)
        err = cert_check(path[0], path[1], &info, why, whysz);
    for (int i = 0; i < 2; i++)
        unlink(path[i]);
    if (!found) /* there is none to refuse */
        *why = '\0';
    return !err;
}

static bool of_pair(const char *name)
{
    return !strcmp(name, "tls/cert.pem") || !strcmp(name, "tls/key.pem");
}

int restore_tls(struct sql *from, const char *dir, struct restore_result *res)
{
    char path[PATH_MAX], why[256];
    int64_t files;
    sqlite3_stmt *st;
    bool usable;
    int err;

    if (sql_number(from, "SELECT count(*) FROM backup_file WHERE name LIKE 'tls/%'", &files) || !files)
        return 0; /* a plain copy of a database has none */
    snprintf(path, sizeof(path), "%s/tls", dir);
    if (mkdir(path, 0700) && errno != EEXIST)
        return errno;
    restore_chown(dir, path);
    usable = pair_usable(from, dir, why, sizeof(why));
    if (!usable && *why)
        restore_note(res, "the backup's certificate cannot be used and was left out (%s)", why);
    err = sql_prepare(from, &st, "SELECT name, content FROM backup_file WHERE name LIKE 'tls/%'");
    if (err)
        return err;
    while (!(err = sql_step(st))) {
        const char *name = (const char *)sqlite3_column_text(st, 0);

        if (!name || !tls_name_ok(name) || (of_pair(name) && !usable))
            continue;
        err = tls_file(dir, name, sqlite3_column_blob(st, 1), (size_t)sqlite3_column_bytes(st, 1));
        if (err)
            break;
    }
    sql_done(from, st);
    return err == ENOENT ? 0 : err;
}
