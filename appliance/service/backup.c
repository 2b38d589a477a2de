#include "service/backup.h"
#include "core/clock.h"
#include "core/log.h"
#include "crypto/vault.h"
#include "store/audit.h"
#include "store/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

enum { ROOM_MB = 200 }; /* that must be free afterwards */

static const char upload_prefix[] = ".upload-";

/* ---------------------------------------------------------------- what there is */

/* By its name, in DIR/backups or beside the database; NULL: it is none of ours. */
static const char *why_of(const char *name, bool beside)
{
    static const char migration[] = "dngate.db.before-v", restored[] = "dngate.db.before-restore";

    if (name[0] == '.' || strlen(name) >= BACKUP_NAME_MAX || strstr(name, ".tmp"))
        return NULL;
    if (beside)
        return !strncmp(name, migration, sizeof(migration) - 1) ? "migration"
               : !strcmp(name, restored)                        ? "restore"
                                                                : NULL;
    return !strncmp(name, "scheduled-", 10) ? "scheduled" : !strncmp(name, "hand-", 5) ? "hand" : NULL;
}

static bool is_encrypted(const char *path)
{
    char head[VAULT_HEAD_LEN];
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    const ssize_t n = fd < 0 ? -1 : read(fd, head, sizeof(head));

    if (fd >= 0)
        close(fd);
    return n > 0 && vault_is(head, (size_t)n);
}

static size_t list_dir(const char *dir, bool beside, struct service_backup *v, size_t n)
{
    char path[PATH_MAX];
    const struct dirent *e;
    struct stat st;
    DIR *d = opendir(dir);

    while (d && n < BACKUPS_MAX && (e = readdir(d))) {
        const char *why = why_of(e->d_name, beside);

        snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
        if (!why || lstat(path, &st) || !S_ISREG(st.st_mode))
            continue;
        v[n] = (struct service_backup){.why = why,
                                       .bytes = st.st_size,
                                       .time_ms =
                                           (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000,
                                       .encrypted = is_encrypted(path)};
        snprintf(v[n++].name, sizeof(v[0].name), "%s", e->d_name);
    }
    if (d)
        closedir(d);
    return n;
}

static int newest_first(const void *a, const void *b)
{
    const struct service_backup *x = a, *y = b;

    if (x->time_ms != y->time_ms)
        return x->time_ms < y->time_ms ? 1 : -1;
    return -strcmp(x->name, y->name);
}

static const char *folder(const struct service *sv, char *buf, size_t sz)
{
    snprintf(buf, sz, "%s/backups", store_dir(sv->store));
    return buf;
}

size_t service_backup_list(struct service *sv, struct service_backup v[static BACKUPS_MAX])
{
    char dir[PATH_MAX];
    size_t n = list_dir(folder(sv, dir, sizeof(dir)), false, v, 0);

    n = list_dir(store_dir(sv->store), true, v, n);
    qsort(v, n, sizeof(*v), newest_first);
    return n;
}

int service_backup_path(struct service *sv, const char *name, char *path, size_t sz)
{
    char dir[PATH_MAX - BACKUP_NAME_MAX];
    struct stat st;
    const bool beside = !strncmp(name, "dngate.db.", 10);

    if (!strchr(name, '/') && why_of(name, beside)) {
        snprintf(path, sz, "%s/%s", beside ? store_dir(sv->store) : folder(sv, dir, sizeof(dir)), name);
        if (!lstat(path, &st) && S_ISREG(st.st_mode))
            return 0;
    }
    return service_fail(sv, ENOENT, "there is no backup %s", name);
}

/* ---------------------------------------------------------------- one more, one less */

/* The copy, and once more encrypted. */
static int room_check(struct service *sv, bool encrypted)
{
    char path[PATH_MAX];
    struct statvfs fs;
    struct stat st;
    uint64_t want, have;

    snprintf(path, sizeof(path), "%s/dngate.db", store_dir(sv->store));
    if (stat(path, &st) || statvfs(store_dir(sv->store), &fs))
        return 0; /* whoever writes will see */
    want = (uint64_t)st.st_size * (encrypted ? 2 : 1) + ((uint64_t)ROOM_MB << 20);
    have = (uint64_t)fs.f_bavail * fs.f_frsize;
    if (have >= want)
        return 0;
    return service_fail(sv, ENOSPC, "there are %llu MB free in %s, and a backup wants %llu",
                        (unsigned long long)(have >> 20), store_dir(sv->store),
                        (unsigned long long)(want >> 20));
}

static void name_make(char name[BACKUP_NAME_MAX], const char *why, bool encrypted)
{
    const int64_t ms = clock_wall_ms();
    const time_t s = (time_t)(ms / 1000);
    char text[32];
    struct tm tm;

    strftime(text, sizeof(text), "%Y%m%dT%H%M%S", gmtime_r(&s, &tm));
    snprintf(name, BACKUP_NAME_MAX, "%s-%s.%03dZ.db%s", why, text, (int)(ms % 1000), encrypted ? ".enc" : "");
}

/* The oldest of a kind go. */
static void keep_only(struct service *sv, const char *why, unsigned keep)
{
    struct service_backup *v = calloc(BACKUPS_MAX, sizeof(*v));
    char path[PATH_MAX];
    size_t n = v && keep ? service_backup_list(sv, v) : 0;
    unsigned seen = 0;

    for (size_t i = 0; i < n; i++) {
        if (strcmp(v[i].why, why) != 0 || ++seen <= keep ||
            service_backup_path(sv, v[i].name, path, sizeof(path)))
            continue;
        if (unlink(path))
            log_warn("backup", "file=%s error=\"%s\" cannot be removed", path, strerror(errno));
        else
            log_info("backup", "file=%s removed: there are %u newer ones", path, keep);
    }
    free(v);
}

int service_backup_make(struct service *sv, const char *why, const char *passphrase, unsigned keep,
                        struct service_backup *out, struct backup_info *info)
{
    char dir[PATH_MAX - BACKUP_NAME_MAX], path[PATH_MAX];
    struct stat st;
    int err = room_check(sv, passphrase != NULL);

    if (err)
        return err;
    if (mkdir(folder(sv, dir, sizeof(dir)), 0700) && errno != EEXIST) {
        err = errno;
        return service_fail(sv, err, "%s: %s", dir, strerror(err));
    }
    *out = (struct service_backup){.why = why, .encrypted = passphrase != NULL};
    name_make(out->name, why, out->encrypted);
    snprintf(path, sizeof(path), "%s/%s", dir, out->name);
    err = backup_write_sealed(store_dir(sv->store), path, passphrase, info, sv->why, sizeof(sv->why));
    if (err)
        return err;
    out->bytes = stat(path, &st) ? 0 : st.st_size;
    out->time_ms = clock_wall_ms();
    log_info("backup", "file=%s bytes=%lld encrypted=%s made", path, (long long)out->bytes,
             out->encrypted ? "yes" : "no");
    service_noted(sv, "backup made: %s", out->name);
    keep_only(sv, why, keep);
    return 0;
}

int service_backup_remove(struct service *sv, const char *name)
{
    char path[PATH_MAX];
    int err = service_backup_path(sv, name, path, sizeof(path));

    if (err)
        return err;
    if (unlink(path)) {
        err = errno;
        return service_fail(sv, err, "%s: %s", name, strerror(err));
    }
    service_noted(sv, "backup removed: %s", name);
    return 0;
}

/* ---------------------------------------------------------------- back */

int service_restore(struct service *sv, const char *file, const char *what, const char *passphrase,
                    struct restore_result *out)
{
    struct restore_result applied;
    char why[SERVICE_WHY_MAX];
    const size_t n = strlen(file);
    int err = restore_stage(store_dir(sv->store), file, passphrase && *passphrase ? passphrase : NULL, out,
                            why, sizeof(why));

    if (err) {
        const char *rest = !strncmp(why, file, n) ? why + n : why;
        const bool passphrase_wrong = err == ENOKEY || err == EKEYREJECTED;

        err = err == ENOKEY || err == EKEYREJECTED || err == EBADMSG || err == EUCLEAN ? EINVAL : err;
        if (passphrase_wrong)
            return service_fail_at(sv, err, "passphrase", "%s%s; nothing was changed", what, rest);
        return service_fail(sv, err, "%s%s; nothing was changed", rest == why ? "" : what, rest);
    }
    err = restore_apply(sv->store, &applied, why, sizeof(why));
    if (err)
        return service_fail(sv, err, "%s", why);
    out->cdrs_kept = applied.cdrs_kept;
    snprintf(out->notes + strlen(out->notes), sizeof(out->notes) - strlen(out->notes), "%s", applied.notes);
    return 0;
}

/* ---------------------------------------------------------------- uploads */

int service_upload_begin(struct service *sv, char *path, size_t sz)
{
    char dir[PATH_MAX - BACKUP_NAME_MAX];
    int fd, err;

    if (mkdir(folder(sv, dir, sizeof(dir)), 0700) && errno != EEXIST) {
        err = errno;
        return service_fail(sv, err, "%s: %s", dir, strerror(err));
    }
    if (snprintf(path, sz, "%s/%sXXXXXX", dir, upload_prefix) >= (int)sz)
        return service_fail(sv, ENAMETOOLONG, "the path of the data directory is too long");
    fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0) {
        err = errno;
        return service_fail(sv, err, "%s: %s", dir, strerror(err));
    }
    close(fd);
    return 0;
}

void service_backup_tidy(struct service *sv)
{
    char dir[PATH_MAX - BACKUP_NAME_MAX], path[PATH_MAX + BACKUP_NAME_MAX];
    const struct dirent *e;
    DIR *d = opendir(folder(sv, dir, sizeof(dir)));

    while (d && (e = readdir(d))) {
        if (strncmp(e->d_name, upload_prefix, sizeof(upload_prefix) - 1) != 0 && !strstr(e->d_name, ".tmp"))
            continue;
        snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
        (void)unlink(path);
    }
    if (d)
        closedir(d);
}
