/*
 * core/heap: how the C library's heap is to serve a process that runs for months with five or more threads.
 *
 * One arena for all threads instead of one each: calls, TLS handshakes and agents peak at different moments and on different
 * threads, and what one returns another can use; with an arena each, every one keeps its own highest peak and together they
 * hold more. The lock this costs is no matter: packets do not allocate, and small blocks come out of each thread's own cache.
 *
 * Blocks of HEAP_MAP and more (a call's jitter buffer, codecs and path, a connection's TLS records) are mapped on their own and
 * gone the moment they are freed. Among small blocks of all ages they would leave holes, which small blocks creep into: the heap
 * would grow for hours, in steps, without a leak.
 *
 * free() gives back what lies at the heap's end only, and one small block that stays pins all below it. So whole free pages,
 * wherever they lie, go back to the system every HEAP_TIDY_MS; those that are needed again are faulted in again.
 */
#ifndef CORE_HEAP_H
#define CORE_HEAP_H

enum {
    HEAP_ARENAS = 1,
    HEAP_MAP = 8 * 1024, /* bytes */
    HEAP_KEEP =
        16 * 1024 * 1024, /* bytes free at the end before free() itself gives back: heap_tidy() does it */
    HEAP_TIDY_MS = 10000
};

/* Sets the heap up (mallopt(3)). Main thread, before others start. Returns 0, or ENOTSUP where the allocator knows no such
 * options: things run then too. */
int heap_init(void);

/* Gives free pages back (malloc_trim(3)). Any thread; others that allocate meanwhile wait: 50 to 250 us with
 * 25 calls. */
void heap_tidy(void);

#endif
