/* Media threads: who gets the next call, and how often they wake. */
/* TSAN */
#include "core/addr.h"
#include "mboxwait.h"
#include "media/media.h"
#include "media/worker.h"
#define TESTING_NO_OOM "threads and sockets: what they wait for would not come"
#include "testing.h"

#include <dirent.h>
#include <unistd.h>

enum { WORKERS = 3, CALLS = 2 * WORKER_FILL + 5 };

static struct media *media;
static struct mbox *events;
static struct media_path *path[CALLS];
static uint16_t port[CALLS];

static bool start(void)
{
    struct media_config cfg = {.workers = WORKERS, .bind_count = 1, .jbuf_max_ms = 200};
    char why[128];

    if (mbox_alloc(&events, "test_worker", sizeof(struct media_event), 256) ||
        addr_parse_ip(&cfg.bind[0], "127.0.0.1", 0))
        return false;
    cfg.events = events;
    return !media_start(&media, &cfg, why, sizeof(why));
}

static void stop(void)
{
    media_stop(media);
    mbox_free(events, NULL, NULL);
}

static bool call_opened(unsigned i)
{
    struct media_local local;

    if (media_path_create(&path[i], media, true, &local))
        return false;
    port[i] = local.ice_port;
    return true;
}

static void event_h(void *msg, void *arg)
{
    const struct media_event *ev = msg;
    unsigned *ended = arg;

    *ended += ev->type == MEDIA_ENDED;
}

static bool calls_ended(unsigned from, unsigned count)
{
    unsigned ended = 0;

    for (unsigned i = from; i < from + count; i++)
        media_path_close(path[i]);
    while (ended < count && !mbox_wait(events, 8000))
        (void)mbox_drain(events, event_h, &ended);
    return ended == count;
}

static unsigned on(uint16_t ice_port)
{
    unsigned n = 0;

    for (unsigned i = 0; i < CALLS; i++)
        n += port[i] == ice_port;
    return n;
}

/* Each worker has a port of its own: it tells which one a call is on. */
TEST(a_worker_is_filled_before_the_next_one_wakes)
{
    CHECK(start());
    for (unsigned i = 0; i < CALLS; i++)
        CHECK(call_opened(i));
    CHECK_EQ_INT(on(port[0]), WORKER_FILL);
    CHECK_EQ_INT(on(port[WORKER_FILL]), WORKER_FILL);
    CHECK_EQ_INT(on(port[CALLS - 1]), CALLS - 2 * WORKER_FILL);
    CHECK(calls_ended(0, 3)); /* places that are free again come first */
    CHECK(call_opened(0));
    CHECK_EQ_INT(port[0], port[3]);
    CHECK(calls_ended(0, 1));
    CHECK(calls_ended(3, CALLS - 3));
    stop();
}

/* How often the media threads have gone to sleep so far. */
static unsigned long sleeps(void)
{
    DIR *d = opendir("/proc/self/task");
    unsigned long sum = 0;
    struct dirent *e;

    while (d && (e = readdir(d))) {
        char name[300], line[128];
        bool is_media = false;
        unsigned long n;
        FILE *f;

        snprintf(name, sizeof(name), "/proc/self/task/%s/status", e->d_name);
        f = fopen(name, "r");
        while (f && fgets(line, sizeof(line), f)) {
            is_media |= !strncmp(line, "Name:\tmedia/", 12);
            if (is_media && sscanf(line, "voluntary_ctxt_switches: %lu", &n) == 1)
                sum += n;
        }
        if (f)
            fclose(f);
    }
    if (d)
        closedir(d);
    return sum;
}

/* A clock of 4 ms would be 250 a second; a few calls that nothing is said in have less than 60 each, until ICE gives up. */
TEST(few_calls_wake_nobody_without_a_reason)
{
    unsigned long before;

    CHECK(start());
    before = sleeps();
    usleep(500000);
    CHECK(sleeps() <= before + WORKERS); /* they may have just begun */
    CHECK(call_opened(0));
    usleep(100000);
    before = sleeps();
    usleep(1000000);
    CHECK(sleeps() - before <= 65);
    CHECK(calls_ended(0, 1));
    stop();
}
