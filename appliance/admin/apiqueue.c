#include "admin/apiqueue.h"

#include <errno.h>
#include <string.h>

/* Never 0. */
static uint64_t key_of(const struct addr *a)
{
    uint8_t key[ADDR_SOURCE_MAX] = {0};
    const bool v6 = addr_source(a, key) == ADDR_SOURCE_MAX;
    uint64_t net;

    memcpy(&net, key, sizeof(net));
    return v6 ? net + !net : net | (uint64_t)1 << 32;
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
