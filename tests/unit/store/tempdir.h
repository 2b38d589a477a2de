/* A directory of its own for one test: made empty, removed with what is in it. */
#ifndef TESTS_TEMPDIR_H
#define TESTS_TEMPDIR_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct tempdir {
    char path[128];
};

static int tempdir_unlink_h(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static inline const char *tempdir_make(struct tempdir *t)
{
    const char *base = getenv("TMPDIR");

    snprintf(t->path, sizeof(t->path), "%.100s/dngate-XXXXXX", base && *base ? base : "/tmp");
    return mkdtemp(t->path);
}

static inline void tempdir_remove(const struct tempdir *t)
{
    nftw(t->path, tempdir_unlink_h, 8, FTW_DEPTH | FTW_PHYS);
}

#endif
