#include "core/snapshot.h"

#include <stdatomic.h>
#include <string.h>

static size_t part(size_t size, size_t at)
{
    return size - at < sizeof(uint64_t) ? size - at : sizeof(uint64_t);
}

void snapshot_store(_Atomic uint64_t *cells, const void *value, size_t size)
{
    const uint8_t *p = value;

    atomic_fetch_add(&cells[0], 1);
    for (size_t at = 0; at < size; at += sizeof(uint64_t)) {
        uint64_t word = 0;

        memcpy(&word, p + at, part(size, at));
        atomic_store(&cells[1 + at / sizeof(word)], word);
    }
    atomic_fetch_add(&cells[0], 1);
}

void snapshot_load(const _Atomic uint64_t *cells, void *value, size_t size)
{
    uint64_t before, after;
    uint8_t *p = value;

    do {
        before = atomic_load(&cells[0]);
        for (size_t at = 0; at < size; at += sizeof(uint64_t)) {
            uint64_t word = atomic_load(&cells[1 + at / sizeof(word)]);

            memcpy(p + at, &word, part(size, at));
        }
        after = atomic_load(&cells[0]);
    } while (before != after || (before & 1));
}
