/*
 * core/logsink: the way of a finished log line to standard output. Once started, a thread of its own writes, so that whoever reads
 * the log (a collector behind a pipe, a terminal on hold) can hold up nobody else: what finds LOGSINK_RING bytes waiting is lost,
 * counted in dngate_log_lost_total, and said in one line when the reader goes on. Before the start and after the stop the caller
 * writes by itself.
 *
 *   any thread ── line ──► ring ──► the log's thread ── write(2) ──► standard output
 *
 * The descriptor is never made non-blocking: it may be shared with a terminal or another program. A process that dies of a signal
 * still writes what waits.
 */
#ifndef CORE_LOGSINK_H
#define CORE_LOGSINK_H

#include <stddef.h>
#include <stdint.h>

enum {
    LOGSINK_RING = 512 * 1024, /* bytes */
    LOGSINK_LAST_MS = 1000,    /* what the last lines get to be read before the process ends */
};

/* Told on the log's thread when lines were lost and the reader goes on; may log. */
typedef void(logsink_lost_h)(uint64_t lines);

/* Starts the thread. EAGAIN: there is none, callers go on writing by themselves. Once; not before other threads may log. */
int logsink_start(logsink_lost_h *lost);
/* Writes what waits, for at most LOGSINK_LAST_MS, and ends the thread (or leaves it to the end of the process). */
void logsink_stop(void);
/* Waits until everything that was put has been written. ETIMEDOUT. */
int logsink_flush(uint32_t ms);
/* A whole line with its line end. Any thread; does not block once started. */
void logsink_put(const char *line, size_t len);

#endif
