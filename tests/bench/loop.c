/* bench/loop: see loop.h. */
#include "loop.h"
#include "core/clock.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { TICK_NS = 1000000, EVENTS = 256, TICKS_LATE_MAX = 200 };

static int epfd = -1, timer = -1;
static uint64_t tick_number;
static void (*tick_h)(uint64_t, void *);
static void *tick_arg;
static uint64_t lateness[TICKS_LATE_MAX + 1], lateness_count;

int loop_open(void)
{
    struct itimerspec each = {{0, TICK_NS}, {0, TICK_NS}};
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = NULL};

    epfd = epoll_create1(EPOLL_CLOEXEC);
    timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (epfd < 0 || timer < 0 || timerfd_settime(timer, 0, &each, NULL) ||
        epoll_ctl(epfd, EPOLL_CTL_ADD, timer, &ev))
        return errno;
    return 0;
}

void loop_close(void)
{
    close(timer);
    close(epfd);
}

int loop_watch(struct io *io)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = io};

    return epoll_ctl(epfd, EPOLL_CTL_ADD, io->fd, &ev) ? errno : 0;
}

void loop_unwatch(struct io *io)
{
    if (io->fd >= 0)
        close(io->fd); /* takes it out of epoll, too */
    io->fd = -1;
}

void loop_on_tick(void (*tick)(uint64_t n, void *arg), void *arg)
{
    tick_h = tick;
    tick_arg = arg;
}

static void run_ticks(void)
{
    uint64_t late = 0;

    if (read(timer, &late, sizeof(late)) != (ssize_t)sizeof(late))
        return;
    if (late > TICKS_LATE_MAX) {
        tick_number += late - TICKS_LATE_MAX;
        late = TICKS_LATE_MAX;
    }
    lateness_count += late;
    for (uint64_t ms = 1; ms <= late; ms++)
        lateness[ms]++;
    while (late--)
        if (tick_h)
            tick_h(tick_number++, tick_arg);
}

unsigned loop_lateness_ms(double quantile)
{
    uint64_t above = 0;
    unsigned ms = TICKS_LATE_MAX;

    while (ms && (double)(above += lateness[ms]) <= (1.0 - quantile) * (double)lateness_count)
        ms--;
    return ms;
}

void loop_lateness_reset(void)
{
    memset(lateness, 0, sizeof(lateness));
    lateness_count = 0;
}

/* Sleeps for the tick alone, then takes whatever has come meanwhile: packets carry the kernel's time, so nothing is lost. */
void loop_poll(void)
{
    static struct epoll_event ev[EVENTS];
    int n = epoll_wait(epfd, ev, EVENTS, 100);

    for (int i = 0; i < n; i++) {
        struct io *io = ev[i].data.ptr;

        if (io && io->fd >= 0)
            io->readable(io->arg);
    }
    run_ticks();
}

bool loop_run(bool (*done)(void *arg), void *arg, unsigned ms)
{
    struct timespec nap = {0, 500000};
    uint64_t end = clock_ms() + ms;

    for (;;) {
        if (done && done(arg))
            return true;
        if (clock_ms() >= end)
            return !done;
        loop_poll();
        nanosleep(&nap, NULL);
    }
}

uint64_t loop_wall_us(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

int loop_udp(uint16_t *port)
{
    struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(sin);
    int on = 1, fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -errno;
    if (bind(fd, (struct sockaddr *)&sin, len) || getsockname(fd, (struct sockaddr *)&sin, &len) ||
        setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on))) {
        int err = errno;

        close(fd);
        return -err;
    }
    *port = ntohs(sin.sin_port);
    return fd;
}

int loop_recv(int fd, void *buf, unsigned sz, struct sockaddr_in *from, uint64_t *at_us)
{
    char control[CMSG_SPACE(sizeof(struct timespec))];
    struct iovec iov = {buf, sz};
    struct msghdr m = {.msg_name = from,
                       .msg_namelen = from ? sizeof(*from) : 0,
                       .msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control,
                       .msg_controllen = sizeof(control)};
    ssize_t n = recvmsg(fd, &m, 0);

    if (n < 0)
        return -1;
    *at_us = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
        struct timespec ts;

        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SO_TIMESTAMPNS)
            continue;
        memcpy(&ts, CMSG_DATA(c), sizeof(ts));
        *at_us = (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
    }
    if (!*at_us)
        *at_us = loop_wall_us();
    return (int)n;
}
