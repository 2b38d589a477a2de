/*
 * net/poller: the sockets of one thread. What is ready is fetched (poller_wait) and handled (poller_handle) in two steps, so that the
 * thread can do between them what must come first. Owner: the thread; poller_watch also before it runs.
 */
#ifndef NET_POLLER_H
#define NET_POLLER_H

#include <stdint.h>

struct poller;

/* Reads what has come, and writes where that is wanted; what it leaves is told again. */
typedef void(poller_ready_h)(void *arg);

struct poller_watch { /* must stay where it is while its descriptor is open */
    poller_ready_h *readyh;
    void *arg;
};

#define POLLER_FOREVER UINT64_MAX

int poller_alloc(struct poller **pp); /* ENOMEM, EMFILE */
void poller_free(struct poller *p);
/* Until fd is closed. errno of epoll_ctl. */
int poller_watch(struct poller *p, int fd, struct poller_watch *w);
/* What is told of a watched descriptor from now on: that there is something to read (as after poller_watch), that it takes bytes, both
 * or, but for its end, neither. errno of epoll_ctl. */
enum { POLLER_READ = 1, POLLER_WRITE = 2 };
int poller_want(struct poller *p, int fd, struct poller_watch *w, unsigned what);
/* Sleeps until something is ready or until_us has come (clock_us; 0 = no sleep), at most a millisecond too long. */
void poller_wait(struct poller *p, uint64_t until_us);
/* Calls readyh of all that is ready, however many, each a bounded number of times. */
void poller_handle(struct poller *p);

#endif
