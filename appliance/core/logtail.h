/*
 * core/logtail: the last lines of the log, kept in memory for whoever wants to read them later with a call's trace: LOGTAIL_BYTES, the oldest go.
 * Any thread.
 */
#ifndef CORE_LOGTAIL_H
#define CORE_LOGTAIL_H

#include <stdbool.h>
#include <stddef.h>

enum { LOGTAIL_BYTES = 256 * 1024 };

/* A whole line with or without its line end. */
void logtail_put(const char *line, size_t len);
/* The kept lines that have this in them, the oldest first, without their line ends, at most max of the newest. h must not log. */
typedef void(logtail_h)(const char *line, size_t len, void *arg);
void logtail_find(const char *part, size_t max, logtail_h *h, void *arg);

#endif
