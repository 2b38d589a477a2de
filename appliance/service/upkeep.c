#include "service/upkeep.h"
#include "conf/conf.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/metric.h"
#include "store/audit.h"
#include "store/retention.h"
#include "store/store.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    LOOK_MS = 60000,
    AT_ONCE = 20000, /* rows that go before the others have their turn, and the end is looked for */
};
#define DAY_MS (24LL * 3600 * 1000)

struct upkeep {
    struct store *store;
    struct conf *conf;
    char dir[4096];
    pthread_t thread;
    int fd; /* eventfd: a setting has changed, or the end */
    atomic_bool stopping;
};

METRIC_COUNTER(removed_cdr, "dngate_retention_removed_total", "what=\"cdr\"",
               "Rows that were removed because of their age or number");
METRIC_COUNTER(removed_audit, "dngate_retention_removed_total", "what=\"audit\"",
               "Rows that were removed because of their age or number");
METRIC_COUNTER(removed_selftest, "dngate_retention_removed_total", "what=\"selftest\"",
               "Rows that were removed because of their age or number");

/* ---------------------------------------------------------------- retention */

static const struct kept {
    const char *days, *rows; /* settings; NULL: none */
    struct metric *removed;
} kept[RETENTION_TABLES] = {
    [RETENTION_CDR] = {"cdr.keep_days", "cdr.keep_records", &removed_cdr},
    [RETENTION_AUDIT] = {"audit.keep_days", "audit.keep_entries", &removed_audit},
    [RETENTION_SELFTEST] = {"selftest.keep_days", NULL, &removed_selftest},
};

/* What is removed is itself a change that somebody may ask after; of call records, whose going is daily, the log tells. */
static void tell(struct upkeep *u, enum retention_table t, size_t removed)
{
    char what[128];

    log_info("upkeep", "what=%s rows=%zu removed by their age or number", retention_name(t), removed);
    if (t != RETENTION_AUDIT)
        return;
    snprintf(what, sizeof(what), "audit: %zu old entries removed", removed);
    store_actor("system:retention");
    (void)audit_note_about(u->store, "audit", "", what);
}

/* True: there is more. */
static bool retain(struct upkeep *u, enum retention_table t)
{
    const int64_t days = conf_int(u->conf, kept[t].days);
    const int64_t rows = kept[t].rows ? conf_int(u->conf, kept[t].rows) : 0;
    size_t removed = 0;
    int err;

    if (!days && !rows)
        return false;
    err = retention_run(u->store, t, days ? clock_wall_ms() - days * DAY_MS : 0, rows, AT_ONCE, &removed);
    metric_add(kept[t].removed, (int64_t)removed);
    if (removed)
        tell(u, t, removed);
    if (err)
        log_warn("upkeep", "what=%s error=\"%s\" old rows stay for now", retention_name(t),
                 store_strerror(err));
    return !err && removed >= AT_ONCE;
}

static void retain_all(struct upkeep *u)
{
    bool more = true;

    while (more && !atomic_load(&u->stopping)) {
        more = false;
        for (int t = 0; t < RETENTION_TABLES; t++)
            more |= retain(u, (enum retention_table)t);
    }
}

/* ---------------------------------------------------------------- thread */

static void *upkeep_main(void *arg)
{
    struct upkeep *u = arg;
    struct pollfd fd = {.fd = u->fd, .events = POLLIN};
    uint64_t n;

    pthread_setname_np(pthread_self(), "upkeep");
    while (!atomic_load(&u->stopping)) {
        (void)poll(&fd, 1, LOOK_MS);
        (void)!read(u->fd, &n, sizeof(n));
        if (!atomic_load(&u->stopping))
            retain_all(u);
    }
    return NULL;
}

static void wake(const struct upkeep *u)
{
    const uint64_t one = 1;

    (void)!write(u->fd, &one, sizeof(one));
}

/* MAIN thread. */
static void setting_h(const char *key, void *arg)
{
    if (strstr(key, ".keep") || !strncmp(key, "backup.", 7))
        wake(arg);
}

int upkeep_start(struct upkeep **up, struct store *store, struct conf *conf, const char *dir)
{
    struct upkeep *u = calloc(1, sizeof(*u));
    int err;

    if (!u)
        return ENOMEM;
    u->store = store;
    u->conf = conf;
    snprintf(u->dir, sizeof(u->dir), "%s", dir);
    u->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    err = u->fd < 0 ? errno : conf_listen(conf, setting_h, u);
    if (!err)
        err = pthread_create(&u->thread, NULL, upkeep_main, u);
    if (err) {
        if (u->fd >= 0)
            close(u->fd);
        free(u);
    } else {
        *up = u;
    }
    return err;
}

void upkeep_stop(struct upkeep *u)
{
    if (!u)
        return;
    atomic_store(&u->stopping, true);
    wake(u);
    pthread_join(u->thread, NULL);
    close(u->fd);
    free(u);
}
