/*
 * app: the composition root: start and stop order. The only file that knows everyone.
 */
#ifndef APP_H
#define APP_H

#include <stdbool.h>
#include <stddef.h>

struct app_options {
    const char *data;     /* DIR */
    bool lab;             /* --lab */
    char *const *options; /* KEY=VALUE of each -o */
    size_t option_count;
};

/* Serves in the foreground until SIGTERM or SIGINT. Returns the exit status; says why on stderr when it cannot start. */
int app_serve(const struct app_options *opt);

#endif
