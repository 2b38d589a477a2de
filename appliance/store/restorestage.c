#include "core/file.h"
#include "crypto/secret.h"
#include "crypto/vault.h"
#include "store/restorepriv.h"
#include "store/dn.h"
#include "store/schema.h"
#include "store/store.h"
#include "store/trunk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SEALED_MAX = 320, COPY_CHUNK = 65536 };

static const char magic[] = "SQLite format 3"; /* with its 0: 16 bytes */

/* ---------------------------------------------------------------- a copy of our own */

static int copy_bytes(int from, int to)
{
    char chunk[COPY_CHUNK];
    ssize_t n;
    int err = 0;

    while (!err && (n = read(from, chunk, sizeof(chunk)))) {
        if (n < 0)
            err = errno;
        for (ssize_t done = 0, w; !err && done < n; done += w) {
            w = write(to, chunk + done, (size_t)(n - done));
            if (w < 0)
                err = errno;
        }
    }
    explicit_bzero(chunk, sizeof(chunk));
    return !err && fsync(to) ? errno : err;
}

static int copy_file(int from, const char *passphrase, const char *dir, const char *path)
{
    int fd, err;

    if (mkdir(dir, 0700) && errno != EEXIST)
        return errno;
    restore_unstage(dir); /* of a restore that was cut short */
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno;
    err = passphrase ? vault_open(from, fd, passphrase) : copy_bytes(from, fd);
    if (!err && passphrase && fsync(fd))
        err = errno;
    close(fd);
    return err;
}

/* Opens FILE when it looks like a database, or like an encrypted one; what else is wrong with it the copy will show. */
static int open_file(const char *file, int *fdp, bool *encrypted, char *why, size_t whysz)
{
    char head[sizeof(magic)];
    int fd = open(file, O_RDONLY | O_CLOEXEC), err = 0;
    ssize_t n;

    if (fd < 0) {
        err = errno;
        snprintf(why, whysz, "%s: %s", file, strerror(err));
        return err;
    }
    n = pread(fd, head, sizeof(head), 0);
    *encrypted = n > 0 && vault_is(head, (size_t)n);
    if (!*encrypted && (n != sizeof(head) || memcmp(head, magic, sizeof(magic)))) {
        err = n < 0 ? errno : EUCLEAN;
        snprintf(why, whysz, "%s %s", file, n < 0 ? strerror(err) : "is not a backup of dngate");
        close(fd);
        return err;
    }
    *fdp = fd;
    return 0;
}

/* ---------------------------------------------------------------- its secrets under this box's key */

struct keys {
    struct secret *theirs, *ours;
};

/* The backup's key; ours when it is a plain copy of a database, which comes from this box or is of no use. */
static int keys_alloc(struct keys *k, struct sql *sql, const char *dir)
{
    char path[PATH_MAX], theirs[PATH_MAX];
    sqlite3_stmt *st;
    int err;

    snprintf(path, sizeof(path), "%s/secret.key", dir);
    snprintf(theirs, sizeof(theirs), "%s/restore.key", dir);
    err = secret_alloc(&k->ours, path);
    if (err)
        return err;
    restore_chown(dir, path);
    if (sql_prepare(sql, &st, "SELECT content FROM backup_file WHERE name = 'secret.key'"))
        return 0; /* no such table */
    err = sql_step(st);
    if (!err)
        err = file_replace(theirs, sqlite3_column_blob(st, 0), (size_t)sqlite3_column_bytes(st, 0), 0600);
    sql_done(sql, st);
    if (!err) {
        err = secret_alloc(&k->theirs, theirs);
        unlink(theirs);
    }
    return err == ENOENT ? 0 : err;
}

static const struct sealed { /* columns of the database that are sealed */
    const char *select, *update, *context, *lost;
} sealed_columns[] = {
    {"SELECT name, password FROM trunk WHERE password <> ''", "UPDATE trunk SET password = ? WHERE name = ?",
     "trunk", "the password of trunk %s cannot be opened; give it again: dngate trunk set NAME --password -"},
    {"SELECT dn, trunk_password FROM dn WHERE trunk_password <> ''",
     "UPDATE dn SET trunk_password = ? WHERE dn = ?", "dn",
     "the password for SIP Server of DN %s cannot be opened; give it again: dngate dn set DN "
     "--trunk-password "
     "-"},
    {"SELECT name, totp FROM user WHERE totp <> ''", "UPDATE user SET totp = ? WHERE name = ?", "totp",
     "the second factor of user %s cannot be opened and is off; turn it on again in the console"},
};

static int reseal_row(const struct keys *k, const struct sealed *col, sqlite3_stmt *row, sqlite3_stmt *update,
                      struct restore_result *res)
{
    char context[TRUNK_NAME_MAX + 8], plain[TRUNK_SECRET_MAX] = "", sealed[SEALED_MAX] = "", note[256];
    const char *name = (const char *)sqlite3_column_text(row, 0),
               *old = (const char *)sqlite3_column_text(row, 1);
    int err = 0;

    snprintf(context, sizeof(context), "%s/%s", col->context, name);
    if (secret_open(k->theirs ? k->theirs : k->ours, plain, sizeof(plain), context, old)) {
        snprintf(note, sizeof(note), col->lost, name);
        restore_note(res, "%s", note);
    } else {
        err = secret_seal(k->ours, sealed, sizeof(sealed), context, plain);
    }
    explicit_bzero(plain, sizeof(plain));
    if (err)
        return err;
    sql_bind(update, "tt", sealed, name);
    err = sql_step(update);
    sqlite3_reset(update);
    return err == ENOENT ? 0 : err;
}

static int reseal_column(const struct keys *k, const struct sealed *col, struct sql *sql,
                         struct restore_result *res)
{
    sqlite3_stmt *row, *update;
    int err = sql_prepare(sql, &row, col->select);

    if (err)
        return err;
    err = sql_prepare(sql, &update, col->update);
    if (!err) {
        while (!(err = sql_step(row)) && !(err = reseal_row(k, col, row, update, res)))
            ;
        sql_done(sql, update);
    }
    sql_done(sql, row);
    return err == ENOENT ? 0 : err;
}

static int reseal(const struct keys *k, struct sql *sql, struct restore_result *res)
{
    int err = 0;

    for (size_t i = 0; i < sizeof(sealed_columns) / sizeof(sealed_columns[0]) && !err; i++)
        err = reseal_column(k, &sealed_columns[i], sql, res);
    return err;
}

static int adopt(struct sql *sql, const char *dir, struct restore_result *res)
{
    struct schema schema = {store_schema_sql, store_migrations, store_migration_count};
    struct keys k = {NULL, NULL};
    int err = schema_raise(sql, &schema);

    if (!err)
        err = keys_alloc(&k, sql, dir);
    if (!err)
        err = reseal(&k, sql, res);
    secret_free(k.theirs);
    secret_free(k.ours);
    return err;
}

/* ---------------------------------------------------------------- */

/* What is wrong with the copying of it. */
static void copy_explain(int err, const char *dir, const char *file, char *why, size_t whysz)
{
    switch (err) {
    case EKEYREJECTED:
        snprintf(why, whysz, "%s is encrypted with another passphrase", file);
        break;
    case EBADMSG:
        snprintf(why, whysz, "%s is damaged or cut short", file);
        break;
    case ENOTSUP:
        snprintf(
            why, whysz,
            "%s was made by a newer dngate, in a format that this one does not know: use the newer program",
            file);
        break;
    default:
        snprintf(why, whysz, "%s: cannot be copied to %s: %s", file, dir, strerror(err));
    }
}

static int copy_in(int fd, bool encrypted, const char *passphrase, const char *dir, const char *file,
                   char *why, size_t whysz)
{
    char path[PATH_MAX];
    int err;

    if (encrypted && !passphrase) {
        snprintf(why, whysz, "%s is encrypted: its passphrase is needed", file);
        return ENOKEY;
    }
    err = copy_file(fd, encrypted ? passphrase : NULL, dir, restore_path(path, sizeof(path), dir));
    if (err)
        copy_explain(err, dir, file, why, whysz);
    return err;
}

int restore_stage(const char *dir, const char *file, const char *passphrase, struct restore_result *res,
                  char *why, size_t whysz)
{
    char path[PATH_MAX], wrong[256] = "";
    bool encrypted = false;
    struct sql sql;
    int fd = -1, err = open_file(file, &fd, &encrypted, why, whysz);

    memset(res, 0, sizeof(*res));
    if (err)
        return err;
    restore_path(path, sizeof(path), dir);
    err = copy_in(fd, encrypted, passphrase, dir, file, why, whysz);
    close(fd);
    if (err)
        goto out;
    err = backup_open(&sql, path);
    if (err) {
        snprintf(why, whysz, "%s is damaged or not a backup of dngate", file);
        goto out;
    }
    err = backup_check(&sql, &res->backup, wrong, sizeof(wrong));
    if (!err)
        err = adopt(&sql, dir, res);
    sql_close(&sql);
    if (err)
        snprintf(why, whysz, "%s %s%s", file,
                 *wrong ? "" : "cannot be read: ", *wrong ? wrong : store_strerror(err));
    restore_chown(dir, path);

out:
    if (err)
        restore_unstage(dir);
    return err;
}
