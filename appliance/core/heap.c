#include "core/heap.h"

#include <errno.h>
#include <malloc.h>

int heap_init(void)
{
    return mallopt(M_ARENA_MAX, HEAP_ARENAS) && mallopt(M_MMAP_THRESHOLD, HEAP_MAP) &&
                   mallopt(M_TRIM_THRESHOLD, HEAP_KEEP)
               ? 0
               : ENOTSUP;
}

void heap_tidy(void)
{
    (void)malloc_trim(0);
}
