#include "core/mbox.h"
#include "core/buf.h"
#include "core/metric.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { BATCH = 32, NAME_LEN = 32, MSG_SIZE_MAX = 64 * 1024, SLOTS_MAX = 1 << 20 };

struct mbox {
    char name[NAME_LEN];
    pthread_mutex_t lock; /* guards head, tail, dropped and ring */
    size_t head, tail;    /* counted up, from 0 again whenever it is empty; head - tail messages wait */
    uint64_t dropped;
    size_t slots, reserve, msg_size;
    uint8_t *ring;
    uint8_t *batch; /* the owner's: messages between ring and handler */
    int fd;
};

static void mbox_collect(struct buf *out, void *arg)
{
    struct mbox *mb = arg;
    char name[NAME_LEN + 8], label[NAME_LEN + 16];
    uint64_t dropped;
    size_t used;

    pthread_mutex_lock(&mb->lock);
    used = mb->head - mb->tail;
    dropped = mb->dropped;
    pthread_mutex_unlock(&mb->lock);
    snprintf(name, sizeof(name), "mbox_%s", mb->name);
    snprintf(label, sizeof(label), "name=\"%s\"", mb->name);
    metric_limit(out, name, used, mb->slots);
    metric_sample(out, METRIC_TYPE_COUNTER, "dngate_mbox_dropped_total", label, (double)dropped,
                  "Messages refused because a mailbox was full");
}

int mbox_alloc(struct mbox **mbp, const char *name, size_t msg_size, size_t slots)
{
    struct mbox *mb;
    int err = ENOMEM;

    if (!mbp || !name || !msg_size || msg_size > MSG_SIZE_MAX || !slots || slots > SLOTS_MAX ||
        (slots & (slots - 1)))
        return EINVAL;
    mb = calloc(1, sizeof(*mb));
    if (!mb)
        return ENOMEM;
    pthread_mutex_init(&mb->lock, NULL);
    snprintf(mb->name, sizeof(mb->name), "%s", name);
    mb->msg_size = msg_size;
    mb->slots = slots;
    mb->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    mb->ring = malloc(slots * msg_size);
    mb->batch = malloc(BATCH * msg_size);
    if (!mb->ring || !mb->batch)
        goto out;
    err = mb->fd < 0 ? EMFILE : metric_collector(mbox_collect, mb);
out:
    if (err)
        mbox_free(mb, NULL, NULL);
    else
        *mbp = mb;
    return err;
}

void mbox_free(struct mbox *mb, mbox_h *drop, void *arg)
{
    if (!mb)
        return;
    metric_collector_remove(mbox_collect, mb);
    if (drop)
        mbox_drain(mb, drop, arg);
    if (mb->fd >= 0)
        close(mb->fd);
    pthread_mutex_destroy(&mb->lock);
    free(mb->ring);
    free(mb->batch);
    free(mb);
}

static uint8_t *mbox_slot(struct mbox *mb, size_t i)
{
    return mb->ring + (i & (mb->slots - 1)) * mb->msg_size;
}

static void mbox_wake(struct mbox *mb)
{
    uint64_t one = 1;

    /* Fails only when the counter is at its end, and then the fd is readable anyway. */
    if (write(mb->fd, &one, sizeof(one)) < 0)
        return;
}

void mbox_reserve(struct mbox *mb, size_t slots)
{
    mb->reserve = slots < mb->slots ? slots : mb->slots;
}

static int post(struct mbox *mb, const void *msg, size_t room)
{
    bool was_empty;

    pthread_mutex_lock(&mb->lock);
    if (mb->head - mb->tail >= room) {
        mb->dropped++;
        pthread_mutex_unlock(&mb->lock);
        return ENOBUFS;
    }
    was_empty = mb->head == mb->tail;
    memcpy(mbox_slot(mb, mb->head++), msg, mb->msg_size);
    pthread_mutex_unlock(&mb->lock);
    if (was_empty)
        mbox_wake(mb);
    return 0;
}

int mbox_post(struct mbox *mb, const void *msg)
{
    return post(mb, msg, mb->slots - mb->reserve);
}

int mbox_post_sure(struct mbox *mb, const void *msg)
{
    return post(mb, msg, mb->slots);
}

int mbox_fd(const struct mbox *mb)
{
    return mb->fd;
}

static size_t mbox_take(struct mbox *mb, size_t max, bool *more)
{
    size_t n;

    pthread_mutex_lock(&mb->lock);
    n = mb->head - mb->tail;
    if (n > max)
        n = max;
    for (size_t i = 0; i < n; i++)
        memcpy(mb->batch + i * mb->msg_size, mbox_slot(mb, mb->tail++), mb->msg_size);
    *more = mb->head != mb->tail;
    if (!*more)
        mb->head = mb->tail = 0; /* a ring that is seldom full stays small in memory, and in the cache */
    pthread_mutex_unlock(&mb->lock);
    return n;
}

size_t mbox_drain(struct mbox *mb, mbox_h *handler, void *arg)
{
    return mbox_drain_max(mb, mb->slots, handler, arg);
}

size_t mbox_drain_max(struct mbox *mb, size_t max, mbox_h *handler, void *arg)
{
    size_t done = 0;
    bool more = true;
    uint64_t count;

    /* Reset the wake-up before taking: a post that comes later sees an empty ring, or is taken here. */
    if (read(mb->fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
        return 0;
    while (more && done < max) {
        size_t left = max - done, n = mbox_take(mb, left < BATCH ? left : BATCH, &more);

        for (size_t i = 0; i < n; i++)
            handler(mb->batch + i * mb->msg_size, arg);
        done += n;
    }
    if (more)
        mbox_wake(mb); /* posters were faster than we; the owner's other work gets its turn first */
    return done;
}
