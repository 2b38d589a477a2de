/*
 * store/writer: the writer thread, owner of the only connection that writes. Private to store/.
 *
 *   any thread ── store_call(job) ──► [calls] ──► one transaction per job, then listeners, then the answer
 *   WEB ── store_questions() ───────► [asks] ───► the same, for who must not wait
 *   any thread ── cdr_write(row) ───► [cdrs]  ──► batch, committed 250 ms after its first row ── cannot? ──► DIR/cdr.spill
 *
 * A job that finds the database locked by another process is tried again for up to 5 s; call records are looked after
 * between the tries, so that a waiting job never holds them back.
 */
#ifndef STORE_WRITER_H
#define STORE_WRITER_H

#include "store/cdr.h"
#include "store/sql.h"
#include "store/store.h"

#include <limits.h>
#include <pthread.h>

struct mbox;
struct secret;

enum {
    STORE_CALLS_MAX = 64, /* jobs that wait for the writer */
    STORE_ASKS_MAX = 64,  /* questions that wait for it */
    STORE_CDRS_MAX = 512, /* rows of a batch */
    STORE_WAITING_MAX =
        8192, /* call records that wait for the writer: a quarter of an hour of ten calls a second; more are
                               * only in the log. Notes of calls that run have the first half */
    STORE_LISTENERS_MAX = 8,
    STORE_NOTICES_MAX =
        32, /* changed keys told one by one per transaction; more become one notice with key "" */
    STORE_BUSY_MS = 200, /* one try against another process's lock */
};

struct store_listener {
    store_change_h *h;
    void *arg;
};

struct store {
    char dir[PATH_MAX - 32];
    struct secret *secret;
    struct mbox *calls;    /* of struct store_request */
    struct mbox *asks;     /* of struct ask (core/ask); NULL: no more */
    struct mbox *cdrs;     /* of struct cdr */
    struct mbox *notes_in; /* of the history's rows (store/notes) */
    struct mbox *traces;   /* of struct store_trace */
    pthread_t thread;
    bool running;

    /* --- writer thread --- */
    struct store_listener listeners[STORE_LISTENERS_MAX];
    size_t listener_count;
    struct sql sql;
    struct store_tx *tx; /* the one that runs */
    void (*audit_news)(void *arg);
    void *audit_news_arg;
    struct cdr *batch; /* 2 * STORE_CDRS_MAX rows */
    size_t batch_count;
    uint64_t batch_due_ms; /* when to commit (again) */
    bool stopping;
    bool notes;           /* this process has noted calls that run */
    bool troubled;        /* the database could not be written; told to health */
    int64_t data_version; /* changes when another process commits */
    uint64_t tick_ms, disk_ms, seen_ms, again_ms;
};

struct store_tx { /* one job's transaction, on the writer thread */
    struct store *store;
    struct sql *sql;
    const struct store_actor *actor;
    int64_t now_ms;
    bool audit_off;      /* changed rows make no entries of their own: the job tells of all of them in one */
    bool audited;        /* entries were written */
    unsigned audit_rows; /* changed rows that nobody has found words for yet, */
    int64_t audit_id;    /* and the last one's entry */
    bool notice_all;
    size_t notice_count;
    struct store_notice {
        enum store_noun noun;
        char key[64];
    } notices[STORE_NOTICES_MAX];
};

/* Does its statements; any error rolls the transaction back and is what store_call returns. May run more than once. */
typedef int(store_job_h)(struct store_tx *tx, void *arg);
/* Runs job on the writer thread and waits until it is committed. EBUSY locked for too long or too many wait,
 * EDEADLK when called on the writer thread (from a listener). */
int store_call(struct store *s, store_job_h *job, void *arg);
/* The same from the writer thread, for the answer to a question. */
int store_job(struct store *s, store_job_h *job, void *arg);
/* Remembers to tell the listeners after the commit. */
void store_tx_notice(struct store_tx *tx, enum store_noun noun, const char *key);
/* "Look again at everything", key "" for each noun. */
void store_tx_notice_all(struct store_tx *tx);

size_t writer_request_size(void); /* of a message in calls */
int writer_start(struct store *s);
void writer_stop(struct store *s);
int writer_listen(struct store *s, store_change_h *h, void *arg);
int writer_unlisten(struct store *s, store_change_h *h, void *arg);
/* Drops the questions that wait, and their mailbox. */
int writer_mute(struct store *s);
/* Commits and replays every call record that was written before. */
int writer_flush(struct store *s);

/* Of dngate_db_commit_seconds. */
#define STORE_COMMIT_HELP "Time of one write transaction of the database, until it is safe on disk"
#define STORE_COMMIT_BOUNDS 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5

#endif
