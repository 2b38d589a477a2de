/*
 * core/snapshot: a value that one thread writes now and then and any thread may copy, whole, without a lock.
 *
 *   SNAPSHOT(cells, struct figures);       a field or variable
 *   snapshot_store(cells, &figures, sizeof(figures));
 *   snapshot_load(cells, &figures, sizeof(figures));
 *
 * Before the first store a load gives zeros. The writer never waits; a reader repeats its copy when the writer came in between.
 */
#ifndef CORE_SNAPSHOT_H
#define CORE_SNAPSHOT_H

#include <stddef.h>
#include <stdint.h>

/* The first cell counts stores, odd while one is under way. */
#define SNAPSHOT(name, type) _Atomic uint64_t name[1 + (sizeof(type) + 7) / 8]

void snapshot_store(_Atomic uint64_t *cells, const void *value, size_t size);
void snapshot_load(const _Atomic uint64_t *cells, void *value, size_t size);

#endif
