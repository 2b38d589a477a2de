#include "service/trail.h"
#include "conf/conf.h"
#include "core/clock.h"
#include "core/file.h"
#include "core/health.h"
#include "core/log.h"
#include "core/metric.h"
#include "service/audit.h"
#include "service/syslog.h"
#include "store/store.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    TICK_MS = 1000,
    PAGE = 200,
    LOG_MAX = 200,  /* lines of one look; an import is one line's worth of news */
    SURE_MS = 2000, /* a connection that still stands so long after a message has brought it */
    AGAIN_MIN_MS = 1000,
    AGAIN_MAX_MS = 60000,
    CHANGE_MAX = 700, /* of a log line */
};

struct trail {
    struct store *store;
    struct conf *conf;
    char file[PATH_MAX];
    pthread_t thread;
    int fd; /* eventfd: news, or the end */
    atomic_bool stopping;

    struct store_reader *reader;
    int64_t logged; /* number of the last entry that is in the log */
    int64_t sent;   /* … that went over the connection */
    int64_t sure;   /* … that must have arrived: in DIR/audit.sent */
    uint64_t sent_ms;
    struct syslog_link *link;
    char server[CONF_VALUE_MAX], ca[CONF_VALUE_MAX]; /* that link goes by */
    uint64_t again_ms;                               /* when to try next */
    uint32_t wait_ms;
    bool troubled;
};

METRIC_COUNTER(sent_total, "dngate_audit_syslog_sent_total", NULL,
               "Entries of the audit that were sent to the syslog server");
METRIC_COUNTER(lost_total, "dngate_audit_syslog_lost_total", NULL,
               "Entries of the audit that were removed before the syslog server could be sent them");
METRIC_COUNTER(failed_total, "dngate_audit_syslog_failures_total", NULL,
               "Connections to the syslog server that failed or broke");
METRIC_GAUGE(up, "dngate_audit_syslog_up", NULL, "1 while the syslog server of the audit is connected");
METRIC_GAUGE(waiting, "dngate_audit_syslog_waiting", NULL,
             "Entries of the audit that wait for the syslog server");

/* ---------------------------------------------------------------- the log */

static bool log_h(const struct audit_entry *e, void *arg)
{
    struct trail *t = arg;
    char key[160], what[300], reason[300], change[CHANGE_MAX], who[80];
    struct buf b;

    t->logged = e->id;
    buf_init(&b, AUDIT_JSON_MAX);
    service_audit_change(&b, e);
    log_info(
        "audit", "id=%lld who=\"%s\" via=%s address=%s noun=%s key=\"%s\" change=\"%s\" reason=\"%s\" %s",
        (long long)e->id, log_quotable(who, sizeof(who), e->who), e->via, e->address[0] ? e->address : "-",
        e->noun[0] ? e->noun : "-", log_quotable(key, sizeof(key), e->key),
        log_quotable(change, sizeof(change), b.data ? b.data : ""),
        log_quotable(reason, sizeof(reason), e->reason), log_quotable(what, sizeof(what), e->what));
    buf_reset(&b);
    return false;
}

static void log_news(struct trail *t)
{
    struct audit_filter f = {.after_id = t->logged, .oldest_first = true, .limit = LOG_MAX};
    int64_t newest = t->logged;

    if (audit_each(t->reader, &f, log_h, t) || audit_newest(t->reader, &newest))
        return;
    if (newest > t->logged)
        log_info("audit", "count=%lld more entries, up to %lld: dngate audit shows them",
                 (long long)(newest - t->logged), (long long)newest);
    t->logged = newest; /* also back, when another database has taken its place */
}

/* ---------------------------------------------------------------- how far syslog is */

static void position_write(struct trail *t)
{
    char text[32];
    const int n = snprintf(text, sizeof(text), "%lld\n", (long long)t->sure);
    const int err = file_replace(t->file, text, (size_t)n, 0600);

    if (err)
        log_warn_limited("audit", "file=%s error=\"%s\" cannot be written", t->file, strerror(err));
}

/* Without one: from what came since this start. */
static void position_read(struct trail *t)
{
    char *text;
    size_t n;

    t->sure = t->logged;
    if (!file_read(t->file, 32, &text, &n)) {
        t->sure = strtoll(text, NULL, 10);
        free(text);
    }
    if (t->sure < 0)
        t->sure = 0;
    t->sent = t->sure;
}

static void trouble(struct trail *t, const char *why)
{
    metric_add(&failed_total, 1);
    metric_set(&up, 0);
    log_warn("audit", "server=%s again_ms=%u syslog: %s", t->server, t->wait_ms, why);
    health_set("audit", HEALTH_DEGRADED, "syslog server %s: %s", t->server, why);
    t->troubled = true;
    t->sent = t->sure; /* who knows what of the rest has arrived */
    t->again_ms = clock_ms() + t->wait_ms;
    t->wait_ms = t->wait_ms * 2 > AGAIN_MAX_MS ? AGAIN_MAX_MS : t->wait_ms * 2;
}

static void hang_up(struct trail *t)
{
    syslog_close(t->link);
    t->link = NULL;
    metric_set(&up, 0);
}

/* What has gone out long enough ago, over a connection that stands. */
static void make_sure(struct trail *t)
{
    if (t->sure == t->sent || clock_ms() < t->sent_ms + SURE_MS)
        return;
    t->sure = t->sent;
    position_write(t);
}

/* ---------------------------------------------------------------- syslog */

struct sending {
    struct trail *t;
    size_t count;
    int err;
};

static bool send_h(const struct audit_entry *e, void *arg)
{
    struct sending *s = arg;
    struct trail *t = s->t;

    if (e->id > t->sent + 1)
        metric_add(&lost_total, e->id - t->sent - 1);
    s->err = syslog_send(t->link, e);
    if (s->err)
        return true;
    s->count++;
    metric_add(&sent_total, 1);
    t->sent = e->id;
    t->sent_ms = clock_ms();
    return atomic_load(&t->stopping);
}

/* True: there may be more. */
static bool send_page(struct trail *t)
{
    const struct audit_filter f = {.after_id = t->sent, .oldest_first = true, .limit = PAGE};
    struct sending s = {.t = t};

    if (audit_each(t->reader, &f, send_h, &s))
        return false;
    if (s.err) {
        hang_up(t);
        trouble(t, "the connection broke");
    }
    return !s.err && s.count == PAGE;
}

static void configure(struct trail *t)
{
    char server[CONF_VALUE_MAX], ca[CONF_VALUE_MAX];

    conf_str(t->conf, "audit.syslog", server, sizeof(server));
    conf_str(t->conf, "audit.syslog_ca", ca, sizeof(ca));
    if (!strcmp(server, t->server) && !strcmp(ca, t->ca))
        return;
    hang_up(t);
    if (!t->server[0] && access(t->file, F_OK)) /* from the change of the setting on */
        t->sent = t->sure = t->logged > 0 ? t->logged - 1 : 0;
    snprintf(t->server, sizeof(t->server), "%s", server);
    snprintf(t->ca, sizeof(t->ca), "%s", ca);
    t->again_ms = 0;
    t->wait_ms = AGAIN_MIN_MS;
    if (t->troubled && !server[0])
        health_set("audit", HEALTH_UP, "%s", "");
    t->troubled = false;
    if (!server[0]) {
        (void)unlink(t->file);
        metric_set(&waiting, 0);
    }
}

static void connect_when_due(struct trail *t)
{
    char why[SYSLOG_WHY_MAX] = "";

    if (clock_ms() < t->again_ms)
        return;
    if (syslog_open(&t->link, t->server, t->ca, why, sizeof(why))) {
        t->link = NULL;
        trouble(t, why);
        return;
    }
    t->wait_ms = AGAIN_MIN_MS;
    metric_set(&up, 1);
    health_set("audit", HEALTH_UP, "%s", "");
    t->troubled = false;
    log_info("audit", "server=%s entries=%lld connected", t->server, (long long)(t->logged - t->sent));
}

static void serve_syslog(struct trail *t)
{
    configure(t);
    if (!t->server[0])
        return;
    if (t->sent > t->logged) /* another database */
        t->sent = t->sure = t->logged;
    if (t->link && syslog_gone(t->link)) {
        hang_up(t);
        trouble(t, "it has ended the connection");
    }
    if (t->link)
        make_sure(t);
    else
        connect_when_due(t);
    while (t->link && !atomic_load(&t->stopping) && send_page(t))
        continue;
    metric_set(&waiting, t->logged - t->sent);
}

/* ---------------------------------------------------------------- thread */

/* WRITER thread. */
static void news_h(void *arg)
{
    const struct trail *t = arg;
    const uint64_t one = 1;

    (void)!write(t->fd, &one, sizeof(one));
}

static void *trail_main(void *arg)
{
    struct trail *t = arg;
    uint64_t n;

    pthread_setname_np(pthread_self(), "audit");
    while (!atomic_load(&t->stopping)) {
        struct pollfd fds[] = {{.fd = t->fd, .events = POLLIN},
                               {.fd = t->link ? syslog_fd(t->link) : -1, .events = POLLIN}};

        (void)poll(fds, 2, t->server[0] ? TICK_MS : -1);
        (void)!read(t->fd, &n, sizeof(n));
        log_news(t);
        serve_syslog(t);
    }
    if (t->link) {
        t->sure = t->sent;
        position_write(t);
    }
    hang_up(t);
    return NULL;
}

/* Any thread: a setting of ours may be another. */
static void setting_h(const char *key, void *arg)
{
    if (!strncmp(key, "audit.", 6))
        news_h(arg);
}

int trail_start(struct trail **tp, struct store *store, struct conf *conf, const char *dir)
{
    struct trail *t = calloc(1, sizeof(*t));
    int err;

    if (!t)
        return ENOMEM;
    t->store = store;
    t->conf = conf;
    t->wait_ms = AGAIN_MIN_MS;
    snprintf(t->file, sizeof(t->file), "%s/audit.sent", dir);
    t->fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
    err = t->fd < 0 ? errno : store_reader_alloc(&t->reader, store);
    if (!err)
        err = audit_newest(t->reader, &t->logged);
    if (!err) {
        position_read(t);
        err = audit_listen(store, news_h, t);
    }
    if (!err)
        err = conf_listen(conf, setting_h, t);
    if (!err)
        err = pthread_create(&t->thread, NULL, trail_main, t);
    if (err) {
        (void)audit_listen(store, NULL, NULL);
        store_reader_free(t->reader);
        if (t->fd >= 0)
            close(t->fd);
        free(t);
        return err;
    }
    *tp = t;
    return 0;
}

void trail_stop(struct trail *t)
{
    if (!t)
        return;
    (void)audit_listen(t->store, NULL, NULL);
    atomic_store(&t->stopping, true);
    news_h(t);
    pthread_join(t->thread, NULL);
    store_reader_free(t->reader);
    close(t->fd);
    free(t);
}
