#include "core/ask.h"
#include "core/clock.h"
#include "core/mbox.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct ask { /* freed by whichever side is done with it last */
    pthread_mutex_t lock;
    pthread_cond_t answered;
    bool done, given_up;
    struct ask_box *box; /* where it goes back to; NULL: its asker waits */
    size_t slot;         /* there */
    ask_h *h;
    ask_drop_h *drop;
    size_t size;
    _Alignas(max_align_t) unsigned char value[];
};

struct pending { /* a question under way */
    const struct ask_call
        *call; /* NULL: free. Until the answer is here, even when nobody waits for it any more */
    void *arg;
    struct ask *q;     /* from when it was put until it is back */
    uint64_t until_ms; /* 0: its time was over */
};

struct ask_box {
    struct mbox *mb; /* of struct ask *; as many slots as may be under way: an answer always finds room */
    struct pending *pending;
    size_t slots, next;
};

int ask_mbox_alloc(struct mbox **mbp, const char *name, size_t slots)
{
    return mbox_alloc(mbp, name, sizeof(struct ask *), slots);
}

static void ask_free(struct ask *q)
{
    pthread_cond_destroy(&q->answered);
    pthread_mutex_destroy(&q->lock);
    free(q);
}

static void unasked_h(void *msg, void *arg)
{
    struct ask *q = *(struct ask **)msg;

    (void)arg;
    if (q->drop)
        q->drop(q->value);
    ask_free(q);
}

void ask_mbox_free(struct mbox *mb)
{
    mbox_free(mb, unasked_h, NULL);
}

/* Marks it as done; true: the asker has gone, so that it is ours to free. */
static bool ask_done(struct ask *q)
{
    bool ours;

    pthread_mutex_lock(&q->lock);
    q->done = true;
    ours = q->given_up;
    pthread_cond_signal(&q->answered); /* inside the lock: the asker cannot free it before we have let go */
    pthread_mutex_unlock(&q->lock);
    return ours;
}

/* From now on it is not put any more. */
static void ask_give_up(struct ask *q)
{
    pthread_mutex_lock(&q->lock);
    q->given_up = true;
    pthread_mutex_unlock(&q->lock);
}

static bool ask_gone(struct ask *q)
{
    bool gone;

    pthread_mutex_lock(&q->lock);
    gone = q->given_up;
    pthread_mutex_unlock(&q->lock);
    return gone;
}

void ask_answer_h(void *msg, void *owner)
{
    struct ask *q = *(struct ask **)msg;

    if (!ask_gone(q))
        q->h(q->value, owner);
    if (q->box) {
        (void)mbox_post(q->box->mb, &q); /* has room: see struct ask_box */
        return;
    }
    if (ask_done(q))
        unasked_h(msg, NULL);
}

static int ask_alloc(struct ask **qp, ask_h *h, ask_drop_h *drop, const void *value, size_t size)
{
    struct ask *q = calloc(1, sizeof(*q) + size);
    pthread_condattr_t attr;

    if (!q)
        return ENOMEM;
    q->h = h;
    q->drop = drop;
    q->size = size;
    memcpy(q->value, value, size);
    pthread_mutex_init(&q->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&q->answered, &attr);
    pthread_condattr_destroy(&attr);
    *qp = q;
    return 0;
}

/* True: answered. Otherwise the owner frees it. */
static bool ask_wait(struct ask *q, uint32_t timeout_ms)
{
    struct timespec until;
    bool done;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    pthread_mutex_lock(&q->lock);
    while (!q->done && !pthread_cond_timedwait(&q->answered, &q->lock, &until))
        continue;
    done = q->done;
    q->given_up = !done;
    pthread_mutex_unlock(&q->lock);
    return done;
}

int ask(struct mbox *mb, ask_h *h, ask_drop_h *drop, void *value, size_t size, uint32_t timeout_ms)
{
    struct ask *q;
    int err = ask_alloc(&q, h, drop, value, size);

    if (err)
        return err;
    err = mbox_post(mb, &q);
    if (err) {
        ask_free(q);
        return err;
    }
    if (!ask_wait(q, timeout_ms))
        return ETIMEDOUT;
    memcpy(value, q->value, size);
    ask_free(q);
    return 0;
}

/* ---- without waiting */

int ask_box_alloc(struct ask_box **bp, const char *name, size_t slots)
{
    struct ask_box *b = calloc(1, sizeof(*b));
    int err = ENOMEM;

    if (!b)
        return ENOMEM;
    b->slots = slots;
    b->pending = calloc(slots, sizeof(*b->pending));
    if (b->pending)
        err = ask_mbox_alloc(&b->mb, name, slots);
    if (err) {
        free(b->pending);
        free(b);
    } else {
        *bp = b;
    }
    return err;
}

void ask_box_free(struct ask_box *b)
{
    if (!b)
        return;
    ask_mbox_free(b->mb);
    for (size_t i = 0; i < b->slots; i++)
        if (b->pending[i].call && b->pending[i].until_ms)
            b->pending[i].call->done(ECANCELED, NULL, b->pending[i].arg);
    free(b->pending);
    free(b);
}

int ask_box_fd(const struct ask_box *b)
{
    return mbox_fd(b->mb);
}

static void box_h(void *msg, void *arg)
{
    struct ask *q = *(struct ask **)msg;
    struct ask_box *b = arg;
    struct pending p = b->pending[q->slot];

    b->pending[q->slot].call = NULL; /* first: done may ask again */
    if (!p.until_ms) {
        unasked_h(msg, NULL);
        return;
    }
    p.call->done(0, q->value, p.arg);
    ask_free(q);
}

void ask_box_drain(struct ask_box *b)
{
    mbox_drain(b->mb, box_h, b);
}

void ask_box_expire(struct ask_box *b, uint64_t now_ms)
{
    for (size_t i = 0; i < b->slots; i++) {
        struct pending *p = &b->pending[i];

        if (!p->call || !p->until_ms || p->until_ms > now_ms)
            continue;
        p->until_ms = 0;
        ask_give_up(p->q);
        p->call->done(ETIMEDOUT, NULL, p->arg);
    }
}

static struct pending *pending_take(struct ask_box *b)
{
    for (size_t i = 0; i < b->slots; i++) {
        struct pending *p = &b->pending[b->next];

        b->next = (b->next + 1) % b->slots;
        if (!p->call)
            return p;
    }
    return NULL;
}

int ask_later(struct ask_box *from, struct mbox *to, const struct ask_call *call, const void *value,
              void *arg)
{
    struct pending *p = pending_take(from);
    struct ask *q;
    int err = p ? ask_alloc(&q, call->answer, call->drop, value, call->size) : ENOBUFS;

    if (err)
        return err;
    q->box = from;
    q->slot = (size_t)(p - from->pending);
    *p = (struct pending){call, arg, q, clock_ms() + call->ms}; /* before the answer can come */
    err = mbox_post(to, &q);
    if (err) {
        p->call = NULL;
        ask_free(q);
    }
    return err;
}
