#include "store/desk.h"
#include "core/ask.h"
#include "core/mbox.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { QUESTIONS_MAX = 256 };

struct store_desk {
    struct mbox *questions;      /* of core/ask */
    struct store_reader *reader; /* of the thread */
    pthread_t thread;
    atomic_bool stop;
};

static void *thread_main(void *arg)
{
    struct store_desk *d = arg;

    pthread_setname_np(pthread_self(), "reader");
    while (!atomic_load(&d->stop))
        if (!mbox_wait(d->questions, -1))
            mbox_drain(d->questions, ask_answer_h, d->reader);
    return NULL;
}

static void desk_free(struct store_desk *d)
{
    ask_mbox_free(d->questions);
    store_reader_free(d->reader);
    free(d);
}

int store_desk_start(struct store_desk **dp, struct store *s)
{
    struct store_desk *d = calloc(1, sizeof(*d));
    int err;

    if (!d)
        return ENOMEM;
    err = store_reader_alloc(&d->reader, s);
    if (!err)
        err = ask_mbox_alloc(&d->questions, "store_reader", QUESTIONS_MAX);
    if (!err)
        err = pthread_create(&d->thread, NULL, thread_main, d);
    if (err)
        desk_free(d);
    else
        *dp = d;
    return err;
}

struct mbox *store_desk_mbox(const struct store_desk *d)
{
    return d->questions;
}

void store_desk_stop(struct store_desk *d)
{
    if (!d)
        return;
    atomic_store(&d->stop, true);
    mbox_wake(d->questions);
    pthread_join(d->thread, NULL);
    desk_free(d);
}
