/* turn/portpool: see portpool.h. */
#include "turn/portpool.h"

#include "core/rnd.h"

#include <errno.h>
#include <stdlib.h>

enum { GUESSES = 8, WORD = 64 };

struct portpool {
    uint16_t min, max;
    size_t taken;
    uint64_t bits[(UINT16_MAX + 1) / WORD]; /* by port number */
};

int portpool_alloc(struct portpool **pp, uint16_t min, uint16_t max)
{
    struct portpool *p;

    if (!min || min > max)
        return EINVAL;
    p = calloc(1, sizeof(*p));
    if (!p)
        return ENOMEM;
    p->min = min;
    p->max = max;
    *pp = p;
    return 0;
}

void portpool_free(struct portpool *p)
{
    free(p);
}

static bool is_taken(const struct portpool *p, uint32_t port)
{
    return p->bits[port / WORD] >> (port % WORD) & 1;
}

static void set_taken(struct portpool *p, uint32_t port)
{
    p->bits[port / WORD] |= UINT64_C(1) << (port % WORD);
    p->taken++;
}

static bool fits(const struct portpool *p, uint32_t port, enum portpool_want want)
{
    if (is_taken(p, port) || (want != PORTPOOL_ANY && port & 1))
        return false;
    return want != PORTPOOL_PAIR || (port < p->max && !is_taken(p, port + 1));
}

/* A few guesses find one while there are many; then all are looked at, from a random place on. */
static int find(const struct portpool *p, enum portpool_want want, uint32_t *port)
{
    uint32_t size = (uint32_t)portpool_size(p), at;

    for (unsigned i = 0; i < GUESSES; i++) {
        *port = p->min + rnd_u32() % size;
        if (want != PORTPOOL_ANY && *port & 1)
            *port ^= 1; /* of a range that begins with an odd one this may be below it */
        if (*port >= p->min && fits(p, *port, want))
            return 0;
    }
    at = rnd_u32() % size;
    for (uint32_t i = 0; i < size; i++) {
        *port = p->min + (at + i) % size;
        if (fits(p, *port, want))
            return 0;
    }
    return ENOSPC;
}

int portpool_take(struct portpool *p, enum portpool_want want, uint16_t *port)
{
    uint32_t found;
    int err = p->taken < portpool_size(p) ? find(p, want, &found) : ENOSPC;

    if (err)
        return err;
    set_taken(p, found);
    if (want == PORTPOOL_PAIR)
        set_taken(p, found + 1);
    *port = (uint16_t)found;
    return 0;
}

void portpool_give(struct portpool *p, uint16_t port)
{
    if (!is_taken(p, port))
        return;
    p->bits[port / WORD] &= ~(UINT64_C(1) << (port % WORD));
    p->taken--;
}

size_t portpool_taken(const struct portpool *p)
{
    return p->taken;
}

size_t portpool_size(const struct portpool *p)
{
    return (size_t)(p->max - p->min) + 1;
}
