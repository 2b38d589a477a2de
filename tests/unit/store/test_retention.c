/* What is old or too much goes, the newest stays, and an error leaves what is there. */
#include "core/clock.h"
#include "opened.h"
#include "store/audit.h"
#include "store/cdr.h"
#include "store/dn.h"
#include "store/retention.h"

#include <errno.h>
#include <string.h>

enum { CALLS = 1300 };

static bool count_h(const struct cdr *c, void *arg)
{
    (void)c;
    ++*(size_t *)arg;
    return false;
}

static size_t cdrs(void)
{
    size_t n = 0;

    CHECK_OR(!cdr_flush(store), return 0);
    CHECK_OR(!cdr_each(reader, &(struct cdr_filter){.limit = 2 * CALLS}, count_h, &n), return 0);
    return n;
}

static void put(int i)
{
    struct cdr c = {.dn = "5001", .start_ms = 1000 + i};

    snprintf(c.id, sizeof(c.id), CDR_ID_TIME "-%04d", (unsigned long long)c.start_ms, i);
    cdr_write(store, &c);
}

static bool first_h(const struct cdr *c, void *arg)
{
    *(int64_t *)arg = c->start_ms;
    return false;
}

TEST(call_records_go_by_age_and_by_number)
{
    size_t removed = 99;
    int64_t oldest = 0;

    CHECK(start());
    for (int i = 0; i < CALLS; i++)
        put(i);
    CHECK_EQ_INT(cdrs(), CALLS);
    CHECK_EQ_INT(retention_run(store, RETENTION_CDR, 0, 0, 0, &removed), 0);
    CHECK_EQ_INT(removed, 0);
    CHECK_EQ_INT(retention_run(store, RETENTION_CDR, 1000 + 600, 0, 0, &removed), 0);
    CHECK_EQ_INT(removed, 600);
    CHECK_EQ_INT(cdrs(), CALLS - 600);
    CHECK_EQ_INT(retention_run(store, RETENTION_CDR, 1000, 650, 20, &removed), 0);
    CHECK_EQ_INT(removed, 20);
    CHECK_EQ_INT(retention_run(store, RETENTION_CDR, 1000, 650, 0, &removed), 0);
    CHECK_EQ_INT(removed, 30);
    CHECK_EQ_INT(cdrs(), 650);
    CHECK_EQ_INT(cdr_each(reader, &(struct cdr_filter){.limit = CALLS}, first_h, &oldest), 0);
    CHECK_EQ_INT(oldest, 1000 + CALLS - 650); /* the newest 650 */
    finish();
}

TEST(the_newest_entry_of_the_audit_stays)
{
    int64_t n = 0, newest = 0;
    size_t removed = 0;

    CHECK(start());
    for (int i = 0; i < 5; i++)
        CHECK_EQ_INT(audit_note(store, "calls hangup: x"), 0);
    CHECK_EQ_INT(retention_run(store, RETENTION_AUDIT, clock_wall_ms() + 1000, 0, 0, &removed), 0);
    CHECK_EQ_INT(removed, 4);
    CHECK_EQ_INT(audit_count(reader, &(struct audit_filter){0}, &n), 0);
    CHECK_EQ_INT(audit_newest(reader, &newest), 0);
    CHECK_EQ_INT(n, 1);
    CHECK_EQ_INT(newest, 5);
    CHECK_EQ_INT(audit_note(store, "calls hangup: y"), 0);
    CHECK_EQ_INT(retention_run(store, RETENTION_AUDIT, 0, 1, 0, &removed), 0);
    CHECK_EQ_INT(audit_count(reader, &(struct audit_filter){0}, &n), 0);
    CHECK_EQ_INT(audit_newest(reader, &newest), 0);
    CHECK_EQ_INT(n, 1);
    CHECK_EQ_INT(newest, 6);
    finish();
}
