#include "turn/quota.h"

#include "core/keyhash.h"
#include "core/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { STRANGERS = 4096, LEFT = 1024, BURST_LEAST = 65536, SECOND_US = 1000000 };

/* Somebody or some place that holds allocations. */
struct holder {
    uint32_t allocations;
    uint64_t credit;  /* bytes times microseconds that may be relayed at once */
    uint64_t last_us; /* when it was counted last */
    size_t klen;
    uint8_t key[];
};

struct quota_share {
    struct holder *user, *source;
};

struct stranger {
    uint32_t second;
    uint32_t answers[QUOTA_KINDS];
};

/* The bucket of a user without allocations: who comes back finds it as he left it. Users who share a place forget each other's. */
struct left {
    uint64_t user; /* a keyed hash */
    uint64_t credit, last_us;
};

struct quota {
    struct turn_limits limits;
    uint32_t allocations;
    struct table *users, *sources;
    struct stranger strangers[STRANGERS];
    struct left left[LEFT];
};

int quota_alloc(struct quota **qp, const struct turn_limits *l)
{
    struct quota *q = calloc(1, sizeof(*q));

    if (!q)
        return ENOMEM;
    if (table_alloc(&q->users, SIZE_MAX) || table_alloc(&q->sources, SIZE_MAX)) {
        quota_free(q);
        return ENOMEM;
    }
    q->limits = *l;
    *qp = q;
    return 0;
}

void quota_free(struct quota *q)
{
    if (!q)
        return;
    table_free(q->users); /* empty: every share was given back */
    table_free(q->sources);
    free(q);
}

void quota_set(struct quota *q, const struct turn_limits *l)
{
    q->limits = *l;
}

static bool within(uint32_t count, uint32_t limit)
{
    return !limit || count < limit;
}

static void release(struct table *t, struct holder *h)
{
    if (!h || --h->allocations)
        return;
    table_del(t, h->key, h->klen);
    free(h);
}

/* The holder of a key with one allocation more; an errno in *err when it may have none. */
static struct holder *hold(struct table *t, const void *key, size_t klen, uint32_t limit, int *err)
{
    struct holder *h = table_get(t, key, klen);

    if (h) {
        *err = within(h->allocations, limit) ? 0 : EDQUOT;
        h->allocations += !*err;
        return *err ? NULL : h;
    }
    *err = ENOMEM;
    h = calloc(1, sizeof(*h) + klen);
    if (!h)
        return NULL;
    h->klen = klen;
    memcpy(h->key, key, klen);
    *err = table_put(t, h->key, klen, h);
    if (*err) {
        free(h);
        return NULL;
    }
    h->allocations = 1;
    return h;
}

/* With his last allocation. */
static void leave(struct quota *q, const struct holder *u)
{
    uint64_t hash = keyhash(u->key, u->klen);

    if (u->allocations == 1)
        q->left[hash % LEFT] = (struct left){hash, u->credit, u->last_us};
}

/* With his first allocation. */
static void come_back(const struct quota *q, struct holder *u)
{
    uint64_t hash = keyhash(u->key, u->klen);
    const struct left *l = &q->left[hash % LEFT];

    if (u->allocations > 1 || l->user != hash)
        return;
    u->credit = l->credit;
    u->last_us = l->last_us;
}

int quota_take(struct quota *q, struct quota_share **sp, const char *user, const struct addr *source)
{
    const struct turn_limits *l = &q->limits;
    uint8_t key[ADDR_SOURCE_MAX];
    size_t klen = addr_source(source, key);
    struct quota_share *s;
    int err = EDQUOT;

    if (!within(q->allocations, l->allocations))
        return EDQUOT;
    s = calloc(1, sizeof(*s));
    if (!s)
        return ENOMEM;
    s->user = hold(q->users, user, strlen(user), l->allocations_per_user, &err);
    if (s->user)
        s->source = hold(q->sources, key, klen, l->allocations_per_source, &err);
    if (!s->source) {
        release(q->users, s->user);
        free(s);
        return err;
    }
    come_back(q, s->user);
    q->allocations++;
    *sp = s;
    return 0;
}

void quota_give(struct quota *q, struct quota_share *s)
{
    if (!s)
        return;
    leave(q, s->user);
    release(q->users, s->user);
    release(q->sources, s->source);
    free(s);
    q->allocations--;
}

uint64_t quota_owner(const struct quota_share *s)
{
    return keyhash(s->user->key, s->user->klen);
}

bool quota_spend(struct quota *q, struct quota_share *s, size_t n, uint64_t now_us)
{
    struct holder *u = s->user;
    uint64_t rate = q->limits.bytes_per_second, passed = now_us - u->last_us;
    uint64_t most = (rate > BURST_LEAST ? rate : BURST_LEAST) * SECOND_US, cost = (uint64_t)n * SECOND_US;

    if (!rate)
        return true;
    u->last_us = now_us;
    /* after a second nothing more is gained, except where the rate is below the least burst */
    u->credit = passed >= most / rate || u->credit + passed * rate >= most ? most : u->credit + passed * rate;
    if (u->credit < cost)
        return false;
    u->credit -= cost;
    return true;
}

uint32_t quota_users(const struct quota *q)
{
    return (uint32_t)table_count(q->users);
}

static uint32_t limit_of(const struct quota *q, enum quota_kind kind)
{
    return kind == QUOTA_BINDING ? q->limits.bindings_per_second : q->limits.challenges_per_second;
}

static size_t place_of(const struct addr *source)
{
    uint8_t key[ADDR_SOURCE_MAX];

    return keyhash(key, addr_source(source, key)) % STRANGERS;
}

bool quota_left(const struct quota *q, enum quota_kind kind, const struct addr *source, uint64_t now_us)
{
    const struct stranger *s = &q->strangers[place_of(source)];

    return s->second != (uint32_t)(now_us / SECOND_US) || within(s->answers[kind], limit_of(q, kind));
}

bool quota_answer(struct quota *q, enum quota_kind kind, const struct addr *source, uint64_t now_us)
{
    uint32_t second = (uint32_t)(now_us / SECOND_US);
    struct stranger *s = &q->strangers[place_of(source)];

    if (!limit_of(q, kind))
        return true;
    if (s->second != second)
        *s = (struct stranger){.second = second};
    if (!within(s->answers[kind], limit_of(q, kind)))
        return false;
    s->answers[kind]++;
    return true;
}
