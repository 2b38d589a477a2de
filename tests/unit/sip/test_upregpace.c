/* sip/upregpace: who is sent when: never faster than the rate, sign-ins first, everybody in the order in which he came. */
#include "testing.h"

#include "sip/upregpace.h"

enum { COUNT = 1000, SECOND_US = 1000000 };

struct one {
    struct le le;
    int line, number;
    uint64_t sent_us;
};

static struct one ones[COUNT];

/* Serves all that wait as the timer would; the time of the last one. */
static uint64_t serve(struct upregpace *p, uint64_t now_us, struct one **order, size_t *n)
{
    while (upregpace_waiting(p)) {
        struct one *o = upregpace_take(p, now_us);

        if (o) {
            o->sent_us = now_us;
            order[(*n)++] = o;
        } else {
            now_us += (uint64_t)upregpace_wait_ms(p, now_us) * 1000;
        }
    }
    return now_us;
}

static void never_faster(uint32_t rate)
{
    static struct one *order[COUNT];
    const uint64_t begin = 77 * (uint64_t)SECOND_US;
    struct upregpace p;
    size_t n = 0, behind = 0;
    uint64_t end;

    memset(ones, 0, sizeof(ones));
    upregpace_init(&p, rate, 1);
    for (int i = 0; i < COUNT; i++) {
        ones[i].number = i;
        upregpace_put(&p, &ones[i].le, &ones[i], UPREG_LINE_AGAIN, false);
    }
    end = serve(&p, begin, order, &n);
    CHECK_EQ_INT(n, COUNT);
    for (size_t i = 0; i < n; i++) {
        CHECK_EQ_INT(order[i]->number, i);
        while (order[i]->sent_us - order[behind]->sent_us >= SECOND_US)
            behind++;
        if (i - behind + 1 > (size_t)rate + 1 + rate / 50) /* and what was saved up in 20 ms */
            testing_fail(__FILE__, __LINE__, "%zu within a second at a rate of %u", i - behind + 1, rate);
    }
    /* Nor much slower: a tick of a millisecond each. */
    CHECK(end - begin >= (uint64_t)(COUNT - 1) * SECOND_US / rate - 20000);
    CHECK(end - begin <= (uint64_t)COUNT * SECOND_US / rate + (uint64_t)COUNT * 1000);
}

TEST(never_faster_than_the_rate)
{
    never_faster(1);
    never_faster(50);
    never_faster(999);
    never_faster(10000);
}

TEST(sign_ins_first_each_line_in_its_order)
{
    static struct one *order[COUNT];
    static const enum upregpace_line lines[] = {UPREG_LINE_REFRESH, UPREG_LINE_NOW, UPREG_LINE_LEAVE,
                                                UPREG_LINE_AGAIN,   UPREG_LINE_NOW, UPREG_LINE_REFRESH,
                                                UPREG_LINE_LEAVE,   UPREG_LINE_NOW};
    static const int want[] = {1, 4, 7, 2, 6, 3, 0, 5};
    struct upregpace p;
    size_t n = 0;

    memset(ones, 0, sizeof(ones));
    upregpace_init(&p, 50, 1);
    for (int i = 0; i < 8; i++) {
        ones[i].number = i;
        upregpace_put(&p, &ones[i].le, &ones[i], lines[i], false);
    }
    (void)serve(&p, SECOND_US, order, &n);
    CHECK_EQ_INT(n, 8);
    for (size_t i = 0; i < n; i++)
        CHECK_EQ_INT(order[i]->number, want[i]);
    CHECK(!upregpace_take(&p, 9 * (uint64_t)SECOND_US));
}

TEST(one_waits_in_one_line_only_the_better_one)
{
    static struct one *order[COUNT];
    struct upregpace p;
    size_t n = 0;

    memset(ones, 0, sizeof(ones));
    upregpace_init(&p, 50, 1);
    for (int i = 0; i < 4; i++)
        upregpace_put(&p, &ones[i].le, &ones[i], UPREG_LINE_REFRESH, false);
    upregpace_put(&p, &ones[2].le, &ones[2], UPREG_LINE_NOW, false);
    upregpace_put(&p, &ones[2].le, &ones[2], UPREG_LINE_AGAIN, false);   /* stays */
    upregpace_put(&p, &ones[0].le, &ones[0], UPREG_LINE_REFRESH, false); /* keeps its place */
    upregpace_put(&p, &ones[3].le, &ones[3], UPREG_LINE_NOW, true);
    upregpace_remove(&ones[1].le);
    upregpace_remove(&ones[1].le);
    (void)serve(&p, SECOND_US, order, &n);
    CHECK_EQ_INT(n, 3);
    CHECK(order[0] == &ones[3] && order[1] == &ones[2] && order[2] == &ones[0]);
}

TEST(a_pause_saves_up_no_burst_and_a_clock_that_stands_is_no_harm)
{
    struct upregpace p;
    size_t n = 0;

    memset(ones, 0, sizeof(ones));
    upregpace_init(&p, 50, 5);
    for (int i = 0; i < 10; i++)
        upregpace_put(&p, &ones[i].le, &ones[i], UPREG_LINE_NOW, false);
    while (upregpace_take(&p, 3600 * (uint64_t)SECOND_US))
        n++;
    CHECK_EQ_INT(n, 1);
    CHECK(!upregpace_take(&p, 1)); /* backwards */
    CHECK(upregpace_wait_ms(&p, 1) <= 21);
    CHECK(upregpace_take(&p, 3600 * (uint64_t)SECOND_US + 21000) != NULL);
}
