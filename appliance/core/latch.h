/*
 * core/latch: lets one thread wait for another's answer: the waiter makes a latch, hands its address over with the
 * request (through a mailbox) and waits until the other side opens it. Used once, then destroyed by the waiter.
 */
#ifndef CORE_LATCH_H
#define CORE_LATCH_H

#include <pthread.h>
#include <stdbool.h>

struct latch {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    bool open;
};

void latch_init(struct latch *l);
void latch_open(struct latch *l); /* any thread; the latch may be gone when this returns */
void latch_wait(struct latch *l);
void latch_destroy(struct latch *l);

#endif
