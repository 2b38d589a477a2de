#include "store/cdr.h"
#include "core/clock.h"
#include "core/mbox.h"
#include "core/rnd.h"
#include "store/callopen.h"
#include "store/cdrbatch.h"
#include "store/cdrrow.h"
#include "store/reader.h"
#include "store/writer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void cdr_make_id(struct cdr *c)
{
    char random[9];

    rnd_str(random, sizeof(random), sizeof(random) - 1);
    snprintf(c->id, sizeof(c->id), CDR_ID_TIME "-%s",
             (unsigned long long)(c->start_ms ? c->start_ms : clock_wall_ms()), random);
}

void cdr_write(struct store *s, const struct cdr *c)
{
    struct cdr copy = *c;

    if (!copy.id[0])
        cdr_make_id(&copy);
    if (!copy.end_ms)
        copy.end_ms = clock_wall_ms();
    if (mbox_post_sure(s->cdrs,
                       &copy)) /* the writer hangs, and its disk: ours is no thread to hang on it, too */
        cdrbatch_lose(&copy);
}

/* On its way to the writer a running call is a record without an end. */
void cdr_note(struct store *s, const struct cdr *c)
{
    struct cdr copy = *c;

    copy.end_ms = 0;
    (void)mbox_post(s->cdrs, &copy);
}

struct left_arg {
    const char *reason;
    size_t *count;
};

static int left_job(struct store_tx *tx, void *arg)
{
    const struct left_arg *a = arg;

    return callopen_close_all(tx->sql, a->reason, a->count);
}

int cdr_close_left(struct store *s, const char *reason, size_t *count)
{
    struct left_arg arg = {reason, count};
    int err = cdr_flush(s); /* a record that waits in cdr.spill says more than ours */

    return err ? err : store_call(s, left_job, &arg);
}

int cdr_flush(struct store *s)
{
    return writer_flush(s);
}

int cdr_get(struct store_reader *r, const char *id, struct cdr *out)
{
    sqlite3_stmt *st;
    int err = sql_prepare(&r->sql, &st, cdrrow_select_one());

    if (err)
        return err;
    sql_bind(st, "t", id);
    err = sql_step(st);
    if (!err)
        cdrrow_read(st, out);
    sql_done(&r->sql, st);
    return err;
}
