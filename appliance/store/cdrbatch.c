#include "store/cdrbatch.h"
#include "core/buf.h"
#include "core/clock.h"
#include "core/health.h"
#include "core/histogram.h"
#include "core/log.h"
#include "core/mbox.h"
#include "core/metric.h"
#include "store/callopen.h"
#include "store/cdrrow.h"
#include "store/spill.h"
#include "store/writer.h"

#include <errno.h>
#include <string.h>

enum {
    BATCH_DELAY_MS = 250,  /* longest wait of a record for company */
    BATCH_RETRY_MS = 1000, /* when neither database nor spill file took the batch */
    CDR_LINE_MAX = 16384,
};

METRIC_COUNTER(cdr_written, "dngate_cdr_written_total", NULL, "Call records committed to the database");
METRIC_COUNTER(cdr_spilled, "dngate_cdr_spilled_total", NULL, "Call records that had to wait in cdr.spill");
METRIC_COUNTER(cdr_lost, "dngate_cdr_lost_total", NULL,
               "Call records that only the log has: no database, no spill file");
HISTOGRAM(commit_cdrs, "dngate_db_commit_seconds", "what=\"calls\"", STORE_COMMIT_HELP, STORE_COMMIT_BOUNDS);
METRIC_COUNTER(insert_failed, "dngate_db_write_failures_total", "what=\"calls\"",
               "Write transactions that failed");
METRIC_LIMIT(batch_limit, "cdr_batch", 2 * STORE_CDRS_MAX);
METRIC_GAUGE(cdr_waiting, "dngate_cdr_waiting", NULL, "Call records in memory, not yet committed");

void cdrbatch_h(void *msg, void *arg)
{
    struct store *s = arg;

    if (!s->batch_count)
        s->batch_due_ms = clock_ms() + BATCH_DELAY_MS;
    memcpy(&s->batch[s->batch_count++], msg, sizeof(struct cdr));
}

bool cdrbatch_has_room(const struct store *s)
{
    return s->batch_count <= STORE_CDRS_MAX; /* there is room for as many again */
}

int cdrbatch_wait_ms(const struct store *s, int max)
{
    uint64_t now = clock_ms();

    if (!s->batch_count)
        return max;
    if (s->batch_due_ms <= now)
        return 0;
    return s->batch_due_ms - now < (uint64_t)max ? (int)(s->batch_due_ms - now) : max;
}

void cdrbatch_lose(const struct cdr *c)
{
    struct buf line;

    buf_init(&line, CDR_LINE_MAX);
    cdrrow_encode(&line, c);
    if (line.len)
        line.data[line.len - 1] = '\0'; /* its newline */
    log_error("store", "cdr=%s call record could not be stored", line.data ? line.data : c->id);
    metric_add(&cdr_lost, 1);
    buf_reset(&line);
}

/* A record without an end is the note of a call that runs. */
static bool is_note(const struct cdr *c)
{
    return !c->end_ms;
}

static int cdrbatch_put(struct store *s, const struct cdr *c)
{
    int err;

    if (is_note(c)) {
        s->notes = true;
        return callopen_put(&s->sql, c, clock_wall_ms());
    }
    err = cdrrow_insert(&s->sql, c);
    return err ? err : callopen_delete(&s->sql, c->id);
}

/* Notes are for the database only. */
static void cdrbatch_drop_notes(struct store *s)
{
    size_t n = 0;

    for (size_t i = 0; i < s->batch_count; i++)
        if (!is_note(&s->batch[i]))
            s->batch[n++] = s->batch[i];
    s->batch_count = n;
}

static size_t cdrbatch_records(const struct store *s)
{
    size_t n = 0;

    for (size_t i = 0; i < s->batch_count; i++)
        n += !is_note(&s->batch[i]);
    return n;
}

static int cdrbatch_insert(struct store *s)
{
    uint64_t start_us = clock_us();
    int err = sql_exec(&s->sql, "BEGIN IMMEDIATE");

    for (size_t i = 0; i < s->batch_count && !err; i++)
        err = cdrbatch_put(s, &s->batch[i]);
    if (!err)
        err = sql_exec(&s->sql, "COMMIT");
    if (err)
        sql_exec(&s->sql, "ROLLBACK");
    metric_add(err ? &insert_failed : &cdr_written, err ? 1 : (int64_t)cdrbatch_records(s));
    if (!err)
        histogram_add(&commit_cdrs, (double)(clock_us() - start_us) / 1e6);
    return err;
}

void cdrbatch_trouble(struct store *s, int cause)
{
    health_set("store", HEALTH_DEGRADED, "the database cannot be written (%s); call records are kept",
               strerror(cause));
    s->troubled = true;
}

/* Database first, spill file second; if neither takes it the batch stays and is tried again. */
static int cdrbatch_commit(struct store *s)
{
    int err = cdrbatch_insert(s);
    int cause = err;

    if (err) {
        cdrbatch_trouble(s, cause);
        cdrbatch_drop_notes(s);
        if (!s->batch_count)
            return 0;
        err = spill_append(s->dir, s->batch, s->batch_count);
    }
    if (err) {
        s->batch_due_ms = clock_ms() + BATCH_RETRY_MS;
        log_warn_limited("store", "records=%zu database=\"%s\" spill=\"%s\" call records wait in memory",
                         s->batch_count, strerror(cause), strerror(err));
        return err;
    }
    if (cause) {
        metric_add(&cdr_spilled, (int64_t)s->batch_count);
        log_warn_limited("store", "records=%zu cause=\"%s\" call records wait in cdr.spill", s->batch_count,
                         strerror(cause));
    }
    s->batch_count = 0;
    return 0;
}

int cdrbatch_service(struct store *s, bool now)
{
    size_t n;
    int err = 0;

    do {
        n = cdrbatch_has_room(s) ? mbox_drain_max(s->cdrs, STORE_CDRS_MAX, cdrbatch_h, s) : 0;
        if (s->batch_count && (now || s->batch_count >= STORE_CDRS_MAX || clock_ms() >= s->batch_due_ms))
            err = cdrbatch_commit(s);
    } while (now && n && !err);
    metric_set(&cdr_waiting, (int64_t)cdrbatch_records(s));
    metric_set(&batch_limit, (int64_t)s->batch_count);
    return err;
}

void cdrbatch_finish(struct store *s)
{
    while (cdrbatch_service(s, true) &&
           s->batch_count) { /* neither database nor spill file: the last resort */
        for (size_t i = 0; i < s->batch_count; i++)
            cdrbatch_lose(&s->batch[i]);
        s->batch_count = 0;
    }
}

static int replay_h(const struct cdr *c, void *arg)
{
    struct store *s = arg;

    return cdrbatch_put(s, c);
}

static int replay_commit_h(void *arg)
{
    struct store *s = arg;

    return sql_exec(&s->sql, "COMMIT");
}

/* Can the database be written again? Finding out leaves nothing behind. */
static int cdrbatch_probe(struct store *s)
{
    static const struct cdr probe = {.id = "probe"};
    int err = sql_exec(&s->sql, "BEGIN IMMEDIATE");

    if (err)
        return err;
    err = callopen_put(&s->sql, &probe, 0);
    if (!err)
        err = callopen_delete(&s->sql, probe.id);
    if (!err)
        err = sql_exec(&s->sql, "COMMIT");
    if (err)
        sql_exec(&s->sql, "ROLLBACK");
    return err;
}

int cdrbatch_replay(struct store *s)
{
    int err = 0;

    while (!err && spill_exists(s->dir)) {
        err = sql_exec(&s->sql, "BEGIN IMMEDIATE");
        if (err)
            break;
        err = spill_replay(s->dir, replay_h, replay_commit_h, s);
        if (err)
            sql_exec(&s->sql, "ROLLBACK");
        else
            log_info("store", "spilled call records are in the database");
    }
    if (err == ENOENT || err == EAGAIN) /* another process was faster */
        err = 0;
    if (!err && s->troubled && !s->batch_count && !cdrbatch_probe(s)) {
        health_set("store", HEALTH_UP, "%s", "");
        s->troubled = false;
    }
    return err;
}
