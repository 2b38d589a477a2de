#include "core/guard.h"
#include "core/clock.h"
#include "core/metric.h"
#include "core/table.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

enum {
    SLOW_AFTER = 5,
    BAN_AFTER = 20,
    BAN_SECONDS = 600,
    BAN_SECONDS_MAX = 24 * 3600,
    SOURCES_MAX = 8192,
    DELAY_MS = 250,
    DELAY_MS_MAX = 4000,
    FORGIVE_MS = 60 * 1000,
    OK_MS = 10 * 1000,
    WINDOW_MS = 600 * 1000,
    CLEAN_MS = 24 * 3600 * 1000,
};

METRIC_COUNTER(failures, "dngate_auth_failures_total", NULL, "Failed authentications, all sources");
METRIC_COUNTER(bans, "dngate_auth_bans_total", NULL, "Sources banned after repeated failures");
METRIC_GAUGE(banned, "dngate_auth_banned_sources", NULL, "Sources banned now");
METRIC_GAUGE(used, "dngate_limit_used", "name=\"guard_sources\"",
             "Entries in use of a bounded table, queue or buffer");
METRIC_GAUGE(limit, "dngate_limit_max", "name=\"guard_sources\"",
             "Most entries of a bounded table, queue or buffer");

struct key {
    uint8_t family;
    uint8_t net[ADDR_SOURCE_MAX];
};

struct source {
    TAILQ_ENTRY(source) le;
    struct key key;
    uint32_t score; /* failures not yet forgiven: decides about delays */
    uint64_t score_ms;
    uint32_t in_window; /* failures since window_ms: decides about the ban */
    uint64_t window_ms;
    uint64_t ok_ms; /* when a success last forgave one */
    uint32_t strikes;
    uint64_t banned_ms;       /* when the last ban began */
    uint64_t banned_until_ms; /* 0 = not banned */
};

TAILQ_HEAD(source_list, source);

struct guard {
    struct guard_config cfg;
    pthread_mutex_t lock;
    struct table *sources;
    struct source_list watched, banned; /* longest since the last failure, oldest ban first */
};

int guard_alloc(struct guard **gp, const struct guard_config *cfg)
{
    struct guard *g;
    int err;

    if (!gp)
        return EINVAL;
    g = calloc(1, sizeof(*g));
    if (!g)
        return ENOMEM;
    if (cfg)
        g->cfg = *cfg;
    g->cfg.slow_after = g->cfg.slow_after ? g->cfg.slow_after : SLOW_AFTER;
    g->cfg.ban_after = g->cfg.ban_after ? g->cfg.ban_after : BAN_AFTER;
    g->cfg.ban_seconds = g->cfg.ban_seconds ? g->cfg.ban_seconds : BAN_SECONDS;
    g->cfg.max_sources = g->cfg.max_sources ? g->cfg.max_sources : SOURCES_MAX;
    g->cfg.now_ms = g->cfg.now_ms ? g->cfg.now_ms : clock_ms;
    pthread_mutex_init(&g->lock, NULL);
    TAILQ_INIT(&g->watched);
    TAILQ_INIT(&g->banned);
    err = table_alloc(&g->sources, g->cfg.max_sources);
    if (err) {
        guard_free(g);
        return err;
    }
    metric_set(&limit, g->cfg.max_sources);
    *gp = g;
    return 0;
}

static struct source_list *list_of(struct guard *g, const struct source *s)
{
    return s->banned_until_ms ? &g->banned : &g->watched;
}

static void source_remove(struct guard *g, struct source *s)
{
    table_del(g->sources, &s->key, sizeof(s->key));
    TAILQ_REMOVE(list_of(g, s), s, le);
    metric_add(&banned, s->banned_until_ms ? -1 : 0);
    metric_add(&used, -1);
    free(s);
}

void guard_free(struct guard *g)
{
    struct source *s;

    if (!g)
        return;
    while ((s = TAILQ_FIRST(&g->watched)) || (s = TAILQ_FIRST(&g->banned)))
        source_remove(g, s);
    table_free(g->sources);
    pthread_mutex_destroy(&g->lock);
    free(g);
}

static void key_of(struct key *k, const struct addr *src)
{
    memset(k, 0, sizeof(*k));
    k->family = (uint8_t)addr_af(src);
    (void)addr_source(src, k->net);
}

static void source_release(struct guard *g, struct source *s)
{
    TAILQ_REMOVE(&g->banned, s, le);
    s->banned_until_ms = 0;
    s->score = s->in_window = 0;
    TAILQ_INSERT_TAIL(&g->watched, s, le);
    metric_add(&banned, -1);
}

/* Brings a source up to now: what time forgives is forgiven. */
static void source_age(struct guard *g, struct source *s, uint64_t now)
{
    uint64_t minutes;

    if (s->banned_until_ms > now)
        return;
    if (s->banned_until_ms) {
        s->window_ms = s->score_ms = s->banned_until_ms;
        source_release(g, s);
    }
    minutes = (now - s->score_ms) / FORGIVE_MS;
    s->score = minutes < s->score ? s->score - (uint32_t)minutes : 0;
    s->score_ms += minutes * FORGIVE_MS;
    if (now - s->window_ms >= WINDOW_MS) {
        s->in_window = 0;
        if (now - s->window_ms >= CLEAN_MS)
            s->strikes = 0;
    }
}

static struct source *source_find(struct guard *g, const struct addr *src, uint64_t now)
{
    struct source *s;
    struct key k;

    key_of(&k, src);
    s = table_get(g->sources, &k, sizeof(k));
    if (s)
        source_age(g, s, now);
    return s;
}

/* A flood from more sources than the table holds pushes out the quietest watched one, and a banned one only when all
 * are banned. */
static struct source *source_add(struct guard *g, const struct addr *src, uint64_t now)
{
    struct source *s;

    if (table_count(g->sources) >= g->cfg.max_sources) {
        s = TAILQ_FIRST(&g->watched);
        source_remove(g, s ? s : TAILQ_FIRST(&g->banned));
    }
    s = calloc(1, sizeof(*s));
    if (!s)
        return NULL;
    key_of(&s->key, src);
    s->score_ms = s->window_ms = now;
    if (table_put(g->sources, &s->key, sizeof(s->key), s)) {
        free(s);
        return NULL;
    }
    TAILQ_INSERT_TAIL(&g->watched, s, le);
    metric_add(&used, 1);
    return s;
}

static uint32_t delay_of(const struct guard *g, const struct source *s)
{
    uint32_t over = s->score - g->cfg.slow_after;

    return over >= 4 ? DELAY_MS_MAX : (uint32_t)DELAY_MS << over;
}

enum guard_verdict guard_check(struct guard *g, const struct addr *src, uint32_t *delay_ms)
{
    enum guard_verdict v = GUARD_PASS;
    const struct source *s;
    uint64_t now;

    if (delay_ms)
        *delay_ms = 0;
    pthread_mutex_lock(&g->lock);
    now = g->cfg.now_ms();
    s = source_find(g, src, now);
    if (s && s->banned_until_ms) {
        v = GUARD_BAN;
        if (delay_ms)
            *delay_ms = (uint32_t)(s->banned_until_ms - now); /* at most a day */
    } else if (s && s->score >= g->cfg.slow_after) {
        v = GUARD_DELAY;
        if (delay_ms)
            *delay_ms = delay_of(g, s);
    }
    pthread_mutex_unlock(&g->lock);
    return v;
}

static void source_ban(struct guard *g, struct source *s, uint64_t now)
{
    uint64_t seconds = s->strikes < 20 ? (uint64_t)g->cfg.ban_seconds << s->strikes : BAN_SECONDS_MAX;

    if (seconds > BAN_SECONDS_MAX)
        seconds = BAN_SECONDS_MAX;
    TAILQ_REMOVE(&g->watched, s, le);
    s->banned_ms = now;
    s->banned_until_ms = now + seconds * 1000;
    s->strikes++;
    TAILQ_INSERT_TAIL(&g->banned, s, le);
    metric_add(&bans, 1);
    metric_add(&banned, 1);
}

static enum guard_verdict fail_locked(struct guard *g, const struct addr *src, uint64_t now)
{
    struct source *s = source_find(g, src, now);

    if (!s)
        s = source_add(g, src, now);
    if (!s || s->banned_until_ms)
        return GUARD_PASS; /* a ban that stands is no news */
    if (!s->in_window)
        s->window_ms = now;
    if (!s->score)
        s->score_ms = now;
    s->score++;
    s->in_window++;
    TAILQ_REMOVE(&g->watched, s, le);
    TAILQ_INSERT_TAIL(&g->watched, s, le);
    if (s->in_window >= g->cfg.ban_after) {
        source_ban(g, s, now);
        return GUARD_BAN;
    }
    return s->score >= g->cfg.slow_after ? GUARD_DELAY : GUARD_PASS;
}

enum guard_verdict guard_fail(struct guard *g, const struct addr *src)
{
    enum guard_verdict v;

    metric_add(&failures, 1);
    pthread_mutex_lock(&g->lock);
    v = fail_locked(g, src, g->cfg.now_ms());
    pthread_mutex_unlock(&g->lock);
    return v;
}

void guard_ok(struct guard *g, const struct addr *src)
{
    struct source *s;
    uint64_t now;

    pthread_mutex_lock(&g->lock);
    now = g->cfg.now_ms();
    s = source_find(g, src, now);
    if (s && !s->banned_until_ms && (!s->ok_ms || now - s->ok_ms >= OK_MS)) {
        s->ok_ms = now;
        s->score -= s->score > 0;
        s->in_window -= s->in_window > 0;
    }
    pthread_mutex_unlock(&g->lock);
}

static void ban_describe(struct guard_ban *b, const struct source *s, uint64_t now)
{
    memset(b, 0, sizeof(*b));
    b->net.u.sa.sa_family = s->key.family;
    if (s->key.family == AF_INET)
        memcpy(&b->net.u.in.sin_addr, s->key.net, 4);
    else
        memcpy(&b->net.u.in6.sin6_addr, s->key.net, sizeof(s->key.net));
    b->prefix = s->key.family == AF_INET ? 32 : 64;
    b->since_s = (uint32_t)((now - s->banned_ms) / 1000);
    b->failures = s->in_window;
    b->left_s = (uint32_t)((s->banned_until_ms - now + 999) / 1000);
    b->strikes = s->strikes;
}

void guard_each(struct guard *g, guard_ban_h *h, void *arg)
{
    const struct source *s;
    struct guard_ban b;
    bool done = false;
    uint64_t now;

    pthread_mutex_lock(&g->lock);
    now = g->cfg.now_ms();
    TAILQ_FOREACH(s, &g->banned, le)
    {
        if (s->banned_until_ms <= now)
            continue; /* over, and not yet noticed */
        ban_describe(&b, s, now);
        done = done || h(&b, arg);
    }
    pthread_mutex_unlock(&g->lock);
}

size_t guard_lift(struct guard *g, const struct addr *src)
{
    struct source *s;
    size_t lifted = 0;

    pthread_mutex_lock(&g->lock);
    if (src) {
        s = source_find(g, src, g->cfg.now_ms());
        if (s) {
            lifted = s->banned_until_ms != 0;
            source_remove(g, s);
        }
    } else {
        for (; (s = TAILQ_FIRST(&g->banned)); lifted++)
            source_remove(g, s);
    }
    pthread_mutex_unlock(&g->lock);
    return lifted;
}
