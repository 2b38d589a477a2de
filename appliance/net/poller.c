/* net/poller: see poller.h. */
#include "net/poller.h"

#include "core/clock.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
    READY_MAX = 256, /* fetched at once */
    ROUNDS =
        64, /* 16 thousand in one go: more than a thread has; a flood on some must not keep it from its clock */
};

struct poller {
    int epoll;
    int count;
    struct epoll_event ready[READY_MAX];
};

int poller_alloc(struct poller **pp)
{
    struct poller *p = calloc(1, sizeof(*p));
    int err;

    if (!p)
        return ENOMEM;
    p->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (p->epoll < 0) {
        err = errno;
        free(p);
        return err;
    }
    *pp = p;
    return 0;
}

void poller_free(struct poller *p)
{
    if (!p)
        return;
    close(p->epoll);
    free(p);
}

int poller_watch(struct poller *p, int fd, struct poller_watch *w)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = w};

    return epoll_ctl(p->epoll, EPOLL_CTL_ADD, fd, &ev) < 0 ? errno : 0;
}

int poller_want(struct poller *p, int fd, struct poller_watch *w, unsigned what)
{
    struct epoll_event ev = {.data.ptr = w};

    ev.events = (what & POLLER_READ ? EPOLLIN : 0) | (what & POLLER_WRITE ? EPOLLOUT : 0);
    return epoll_ctl(p->epoll, EPOLL_CTL_MOD, fd, &ev) < 0 ? errno : 0;
}

static int timeout_ms(uint64_t until_us)
{
    uint64_t now_us, ms;

    if (until_us == POLLER_FOREVER)
        return -1;
    if (!until_us)
        return 0;
    now_us = clock_us();
    if (until_us <= now_us)
        return 0;
    ms = (until_us - now_us + 999) / 1000;
    return ms < INT_MAX ? (int)ms : INT_MAX;
}

void poller_wait(struct poller *p, uint64_t until_us)
{
    p->count = epoll_wait(p->epoll, p->ready, READY_MAX, timeout_ms(until_us));
}

void poller_handle(struct poller *p)
{
    for (unsigned round = 1; p->count > 0; round++) {
        for (int i = 0; i < p->count; i++) {
            struct poller_watch *w = p->ready[i].data.ptr;

            w->readyh(w->arg);
        }
        if (p->count < READY_MAX || round == ROUNDS)
            break; /* the kernel had no more, or the next call finds them: it takes turns */
        poller_wait(p, 0);
    }
    p->count = 0;
}
