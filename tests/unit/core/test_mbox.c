/* TSAN */
/* Mailboxes: nothing lost or torn between threads, a limit that holds, wake-ups that come. */
#include "testing.h"

#include "core/buf.h"
#include "mboxwait.h"
#include "core/metric.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>

enum { POSTERS = 4, EACH = 20000 };

struct msg {
    uint32_t from, n;
    uint64_t check;
};

struct reader {
    uint32_t next[POSTERS];
    size_t count;
    bool torn, disorder;
};

static void read_h(void *p, void *arg)
{
    const struct msg *m = p;
    struct reader *r = arg;

    r->torn |= m->check != ((uint64_t)m->from << 32 | m->n);
    r->disorder |= m->n != r->next[m->from]++;
    r->count++;
}

struct poster {
    struct mbox *mb;
    uint32_t id;
};

static void *poster_run(void *arg)
{
    const struct poster *p = arg;

    for (uint32_t n = 0; n < EACH; n++) {
        struct msg m = {p->id, n, (uint64_t)p->id << 32 | n};

        while (mbox_post(p->mb, &m))
            sched_yield();
    }
    return NULL;
}

TEST(four_posters_one_owner)
{
    struct poster posters[POSTERS];
    pthread_t th[POSTERS];
    struct reader r = {0};
    struct mbox *mb;

    CHECK_EQ_INT(mbox_alloc(&mb, "test", sizeof(struct msg), 64), 0);
    for (uint32_t i = 0; i < POSTERS; i++) {
        posters[i] = (struct poster){mb, i};
        CHECK(!pthread_create(&th[i], NULL, poster_run, &posters[i]));
    }
    while (r.count < (size_t)POSTERS * EACH) {
        CHECK_EQ_INT(mbox_wait(mb, 20000), 0);
        mbox_drain(mb, read_h, &r);
    }
    for (int i = 0; i < POSTERS; i++)
        pthread_join(th[i], NULL);
    CHECK(!r.torn);
    CHECK(!r.disorder);
    mbox_free(mb, NULL, NULL);
}

static bool readable(const struct mbox *mb)
{
    struct pollfd pfd = {.fd = mbox_fd(mb), .events = POLLIN};

    return poll(&pfd, 1, 0) == 1;
}

static void count_h(void *msg, void *arg)
{
    (void)msg;
    ++*(size_t *)arg;
}

TEST(full_is_refused_and_shown)
{
    struct mbox *mb;
    struct buf out;
    size_t n = 0;
    int v = 7;

    CHECK_EQ_INT(mbox_alloc(&mb, "small", sizeof(v), 4), 0);
    CHECK(!readable(mb));
    for (int i = 0; i < 4; i++)
        CHECK_EQ_INT(mbox_post(mb, &v), 0);
    CHECK_EQ_INT(mbox_post(mb, &v), ENOBUFS);
    CHECK(readable(mb));
    buf_init(&out, 1 << 20);
    CHECK_EQ_INT(metric_render(&out), 0);
    CHECK(strstr(out.data, "dngate_limit_used{name=\"mbox_small\"} 4\n"));
    CHECK(strstr(out.data, "dngate_limit_max{name=\"mbox_small\"} 4\n"));
    CHECK(strstr(out.data, "dngate_mbox_dropped_total{name=\"small\"} 1\n"));
    CHECK_EQ_INT(mbox_drain(mb, count_h, &n), 4);
    CHECK_EQ_INT(n, 4);
    CHECK(!readable(mb));
    CHECK_EQ_INT(mbox_wait(mb, 0), ETIMEDOUT);
    mbox_free(mb, NULL, NULL);
    buf_clear(&out);
    CHECK_EQ_INT(metric_render(&out), 0);
    CHECK(!strstr(out.data, "mbox_small"));
    buf_reset(&out);
}

/* "It has gone" finds room however many others came before. */
TEST(a_reserve_is_kept_for_what_must_not_be_lost)
{
    struct mbox *mb;
    size_t n = 0;
    int v = 1;

    CHECK_EQ_INT(mbox_alloc(&mb, "reserve", sizeof(v), 16), 0);
    mbox_reserve(mb, 12);
    for (int i = 0; i < 4; i++)
        CHECK_EQ_INT(mbox_post(mb, &v), 0);
    CHECK_EQ_INT(mbox_post(mb, &v), ENOBUFS);
    for (int i = 0; i < 12; i++)
        CHECK_EQ_INT(mbox_post_sure(mb, &v), 0);
    CHECK_EQ_INT(mbox_post_sure(mb, &v), ENOBUFS);
    CHECK_EQ_INT(mbox_drain_max(mb, 5, count_h, &n), 5);
    CHECK(readable(mb)); /* the rest wakes the owner */
    CHECK_EQ_INT(mbox_post(mb, &v), ENOBUFS);
    CHECK_EQ_INT(mbox_drain(mb, count_h, &n), 11);
    CHECK_EQ_INT(n, 16);
    CHECK(!readable(mb));
    mbox_free(mb, NULL, NULL);
}

/* A handler that answers into its own mailbox: the drain must end, and the rest must wake the owner again. */
static void repost_h(void *msg, void *arg)
{
    if (mbox_post(arg, msg))
        abort();
}

TEST(a_drain_ends_though_messages_keep_coming)
{
    struct mbox *mb;
    int v = 1;

    CHECK_EQ_INT(mbox_alloc(&mb, "loop", sizeof(v), 8), 0);
    for (int i = 0; i < 8; i++)
        mbox_post(mb, &v);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ_INT(mbox_drain(mb, repost_h, mb), 8);
        CHECK(readable(mb));
    }
    mbox_free(mb, NULL, NULL);
}

TEST(free_hands_what_is_left_to_drop)
{
    struct mbox *mb;
    size_t n = 0;
    int v = 1;

    CHECK_EQ_INT(mbox_alloc(&mb, "left", sizeof(v), 64), 0);
    for (int i = 0; i < 50; i++)
        mbox_post(mb, &v);
    mbox_free(mb, count_h, &n);
    CHECK_EQ_INT(n, 50);
}

TEST(arguments_are_checked)
{
    struct mbox *mb;

    CHECK_EQ_INT(mbox_alloc(&mb, "x", 8, 3), EINVAL);
    CHECK_EQ_INT(mbox_alloc(&mb, "x", 0, 4), EINVAL);
    CHECK_EQ_INT(mbox_alloc(&mb, "x", 8, 0), EINVAL);
    mbox_free(NULL, NULL, NULL);
}
