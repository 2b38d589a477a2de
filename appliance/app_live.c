#include "app_live.h"
#include "app_push.h"
#include "app_reach.h"
#include "conf/conf.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/metric.h"
#include "crypto/cert.h"
#include "media/media.h"
#include "service/alerts.h"
#include "service/ban.h"
#include "service/session.h"
#include "service/setting.h"
#include "service/status.h"
#include "service/user.h"
#include "store/store.h"
#include "turn/turn.h"
#include "web/web.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

METRIC_GAUGE(sessions, "dngate_admin_sessions", NULL, "Sessions of the console that are good yet");

enum {
    TICK_MS = 1000,
    ATTENTION_MS = 2000, /* between two looks at trunks and parts */
    STUCK_MS = 10000,    /* the same while signalling does not answer */
    SLOW_MS = 10000,     /* at what needs the database, settings and files */
    MOS_MINUTES = 5,
};

struct app_live {
    struct app_live_config cfg;
    struct service sv; /* ours, so that nobody's `why` is written over */
    struct service_now now;
    struct app_push *push;
    struct attention_facts slow; /* what is looked at every SLOW_MS */
    uint64_t due_ms, attention_ms, slow_ms;
};

/* --- a sample --- */

/* proc(5): size and resident, in pages. */
static uint64_t rss_bytes(void)
{
    char line[128], *resident;
    FILE *f = fopen("/proc/self/statm", "re");
    uint64_t pages = 0;

    if (!f)
        return 0;
    if (fgets(line, sizeof(line), f) && (resident = strchr(line, ' ')))
        pages = strtoull(resident, NULL, 10);
    (void)fclose(f);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t cpu_us(void)
{
    struct rusage ru;

    (void)getrusage(RUSAGE_SELF, &ru);
    return (uint64_t)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) * 1000000 +
           (uint64_t)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec);
}

static void sample_make(const struct app_live *l, struct sample *s)
{
    struct media_totals media;
    struct turn_totals turn;

    media_totals(l->cfg.media, &media);
    turn_totals(l->cfg.turn, &turn);
    *s = (struct sample){
        .wall_ms = clock_wall_ms(),
        .us = clock_us(),
        .bytes = media.bytes + turn.bytes + web_bytes(),
        .turn_bytes = turn.bytes,
        .expected = media.expected,
        .lost = media.lost,
        .heard = media.heard,
        .mos_sum = media.mos_sum,
        .jitter_ms_sum = media.jitter_ms_sum,
        .cpu_us = cpu_us(),
        .rss_bytes = rss_bytes(),
        .errors = log_lines(LOG_ERROR) + log_lines(LOG_WARN),
        .cpus = (int)sysconf(_SC_NPROCESSORS_ONLN),
        .turn_allocations = turn.allocations,
    };
    callstat_totals(&s->calls);
    store_disk(&s->disk_free, &s->disk_size);
    (void)getloadavg(&s->load, 1);
}

static void sample_take(struct app_live *l)
{
    struct service_counts counts;
    struct figures row;
    struct sample s;

    sample_make(l, &s);
    if (!figures_take(&l->now.figures, &s, &row))
        return;
    if (!service_counts(&l->sv, &counts))
        row.v[FIGURE_REGISTRATIONS] = (double)counts.registrations;
    history_minute(l->sv.store, &row);
}

/* --- what needs attention --- */

static bool admin_h(const struct user *u, void *arg)
{
    *(bool *)arg |= u->role == USER_ADMIN;
    return *(bool *)arg;
}

static void pending_find(const struct app_live *l, char *buf, size_t sz)
{
    const struct conf_def *def;
    size_t len = 0;

    buf[0] = 0;
    for (size_t i = 0; (def = conf_at(i)) && len < sz; i++) {
        struct service_setting s;

        service_setting_get(&l->sv, def, &s);
        if (s.pending)
            len += (size_t)snprintf(buf + len, sz - len, "%s%s", len ? ", " : "", def->key);
    }
}

static void certificate_read(struct app_live *l)
{
    struct service_certificate *c = &l->now.certificate;
    struct cert_info info;
    char why[256];
    const int err = cert_check(l->cfg.cert, l->cfg.key, &info, why, sizeof(why));

    if (err && err != ETIME)
        return;
    (void)snprintf(c->subject, sizeof(c->subject), "%s", info.subject);
    c->expires_ms = info.not_after_ms;
    c->own = info.self_signed;
}

static bool session_count_h(const struct session *s, void *arg)
{
    (void)s;
    ++*(int64_t *)arg;
    return false;
}

static void slow_look(struct app_live *l)
{
    int64_t signed_in = 0;
    bool any = false;

    (void)service_user_each(&l->sv, admin_h, &any);
    l->slow.no_administrator = !any;
    pending_find(l, l->slow.pending, sizeof(l->slow.pending));
    certificate_read(l);
    if (!service_session_each(&l->sv, NULL, session_count_h, &signed_in))
        metric_set(&sessions, signed_in);
}

static void alert_h(const struct attention *what, bool begins, void *arg)
{
    struct app_live *l = arg;

    if (begins)
        log_warn("attention", "kind=%s level=%s %s", attention_kind_name(what->kind),
                 what->bad ? "bad" : "warn", what->text);
    else
        log_info("attention", "kind=%s over: %s", attention_kind_name(what->kind), what->text);
    service_alert(&l->sv, what, begins);
}

static bool ban_h(const struct guard_ban *b, void *arg)
{
    (void)b;
    ++*(size_t *)arg;
    return false;
}

static void attention_look(struct app_live *l, const struct service_picture *p)
{
    const struct service_trunks *trunks = &p->trunks;
    struct attention_facts f = l->slow;
    struct attention_list found;
    struct figures_now figures;

    figures_now(&l->now.figures, &figures);
    f.part_count = health_parts(f.parts);
    f.trunks = trunks->v;
    f.trunk_count = trunks->count;
    f.mos = figures_mos(&l->now.figures, MOS_MINUTES);
    f.disk_percent = figures.box.disk_percent;
    f.was = &l->now.attention;
    f.bans = 0;
    f.refused = p->counts.upstream.refused;
    memcpy(f.refused_dn, p->counts.upstream.dn, sizeof(f.refused_dn));
    memcpy(f.refused_text, p->counts.upstream.text, sizeof(f.refused_text));
    (void)service_ban_each(&l->sv, ban_h, &f.bans);
    (void)app_reach_closed(f.closed, sizeof(f.closed));
    attention_find(&f, &found);
    attention_take(&l->now.attention, &found, clock_wall_ms(), alert_h, l);
}

static void attention_tick(struct app_live *l, uint64_t now_ms)
{
    struct service_picture p;

    if (now_ms >= l->slow_ms) {
        l->slow_ms = now_ms + SLOW_MS;
        slow_look(l);
    }
    if (now_ms < l->attention_ms)
        return;
    if (service_picture(&l->sv, SERVICE_TRUNKS, &p)) {
        l->attention_ms = now_ms + STUCK_MS;
        return;
    }
    l->attention_ms = now_ms + ATTENTION_MS;
    attention_look(l, &p);
    service_picture_free(&p);
}

/* --- */

uint64_t app_live_due_ms(const struct app_live *l)
{
    return l->due_ms;
}

void app_live_tick(struct app_live *l)
{
    const uint64_t now_ms = clock_ms();

    if (now_ms < l->due_ms)
        return;
    l->due_ms = now_ms + TICK_MS;
    sample_take(l);
    attention_tick(l, now_ms);
    app_push_tick(l->push);
}

static bool minute_h(const struct history_calls *m, void *arg)
{
    figures_restore(arg, m);
    return false;
}

/* The last hour, as the records tell it. */
static void hour_read(struct app_live *l)
{
    struct store_reader *r;
    int err = store_reader_alloc(&r, l->sv.store);

    if (!err) {
        err = history_calls(r, clock_wall_ms() - (int64_t)FIGURES_MINUTES * 60000, minute_h, &l->now.figures);
        store_reader_free(r);
    }
    if (err)
        log_warn("app", "error=\"%s\" the last hour's calls are not known", store_strerror(err));
}

struct web_push *app_live_push(const struct app_live *l)
{
    return app_push_web(l->push);
}

int app_live_fd(const struct app_live *l)
{
    return app_push_fd(l->push);
}

void app_live_serve(struct app_live *l)
{
    app_push_serve(l->push);
}

int app_live_start(struct app_live **lp, const struct app_live_config *cfg)
{
    struct app_live *l = calloc(1, sizeof(*l));
    int err;

    if (!l)
        return ENOMEM;
    l->cfg = *cfg;
    l->sv = *cfg->service;
    l->now.lab = cfg->lab;
    l->now.started_ms = clock_wall_ms();
    l->sv.now = cfg->service->now = &l->now;
    err = alerts_start(&l->sv.alerts, l->sv.conf);
    cfg->service->alerts = l->sv.alerts;
    if (!err)
        err = app_push_alloc(&l->push, &l->sv);
    if (err) {
        app_live_free(l);
        return err;
    }
    hour_read(l);
    app_live_tick(l);
    *lp = l;
    return 0;
}

void app_live_free(struct app_live *l)
{
    if (!l)
        return;
    l->cfg.service->now = NULL;
    l->cfg.service->alerts = NULL;
    alerts_stop(l->sv.alerts);
    app_push_free(l->push);
    free(l);
}
