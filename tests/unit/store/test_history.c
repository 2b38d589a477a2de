/* Figures and happenings: kept, made coarser, bounded. */
#include "store/history.h"
#include "core/clock.h"
#include "store/cdr.h"
#include "opened.h"

#include <math.h>
#include <poll.h>

#define MINUTE ((int64_t)60000)
#define HOUR (60 * MINUTE)

static struct figures minute_of(int64_t time_ms, double calls, double mos, double answered)
{
    struct figures f = {.time_ms = time_ms};

    for (int i = 0; i < FIGURES; i++)
        f.v[i] = NAN;
    f.v[FIGURE_CALLS] = calls;
    f.v[FIGURE_MOS] = mos;
    f.v[FIGURE_ANSWERED] = answered;
    return f;
}

struct rows {
    struct figures v[64];
    size_t n;
};

static bool row_h(const struct figures *f, void *arg)
{
    struct rows *r = arg;

    if (r->n < 64)
        r->v[r->n] = *f;
    r->n++;
    return false;
}

static size_t read_rows(struct rows *r, unsigned step_s)
{
    r->n = 0;
    CHECK_OR(!history_figures(reader, step_s, 0, row_h, r), return 0);
    return r->n;
}

/* Rows are written by the writer's next tick. */
static bool wait_rows(struct rows *r, unsigned step_s, size_t n)
{
    for (int i = 0; i < 100 && read_rows(r, step_s) != n; i++)
        (void)poll(NULL, 0, 50);
    return r->n == n;
}

TEST(minutes_become_five_minutes_and_hours)
{
    const int64_t at = 1000000 * HOUR;
    struct rows rows;

    CHECK(start());
    for (int i = 0; i < 6; i++) {
        const struct figures f = minute_of(at + i * MINUTE, i, i == 3 ? NAN : 4, 2);

        history_minute(store, &f);
    }
    CHECK(wait_rows(&rows, 60, 6));
    CHECK(isnan(rows.v[3].v[FIGURE_MOS]) && rows.v[5].v[FIGURE_CALLS] == 5);
    CHECK(isnan(rows.v[0].v[FIGURE_CPU]));
    CHECK_EQ_INT(read_rows(&rows, 300), 2);
    CHECK_EQ_INT(rows.v[0].time_ms, at);
    CHECK_EQ_INT(rows.v[0].v[FIGURE_CALLS], 4);
    CHECK_EQ_INT(rows.v[0].v[FIGURE_MOS], 4); /* what is not known weighs nothing */
    CHECK_EQ_INT(rows.v[0].v[FIGURE_ANSWERED], 10);
    CHECK_EQ_INT(rows.v[1].v[FIGURE_ANSWERED], 2);
    CHECK_EQ_INT(read_rows(&rows, 3600), 1);
    CHECK_EQ_INT(rows.v[0].v[FIGURE_ANSWERED], 12);
    finish();
}

TEST(old_rows_go_by_their_grain)
{
    const int64_t at = 1000000 * HOUR;
    struct figures f = minute_of(at, 1, NAN, 0);
    struct rows rows;

    CHECK(start());
    history_minute(store, &f);
    CHECK(wait_rows(&rows, 60, 1));
    f = minute_of(at + 3 * HOUR, 1, NAN, 0);
    history_minute(store, &f);
    CHECK(wait_rows(&rows, 3600, 2));
    CHECK_EQ_INT(read_rows(&rows, 60), 1);
    CHECK_EQ_INT(read_rows(&rows, 300), 2);
    f = minute_of(at + 30 * HOUR, 1, NAN, 0);
    history_minute(store, &f);
    CHECK(wait_rows(&rows, 3600, 3));
    CHECK_EQ_INT(read_rows(&rows, 300), 1);
    f = minute_of(at + 32 * 24 * HOUR, 1, NAN, 0);
    history_minute(store, &f);
    for (int i = 0; i < 100 && read_rows(&rows, 3600) != 2; i++)
        (void)poll(NULL, 0, 50);
    CHECK_EQ_INT(rows.n, 2); /* 30 and 768 hours after the first */
    finish();
}

struct happened {
    struct happening v[HISTORY_OF_DN + 8];
    size_t n;
};

static bool happened_h(const struct happening *h, void *arg)
{
    struct happened *v = arg;

    if (v->n < sizeof(v->v) / sizeof(v->v[0]))
        v->v[v->n] = *h;
    v->n++;
    return false;
}

static bool wait_newest(struct happened *v, const char *name, const char *event, uint32_t times)
{
    for (int i = 0; i < 100; i++) {
        v->n = 0;
        CHECK_OR(!history_of(reader, "dn", name, 0, happened_h, v), return false);
        if (v->n && !strcmp(v->v[0].event, event) && v->v[0].times == times)
            return true;
        (void)poll(NULL, 0, 50);
    }
    return false;
}

TEST(happenings_are_bounded_by_name_and_refusals_counted_in_one_line)
{
    struct happening h = {.noun = "dn", .name = "5001", .event = "signed_in", .address = "192.0.2.1:1"};
    static struct happened got;

    CHECK(start());
    for (int i = 0; i < HISTORY_OF_DN + 5; i++) {
        h.time_ms = 1000 * (i + 1);
        history_happened(store, &h);
    }
    snprintf(h.event, sizeof(h.event), "refused");
    for (int i = 0; i < 3; i++)
        history_happened(store, &h);
    CHECK(wait_newest(&got, "5001", "refused", 3));
    CHECK_EQ_INT(got.n, HISTORY_OF_DN);
    CHECK_STR(got.v[1].event, "signed_in");
    CHECK_EQ_INT(got.v[1].time_ms, 1000 * (HISTORY_OF_DN + 5));
    h.time_ms += 2 * HOUR;
    history_happened(store, &h);
    CHECK(wait_newest(&got, "5001", "refused", 1)); /* much later is another */
    snprintf(h.name, sizeof(h.name), "5002");
    history_happened(store, &h);
    CHECK(wait_newest(&got, "5002", "refused", 1));
    CHECK_EQ_INT(got.n, 1);
    finish();
}

static bool calls_h(const struct history_calls *m, void *arg)
{
    struct history_calls *sum = arg;

    sum->inbound += m->inbound;
    sum->outbound += m->outbound;
    sum->answered += m->answered;
    sum->abandoned += m->abandoned;
    sum->failed += m->failed;
    sum->talk_ms += m->talk_ms;
    return false;
}

static void record(const char *id, enum cdr_direction way, int64_t end_ms, int64_t talk_ms, uint16_t code)
{
    struct cdr c = {.direction = way, .start_ms = end_ms - 90000, .end_ms = end_ms, .code = code};

    snprintf(c.id, sizeof(c.id), CDR_ID_TIME "%s", (unsigned long long)c.start_ms, id);
    c.answer_ms = talk_ms ? end_ms - talk_ms : 0;
    cdr_write(store, &c);
}

TEST(the_last_hour_is_told_by_the_records)
{
    const int64_t now = clock_wall_ms();
    struct history_calls sum = {0};

    CHECK(start());
    record("a", CDR_INBOUND, now, 60000, 200);
    record("b", CDR_INBOUND, now, 0, 487);
    record("c", CDR_OUTBOUND, now - MINUTE, 30000, 200);
    record("d", CDR_OUTBOUND, now - MINUTE, 0, 487); /* the agent thought better of it */
    record("e", CDR_OUTBOUND, now - MINUTE, 0, 503);
    record("f", CDR_INBOUND, now - 2 * HOUR, 60000, 200);
    CHECK_EQ_INT(cdr_flush(store), 0);
    CHECK_EQ_INT(history_calls(reader, now - HOUR, calls_h, &sum), 0);
    CHECK_EQ_INT(sum.inbound, 2);
    CHECK_EQ_INT(sum.outbound, 3);
    CHECK_EQ_INT(sum.answered, 2);
    CHECK_EQ_INT(sum.abandoned, 1);
    CHECK_EQ_INT(sum.failed, 1);
    CHECK_EQ_INT(sum.talk_ms, 90000);
    finish();
}
