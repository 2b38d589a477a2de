/* All that is ready is handled, however many it is, and time is kept meanwhile. */
#include "core/clock.h"
#include "net/poller.h"
#include "testing.h"

#include <sys/eventfd.h>
#include <unistd.h>

enum { MANY = 1500 };

static struct poller *poller;
static int fd[MANY];
static struct poller_watch watch[MANY];
static unsigned handled[MANY];
static bool reads;

static void ready_h(void *arg)
{
    size_t i = (size_t)((int *)arg - fd);
    uint64_t n;

    handled[i]++;
    if (reads)
        (void)!read(fd[i], &n, sizeof(n));
}

static int all_open(void)
{
    int err = poller_alloc(&poller);

    memset(handled, 0, sizeof(handled));
    for (int i = 0; i < MANY && !err; i++) {
        fd[i] = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);
        watch[i] = (struct poller_watch){ready_h, &fd[i]};
        err = fd[i] < 0 ? 1 : poller_watch(poller, fd[i], &watch[i]);
    }
    return err;
}

static void all_close(void)
{
    for (int i = 0; i < MANY; i++)
        close(fd[i]);
    poller_free(poller);
}

TEST(all_that_is_ready_is_read_in_one_go)
{
    reads = true;
    CHECK_EQ_INT(all_open(), 0);
    poller_wait(poller, 0);
    poller_handle(poller);
    for (int i = 0; i < MANY; i++)
        CHECK_EQ_INT(handled[i], 1);
    all_close();
}

/* Sockets that are never empty: each gets its turn, and it ends. */
TEST(a_flood_does_not_keep_the_thread)
{
    reads = false;
    CHECK_EQ_INT(all_open(), 0);
    poller_wait(poller, 0);
    poller_handle(poller);
    for (int i = 0; i < MANY; i++)
        CHECK(handled[i] >= 1 && handled[i] < 100);
    all_close();
}

TEST(it_waits_until_something_comes_or_the_time)
{
    uint64_t start_us = clock_us();

    reads = true;
    CHECK_EQ_INT(all_open(), 0);
    poller_wait(poller, POLLER_FOREVER); /* ready: at once */
    poller_handle(poller);
    poller_wait(poller, start_us); /* the past */
    start_us = clock_us();
    poller_wait(poller, start_us + 5000);
    CHECK(clock_us() >= start_us + 5000);
    all_close();
}

/* Writing is told only while it is wanted, nothing at all when nothing is. */
TEST(what_is_wanted_is_told)
{
    struct poller_watch w = {ready_h, &fd[0]};
    struct poller *p;

    memset(handled, 0, sizeof(handled));
    reads = false;
    fd[0] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); /* takes bytes, has none */
    CHECK(fd[0] >= 0);
    CHECK_EQ_INT(poller_alloc(&p), 0);
    CHECK_EQ_INT(poller_watch(p, fd[0], &w), 0);
    for (unsigned what = 0; what <= (POLLER_READ | POLLER_WRITE); what++) {
        unsigned before = handled[0];

        CHECK_EQ_INT(poller_want(p, fd[0], &w, what), 0);
        poller_wait(p, 0);
        poller_handle(p);
        CHECK_EQ_INT(handled[0] - before, what & POLLER_WRITE ? 1 : 0);
    }
    close(fd[0]);
    poller_free(p);
}
