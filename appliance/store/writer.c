#include "store/writer.h"
#include "core/ask.h"
#include "core/clock.h"
#include "core/health.h"
#include "core/histogram.h"
#include "core/latch.h"
#include "core/log.h"
#include "core/mbox.h"
#include "core/metric.h"
#include "store/callopen.h"
#include "store/cdrbatch.h"
#include "store/notes.h"
#include "store/spill.h"
#include "store/trace.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

enum {
    WRITER_TICK_MS = 500,    /* other processes' changes, spilled records */
    WRITER_DISK_MS = 2000,   /* free space */
    WRITER_SEEN_MS = 10000,  /* that running calls were still up */
    WRITER_LOCKED_MS = 5000, /* how long a job is tried against another process's lock */
    DISK_LOW_MB = 200,
};

enum request_type {
    REQUEST_JOB,
    REQUEST_LISTEN,
    REQUEST_UNLISTEN,
    REQUEST_FLUSH,
    REQUEST_MUTE,
    REQUEST_STOP
};

struct store_request { /* what the mailbox carries; the waiter owns the latch and the result */
    enum request_type type;
    store_job_h *job;
    void *arg;
    struct store_listener listener;
    struct store_actor actor;
    struct latch *latch;
    int *result;
};

static _Thread_local struct store_actor thread_actor;
static _Thread_local const struct store *thread_writes; /* the store whose writer this thread is */

void store_actor_set(const struct store_actor *a)
{
    thread_actor = a ? *a : (struct store_actor){0};
}

void store_actor(const char *who)
{
    static const char *const ways[] = {"cli", "system"};
    struct store_actor a = {.via = "console"};

    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        const size_t n = strlen(ways[i]);

        if (strncmp(who, ways[i], n) != 0 || who[n] != ':')
            continue;
        snprintf(a.via, sizeof(a.via), "%s", ways[i]);
        who += n + 1;
        break;
    }
    snprintf(a.who, sizeof(a.who), "%s", strcmp(who, "uid=0") ? who : "root");
    store_actor_set(*who ? &a : NULL);
}

void store_actor_reason(const char *reason)
{
    snprintf(thread_actor.reason, sizeof(thread_actor.reason), "%s", reason ? reason : "");
}

static void actor_now(struct store_actor *a)
{
    *a = thread_actor;
    if (!a->who[0]) {
        snprintf(a->who, sizeof(a->who), "system");
        snprintf(a->via, sizeof(a->via), "system");
    }
}

/* ---------------------------------------------------------------- asking */

static int request_send(struct store *s, struct store_request *req)
{
    struct latch latch;
    int result = 0, err;

    if (thread_writes == s)
        return EDEADLK;
    actor_now(&req->actor);
    latch_init(&latch);
    req->latch = &latch;
    req->result = &result;
    err = mbox_post(s->calls, req);
    if (!err) {
        latch_wait(&latch);
        err = result;
    } else if (err == ENOBUFS) {
        err = EBUSY;
    }
    latch_destroy(&latch);
    return err;
}

int store_call(struct store *s, store_job_h *job, void *arg)
{
    struct store_request req = {.type = REQUEST_JOB, .job = job, .arg = arg};

    return request_send(s, &req);
}

int writer_listen(struct store *s, store_change_h *h, void *arg)
{
    struct store_request req = {.type = REQUEST_LISTEN, .listener = {h, arg}};

    return request_send(s, &req);
}

int writer_unlisten(struct store *s, store_change_h *h, void *arg)
{
    struct store_request req = {.type = REQUEST_UNLISTEN, .listener = {h, arg}};

    return request_send(s, &req);
}

int writer_flush(struct store *s)
{
    struct store_request req = {.type = REQUEST_FLUSH};

    return request_send(s, &req);
}

int writer_mute(struct store *s)
{
    struct store_request req = {.type = REQUEST_MUTE};

    return request_send(s, &req);
}

/* ---------------------------------------------------------------- answering: the writer thread */

void store_tx_notice(struct store_tx *tx, enum store_noun noun, const char *key)
{
    struct store_notice *n;

    if (tx->notice_count ==
        STORE_NOTICES_MAX) { /* too many to tell one by one: "look again at all of them" */
        tx->notice_count = 0;
        key = "";
    } else if (tx->notice_count == 1 && !tx->notices[0].key[0]) {
        return;
    }
    n = &tx->notices[tx->notice_count++];
    n->noun = noun;
    snprintf(n->key, sizeof(n->key), "%s", key);
}

void store_tx_notice_all(struct store_tx *tx)
{
    tx->notice_all = true;
}

static void writer_tell(const struct store *s, enum store_noun noun, const char *key)
{
    for (size_t i = 0; i < s->listener_count; i++)
        s->listeners[i].h(noun, key, s->listeners[i].arg);
}

uint32_t store_again_ms = 60000;

static void writer_tell_all(const struct store *s)
{
    for (int noun = STORE_DN; noun <= STORE_SETTING; noun++)
        writer_tell(s, (enum store_noun)noun, "");
}

HISTOGRAM(commit_job, "dngate_db_commit_seconds", "what=\"provisioning\"", STORE_COMMIT_HELP,
          STORE_COMMIT_BOUNDS);
METRIC_COUNTER(job_failed, "dngate_db_write_failures_total", "what=\"provisioning\"",
               "Write transactions that failed");
METRIC_GAUGE(disk_free, "dngate_disk_free_bytes", NULL, "Free space where the data directory is");
METRIC_GAUGE(disk_size, "dngate_disk_size_bytes", NULL,
             "Size of the file system where the data directory is");
METRIC_GAUGE(spill_bytes, "dngate_cdr_spill_bytes", NULL,
             "Size of the files in which call records wait for the database; 0 is normal");

static void writer_tell_audit(const struct store *s)
{
    if (s->audit_news)
        s->audit_news(s->audit_news_arg);
}

void store_disk(uint64_t *free_bytes, uint64_t *size)
{
    *free_bytes = (uint64_t)metric_get(&disk_free);
    *size = (uint64_t)metric_get(&disk_size);
}

static int writer_try_job(struct store *s, const struct store_request *req)
{
    struct store_tx tx = {.store = s, .sql = &s->sql, .actor = &req->actor, .now_ms = clock_wall_ms()};
    uint64_t start_us = clock_us();
    int err = sql_exec(&s->sql, "BEGIN IMMEDIATE");

    if (err)
        return err;
    s->tx = &tx;
    err = req->job(&tx, req->arg);
    s->tx = NULL;
    if (!err)
        err = sql_exec(&s->sql, "COMMIT");
    if (err) {
        sql_exec(&s->sql, "ROLLBACK");
        return err;
    }
    histogram_add(&commit_job, (double)(clock_us() - start_us) / 1e6);
    if (tx.notice_all)
        writer_tell_all(s);
    for (size_t i = 0; i < tx.notice_count && !tx.notice_all; i++)
        writer_tell(s, tx.notices[i].noun, tx.notices[i].key);
    if (tx.audited)
        writer_tell_audit(s);
    return 0;
}

static int writer_job(struct store *s, const struct store_request *req)
{
    uint64_t end_ms = clock_ms() + WRITER_LOCKED_MS;
    int err;

    do {
        err = writer_try_job(s, req); /* waits STORE_BUSY_MS for the lock */
        cdrbatch_service(s, false);
    } while (err == EBUSY && clock_ms() < end_ms);
    if (err == EBUSY || err == EIO || err == ENOSPC || err == EUCLEAN) /* others are refusals */
        metric_add(&job_failed, 1);
    if (err == EIO || err == ENOSPC)
        cdrbatch_trouble(s, err);
    return err;
}

int store_job(struct store *s, store_job_h *job, void *arg)
{
    const struct store_request req = {
        .type = REQUEST_JOB, .job = job, .arg = arg, .actor = {.who = "system", .via = "system"}};

    return thread_writes == s ? writer_job(s, &req) : EDEADLK;
}

static int writer_mute_now(struct store *s)
{
    ask_mbox_free(s->asks);
    s->asks = NULL;
    return 0;
}

static int writer_add_listener(struct store *s, const struct store_listener *l)
{
    if (s->listener_count == STORE_LISTENERS_MAX)
        return ENOSPC;
    s->listeners[s->listener_count++] = *l;
    return 0;
}

static int writer_remove_listener(struct store *s, const struct store_listener *l)
{
    for (size_t i = 0; i < s->listener_count; i++) {
        if (s->listeners[i].h == l->h && s->listeners[i].arg == l->arg) {
            s->listeners[i] = s->listeners[--s->listener_count];
            return 0;
        }
    }
    return ENOENT;
}

static int writer_flush_now(struct store *s)
{
    int err = cdrbatch_service(s, true);
    int replay = cdrbatch_replay(s);

    return err ? err : replay;
}

static void request_h(void *msg, void *arg)
{
    const struct store_request *req = msg;
    struct store *s = arg;

    switch (req->type) {
    case REQUEST_JOB:
        *req->result = writer_job(s, req);
        break;
    case REQUEST_LISTEN:
        *req->result = writer_add_listener(s, &req->listener);
        break;
    case REQUEST_UNLISTEN:
        *req->result = writer_remove_listener(s, &req->listener);
        break;
    case REQUEST_FLUSH:
        *req->result = writer_flush_now(s);
        break;
    case REQUEST_MUTE:
        *req->result = writer_mute_now(s);
        break;
    case REQUEST_STOP:
        s->stopping = true;
        break;
    }
    latch_open(req->latch);
}

static void writer_check_others(struct store *s)
{
    int64_t version;

    if (sql_number(&s->sql, "PRAGMA data_version", &version) || version == s->data_version)
        return;
    s->data_version = version;
    writer_tell_all(s);
    writer_tell_audit(s);
}

static void writer_check_disk(const struct store *s)
{
    struct statvfs fs;
    uint64_t free_mb;

    if (statvfs(s->dir, &fs)) {
        health_set("disk", HEALTH_DEGRADED, "%s: %s", s->dir, strerror(errno));
        return;
    }
    metric_set(&disk_free, (int64_t)fs.f_bavail * (int64_t)fs.f_frsize);
    metric_set(&disk_size, (int64_t)fs.f_blocks * (int64_t)fs.f_frsize);
    free_mb = (uint64_t)fs.f_bavail * fs.f_frsize >> 20;
    if (fs.f_flag & ST_RDONLY)
        health_set("disk", HEALTH_DEGRADED, "%s is read-only", s->dir);
    else if (free_mb < DISK_LOW_MB)
        health_set("disk", HEALTH_DEGRADED, "%llu MB free in %s", (unsigned long long)free_mb, s->dir);
    else
        health_set("disk", HEALTH_UP, "%s", "");
}

static void writer_tick(struct store *s)
{
    uint64_t now = clock_ms();

    if (now < s->tick_ms)
        return;
    s->tick_ms = now + WRITER_TICK_MS;
    writer_check_others(s);
    cdrbatch_replay(s);
    notes_service(s);
    metric_set(&spill_bytes, (int64_t)spill_size(s->dir));
    if (now >= s->again_ms) {
        s->again_ms = now + store_again_ms;
        writer_tell_all(s);
    }
    if (now < s->disk_ms)
        return;
    s->disk_ms = now + WRITER_DISK_MS;
    writer_check_disk(s);
    if (!s->notes || now < s->seen_ms)
        return;
    s->seen_ms = now + WRITER_SEEN_MS;
    (void)callopen_seen(&s->sql, clock_wall_ms()); /* next time will do */
}

static void *writer_main(void *arg)
{
    struct store *s = arg;

    thread_writes = s;
    pthread_setname_np(pthread_self(), "store");
    s->again_ms = clock_ms() + store_again_ms;
    sql_number(&s->sql, "PRAGMA data_version", &s->data_version);
    while (!s->stopping) {
        struct pollfd fds[4] = {
            {.fd = mbox_fd(s->calls), .events = POLLIN},
            {.fd = cdrbatch_has_room(s) ? mbox_fd(s->cdrs) : -1, .events = POLLIN},
            {.fd = s->asks ? mbox_fd(s->asks) : -1, .events = POLLIN},
            {.fd = mbox_fd(s->traces), .events = POLLIN},
        };

        poll(fds, 4, cdrbatch_wait_ms(s, WRITER_TICK_MS));
        cdrbatch_service(s, false);
        mbox_drain(s->calls, request_h, s);
        if (s->asks)
            mbox_drain(s->asks, ask_answer_h, s);
        store_traces_service(s);
        writer_tick(s);
    }
    notes_service(s);
    cdrbatch_finish(s);
    store_traces_service(s);
    return NULL;
}

size_t writer_request_size(void)
{
    return sizeof(struct store_request);
}

int writer_start(struct store *s)
{
    int err = pthread_create(&s->thread, NULL, writer_main, s);

    s->running = !err;
    return err;
}

void writer_stop(struct store *s)
{
    struct store_request req = {.type = REQUEST_STOP};

    if (!s->running)
        return;
    while (request_send(s, &req) == EBUSY)
        poll(NULL, 0, 1); /* callers are not allowed any more: the mailbox empties */
    pthread_join(s->thread, NULL);
    s->running = false;
}
