#include "turn/allocation.h"

#include "core/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 4096 /* a second each: more than anything lasts */, FLOW_KEY_LEN = 1 + 2 * 18 };

_Static_assert(SLOTS > ALLOCATION_SECONDS_MAX + 1, "the wheel turns once in more than the longest life");

struct allocations {
    struct table *by_flow;
    uint32_t now_s;
    struct allocation *wheel[SLOTS];
};

int allocations_alloc(struct allocations **sp, uint32_t now_s)
{
    struct allocations *s = calloc(1, sizeof(*s));

    if (!s)
        return ENOMEM;
    if (table_alloc(&s->by_flow, SIZE_MAX)) {
        free(s);
        return ENOMEM;
    }
    s->now_s = now_s;
    *sp = s;
    return 0;
}

void allocations_free(struct allocations *s)
{
    if (!s)
        return;
    table_free(s->by_flow);
    free(s);
}

static void key_addr(uint8_t key[18], const struct addr *a)
{
    uint16_t port = addr_port(a);

    memset(key, 0, 18);
    if (addr_af(a) == AF_INET6)
        memcpy(key, &a->u.in6.sin6_addr, 16);
    else
        memcpy(key, &a->u.in.sin_addr, 4);
    memcpy(key + 16, &port, 2);
}

static void flow_key(uint8_t key[FLOW_KEY_LEN], const struct turn_flow *f)
{
    key[0] = (uint8_t)(f->proto | (addr_af(&f->client) == AF_INET6 ? 0x80 : 0));
    key_addr(key + 1, &f->client);
    key_addr(key + 19, &f->local);
}

struct allocation *allocation_find(const struct allocations *s, const struct turn_flow *f)
{
    uint8_t key[FLOW_KEY_LEN];

    flow_key(key, f);
    return table_get(s->by_flow, key, sizeof(key));
}

static void unlink_due(struct allocation *a)
{
    if (!a->prev)
        return;
    *a->prev = a->next;
    if (a->next)
        a->next->prev = a->prev;
    a->prev = NULL;
}

static void link_due(struct allocations *s, struct allocation *a, uint32_t due_s)
{
    struct allocation **slot;

    if (due_s <= s->now_s)
        due_s = s->now_s + 1;
    slot = &s->wheel[due_s % SLOTS];
    a->due_s = due_s;
    a->next = *slot;
    a->prev = slot;
    if (a->next)
        a->next->prev = &a->next;
    *slot = a;
}

void allocation_due(struct allocations *s, struct allocation *a, uint32_t due_s)
{
    if (due_s >= a->due_s)
        return;
    unlink_due(a);
    link_due(s, a, due_s);
}

int allocation_alloc(struct allocations *s, struct allocation **ap, const struct turn_flow *f,
                     uint32_t expires_s)
{
    struct allocation *a = calloc(1, sizeof(*a));
    uint8_t key[FLOW_KEY_LEN];

    if (!a)
        return ENOMEM;
    flow_key(key, f);
    if (table_put(s->by_flow, key, sizeof(key), a)) {
        free(a);
        return ENOMEM;
    }
    a->flow = *f;
    a->expires_s = expires_s;
    link_due(s, a, expires_s + 1);
    *ap = a;
    return 0;
}

void allocation_free(struct allocations *s, struct allocation *a)
{
    uint8_t key[FLOW_KEY_LEN];

    flow_key(key, &a->flow);
    table_del(s->by_flow, key, sizeof(key));
    unlink_due(a);
    permissions_free(&a->permissions);
    channels_free(&a->channels);
    free(a);
}

static void turn_slot(struct allocations *s, uint32_t second, allocation_due_h *h, void *arg)
{
    struct allocation *a = s->wheel[second % SLOTS], *next;
    uint32_t due_s;

    for (; a; a = next) {
        next = a->next;
        if (a->due_s > second)
            continue; /* the next turn's */
        due_s = h(a, s->now_s, arg);
        if (due_s) {
            unlink_due(a);
            link_due(s, a, due_s);
        }
    }
}

void allocations_tick(struct allocations *s, uint32_t now_s, allocation_due_h *h, void *arg)
{
    uint32_t from = s->now_s + 1;

    if (now_s <= s->now_s)
        return;
    if (now_s - from >= SLOTS)
        from = now_s - SLOTS + 1;
    s->now_s = now_s;
    for (uint32_t second = from; second <= now_s; second++)
        turn_slot(s, second, h, arg);
}

struct each {
    allocation_h *h;
    void *arg;
};

static bool each_one(void *val, void *arg)
{
    const struct each *e = arg;

    e->h(val, e->arg);
    return false;
}

void allocations_each(struct allocations *s, allocation_h *h, void *arg)
{
    table_each(s->by_flow, each_one, &(struct each){h, arg});
}

uint32_t allocations_count(const struct allocations *s)
{
    return (uint32_t)table_count(s->by_flow);
}
