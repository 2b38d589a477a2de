/* core/thread: a thread that nobody waits for: it owns what it was given, and says by itself what has come of it. */
#ifndef CORE_THREAD_H
#define CORE_THREAD_H

/* name: as ps and top show it, at most 15 characters. The errors of pthread_create(3): arg is still the caller's then. */
int thread_detached(const char *name, void *(*main)(void *), void *arg);

#endif
