/* bench/turnpages/loaders: processes that load pages by TLS, one after the other, as browsers do that open them: a connection for three. */
#ifndef BENCH_TURNPAGES_LOADERS_H
#define BENCH_TURNPAGES_LOADERS_H

#include <stdint.h>

enum { LOADERS_MAX = 16 };

void loaders_start(uint16_t port, unsigned count);
/* Ends them; how many pages came. */
unsigned long loaders_stop(void);

#endif
