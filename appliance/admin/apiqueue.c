#include "admin/apiqueue.h"

#include <errno.h>
#include <string.h>

enum { NET6_BYTES = 8 };

/* Never 0. */
static uint64_t key_of(const struct addr *a)
{
    uint64_t net = 0;

    if (addr_af(a) == AF_INET6) {
        memcpy(&net, &a->u.in6.sin6_addr, NET6_BYTES);
        return net ? net : 1;
    }
    return ((uint64_t)1 << 32) | a->u.in.sin_addr.s_addr;
}

int apiqueue_enter(struct apiqueue *q, const struct addr *from, unsigned *place)
{
    const uint64_t key = key_of(from);
    unsigned of_source = 0, room = 0;

    *place = 0;
    for (unsigned i = 0; i < APIQUEUE_MAX; i++) {
        const uint64_t there = atomic_load(&q->source[i]);

        of_source += there == key;
        if (!there && !room)
            room = i + 1;
    }
    if (of_source >= APIQUEUE_OF_SOURCE)
        return EUSERS;
    if (room)
        atomic_store(&q->source[room - 1], key);
    *place = room;
    return 0;
}

void apiqueue_leave(struct apiqueue *q, unsigned place)
{
    if (place)
        atomic_store(&q->source[place - 1], 0);
}
