#include "store/history.h"
#include "core/log.h"
#include "core/mbox.h"
#include "core/metric.h"
#include "store/cdr.h"
#include "store/notes.h"
#include "store/reader.h"
#include "store/writer.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

METRIC_COUNTER(lost, "dngate_history_lost_total", NULL,
               "Rows of the history that found no room on their way to the database");

enum note_kind { NOTE_MINUTE, NOTE_HAPPENING };

struct note {
    enum note_kind kind;
    union {
        struct figures figures;
        struct happening happening;
    } u;
};

static const char *const names[FIGURES] = {
    [FIGURE_CALLS] = "calls",
    [FIGURE_REGISTRATIONS] = "registrations",
    [FIGURE_MOS] = "mos",
    [FIGURE_LOSS] = "loss_percent",
    [FIGURE_JITTER] = "jitter_ms",
    [FIGURE_CPU] = "cpu_percent",
    [FIGURE_RSS] = "rss_bytes",
    [FIGURE_BITS] = "bits_per_s",
    [FIGURE_TURN_BITS] = "turn_bits_per_s",
    [FIGURE_ANSWERED] = "answered",
    [FIGURE_FAILED] = "failed",
    [FIGURE_ABANDONED] = "abandoned",
    [FIGURE_INBOUND] = "inbound",
    [FIGURE_OUTBOUND] = "outbound",
};

#define NAMES                                                                                                \
    "calls, registrations, mos, loss_percent, jitter_ms, cpu_percent, rss_bytes, bits_per_s, "               \
    "turn_bits_per_s, answered, failed, abandoned, inbound, outbound"

const char *figure_name(enum figure f)
{
    return names[f];
}

/* ---------------------------------------------------------------- on its way: any thread */

int notes_alloc(struct mbox **mbp)
{
    return mbox_alloc(mbp, "store_notes", sizeof(struct note), HISTORY_WAITING_MAX);
}

void history_minute(const struct store *s, const struct figures *f)
{
    const struct note n = {.kind = NOTE_MINUTE, .u.figures = *f};

    if (mbox_post(s->notes_in, &n))
        metric_add(&lost, 1);
}

void history_happened(const struct store *s, const struct happening *h)
{
    const struct note n = {.kind = NOTE_HAPPENING, .u.happening = *h};

    if (mbox_post(s->notes_in, &n))
        metric_add(&lost, 1);
}

/* ---------------------------------------------------------------- figures: writer thread */

static int row_put(struct sql *sql, const struct figures *f)
{
    sqlite3_stmt *st;
    int err = sql_prepare(sql, &st,
                          "INSERT OR REPLACE INTO figure (step_s, time_ms, " NAMES ") VALUES (60, ?, "
                          "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");

    if (err)
        return err;
    sqlite3_bind_int64(st, 1, f->time_ms);
    for (int i = 0; i < FIGURES; i++)
        if (isnan(f->v[i]))
            sqlite3_bind_null(st, i + 2);
        else
            sqlite3_bind_double(st, i + 2, f->v[i]);
    return sql_run(sql, st);
}

/* The step that this minute is in, made anew from all its minutes: right after a restart, too. */
static int row_coarse(struct sql *sql, int64_t step_s, int64_t time_ms)
{
    const int64_t begin_ms = time_ms - time_ms % (step_s * 1000);
    sqlite3_stmt *st;
    int err =
        sql_prepare(sql, &st,
                    "INSERT OR REPLACE INTO figure (step_s, time_ms, " NAMES ") SELECT ?, ?, max(calls), "
                    "max(registrations), avg(mos), avg(loss_percent), avg(jitter_ms), avg(cpu_percent), "
                    "avg(rss_bytes), avg(bits_per_s), avg(turn_bits_per_s), sum(answered), sum(failed), "
                    "sum(abandoned), sum(inbound), sum(outbound) FROM figure WHERE step_s = 60 AND "
                    "time_ms >= ? AND time_ms < ?");

    if (err)
        return err;
    sql_bind(st, "iiii", step_s, begin_ms, begin_ms, begin_ms + step_s * 1000);
    return sql_run(sql, st);
}

static int rows_old(struct sql *sql, int64_t step_s, int64_t before_ms)
{
    sqlite3_stmt *st;
    int err = sql_prepare(sql, &st, "DELETE FROM figure WHERE step_s = ? AND time_ms < ?");

    if (err)
        return err;
    sql_bind(st, "ii", step_s, before_ms);
    return sql_run(sql, st);
}

static int old_happenings(struct sql *sql, int64_t before_ms)
{
    sqlite3_stmt *st;
    int err = sql_prepare(sql, &st, "DELETE FROM happening WHERE time_ms < ?");

    if (err)
        return err;
    sql_bind(st, "i", before_ms);
    return sql_run(sql, st);
}

#define HOUR_MS ((int64_t)3600 * 1000)

static int minute_write(struct sql *sql, const struct figures *f)
{
    int err = row_put(sql, f);

    if (!err)
        err = row_coarse(sql, 300, f->time_ms);
    if (!err)
        err = row_coarse(sql, 3600, f->time_ms);
    if (!err)
        err = rows_old(sql, 60, f->time_ms - 2 * HOUR_MS);
    if (!err)
        err = rows_old(sql, 300, f->time_ms - 26 * HOUR_MS);
    if (!err)
        err = rows_old(sql, 3600, f->time_ms - 31 * 24 * HOUR_MS);
    if (!err && f->time_ms % HOUR_MS == 0)
        err = old_happenings(sql, f->time_ms - HISTORY_DAYS * 24 * HOUR_MS);
    return err;
}

/* ---------------------------------------------------------------- happenings: writer thread */

/* Somebody who tries again and again is one line. *done: it was. */
static int again(struct sql *sql, const struct happening *h, bool *done)
{
    sqlite3_stmt *st;
    int err = sql_prepare(
        sql, &st,
        "UPDATE happening SET time_ms = ?, times = times + 1 WHERE id = (SELECT id FROM happening "
        "WHERE noun = ? AND name = ? ORDER BY id DESC LIMIT 1) AND event = ? AND address = ? AND "
        "detail = ? AND time_ms > ?");

    if (err)
        return err;
    sql_bind(st, "ittttti", h->time_ms, h->noun, h->name, h->event, h->address, h->detail,
             h->time_ms - HOUR_MS);
    err = sql_run(sql, st);
    *done = !err && sql_changes(sql) > 0;
    return err;
}

static int trim(struct sql *sql, const struct happening *h)
{
    const int64_t most = strcmp(h->noun, "dn") ? HISTORY_OF_TRUNK : HISTORY_OF_DN;
    sqlite3_stmt *st;
    int err = sql_prepare(
        sql, &st,
        "DELETE FROM happening WHERE noun = ? AND name = ? AND id <= (SELECT id FROM happening WHERE "
        "noun = ? AND name = ? ORDER BY id DESC LIMIT 1 OFFSET ?)");

    if (err)
        return err;
    sql_bind(st, "tttti", h->noun, h->name, h->noun, h->name, most);
    return sql_run(sql, st);
}

static int happening_write(struct sql *sql, const struct happening *h)
{
    sqlite3_stmt *st;
    bool done = false;
    int err = strcmp(h->event, "refused") ? 0 : again(sql, h, &done);

    if (err || done)
        return err;
    err = sql_prepare(
        sql, &st,
        "INSERT INTO happening (noun, name, time_ms, event, address, browser, detail, times) VALUES (?, ?, "
        "?, ?, ?, ?, ?, ?)");
    if (err)
        return err;
    sql_bind(st, "ttitttti", h->noun, h->name, h->time_ms, h->event, h->address, h->browser, h->detail,
             (int64_t)(h->times ? h->times : 1));
    err = sql_run(sql, st);
    return err ? err : trim(sql, h);
}

/* ---------------------------------------------------------------- writing: writer thread */

struct writing {
    struct sql *sql;
    size_t count;
    int err;
};

static void note_h(void *msg, void *arg)
{
    const struct note *n = msg;
    struct writing *w = arg;

    w->count++;
    if (!w->err)
        w->err = n->kind == NOTE_MINUTE ? minute_write(w->sql, &n->u.figures)
                                        : happening_write(w->sql, &n->u.happening);
}

void notes_service(struct store *s)
{
    struct writing w = {.sql = &s->sql};
    struct pollfd waits = {.fd = mbox_fd(s->notes_in), .events = POLLIN};
    int err;

    if (poll(&waits, 1, 0) != 1 || sql_exec(&s->sql, "BEGIN IMMEDIATE")) /* locked: they wait */
        return;
    (void)mbox_drain(s->notes_in, note_h, &w);
    err = w.err ? w.err : sql_exec(&s->sql, "COMMIT");
    if (!err)
        return;
    (void)sql_exec(&s->sql, "ROLLBACK");
    metric_add(&lost, (int64_t)w.count);
    log_warn_limited("store", "error=\"%s\" rows=%zu of the history are not kept", store_strerror(err),
                     w.count);
}

/* ---------------------------------------------------------------- reading */

int history_figures(struct store_reader *r, unsigned step_s, int64_t from_ms, figures_h *h, void *arg)
{
    sqlite3_stmt *st;
    int err = sql_prepare(&r->sql, &st,
                          "SELECT time_ms, " NAMES
                          " FROM figure WHERE step_s = ? AND time_ms >= ? ORDER BY time_ms");

    if (err)
        return err;
    sql_bind(st, "ii", (int64_t)step_s, from_ms);
    while (!(err = sql_step(st))) {
        struct figures f = {.time_ms = sqlite3_column_int64(st, 0)};

        for (int i = 0; i < FIGURES; i++)
            f.v[i] = sqlite3_column_type(st, i + 1) == SQLITE_NULL ? NAN : sqlite3_column_double(st, i + 1);
        if (h(&f, arg))
            break;
    }
    sql_done(&r->sql, st);
    return err == ENOENT ? 0 : err;
}

int history_of(struct store_reader *r, const char *noun, const char *name, size_t limit, happening_h *h,
               void *arg)
{
    sqlite3_stmt *st;
    int err = sql_prepare(
        &r->sql, &st,
        "SELECT time_ms, event, address, browser, detail, times FROM happening WHERE noun = ? AND name "
        "= ? ORDER BY id DESC LIMIT ?");

    if (err)
        return err;
    sql_bind(st, "tti", noun, name, limit ? (int64_t)limit : (int64_t)-1);
    while (!(err = sql_step(st))) {
        struct happening out = {.time_ms = sqlite3_column_int64(st, 0),
                                .times = (uint32_t)sqlite3_column_int64(st, 5)};

        snprintf(out.noun, sizeof(out.noun), "%s", noun);
        snprintf(out.name, sizeof(out.name), "%s", name);
        sql_text(st, 1, out.event, sizeof(out.event));
        sql_text(st, 2, out.address, sizeof(out.address));
        sql_text(st, 3, out.browser, sizeof(out.browser));
        sql_text(st, 4, out.detail, sizeof(out.detail));
        if (h(&out, arg))
            break;
    }
    sql_done(&r->sql, st);
    return err == ENOENT ? 0 : err;
}

/* By start_ms, which has an index; who talked for more than a day is not among them. */
#define CALL_LONGEST_MS (24 * HOUR_MS)

int history_calls(struct store_reader *r, int64_t from_ms, history_calls_h *h, void *arg)
{
    sqlite3_stmt *st;
    int err = sql_prepare(
        &r->sql, &st,
        "SELECT end_ms / 60000, sum(direction = 'inbound'), sum(direction = 'outbound'), sum(answer_ms "
        "> 0), sum(direction = 'inbound' AND answer_ms = 0 AND code = 487), sum(answer_ms = 0 AND code "
        ">= 500 AND code < 600), sum(CASE WHEN answer_ms > 0 THEN end_ms - answer_ms ELSE 0 END) FROM "
        "cdr WHERE start_ms >= ? AND end_ms >= ? GROUP BY 1 ORDER BY 1");

    if (err)
        return err;
    sql_bind(st, "ii", from_ms - CALL_LONGEST_MS, from_ms);
    while (!(err = sql_step(st))) {
        struct history_calls m = {.minute = sqlite3_column_int64(st, 0)};
        uint32_t *const v[] = {&m.inbound, &m.outbound, &m.answered, &m.abandoned, &m.failed};

        for (int i = 0; i < 5; i++)
            *v[i] = (uint32_t)sqlite3_column_int64(st, i + 1);
        m.talk_ms = (uint64_t)sqlite3_column_int64(st, 6);
        if (h(&m, arg))
            break;
    }
    sql_done(&r->sql, st);
    return err == ENOENT ? 0 : err;
}
