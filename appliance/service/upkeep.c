#include "service/upkeep.h"
#include "conf/conf.h"
#include "core/clock.h"
#include "core/file.h"
#include "core/log.h"
#include "core/metric.h"
#include "service/backup.h"
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
    COPY_FIRST_MS =
        10 * 60000, /* after a start, when there is no copy yet or it is due: not in the thick of it */
    COPY_AGAIN_MS = 30 * 60000, /* after one that failed */
    PASSPHRASE_FILE_MAX = 4096,
    AT_ONCE = 20000, /* rows that go before the others have their turn, and the end is looked for */
};
#define HOUR_MS (3600LL * 1000)
#define DAY_MS (24 * HOUR_MS)

struct upkeep {
    struct store *store;
    struct conf *conf;
    pthread_t thread;
    int fd; /* eventfd: a setting has changed, or the end */
    atomic_bool stopping;
    _Atomic uint64_t copy_ms; /* on clock_ms: no copy before */
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

/* ---------------------------------------------------------------- copies */

METRIC_COUNTER(copies_failed, "dngate_backup_failures_total", NULL,
               "Copies of backup.every that could not be made");
METRIC_GAUGE(copied_at, "dngate_backup_timestamp_seconds", NULL,
             "When the newest copy of backup.every was made; 0: there is none");

/* Of the newest copy that was made by itself; 0: there is none. */
static int64_t copied_ms(struct service *sv)
{
    struct service_backup *v = calloc(BACKUPS_MAX, sizeof(*v));
    const size_t n = v ? service_backup_list(sv, v) : 0;
    int64_t ms = 0;

    for (size_t i = 0; i < n && !ms; i++)
        if (!strcmp(v[i].why, "scheduled"))
            ms = v[i].time_ms;
    free(v);
    metric_set(&copied_at, ms / 1000);
    return ms;
}

/* The first line of backup.passphrase_file; *passphrase NULL: it names none. */
static int passphrase_take(struct service *sv, char **passphrase)
{
    char file[CONF_VALUE_MAX];
    size_t n;
    int err;

    *passphrase = NULL;
    if (!*conf_str(sv->conf, "backup.passphrase_file", file, sizeof(file)))
        return 0;
    err = file_read(file, PASSPHRASE_FILE_MAX, passphrase, &n);
    if (err)
        return service_fail(sv, err, "backup.passphrase_file=%s: %s", file, strerror(err));
    (*passphrase)[strcspn(*passphrase, "\r\n")] = '\0';
    return 0;
}

static void copy(struct upkeep *u, struct service *sv)
{
    struct service_backup made;
    struct backup_info info;
    char *passphrase;
    int err = passphrase_take(sv, &passphrase);

    store_actor("system:schedule");
    if (!err)
        err = service_backup_make(sv, "scheduled", passphrase, (unsigned)conf_int(u->conf, "backup.keep"),
                                  &made, &info);
    if (passphrase)
        explicit_bzero(passphrase, strlen(passphrase));
    free(passphrase);
    if (err) {
        metric_add(&copies_failed, 1);
        log_error("upkeep", "error=\"%s\" the copy of backup.every could not be made; again in %d min",
                  sv->why, COPY_AGAIN_MS / 60000);
        u->copy_ms = clock_ms() + COPY_AGAIN_MS;
    } else {
        (void)copied_ms(sv);
    }
}

static void copy_when_due(struct upkeep *u)
{
    struct service sv = {.store = u->store, .conf = u->conf};
    const int64_t every_ms = conf_int(u->conf, "backup.every") * HOUR_MS, last_ms = copied_ms(&sv),
                  now_ms = clock_wall_ms();

    if (!every_ms || clock_ms() < u->copy_ms)
        return;
    if (!last_ms || last_ms > now_ms || now_ms - last_ms >= every_ms)
        copy(u, &sv);
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
        if (!atomic_load(&u->stopping))
            copy_when_due(u);
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
    struct upkeep *u = arg;

    if (!strncmp(key, "backup.", 7))
        atomic_store(&u->copy_ms, 0); /* whoever sets it up wants to see it */
    if (strstr(key, ".keep") || !strncmp(key, "backup.", 7))
        wake(u);
}

int upkeep_start(struct upkeep **up, struct store *store, struct conf *conf)
{
    struct upkeep *u = calloc(1, sizeof(*u));
    int err;

    if (!u)
        return ENOMEM;
    u->store = store;
    u->conf = conf;
    u->copy_ms = clock_ms() + COPY_FIRST_MS;
    service_backup_tidy(&(struct service){.store = store});
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
