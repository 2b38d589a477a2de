#include "web/source.h"
#include "core/budget.h"
#include "core/metric.h"
#include "core/table.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { BURST = 4 }; /* seconds' worth that may come at once */

struct source {
    uint8_t key[1 + ADDR_SOURCE_MAX];
    uint32_t conns, banned; /* banned: of these, accepted while the source was banned */
    struct budget_account account;
    double tokens;
    uint64_t updated_ms;
};

METRIC_LIMIT(limit, "web_sources", SOURCES_MAX);

struct sources {
    struct table *table;
    uint32_t rate, conns_max;
    uint64_t now_ms; /* of a running sweep */
};

static void key_make(uint8_t key[1 + ADDR_SOURCE_MAX], const struct addr *a)
{
    memset(key, 0, 1 + ADDR_SOURCE_MAX);
    key[0] = addr_source(a, key + 1) == ADDR_SOURCE_MAX ? 6 : 4;
}

int sources_alloc(struct sources **sp, uint32_t rate_per_s, uint32_t conns_max)
{
    struct sources *s = calloc(1, sizeof(*s));
    int err;

    if (!s)
        return ENOMEM;
    s->rate = rate_per_s;
    s->conns_max = conns_max;
    err = table_alloc(&s->table, SOURCES_MAX);
    if (err) {
        free(s);
        return err;
    }
    *sp = s;
    return 0;
}

static bool free_h(void *val, void *arg)
{
    (void)arg;
    free(val);
    return false;
}

void sources_free(struct sources *s)
{
    if (!s)
        return;
    table_each(s->table, free_h, NULL);
    table_free(s->table);
    free(s);
}

static double bucket_size(const struct sources *s)
{
    return (double)s->rate * BURST;
}

static struct source *source_get(struct sources *s, const struct addr *a)
{
    uint8_t key[1 + ADDR_SOURCE_MAX];
    struct source *src;

    key_make(key, a);
    src = table_get(s->table, key, sizeof(key));
    if (src)
        return src;
    src = calloc(1, sizeof(*src));
    if (!src)
        return NULL;
    memcpy(src->key, key, sizeof(key));
    src->tokens = bucket_size(s);
    if (table_put(s->table, key, sizeof(key), src)) {
        free(src);
        return NULL;
    }
    metric_set(&limit, (int64_t)table_count(s->table));
    return src;
}

int source_enter(struct sources *s, const struct addr *a, bool banned)
{
    struct source *src = source_get(s, a);

    if (!src)
        return ENOSPC;
    if (s->conns_max && src->conns >= s->conns_max)
        return EUSERS;
    if (banned && src->banned >= SOURCE_BANNED_CONNS)
        return EUSERS;
    src->conns++;
    src->banned += banned;
    return 0;
}

struct budget_account *source_account(struct sources *s, const struct addr *a)
{
    struct source *src = source_get(s, a);

    return src ? &src->account : NULL;
}

size_t source_conns(const struct sources *s, const struct addr *a)
{
    const struct source *src;
    uint8_t key[1 + ADDR_SOURCE_MAX];

    key_make(key, a);
    src = table_get(s->table, key, sizeof(key));
    return src ? src->conns : 0;
}

void source_leave(struct sources *s, const struct addr *a, bool banned)
{
    struct source *src = source_get(s, a);

    if (!src || !src->conns)
        return;
    src->conns--;
    src->banned -= banned;
}

static void refill(const struct sources *s, struct source *src, uint64_t now_ms)
{
    double full = bucket_size(s);

    if (src->updated_ms)
        src->tokens += (double)(now_ms - src->updated_ms) * s->rate / 1000.0;
    if (src->tokens > full)
        src->tokens = full;
    src->updated_ms = now_ms;
}

bool source_request(struct sources *s, const struct addr *a, uint64_t now_ms, uint32_t *retry_s)
{
    struct source *src;

    *retry_s = 1;
    if (!s->rate)
        return true;
    src = source_get(s, a);
    if (!src)
        return false;
    refill(s, src, now_ms);
    if (src->tokens < 1.0)
        return false;
    src->tokens -= 1.0;
    return true;
}

static bool sweep_h(void *val, void *arg)
{
    struct source *src = val;
    struct sources *s = arg;

    refill(s, src, s->now_ms);
    if (!src->conns && src->tokens >= bucket_size(s)) {
        table_del(s->table, src->key, sizeof(src->key));
        free(src);
    }
    return false;
}

size_t sources_sweep(struct sources *s, uint64_t now_ms)
{
    s->now_ms = now_ms;
    table_each(s->table, sweep_h, s);
    metric_set(&limit, (int64_t)table_count(s->table));
    return table_count(s->table);
}
