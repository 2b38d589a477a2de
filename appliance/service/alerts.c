#include "service/alerts.h"
#include "conf/conf.h"
#include "core/buf.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/mbox.h"
#include "core/metric.h"
#include "core/snapshot.h"
#include "core/thread.h"
#include "service/webhook.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BODY_MAX = 2048, CA_MAX = 500, PAUSE_MS = 1000, ORDERS_MAX = 16 };

METRIC_COUNTER(alerts_sent, "dngate_alerts_total", "result=\"sent\"", "Alerts for the webhook");
METRIC_COUNTER(alerts_failed, "dngate_alerts_total", "result=\"failed\"", "Alerts for the webhook");
METRIC_COUNTER(alerts_dropped, "dngate_alerts_total", "result=\"dropped\"", "Alerts for the webhook");
METRIC_COUNTER(tries_failed, "dngate_alert_tries_failed_total", NULL,
               "Tries to reach the webhook that failed");
METRIC_LIMIT(waiting, "alerts", ALERTS_MAX);

struct job {        /* by value */
    char label[96]; /* "trunk genesys begins" */
    char body[BODY_MAX];
    size_t len;
};

struct order { /* main thread → ours */
    enum { ORDER_SEND, ORDER_TO } type;
    struct job job;
    char url[WEBHOOK_URL_MAX], ca[CA_MAX + 1]; /* ORDER_TO: from now on */
};

struct outcome {
    int64_t time_ms;
    bool ok;
    char detail[200];
};

struct alerts {
    atomic_int refs; /* the main thread's and the thread's own */
    atomic_bool stop;
    struct mbox *orders; /* of struct order */
    SNAPSHOT(last, struct outcome);
    _Atomic size_t waiting;
    char host[64];           /* ours */
    const struct conf *conf; /* main thread */

    /* --- thread */
    struct job *v; /* ALERTS_MAX, the oldest first */
    size_t count;
    unsigned tries; /* of the first */
    char url[WEBHOOK_URL_MAX], ca[CA_MAX + 1];
    uint64_t due_ms;
};

static void alerts_unref(struct alerts *a)
{
    if (atomic_fetch_sub(&a->refs, 1) != 1)
        return;
    mbox_free(a->orders, NULL, NULL);
    free(a->v);
    explicit_bzero(a, sizeof(*a)); /* URLs hold secrets */
    free(a);
}

/* ---------------------------------------------------------------- the thread */

static void count_tell(struct alerts *a)
{
    atomic_store(&a->waiting, a->count);
    metric_set(&waiting, (int64_t)a->count);
}

static void first_drop(struct alerts *a)
{
    a->count--;
    memmove(a->v, a->v + 1, a->count * sizeof(*a->v));
    a->tries = 0;
    a->due_ms = 0;
}

static void job_add(struct alerts *a, const struct job *j)
{
    if (!a->url[0])
        return;
    if (a->count == ALERTS_MAX) {
        metric_add(&alerts_dropped, 1);
        log_warn("alerts", "alert=\"%s\" dropped: too many wait for the webhook", a->v[0].label);
        first_drop(a);
    }
    a->v[a->count++] = *j;
}

/* To somebody else, or with other CAs: what waits is tried at once; to nobody: it goes. */
static void address(struct alerts *a, const struct order *o)
{
    memcpy(a->url, o->url, sizeof(a->url));
    memcpy(a->ca, o->ca, sizeof(a->ca));
    a->tries = 0;
    a->due_ms = 0;
    if (!a->url[0])
        a->count = 0;
}

static void order_h(void *msg, void *arg)
{
    struct order *o = msg;
    struct alerts *a = arg;

    if (o->type == ORDER_TO)
        address(a, o);
    else
        job_add(a, &o->job);
    explicit_bzero(o, sizeof(*o));
    count_tell(a);
}

static uint64_t pause_ms(unsigned tries)
{
    const uint64_t ms = tries < 8 ? (uint64_t)PAUSE_MS << (tries - 1) : ALERTS_PAUSE_MAX_MS;

    return ms < ALERTS_PAUSE_MAX_MS ? ms : ALERTS_PAUSE_MAX_MS;
}

static void outcome_tell(struct alerts *a, const struct job *j, int err, const char *why)
{
    struct outcome o = {.time_ms = clock_wall_ms(), .ok = !err};

    snprintf(o.detail, sizeof(o.detail), "%s: %.100s", j->label, err ? why : "sent");
    snapshot_store(a->last, &o, sizeof(o));
}

static void first_try(struct alerts *a)
{
    const struct job *j = &a->v[0];
    struct webhook_url u;
    char why[128] = "";
    int err = webhook_url_parse(&u, a->url);

    if (!err)
        err = webhook_post(&u, a->ca, j->body, j->len, why, sizeof(why));
    explicit_bzero(&u, sizeof(u));
    outcome_tell(a, j, err, why);
    a->tries++;
    if (!err) {
        metric_add(&alerts_sent, 1);
        log_info("alerts", "alert=\"%s\" tries=%u sent to the webhook", j->label, a->tries);
        first_drop(a);
    } else if (a->tries == ALERTS_TRIES) {
        metric_add(&alerts_failed, 1);
        log_error("alerts", "alert=\"%s\" error=\"%s\" tries=%u given up", j->label, why, a->tries);
        first_drop(a);
    } else {
        metric_add(&tries_failed, 1);
        a->due_ms = clock_ms() + pause_ms(a->tries);
        log_warn_limited("alerts", "alert=\"%s\" error=\"%s\" again in %llu s", j->label, why,
                         (unsigned long long)pause_ms(a->tries) / 1000);
    }
    count_tell(a);
}

static void *alerts_main(void *arg)
{
    struct alerts *a = arg;

    while (!atomic_load(&a->stop)) {
        struct pollfd fd = {.fd = mbox_fd(a->orders), .events = POLLIN};
        const uint64_t now = clock_ms();

        if (a->count && now >= a->due_ms)
            first_try(a);
        else
            (void)poll(&fd, 1, a->count ? (int)(a->due_ms - now) : -1);
        (void)mbox_drain(a->orders, order_h, a);
    }
    alerts_unref(a);
    return NULL;
}

/* ---------------------------------------------------------------- main thread */

static void address_tell(const struct alerts *a)
{
    struct order o = {.type = ORDER_TO};

    (void)conf_str(a->conf, "alerts.webhook", o.url, sizeof(o.url));
    (void)conf_str(a->conf, "alerts.ca", o.ca, sizeof(o.ca));
    (void)mbox_post(a->orders, &o);
    explicit_bzero(&o, sizeof(o));
}

static void setting_h(const char *key, void *arg)
{
    if (!strcmp(key, "alerts.webhook") || !strcmp(key, "alerts.ca"))
        address_tell(arg);
}

int alerts_start(struct alerts **ap, struct conf *conf)
{
    struct alerts *a = calloc(1, sizeof(*a));
    int err;

    if (!a)
        return ENOMEM;
    a->refs = 1;
    if (gethostname(a->host, sizeof(a->host) - 1))
        a->host[0] = '\0';
    a->conf = conf;
    a->v = calloc(ALERTS_MAX, sizeof(*a->v));
    err = a->v ? mbox_alloc(&a->orders, "alerts", sizeof(struct order), ORDERS_MAX) : ENOMEM;
    if (!err)
        err = conf_listen(conf, setting_h, a);
    if (!err) {
        a->refs = 2;
        err = thread_detached("alerts", alerts_main, a);
        if (err)
            a->refs = 1;
    }
    if (err) {
        alerts_unref(a);
        return err;
    }
    address_tell(a);
    *ap = a;
    return 0;
}

void alerts_stop(struct alerts *a)
{
    const struct order wake = {.type = ORDER_TO};

    if (!a)
        return;
    atomic_store(&a->stop, true);
    (void)mbox_post(a->orders, &wake);
    alerts_unref(a);
}

/* "trunk, disk" has "disk". */
static bool listed(const char *list, const char *name)
{
    const size_t n = strlen(name);

    for (const char *p = list; *p;) {
        const size_t len = strcspn(p, ", ");

        if (len == n && !strncmp(p, name, n))
            return true;
        p += len;
        p += strspn(p, ", ");
    }
    return false;
}

static void member(struct buf *out, const char *name, const char *text)
{
    buf_printf(out, ",\"%s\":", name);
    buf_json_str(out, text);
}

static void body_write(struct buf *out, const struct alerts *a, const char *event, const char *state,
                       const struct attention *what)
{
    const bool ends = !strcmp(state, "ends");
    char text[400];

    snprintf(text, sizeof(text), "%s: %s%s", a->host[0] ? a->host : "dngate", ends ? "Over: " : "",
             what->text);
    buf_puts(out, "{\"source\":\"dngate\"");
    member(out, "host", a->host);
    member(out, "event", event);
    member(out, "state", state);
    member(out, "level", what->bad ? "bad" : "warn");
    member(out, "code", what->code);
    member(out, "name", what->name);
    member(out, "text", text);
    member(out, "advice", ends || !what->advice ? "" : what->advice);
    buf_printf(out, ",\"time_ms\":%lld,\"since_ms\":%lld}", (long long)clock_wall_ms(),
               (long long)what->since_ms);
}

static int send_to(struct service *sv, const char *event, const char *state, const struct attention *what)
{
    const struct alerts *a = sv->alerts;
    struct order o = {.type = ORDER_SEND};
    struct job *j = &o.job;
    struct buf body;
    int err;

    buf_init(&body, sizeof(j->body) - 1);
    body_write(&body, a, event, state, what);
    err = body.err;
    if (!err) {
        memcpy(j->body, body.data, body.len);
        j->len = body.len;
        snprintf(j->label, sizeof(j->label), "%s%s%s %s", event, what->name[0] ? " " : "", what->name, state);
        err = mbox_post(a->orders, &o);
    }
    if (err)
        metric_add(&alerts_dropped, 1);
    buf_reset(&body);
    return err;
}

static bool webhook_set(const struct service *sv)
{
    char url[WEBHOOK_URL_MAX];

    (void)conf_str(sv->conf, "alerts.webhook", url, sizeof(url));
    return url[0] != '\0';
}

void service_alert(struct service *sv, const struct attention *what, bool begins)
{
    const char *event = attention_kind_name(what->kind);
    char events[256];

    (void)conf_str(sv->conf, "alerts.events", events, sizeof(events));
    if (sv->alerts && webhook_set(sv) && listed(events, event))
        (void)send_to(sv, event, begins ? "begins" : "ends", what);
}

int service_alerts_test(struct service *sv)
{
    const struct attention what = {
        .code = "test", .text = "This is a test of the webhook.", .advice = "Nothing is to be done."};
    int err;

    if (!sv->alerts)
        return service_fail(sv, ENOTCONN, "no server runs here: it is the one that sends alerts");
    if (!webhook_set(sv))
        return service_fail(sv, EINVAL, "no webhook is set: dngate settings alerts.webhook https://…");
    err = send_to(sv, "test", "test", &what);
    return err ? service_fail(sv, err, "too many alerts wait for the webhook") : 0;
}

int service_alerts(struct service *sv, struct service_alerts *out)
{
    struct outcome o;

    memset(out, 0, sizeof(*out));
    if (!sv->alerts)
        return service_fail(sv, ENOTCONN, "no server runs here: it is the one that sends alerts");
    snapshot_load(sv->alerts->last, &o, sizeof(o));
    out->webhook_set = webhook_set(sv);
    (void)conf_str(sv->conf, "alerts.events", out->events, sizeof(out->events));
    out->waiting = atomic_load(&sv->alerts->waiting);
    out->time_ms = o.time_ms;
    out->ok = o.ok;
    snprintf(out->detail, sizeof(out->detail), "%s", o.detail);
    return 0;
}
