/* tests/capture: what a statement writes to standard output, which is where log lines go. */
#ifndef TESTS_CAPTURE_H
#define TESTS_CAPTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Standard output goes into a pipe while a test logs. */
struct capture {
    int saved, pipe[2];
};

static inline void capture_start(struct capture *c)
{
    fflush(stdout);
    c->saved = dup(STDOUT_FILENO);
    if (pipe(c->pipe) || dup2(c->pipe[1], STDOUT_FILENO) < 0)
        abort();
}

static inline char *capture_end(struct capture *c, char *buf, size_t sz)
{
    size_t n = 0;
    ssize_t got;

    dup2(c->saved, STDOUT_FILENO);
    close(c->saved);
    close(c->pipe[1]);
    while ((got = read(c->pipe[0], buf + n, sz - 1 - n)) > 0)
        n += (size_t)got;
    close(c->pipe[0]);
    buf[n] = '\0';
    return buf;
}

#define CAPTURE(buf, statement)                                                                              \
    do {                                                                                                     \
        struct capture c_;                                                                                   \
        capture_start(&c_);                                                                                  \
        statement;                                                                                           \
        capture_end(&c_, buf, sizeof(buf));                                                                  \
    } while (0)

#endif
