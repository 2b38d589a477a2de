#include "store/spill.h"
#include "core/buf.h"
#include "core/log.h"
#include "store/cdrrow.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SPILL_APPEND_MAX = 4 * 1024 * 1024 }; /* a full batch of longest records */

static const char *spill_path(char *buf, size_t sz, const char *dir, const char *suffix)
{
    snprintf(buf, sz, "%s/cdr.spill%s", dir, suffix);
    return buf;
}

/* Opens a file and locks it for us alone; EAGAIN when it is no longer what its name leads to. */
static int spill_open(const char *path, int flags, int *fdp)
{
    struct stat mine, now;
    int fd = open(path, flags | O_CLOEXEC, 0600);
    int err = 0;

    if (fd < 0)
        return errno;
    if (flock(fd, LOCK_EX) || fstat(fd, &mine))
        err = errno;
    else if (stat(path, &now) || mine.st_ino != now.st_ino)
        err = EAGAIN;
    if (err)
        close(fd);
    else
        *fdp = fd;
    return err;
}

/* A short write is taken back, so that the next record starts on a line of its own. */
static int spill_write(int fd, const struct buf *text)
{
    off_t before = lseek(fd, 0, SEEK_END);
    ssize_t n = write(fd, text->data, text->len);
    int err;

    if (n == (ssize_t)text->len && !fdatasync(fd))
        return 0;
    err = n < 0 || n == (ssize_t)text->len ? errno : ENOSPC;
    if (n > 0 && ftruncate(fd, before))
        log_error("store", "error=\"%s\" cannot take back a part of a call record", strerror(errno));
    return err;
}

int spill_append(const char *dir, const struct cdr *v, size_t n)
{
    char path[PATH_MAX];
    struct buf text;
    int fd = -1, err = 0;

    buf_init(&text, SPILL_APPEND_MAX);
    for (size_t i = 0; i < n && !err; i++)
        err = cdrrow_encode(&text, &v[i]);
    if (err)
        goto out;
    spill_path(path, sizeof(path), dir, "");
    do
        err = spill_open(path, O_RDWR | O_CREAT | O_APPEND, &fd);
    while (err == EAGAIN); /* a replay has just renamed it away */
    if (err)
        goto out;
    err = spill_write(fd, &text);
    close(fd);

out:
    buf_reset(&text);
    return err;
}

uint64_t spill_size(const char *dir)
{
    static const char *const suffixes[] = {"", ".replay"};
    char path[PATH_MAX];
    struct stat st;
    uint64_t sum = 0;

    for (size_t i = 0; i < 2; i++)
        if (!stat(spill_path(path, sizeof(path), dir, suffixes[i]), &st))
            sum += (uint64_t)st.st_size;
    return sum;
}

bool spill_exists(const char *dir)
{
    char path[PATH_MAX];

    return !access(spill_path(path, sizeof(path), dir, ""), F_OK) ||
           !access(spill_path(path, sizeof(path), dir, ".replay"), F_OK);
}

static int spill_replay_file(FILE *f, spill_h *h, void *arg)
{
    char *line = NULL;
    size_t sz = 0;
    ssize_t len;
    struct cdr c;
    int err = 0;

    while (!err && (len = getline(&line, &sz, f)) > 0) {
        if (cdrrow_decode(&c, line, (size_t)len))
            log_error("store", "bytes=%zd cannot read a spilled call record", len);
        else
            err = h(&c, arg);
    }
    free(line);
    return err;
}

int spill_replay(const char *dir, spill_h *h, spill_commit_h *commit, void *arg)
{
    char path[PATH_MAX], replay[PATH_MAX];
    FILE *f;
    int fd = -1, err;

    spill_path(path, sizeof(path), dir, "");
    spill_path(replay, sizeof(replay), dir, ".replay");
    /* A replay that did not come to its end goes first; what came since waits for the next time. */
    if (renameat2(AT_FDCWD, path, AT_FDCWD, replay, RENAME_NOREPLACE) && errno != EEXIST && errno != ENOENT)
        return errno;
    err = spill_open(replay, O_RDONLY, &fd);
    if (err)
        return err;
    f = fdopen(fd, "r");
    if (!f) {
        close(fd);
        return ENOMEM;
    }
    err = spill_replay_file(f, h, arg);
    if (!err)
        err = commit(arg);
    if (!err && unlink(replay))
        err = errno;
    fclose(f);
    return err;
}
