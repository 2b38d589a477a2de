/* core/file: small files read and written whole (keys, certificates, passwords). Start-up and CLI threads: blocks. */
#ifndef CORE_FILE_H
#define CORE_FILE_H

#include <stddef.h>
#include <sys/types.h>

/* Reads at most max bytes, adding a 0 behind them; *p is the caller's (free). errno of open/read, EFBIG, ENOMEM. */
int file_read(const char *path, size_t max, char **p, size_t *n);
/* Replaces path: whoever reads sees the old or the new content, also after a power cut. errno. */
int file_replace(const char *path, const void *p, size_t n, mode_t mode);
/* Like file_replace, but leaves an existing file alone: EEXIST. */
int file_create(const char *path, const void *p, size_t n, mode_t mode);

#endif
