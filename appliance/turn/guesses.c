/* turn/guesses: see guesses.h. */
#include "turn/guesses.h"

#include "core/keyhash.h"
#include "turn/quota.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    NAME_MAX_LEN = 128,
    FAILURES_MAX = 20, /* no need to know of more */
    WAIT_US = 250000,
    DOUBLINGS = 4, /* to 4 s */
    FORGIVE_US = 60000000,
    SUCCESS_US = 10000000,
};

struct place {
    uint64_t who;        /* a keyed hash; 0: nobody */
    uint64_t since_us;   /* failures are forgiven from here on */
    uint64_t next_us;    /* not before */
    uint64_t success_us; /* the last one that forgave a failure */
    unsigned failures;
};

struct guesses {
    struct place v[GUESSES_PLACES];
};

int guesses_alloc(struct guesses **gp)
{
    *gp = calloc(1, sizeof(**gp));
    return *gp ? 0 : ENOMEM;
}

void guesses_free(struct guesses *g)
{
    free(g);
}

static uint64_t who_is(const char *name, const struct addr *source)
{
    uint8_t key[ADDR_SOURCE_MAX + NAME_MAX_LEN];
    size_t n = addr_source(source, key), len = strnlen(name, NAME_MAX_LEN);

    memcpy(key + n, name, len);
    return keyhash(key, n + len) | 1;
}

bool guesses_may(const struct guesses *g, const char *name, const struct addr *source, uint64_t now_us)
{
    uint64_t who = who_is(name, source);
    const struct place *p = &g->v[who / 2 % GUESSES_PLACES];

    return p->who != who || now_us >= p->next_us;
}

static void forgive(struct place *p, uint64_t now_us)
{
    uint64_t n = (now_us - p->since_us) / FORGIVE_US;

    p->since_us += n * FORGIVE_US;
    p->failures = n < p->failures ? p->failures - (unsigned)n : 0;
    if (!p->failures)
        p->since_us = now_us;
}

void guesses_wrong(struct guesses *g, const char *name, const struct addr *source, uint64_t now_us)
{
    uint64_t who = who_is(name, source);
    struct place *p = &g->v[who / 2 % GUESSES_PLACES];
    unsigned beyond;

    if (p->who != who)
        *p = (struct place){.who = who, .since_us = now_us};
    forgive(p, now_us);
    p->failures += p->failures < FAILURES_MAX;
    if (p->failures < GUESSES_SLOW_AFTER)
        return;
    beyond = p->failures - GUESSES_SLOW_AFTER;
    p->next_us = now_us + ((uint64_t)WAIT_US << (beyond < DOUBLINGS ? beyond : DOUBLINGS));
}

void guesses_right(struct guesses *g, const char *name, const struct addr *source, uint64_t now_us)
{
    uint64_t who = who_is(name, source);
    struct place *p = &g->v[who / 2 % GUESSES_PLACES];

    if (p->who != who || !p->failures || (p->success_us && now_us - p->success_us < SUCCESS_US))
        return;
    p->success_us = now_us;
    p->failures--;
}
