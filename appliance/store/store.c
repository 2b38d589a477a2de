#include "store/store.h"
#include "core/ask.h"
#include "core/health.h"
#include "core/log.h"
#include "core/mbox.h"
#include "crypto/secret.h"
#include "store/audittrail.h"
#include "store/cdr.h"
#include "store/notes.h"
#include "store/reader.h"
#include "store/schema.h"
#include "store/trace.h"
#include "store/writer.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { READER_BUSY_MS = 1000 };

/* The database is open and migrated; now what stands around it. */
static int store_make(struct store *s)
{
    char keyfile[PATH_MAX];
    int err;

    snprintf(keyfile, sizeof(keyfile), "%s/secret.key", s->dir);
    err = secret_alloc(&s->secret, keyfile);
    if (err)
        return err;
    s->batch = calloc(2 * STORE_CDRS_MAX, sizeof(*s->batch));
    if (!s->batch)
        return ENOMEM;
    err = mbox_alloc(&s->calls, "store_calls", writer_request_size(), STORE_CALLS_MAX);
    if (!err)
        err = ask_mbox_alloc(&s->asks, "store_questions", STORE_ASKS_MAX);
    if (!err)
        err = mbox_alloc(&s->cdrs, "store_cdrs", sizeof(struct cdr), STORE_WAITING_MAX);
    if (!err)
        err = notes_alloc(&s->notes_in);
    if (!err)
        err = store_traces_alloc(s);
    if (!err)
        mbox_reserve(s->cdrs, STORE_WAITING_MAX / 2);
    if (!err)
        err = audittrail_start(s);
    if (!err)
        err = writer_start(s);
    return err;
}

int store_open(struct store **sp, const char *dir, char *why, size_t whysz)
{
    struct schema schema = {store_schema_sql, store_migrations, store_migration_count};
    struct store *s = calloc(1, sizeof(*s));
    int err;

    if (!s) {
        snprintf(why, whysz, "%s", strerror(ENOMEM));
        return ENOMEM;
    }
    snprintf(s->dir, sizeof(s->dir), "%s", dir);
    err = schema_open(&s->sql, dir, &schema, why, whysz);
    if (err)
        goto out;
    sqlite3_busy_timeout(s->sql.db, STORE_BUSY_MS);
    err = store_make(s);
    if (err)
        snprintf(why, whysz, "%s: cannot open the store: %s", dir, strerror(err));

out:
    if (err) {
        store_close(s);
        return err;
    }
    health_set("store", HEALTH_UP, "%s", "");
    *sp = s;
    return 0;
}

void store_close(struct store *s)
{
    if (!s)
        return;
    writer_stop(s);
    mbox_free(s->calls, NULL, NULL);
    ask_mbox_free(s->asks);
    mbox_free(s->cdrs, NULL, NULL);
    mbox_free(s->notes_in, NULL, NULL);
    store_traces_free(s);
    secret_free(s->secret);
    sql_close(&s->sql);
    free(s->batch);
    free(s);
}

const char *store_strerror(int err)
{
    switch (err) {
    case EBUSY:
        return "the database is locked by another process";
    case EUCLEAN:
        return "the database is damaged";
    case ENOENT:
        return "there is no such entry";
    case EEXIST:
        return "exists already";
    default:
        return strerror(err);
    }
}

int store_listen(struct store *s, store_change_h *h, void *arg)
{
    return writer_listen(s, h, arg);
}

void store_unlisten(struct store *s, store_change_h *h, void *arg)
{
    while (writer_unlisten(s, h, arg) == EBUSY)
        sched_yield(); /* its mailbox is full: it will not be for long */
}

struct mbox *store_questions(const struct store *s)
{
    return s->asks;
}

void store_questions_end(struct store *s)
{
    while (s && writer_mute(s) == EBUSY)
        sched_yield(); /* as above */
}

int store_reader_alloc(struct store_reader **rp, struct store *s)
{
    struct store_reader *r = calloc(1, sizeof(*r));
    char path[PATH_MAX];
    int err;

    if (!r)
        return ENOMEM;
    r->store = s;
    snprintf(path, sizeof(path), "%s/dngate.db", s->dir);
    err = sql_open(&r->sql, path, SQL_READER, READER_BUSY_MS);
    if (err)
        free(r);
    else
        *rp = r;
    return err;
}

void store_reader_free(struct store_reader *r)
{
    if (!r)
        return;
    sql_close(&r->sql);
    free(r);
}

int store_reader_version(struct store_reader *r, int64_t *version)
{
    return sql_number(&r->sql, "PRAGMA data_version", version);
}

void store_key(const struct store *s, uint8_t out[32], const char *label)
{
    secret_derive(s->secret, out, label);
}

const char *store_dir(const struct store *s)
{
    return s->dir;
}
