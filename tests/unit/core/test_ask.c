/* TSAN */
/* Questions between threads: the answer comes back, a late one harms nobody, what nobody takes is freed (the sanitizers look). */
#include "testing.h"

#include "core/ask.h"
#include "core/clock.h"
#include "mboxwait.h"

#include <errno.h>
#include <pthread.h>

enum { SLOTS = 4, ASKERS = 4, ROUNDS = 200, PATIENCE_MS = 30000 };

struct owner {
    struct mbox *mb;
    pthread_t thread;
    _Atomic bool stop;
    unsigned answered; /* its own */
};

struct question {
    char *text; /* of the answer */
    unsigned in, out;
};

static void question_h(void *value, void *arg)
{
    struct question *q = value;
    struct owner *o = arg;

    o->answered++;
    q->out = q->in * 2;
    q->text = strdup("found");
}

static void question_drop(void *value)
{
    free(((struct question *)value)->text);
}

static void *owner_main(void *arg)
{
    struct owner *o = arg;

    while (!o->stop)
        if (!mbox_wait(o->mb, 20))
            (void)mbox_drain(o->mb, ask_answer_h, o);
    return NULL;
}

static void *asker_main(void *arg)
{
    struct owner *o = arg;

    for (unsigned i = 0; i < ROUNDS; i++) {
        struct question q = {.in = i};

        CHECK_OR(!ask(o->mb, question_h, question_drop, &q, sizeof(q), PATIENCE_MS), continue);
        CHECK_OR(q.out == i * 2 && q.text, );
        free(q.text);
    }
    return NULL;
}

TEST(every_asker_gets_the_answer_to_its_own_question)
{
    struct owner o = {.stop = false};
    pthread_t askers[ASKERS];

    CHECK_EQ_INT(ask_mbox_alloc(&o.mb, "test", SLOTS), 0);
    CHECK(!pthread_create(&o.thread, NULL, owner_main, &o));
    for (size_t i = 0; i < ASKERS; i++)
        CHECK(!pthread_create(&askers[i], NULL, asker_main, &o));
    for (size_t i = 0; i < ASKERS; i++)
        pthread_join(askers[i], NULL);
    o.stop = true;
    pthread_join(o.thread, NULL);
    CHECK_EQ_INT(o.answered, ASKERS * ROUNDS);
    ask_mbox_free(o.mb);
}

TEST(an_owner_that_is_stuck_is_waited_for_so_long_and_not_asked_afterwards)
{
    struct owner o = {.stop = false};
    struct question q = {.in = 1};

    CHECK_EQ_INT(ask_mbox_alloc(&o.mb, "test", SLOTS), 0);
    for (int i = 0; i < SLOTS; i++)
        CHECK_EQ_INT(ask(o.mb, question_h, question_drop, &q, sizeof(q), 1), ETIMEDOUT);
    CHECK_EQ_INT(ask(o.mb, question_h, question_drop, &q, sizeof(q), 1), ENOBUFS);
    CHECK(!q.text && !q.out);
    CHECK_EQ_INT(mbox_drain(o.mb, ask_answer_h, &o), SLOTS);
    CHECK_EQ_INT(o.answered, 0);
    CHECK_EQ_INT(ask(o.mb, question_h, question_drop, &q, sizeof(q), 1), ETIMEDOUT);
    ask_mbox_free(o.mb); /* with a question that nobody waits for */
}

static void *late_main(void *arg)
{
    struct question q = {.in = 1};
    int err = ask(((struct owner *)arg)->mb, question_h, question_drop, &q, sizeof(q), 1);

    CHECK_OR(err == ETIMEDOUT || !err, );
    if (!err)
        free(q.text);
    return NULL;
}

TEST(an_answer_that_meets_the_end_of_the_wait_belongs_to_one_side)
{
    struct owner o = {.stop = false};
    pthread_t asker;

    CHECK_EQ_INT(ask_mbox_alloc(&o.mb, "test", SLOTS), 0);
    for (int i = 0; i < ROUNDS; i++) {
        CHECK(!pthread_create(&asker, NULL, late_main, &o));
        CHECK_EQ_INT(mbox_wait(o.mb, PATIENCE_MS), 0);
        (void)mbox_drain(o.mb, ask_answer_h, &o);
        pthread_join(asker, NULL);
    }
    ask_mbox_free(o.mb);
}
