/* core/file: small files read and written whole (keys, certificates, passwords). Start-up and CLI threads: blocks. */
#ifndef CORE_FILE_H
#define CORE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

/* Reads at most max bytes, adding a 0 behind them; *p is the caller's (free). errno of open/read, EFBIG, ENOMEM. */
int file_read(const char *path, size_t max, char **p, size_t *n);
/* Replaces path: whoever reads sees the old or the new content, also after a power cut. errno. */
int file_replace(const char *path, const void *p, size_t n, mode_t mode);
/* Like file_replace, but leaves an existing file alone: EEXIST. */
int file_create(const char *path, const void *p, size_t n, mode_t mode);

struct file_stamp { /* tells a file that was replaced or rewritten; all 0: there is none */
    struct timespec mtime;
    ino_t ino;
    off_t size;
};
/* *now: the file as it is. True when it is another than at the last look. */
bool file_changed(struct file_stamp *now, const char *path, const struct file_stamp *seen);

#endif
