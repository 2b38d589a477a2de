/* crypto/rng: core/rnd as mbedtls takes it (its f_rng). Private to crypto/. Any thread. */
#ifndef CRYPTO_RNG_H
#define CRYPTO_RNG_H

#include "core/rnd.h"
#include <stddef.h>

static inline int rng_h(void *arg, unsigned char *out, size_t n)
{
    (void)arg;
    rnd_bytes(out, n);
    return 0;
}

#endif
