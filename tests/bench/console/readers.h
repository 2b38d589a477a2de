/* bench/console/readers: administrators' programs that read so often, in processes of their own, with one session. */
#ifndef BENCH_CONSOLE_READERS_H
#define BENCH_CONSOLE_READERS_H

#include "bench/console/https.h"

/* per_s: of all together. */
void readers_start(const struct https *admin, unsigned per_s);
/* Ends them; how many answers came. */
unsigned long readers_stop(void);

#endif
