#include "store/backup.h"
#include "core/clock.h"
#include "core/file.h"
#include "crypto/vault.h"
#include "store/schema.h"
#include "store/spill.h"
#include "store/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BACKUP_BUSY_MS = 5000 };

int backup_open(struct sql *sql, const char *path)
{
    int err;

    memset(sql, 0, sizeof(*sql));
    err = sql_errno(sqlite3_open_v2(path, &sql->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL));
    if (!err) {
        sqlite3_extended_result_codes(sql->db, 1);
        sqlite3_busy_timeout(sql->db, BACKUP_BUSY_MS);
        err = sql_exec(
            sql, "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA journal_mode = DELETE");
    }
    if (err)
        sql_close(sql);
    return err;
}

/* ---------------------------------------------------------------- looking at one */

/* A PRAGMA that says "ok" in its first row. */
static int check_sound(struct sql *sql)
{
    char said[16] = "";
    sqlite3_stmt *st;
    int err = sql_prepare(sql, &st, "PRAGMA integrity_check(1)");

    if (err)
        return err;
    err = sql_step(st);
    if (!err)
        sql_text(st, 0, said, sizeof(said));
    sql_done(sql, st);
    return err ? err : strcmp(said, "ok") ? EUCLEAN : 0;
}

static int count_rows(struct sql *sql, struct backup_info *info)
{
    int err = sql_number(sql, "SELECT count(*) FROM dn", &info->dns);

    if (!err)
        err = sql_number(sql, "SELECT count(*) FROM trunk", &info->trunks);
    if (!err)
        err = sql_number(sql, "SELECT count(*) FROM user", &info->users);
    if (!err)
        err = sql_number(sql, "SELECT count(*) FROM cdr", &info->cdrs);
    return err;
}

int backup_check(struct sql *sql, struct backup_info *info, char *why, size_t whysz)
{
    int64_t tables = 0, others = 0, made;
    int err;

    memset(info, 0, sizeof(*info));
    err = sql_number(sql, "PRAGMA user_version", &info->version);
    if (!err)
        err = sql_number(sql,
                         "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name IN "
                         "('dn', 'trunk', 'user', 'setting', 'cdr', 'audit')",
                         &tables);
    if (!err) /* we make neither, and they would run when rows are touched */
        err =
            sql_number(sql, "SELECT count(*) FROM sqlite_master WHERE type IN ('trigger', 'view')", &others);
    if (err == EUCLEAN || (!err && (info->version < 1 || tables != 6 || others))) {
        snprintf(why, whysz, "is damaged or not a backup of dngate");
        return EUCLEAN;
    }
    if (!err && info->version > (int64_t)store_migration_count) {
        snprintf(why, whysz,
                 "was made by a newer dngate (database version %lld, this program knows up to %zu): use the "
                 "newer program",
                 (long long)info->version, store_migration_count);
        return ENOTSUP;
    }
    if (!err)
        err = check_sound(sql);
    if (!err)
        err = count_rows(sql, info);
    if (err)
        snprintf(why, whysz, "%s", err == EUCLEAN ? "is damaged" : store_strerror(err));
    else if (!sql_number(sql, "SELECT made_ms FROM backup", &made))
        info->made_ms = made;
    return err;
}

/* ---------------------------------------------------------------- making one */

/* All pages in one go: in steps, a busy writer would make it start again and again. */
static int copy_pages(struct sql *to, struct sql *from)
{
    sqlite3_backup *b = sqlite3_backup_init(to->db, "main", from->db, "main");
    int rc;

    if (!b)
        return sql_errno(sqlite3_errcode(to->db));
    rc = sqlite3_backup_step(b, -1);
    sqlite3_backup_finish(b);
    return rc == SQLITE_DONE ? 0 : sql_errno(rc);
}

static int add_file(struct sql *sql, const char *dir, const char *name)
{
    char path[PATH_MAX], *p;
    sqlite3_stmt *st;
    size_t n;
    int err;

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    err = file_read(path, BACKUP_FILE_MAX, &p, &n);
    if (err)
        return err == ENOENT ? 0 : err;
    err = sql_prepare(sql, &st, "INSERT INTO backup_file (name, content) VALUES (?, ?)");
    if (!err) {
        sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC);
        sqlite3_bind_blob(st, 2, p, (int)n, SQLITE_STATIC);
        err = sql_run(sql, st);
    }
    explicit_bzero(p, n);
    free(p);
    return err;
}

static int add_files(struct sql *sql, const char *dir)
{
    char path[PATH_MAX];
    int err = add_file(sql, dir, "secret.key");
    size_t count = 0;
    DIR *d;

    snprintf(path, sizeof(path), "%s/tls", dir);
    d = err ? NULL : opendir(path);
    if (!d)
        return err;
    for (const struct dirent *e; !err && count < BACKUP_FILES_MAX && (e = readdir(d));) {
        if (e->d_type != DT_REG || e->d_name[0] == '.' || strstr(e->d_name, ".before-restore"))
            continue;
        snprintf(path, sizeof(path), "tls/%s", e->d_name);
        err = add_file(sql, dir, path);
        count++;
    }
    closedir(d);
    return err;
}

static int add_rest(struct sql *sql, const char *dir)
{
    sqlite3_stmt *st;
    int err = sql_exec(sql, "PRAGMA journal_mode = DELETE;"
                            "BEGIN;"
                            "DROP TABLE IF EXISTS backup;"
                            "DROP TABLE IF EXISTS backup_file;"
                            "CREATE TABLE backup (made_ms INTEGER NOT NULL) STRICT;"
                            "CREATE TABLE backup_file (name TEXT PRIMARY KEY, content BLOB NOT NULL) "
                            "STRICT, WITHOUT ROWID");

    if (!err)
        err = sql_prepare(sql, &st, "INSERT INTO backup (made_ms) VALUES (?)");
    if (err)
        return err;
    sql_bind(st, "i", clock_wall_ms());
    err = sql_run(sql, st);
    if (!err)
        err = add_files(sql, dir);
    return err ? err : sql_exec(sql, "COMMIT");
}

/* What a process that was killed left there goes: a container's server is process 1 every time. */
static int make_empty(const char *path)
{
    (void)unlink(path);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        return errno;
    close(fd);
    return 0;
}

/* Fills the file tmp; why tells of the source, its caller of the rest. */
static int fill(const char *dir, const char *tmp, struct backup_info *info, char *why, size_t whysz)
{
    char path[PATH_MAX], wrong[256];
    struct sql from = {0}, to = {0};
    int err;

    snprintf(path, sizeof(path), "%s/dngate.db", dir);
    err = access(path, F_OK) ? errno : sql_open(&from, path, SQL_READER, BACKUP_BUSY_MS);
    if (err) {
        snprintf(why, whysz, "%s: cannot be read: %s", path, strerror(err));
        return err;
    }
    err = backup_open(&to, tmp);
    if (err)
        goto out;
    err = copy_pages(&to, &from);
    if (!err) {
        err = backup_check(&to, info, wrong, sizeof(wrong));
        if (err)
            snprintf(why, whysz, "%s %s", path, wrong);
    }
    if (!err)
        err = add_rest(&to, dir);
    sql_close(&to);

out:
    sql_close(&from);
    return err;
}

static int sync_file(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), err = 0;

    if (fd < 0)
        return errno;
    if (fsync(fd))
        err = errno;
    close(fd);
    return err;
}

static bool same_file(const char *a, const char *b)
{
    struct stat sa, sb;

    return !stat(a, &sa) && !stat(b, &sb) && sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

/* Is file one of those that a server works with, or will once it runs? rename() would pull it away under its hands. */
static bool in_use(const char *dir, const char *file)
{
    static const char *const names[] = {"dngate.db",    "dngate.db-wal", "dngate.db-shm",
                                        "dngate.lock",  "secret.key",    "cdr.spill",
                                        "control.sock", "tls/cert.pem",  "tls/key.pem"};
    const char *slash = strrchr(file, '/'), *base = slash ? slash + 1 : file;
    char path[PATH_MAX];
    bool here;

    snprintf(path, sizeof(path), "%.*s", slash ? (int)(base - file) : 1, slash ? file : ".");
    here = same_file(path, dir);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
        if (same_file(file, path) || (here && !strcmp(base, names[i])))
            return true;
    }
    return false;
}

static int seal(const char *plain, const char *sealed, const char *passphrase)
{
    int err = make_empty(sealed), from, to;

    if (err)
        return err;
    from = open(plain, O_RDONLY | O_CLOEXEC);
    to = open(sealed, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    err = from < 0 || to < 0 ? errno : vault_seal(from, to, passphrase);
    if (from >= 0)
        close(from);
    if (to >= 0)
        close(to);
    return err;
}

static int write_to(const char *dir, const char *tmp, const char *sealed, const char *passphrase,
                    struct backup_info *info, char *why, size_t whysz)
{
    int err = make_empty(tmp);

    if (!err)
        err = fill(dir, tmp, info, why, whysz);
    if (!err && passphrase)
        err = seal(tmp, sealed, passphrase);
    return err ? err : sync_file(passphrase ? sealed : tmp);
}

int backup_write_sealed(const char *dir, const char *file, const char *passphrase, struct backup_info *info,
                        char *why, size_t whysz)
{
    char tmp[PATH_MAX], sealed[PATH_MAX];
    int err;

    *why = '\0';
    if (in_use(dir, file)) {
        snprintf(why, whysz, "%s: is in use by the server itself; name another file", file);
        return EBUSY;
    }
    if (passphrase &&
        (strlen(passphrase) < VAULT_PASSPHRASE_MIN || strlen(passphrase) > VAULT_PASSPHRASE_MAX)) {
        snprintf(why, whysz, "the passphrase must have %d to %d bytes", VAULT_PASSPHRASE_MIN,
                 VAULT_PASSPHRASE_MAX);
        return EINVAL;
    }
    if (snprintf(tmp, sizeof(tmp), "%s.%d.tmp", file, (int)getpid()) >= (int)sizeof(tmp) ||
        snprintf(sealed, sizeof(sealed), "%s.%d.tmp2", file, (int)getpid()) >= (int)sizeof(sealed)) {
        snprintf(why, whysz, "%s: cannot be written: %s", file, strerror(ENAMETOOLONG));
        return ENAMETOOLONG;
    }
    err = write_to(dir, tmp, sealed, passphrase, info, why, whysz);
    if (!err && rename(passphrase ? sealed : tmp, file))
        err = errno;
    if (err && !*why)
        snprintf(why, whysz, "%s: cannot be written: %s", file, store_strerror(err));
    if (err || passphrase)
        unlink(tmp);
    if (err)
        unlink(sealed);
    else
        info->cdrs_wait = spill_exists(dir);
    return err;
}

int backup_write(const char *dir, const char *file, struct backup_info *info, char *why, size_t whysz)
{
    return backup_write_sealed(dir, file, NULL, info, why, whysz);
}
