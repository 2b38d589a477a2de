/* core/clock: monotonic time for everything that waits, wall time for everything people read. Any thread. */
#ifndef CORE_CLOCK_H
#define CORE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

uint64_t clock_us(void);     /* CLOCK_MONOTONIC, microseconds */
uint64_t clock_ms(void);     /* CLOCK_MONOTONIC, milliseconds */
int64_t clock_wall_ms(void); /* Unix time, milliseconds, UTC */
uint64_t clock_cpu_us(void); /* CPU time of the calling thread */
/* "2026-11-21T09:35:00.123Z" into buf (at least 25 bytes); returns buf. */
const char *clock_iso8601(char *buf, size_t sz, int64_t wall_ms);
/* "2026-11-21", "2026-11-21T09:35", "2026-11-21T09:35:00Z", also with a fraction, as clock_iso8601 writes it: all of them UTC. EINVAL. */
int clock_parse(int64_t *wall_ms, const char *text);

#endif
