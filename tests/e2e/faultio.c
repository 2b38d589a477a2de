/*
 * Preloaded into dngate by faults.test.mjs: writes to files below $FAULT_DIR fail with the errno that stands in $FAULT_FILE; while that
 * file is empty or missing nothing does. So a disk can break, and be well again, under a running server.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int fault_now(void)
{
    const char *file = getenv("FAULT_FILE");
    char text[16] = "";
    int fd = file ? (int)syscall(SYS_openat, AT_FDCWD, file, O_RDONLY | O_CLOEXEC) : -1;

    if (fd < 0)
        return 0;
    if (syscall(SYS_read, fd, text, sizeof(text) - 1) < 0)
        text[0] = '\0';
    syscall(SYS_close, fd);
    return atoi(text);
}

static int below(const char *path)
{
    const char *dir = getenv("FAULT_DIR");

    return dir && !strncmp(path, dir, strlen(dir));
}

static int fault_fd(int fd)
{
    char link[64], path[4096];
    ssize_t n;

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    n = readlink(link, path, sizeof(path) - 1);
    if (n < 0)
        return 0;
    path[n] = '\0';
    return below(path) ? fault_now() : 0;
}

#define WRAP(ret, name, params, args)                                                                        \
    ret name params                                                                                          \
    {                                                                                                        \
        static ret(*next) params;                                                                            \
        int err = fault_fd(fd);                                                                              \
                                                                                                             \
        if (err) {                                                                                           \
            errno = err;                                                                                     \
            return -1;                                                                                       \
        }                                                                                                    \
        if (!next)                                                                                           \
            *(void **)&next = dlsym(RTLD_NEXT, #name);                                                       \
        return next args;                                                                                    \
    }

WRAP(ssize_t, write, (int fd, const void *p, size_t n), (fd, p, n))
WRAP(ssize_t, pwrite, (int fd, const void *p, size_t n, off_t at), (fd, p, n, at))
WRAP(ssize_t, pwrite64, (int fd, const void *p, size_t n, off64_t at), (fd, p, n, at))
WRAP(int, ftruncate, (int fd, off_t n), (fd, n))
WRAP(int, ftruncate64, (int fd, off64_t n), (fd, n))
WRAP(int, fsync, (int fd), (fd))
WRAP(int, fdatasync, (int fd), (fd))

/* New files, as cdr.spill is one. */
#define WRAP_OPEN(name)                                                                                      \
    int name(const char *path, int flags, ...)                                                               \
    {                                                                                                        \
        static int (*next)(const char *, int, ...);                                                          \
        int err = flags & O_CREAT && below(path) ? fault_now() : 0;                                          \
        mode_t mode;                                                                                         \
        va_list ap;                                                                                          \
                                                                                                             \
        va_start(ap, flags);                                                                                 \
        mode = flags & O_CREAT ? va_arg(ap, mode_t) : 0;                                                     \
        va_end(ap);                                                                                          \
        if (err) {                                                                                           \
            errno = err;                                                                                     \
            return -1;                                                                                       \
        }                                                                                                    \
        if (!next)                                                                                           \
            *(void **)&next = dlsym(RTLD_NEXT, #name);                                                       \
        return next(path, flags, mode);                                                                      \
    }

WRAP_OPEN(open)
WRAP_OPEN(open64)
