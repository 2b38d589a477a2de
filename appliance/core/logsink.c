#include "core/logsink.h"
#include "core/metric.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { CHUNK = 4096 /* PIPE_BUF: lines of two programs on one pipe do not mix */ };

METRIC_COUNTER(lost_count, "dngate_log_lost_total", NULL,
               "Log lines lost because whoever reads standard output was too slow");
METRIC_LIMIT(ring_limit, "log_ring_bytes", LOGSINK_RING);

/* Bytes between tail and head wait; both are counted up, from 0 again whenever it is empty. What is being written stays in the ring
 * until it is written, so that a dying process finds it. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t filled, emptied;
    pthread_t thread;
    bool running, stopping;
    size_t head, tail;
    uint64_t lost; /* lines, since the last that were told */
    logsink_lost_h *lost_h;
    char bytes[LOGSINK_RING];
} ring = {.lock = PTHREAD_MUTEX_INITIALIZER,
          .filled = PTHREAD_COND_INITIALIZER,
          .emptied = PTHREAD_COND_INITIALIZER};

/* ---- writing ---- */

/* A descriptor that somebody else made non-blocking is waited for. False: the reader has gone. */
static bool write_all(const char *p, size_t n)
{
    while (n) {
        ssize_t done = write(STDOUT_FILENO, p, n);

        if (done >= 0) {
            p += done;
            n -= (size_t)done;
        } else if (errno == EAGAIN) {
            poll(&(struct pollfd){.fd = STDOUT_FILENO, .events = POLLOUT}, 1, -1);
        } else if (errno != EINTR) {
            return false;
        }
    }
    return true;
}

static size_t lines_in(const char *p, size_t n)
{
    size_t lines = 0;

    for (const char *end = p + n; (p = memchr(p, '\n', (size_t)(end - p))); p++)
        lines++;
    return lines;
}

/* As many whole lines as fit into chunk; one at least. */
static size_t chunk_copy(char *chunk)
{
    size_t n = ring.head - ring.tail, from = ring.tail % LOGSINK_RING, first;

    if (n > CHUNK)
        n = CHUNK;
    first = n < LOGSINK_RING - from ? n : LOGSINK_RING - from;
    memcpy(chunk, ring.bytes + from, first);
    memcpy(chunk + first, ring.bytes, n - first);
    while (chunk[n - 1] != '\n')
        n--;
    return n;
}

static void written(const char *chunk, size_t n, bool ok)
{
    if (!ok)
        metric_add(&lost_count, (int64_t)lines_in(chunk, n));
    ring.tail += n;
    if (ring.tail == ring.head) {
        ring.tail = ring.head = 0;
        pthread_cond_broadcast(&ring.emptied);
    }
    metric_set(&ring_limit, (int64_t)(ring.head - ring.tail));
}

/* The number of lost lines when it is time to tell: the reader goes on, and has caught up with half. */
static uint64_t lost_take(void)
{
    uint64_t lost = ring.lost;

    if (!lost || ring.head - ring.tail > LOGSINK_RING / 2)
        return 0;
    ring.lost = 0;
    return lost;
}

static void *thread_main(void *arg)
{
    char chunk[CHUNK];

    pthread_setname_np(pthread_self(), "log");
    pthread_mutex_lock(&ring.lock);
    for (;;) {
        uint64_t lost;
        size_t n;
        bool ok;

        while (ring.head == ring.tail && !ring.stopping)
            pthread_cond_wait(&ring.filled, &ring.lock);
        if (ring.head == ring.tail)
            break;
        n = chunk_copy(chunk);
        pthread_mutex_unlock(&ring.lock);
        ok = write_all(chunk, n);
        pthread_mutex_lock(&ring.lock);
        written(chunk, n, ok);
        lost = lost_take();
        pthread_mutex_unlock(&ring.lock);
        if (lost)
            ring.lost_h(lost);
        pthread_mutex_lock(&ring.lock);
    }
    ring.running = false;
    pthread_cond_broadcast(&ring.emptied);
    pthread_mutex_unlock(&ring.lock);
    return arg;
}

void logsink_put(const char *line, size_t len)
{
    size_t at, first;

    pthread_mutex_lock(&ring.lock);
    if (!ring.running) {
        pthread_mutex_unlock(&ring.lock);
        (void)write_all(line, len);
        return;
    }
    if (len > LOGSINK_RING - (ring.head - ring.tail)) {
        ring.lost++;
        metric_add(&lost_count, 1);
    } else {
        at = ring.head % LOGSINK_RING;
        first = len < LOGSINK_RING - at ? len : LOGSINK_RING - at;
        memcpy(ring.bytes + at, line, first);
        memcpy(ring.bytes, line + first, len - first);
        ring.head += len;
        pthread_cond_signal(&ring.filled);
    }
    pthread_mutex_unlock(&ring.lock);
}

/* ---- the end of the process ---- */

static const int deadly[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL};
enum { DEADLY = sizeof(deadly) / sizeof(deadly[0]) };
static struct sigaction before[DEADLY];

/* Reads the ring without its lock, which the dying thread may hold: a line may come twice. A reader that stalls must not keep the
 * process alive either, so only what it takes at once is written. Then the signal does what it did before us. */
__attribute__((no_sanitize("thread"))) static void death_h(int signo)
{
    size_t from = ring.tail, to = ring.head;
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};

    while (from < to && poll(&out, 1, 0) == 1 && (out.revents & POLLOUT)) {
        size_t at = from % LOGSINK_RING, n = to - from;
        ssize_t done;

        if (n > LOGSINK_RING - at)
            n = LOGSINK_RING - at;
        if (n > CHUNK)
            n = CHUNK; /* what a pipe that polls ready takes without waiting */
        done = write(STDOUT_FILENO, ring.bytes + at, n);
        if (done <= 0)
            break;
        from += (size_t)done;
    }
    for (size_t i = 0; i < DEADLY; i++)
        if (deadly[i] == signo)
            sigaction(signo, &before[i], NULL);
    if (signo == SIGABRT)
        raise(signo); /* the others come again by themselves on return */
}

static void death_watch(bool on)
{
    struct sigaction sa = {.sa_handler = death_h, .sa_flags = SA_NODEFER};

    for (size_t i = 0; i < DEADLY; i++)
        sigaction(deadly[i], on ? &sa : &before[i], on ? &before[i] : NULL);
}

int logsink_start(logsink_lost_h *lost)
{
    int err;

    pthread_mutex_lock(&ring.lock);
    ring.stopping = false;
    ring.lost_h = lost;
    err = pthread_create(&ring.thread, NULL, thread_main, NULL);
    ring.running = !err;
    pthread_mutex_unlock(&ring.lock);
    if (!err)
        death_watch(true);
    return err;
}

/* The moment ms from now, for pthread_cond_timedwait(). */
static struct timespec moment(uint32_t ms)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_sec += ms / 1000;
    t.tv_nsec += (long)(ms % 1000) * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    return t;
}

int logsink_flush(uint32_t ms)
{
    const struct timespec until = moment(ms);
    int err = 0;

    pthread_mutex_lock(&ring.lock);
    while (ring.running && ring.head != ring.tail && !err)
        err = pthread_cond_timedwait(&ring.emptied, &ring.lock, &until);
    pthread_mutex_unlock(&ring.lock);
    return err;
}

void logsink_stop(void)
{
    const struct timespec until = moment(LOGSINK_LAST_MS);
    bool started;
    int err = 0;

    pthread_mutex_lock(&ring.lock);
    started = ring.running;
    ring.stopping = true;
    pthread_cond_signal(&ring.filled);
    while (ring.running && !err)
        err = pthread_cond_timedwait(&ring.emptied, &ring.lock, &until);
    pthread_mutex_unlock(&ring.lock);
    if (!started)
        return;
    death_watch(false);
    if (err)
        pthread_detach(ring.thread); /* nobody reads: it is in write(2), and the process ends */
    else
        pthread_join(ring.thread, NULL);
}
