#include "cmd/reading.h"
#include "cmd/control.h"
#include "core/clock.h"
#include "store/cdr.h"
#include "store/peek.h"
#include "store/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MINUTE_MS = 60000, HOUR_MS = 60 * MINUTE_MS, DAY_MS = 24 * HOUR_MS, SPANS_MAX = 100000 };

/* What a server would do at its start: bring an older database to today's schema, take in what waits in cdr.spill. While one runs
 * that is its to do. */
static int catch_up(struct cmd *c, bool older)
{
    char why[SERVICE_WHY_MAX] = "";
    struct store *s = NULL;
    int lock = -1, err = control_lock(&lock, c->dir);

    if (err)
        return older ? cmd_refuse(c, "%s: %s", c->dir,
                                  err == EADDRINUSE ? "the server that runs is of an older version"
                                                    : strerror(err))
                     : CMD_OK;
    err = store_open(&s, c->dir, why, sizeof(why));
    if (!err) {
        (void)cdr_flush(s);
        store_close(s);
    }
    close(lock);
    return err ? cmd_refuse(c, "%s", why) : CMD_OK;
}

/* CMD_OK: c->sv.store is there to be read. */
static int reading_open(struct cmd *c)
{
    char why[SERVICE_WHY_MAX] = "";
    bool older = false, spilled = false;
    int err = peek_open(&c->sv.store, c->dir, why, sizeof(why));

    if (!err)
        err = peek_due(c->sv.store, &older, &spilled);
    if (err)
        return cmd_refuse(c, "%s", why[0] ? why : store_strerror(err));
    return older || spilled ? catch_up(c, older) : CMD_OK;
}

/* Within a server its store is there already. */
int cmd_reading(struct cmd *c, int (*run)(struct cmd *c, const void *what), const void *what)
{
    int status;

    if (c->sv.store)
        return run(c, what);
    status = reading_open(c);
    if (!status)
        status = run(c, what);
    store_close(c->sv.store);
    c->sv.store = NULL;
    return status;
}

/* ---------------------------------------------------------------- moments */

/* 30m, 12h, 7d: so long ago. */
static int ago(int64_t *ms, const char *value, int64_t now_ms)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = {{"m", MINUTE_MS}, {"h", HOUR_MS}, {"d", DAY_MS}};
    char *end;
    const long n = strtol(value, &end, 10);

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (end > value && n > 0 && n <= SPANS_MAX && !strcmp(end, units[i].unit)) {
            *ms = now_ms - n * units[i].ms;
            return 0;
        }
    return EINVAL;
}

int cmd_moment(struct cmd *c, const struct args *a, const char *option, int64_t *ms)
{
    const char *value = args_get(a, option);

    if (!value || !clock_parse(ms, value) || !ago(ms, value, clock_wall_ms()))
        return CMD_OK;
    return cmd_misused(
        c, "--%s %s: 2026-11-28, 2026-11-28T08:30 or 2026-11-28T08:30:00Z (UTC), or 30m, 12h, 7d ago", option,
        value);
}
