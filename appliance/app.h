/* app: the composition root: starts every part in order, waits for a signal, stops them in reverse. Main thread. */
#ifndef APP_H
#define APP_H

#include <stdbool.h>
#include <stddef.h>

struct app_options {
    const char *data;     /* the data directory */
    bool lab;             /* --lab */
    char *const *options; /* -o KEY=VALUE, as given */
    size_t option_count;
    char *const *argv; /* all words that the process was started with, for when it starts again */
};

/* Serves until told to stop. Returns the exit status: 0 after an orderly stop, 1 when it could not start (one clear line was
 * logged). */
int app_serve(const struct app_options *opt);

#endif
