/*
 * core/heap: how the C library's heap is to serve a process that runs for months with five or more threads. Main thread,
 * before others start.
 *
 * One arena for all threads instead of one each: calls, TLS handshakes and agents peak at different moments and on different
 * threads, and what one returns another can use; with an arena each, every one keeps its own highest peak and together they
 * hold more. The lock this costs is no matter: packets do not allocate, and small blocks come out of each
 * thread's own cache. Freed memory is kept up to HEAP_KEEP, so that the next call does not fault it in again.
 */
#ifndef CORE_HEAP_H
#define CORE_HEAP_H

enum { HEAP_ARENAS = 1, HEAP_KEEP = 16 * 1024 * 1024 /* bytes */ };

/* Sets the heap up (mallopt(3)). Returns 0, or ENOTSUP where the allocator knows no such options: things run then too. */
int heap_init(void);

#endif
