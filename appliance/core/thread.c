#include "core/thread.h"
#include <pthread.h>

int thread_detached(const char *name, void *(*main)(void *), void *arg)
{
    pthread_t thread;
    int err = pthread_create(&thread, NULL, main, arg);

    if (err)
        return err;
    (void)pthread_setname_np(thread, name);
    (void)pthread_detach(thread); /* only now: one that was detached may be gone before it has its name */
    return 0;
}
