/* TSAN */
/* Questions whose asker never waits: every one is done once, in time or told that it was not; nothing that a value owns is lost. */
#include "testing.h"

#include "core/ask.h"
#include "core/clock.h"
#include "mboxwait.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>

struct sum { /* a value that owns memory */
    int a, b, sum;
    int *own;
};

static struct {
    struct mbox *desk;
    struct ask_box *box;
    pthread_t thread;
    _Atomic bool stop, slow;
    sem_t go; /* while slow */
    _Atomic int dropped, answered;
    int done, wrong, late, canceled;
} t;

static void sum_answer(void *value, void *owner)
{
    struct sum *s = value;

    if (t.slow)
        sem_wait(&t.go);
    t.answered++;
    s->sum = s->a + s->b + *(const int *)owner;
}

static void sum_done(int err, void *value, void *arg)
{
    struct sum *s = value;

    t.done++;
    t.late += err == ETIMEDOUT;
    t.canceled += err == ECANCELED;
    if (err) {
        t.wrong += value != NULL;
        return;
    }
    t.wrong += s->sum != s->a + s->b + 1000 || arg != &t;
    free(s->own);
}

static void sum_drop(void *value)
{
    t.dropped++;
    free(((struct sum *)value)->own);
}

static const struct ask_call sum_call = {
    .size = sizeof(struct sum), .ms = 60000, .answer = sum_answer, .done = sum_done, .drop = sum_drop};
static const struct ask_call hasty_call = {
    .size = sizeof(struct sum), .ms = 1, .answer = sum_answer, .done = sum_done, .drop = sum_drop};

static void *desk_main(void *arg)
{
    int more = 1000;

    while (!t.stop)
        if (!mbox_wait(t.desk, 10))
            mbox_drain(t.desk, ask_answer_h, &more);
    return arg;
}

static bool begin(size_t slots)
{
    memset(&t, 0, sizeof(t));
    sem_init(&t.go, 0, 0);
    return !ask_mbox_alloc(&t.desk, "desk", 16) && !ask_box_alloc(&t.box, "box", slots) &&
           !pthread_create(&t.thread, NULL, desk_main, NULL);
}

static void end(void)
{
    t.stop = true;
    pthread_join(t.thread, NULL);
    ask_mbox_free(t.desk);
    ask_box_free(t.box);
    sem_destroy(&t.go);
}

static int put(const struct ask_call *call, int a)
{
    struct sum s = {.a = a, .b = 7, .own = malloc(10)};
    int err = ask_later(t.box, t.desk, call, &s, &t);

    if (err)
        free(s.own);
    return err;
}

static void until(const int *counter, int n)
{
    struct pollfd pfd = {.fd = ask_box_fd(t.box), .events = POLLIN};

    while (*counter < n && poll(&pfd, 1, 20000) == 1)
        ask_box_drain(t.box);
}

TEST(every_question_gets_its_answer)
{
    int asked = 0;

    CHECK(begin(8));
    while (asked < 5000) {
        if (put(&sum_call, asked))
            until(&t.done, t.done + 1); /* too many under way */
        else
            asked++;
    }
    until(&t.done, asked);
    CHECK_EQ_INT(t.done, asked);
    CHECK_EQ_INT(t.wrong + t.late + t.dropped, 0);
    end();
}

TEST(who_has_waited_long_enough_is_told_and_the_late_answer_is_dropped)
{
    CHECK(begin(4));
    t.slow = true;
    CHECK_EQ_INT(put(&hasty_call, 1), 0);
    CHECK_EQ_INT(put(&sum_call, 2), 0);
    ask_box_expire(t.box, clock_ms() + 100);
    CHECK_EQ_INT(t.late, 1);
    ask_box_expire(t.box, clock_ms() + 100); /* once */
    CHECK_EQ_INT(t.done, 1);
    CHECK_EQ_INT(put(&sum_call, 3), 0);
    CHECK_EQ_INT(put(&sum_call, 4), 0);
    CHECK_EQ_INT(put(&sum_call, 5), ENOBUFS); /* the late one still has its slot */
    t.slow = false;
    sem_post(&t.go);
    sem_post(&t.go);
    until(&t.done, 4);
    CHECK_EQ_INT(t.done, 4);
    CHECK_EQ_INT(t.dropped, 1);
    CHECK_EQ_INT(t.wrong, 0);
    CHECK_EQ_INT(put(&sum_call, 5), 0);
    until(&t.done, 5);
    end();
}

TEST(what_nobody_waits_for_any_more_is_not_asked)
{
    CHECK(begin(4));
    t.slow = true;
    CHECK_EQ_INT(put(&sum_call, 1), 0); /* keeps the desk busy */
    CHECK_EQ_INT(put(&hasty_call, 2), 0);
    CHECK_EQ_INT(put(&hasty_call, 3), 0);
    ask_box_expire(t.box, clock_ms() + 100);
    CHECK_EQ_INT(t.late, 2);
    CHECK_EQ_INT(put(&sum_call, 4), 0);
    t.slow = false;
    sem_post(&t.go);
    until(&t.done, 4);
    CHECK_EQ_INT(t.done, 4);
    CHECK_EQ_INT(t.answered, 2);
    CHECK_EQ_INT(t.dropped, 2);
    CHECK_EQ_INT(t.wrong, 0);
    end();
}

TEST(what_is_open_at_the_end_is_cancelled)
{
    CHECK(begin(8));
    t.slow = true;
    for (int i = 0; i < 8; i++)
        CHECK_EQ_INT(put(&sum_call, i), 0);
    t.stop = true;
    t.slow = false;
    sem_post(&t.go);
    end();
    CHECK_EQ_INT(t.canceled, 8);
    CHECK_EQ_INT(t.dropped, 8);
    CHECK_EQ_INT(t.wrong, 0);
}
