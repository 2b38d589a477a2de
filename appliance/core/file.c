#include "core/file.h"
#include "core/rnd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int read_all(int fd, char *p, size_t max, size_t *n)
{
    *n = 0;
    while (*n <= max) {
        ssize_t got = read(fd, p + *n, max + 1 - *n);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return errno;
        if (!got)
            return 0;
        *n += (size_t)got;
    }
    return EFBIG;
}

int file_read(const char *path, size_t max, char **p, size_t *n)
{
    size_t len = 0;
    char *data;
    int err, fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return errno;
    data = malloc(max + 2);
    err = data ? read_all(fd, data, max, &len) : ENOMEM;
    close(fd);
    if (err) {
        free(data);
        return err;
    }
    data[len] = '\0';
    *p = data;
    *n = len;
    return 0;
}

static int write_all(int fd, const char *p, size_t n)
{
    while (n) {
        ssize_t put = write(fd, p, n);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return errno;
        p += put;
        n -= (size_t)put;
    }
    return fsync(fd) ? errno : 0;
}

/* A rename is on disk only once its folder is. Some file systems cannot sync folders: no harm. */
static void sync_folder(const char *path)
{
    char dir[PATH_MAX];
    char *slash;
    int fd;

    snprintf(dir, sizeof(dir), "%s", path);
    slash = strrchr(dir, '/');
    if (slash)
        slash[slash == dir] = '\0';
    fd = open(slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    fsync(fd);
    close(fd);
}

static int write_beside(const char *path, char *tmp, size_t sz, const void *p, size_t n, mode_t mode)
{
    char suffix[13];
    int fd, err;

    rnd_str(suffix, sizeof(suffix), sizeof(suffix) - 1);
    if (snprintf(tmp, sz, "%s.%s", path, suffix) >= (int)sz)
        return ENAMETOOLONG;
    fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0)
        return errno;
    err = write_all(fd, p, n);
    close(fd);
    if (err)
        unlink(tmp);
    return err;
}

int file_replace(const char *path, const void *p, size_t n, mode_t mode)
{
    char tmp[PATH_MAX];
    int err = write_beside(path, tmp, sizeof(tmp), p, n, mode);

    if (err)
        return err;
    if (rename(tmp, path)) {
        err = errno;
        unlink(tmp);
        return err;
    }
    sync_folder(path);
    return 0;
}

int file_create(const char *path, const void *p, size_t n, mode_t mode)
{
    char tmp[PATH_MAX];
    int err = write_beside(path, tmp, sizeof(tmp), p, n, mode);

    if (err)
        return err;
    if (link(tmp, path)) /* unlike rename, refuses to replace */
        err = errno;
    unlink(tmp);
    if (!err)
        sync_folder(path);
    return err;
}

bool file_changed(struct file_stamp *now, const char *path, const struct file_stamp *seen)
{
    struct stat st;

    memset(now, 0, sizeof(*now));
    if (!stat(path, &st)) {
        now->mtime = st.st_mtim;
        now->ino = st.st_ino;
        now->size = st.st_size;
    }
    return memcmp(now, seen, sizeof(*now)) != 0;
}
