#include "core/table.h"
#include "core/keyhash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS_MIN = 16, KEY_MAX = 4096 };

struct entry {
    struct entry *next;
    uint64_t hash;
    void *val; /* NULL: deleted while somebody walks; unlinked when the walk ends */
    size_t klen;
    uint8_t key[];
};

struct table {
    struct entry **buckets;
    size_t size; /* of buckets, a power of two */
    size_t count, max;
    unsigned walks; /* table_each calls under way: no entry moves or vanishes meanwhile */
    bool dead;      /* entries wait to be unlinked */
};

int table_alloc(struct table **tp, size_t max)
{
    struct table *t;

    if (!tp || !max)
        return EINVAL;
    t = calloc(1, sizeof(*t));
    if (!t)
        return ENOMEM;
    t->max = max;
    t->size = BUCKETS_MIN;
    t->buckets = calloc(t->size, sizeof(*t->buckets));
    if (!t->buckets) {
        free(t);
        return ENOMEM;
    }
    *tp = t;
    return 0;
}

void table_free(struct table *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->size; i++) {
        for (struct entry *e = t->buckets[i], *next; e; e = next) {
            next = e->next;
            free(e);
        }
    }
    free(t->buckets);
    free(t);
}

/* The link that points to the living entry with this key, or NULL. */
static struct entry **find(const struct table *t, uint64_t hash, const void *key, size_t klen)
{
    for (struct entry **ep = &t->buckets[hash & (t->size - 1)]; *ep; ep = &(*ep)->next) {
        const struct entry *e = *ep;

        if (e->hash == hash && e->klen == klen && e->val && !memcmp(e->key, key, klen))
            return ep;
    }
    return NULL;
}

/* Doubles the buckets. Failing is harmless: chains get longer. */
static void grow(struct table *t)
{
    size_t size = t->size * 2;
    struct entry **buckets = calloc(size, sizeof(*buckets));

    if (!buckets)
        return;
    for (size_t i = 0; i < t->size; i++) {
        for (struct entry *e = t->buckets[i], *next; e; e = next) {
            struct entry **head = &buckets[e->hash & (size - 1)];

            next = e->next;
            e->next = *head;
            *head = e;
        }
    }
    free(t->buckets);
    t->buckets = buckets;
    t->size = size;
}

int table_put(struct table *t, const void *key, size_t klen, void *val)
{
    struct entry *e, **head;
    uint64_t hash;

    if (!t || !key || klen > KEY_MAX || !val)
        return EINVAL;
    hash = keyhash(key, klen);
    if (find(t, hash, key, klen))
        return EEXIST;
    if (t->count >= t->max)
        return ENOSPC;
    e = malloc(sizeof(*e) + klen);
    if (!e)
        return ENOMEM;
    if (t->count >= t->size && !t->walks)
        grow(t);
    head = &t->buckets[hash & (t->size - 1)];
    *e = (struct entry){.next = *head, .hash = hash, .val = val, .klen = klen};
    memcpy(e->key, key, klen);
    *head = e;
    t->count++;
    return 0;
}

void *table_swap(struct table *t, const void *key, size_t klen, void *val)
{
    struct entry **ep = t && key && val ? find(t, keyhash(key, klen), key, klen) : NULL;
    void *was;

    if (!ep)
        return NULL;
    was = (*ep)->val;
    (*ep)->val = val;
    return was;
}

void *table_get(const struct table *t, const void *key, size_t klen)
{
    struct entry **ep = t && key ? find(t, keyhash(key, klen), key, klen) : NULL;

    return ep ? (*ep)->val : NULL;
}

void *table_del(struct table *t, const void *key, size_t klen)
{
    struct entry **ep = t && key ? find(t, keyhash(key, klen), key, klen) : NULL;
    struct entry *e;
    void *val;

    if (!ep)
        return NULL;
    e = *ep;
    val = e->val;
    t->count--;
    if (t->walks) {
        e->val = NULL;
        t->dead = true;
    } else {
        *ep = e->next;
        free(e);
    }
    return val;
}

size_t table_count(const struct table *t)
{
    return t ? t->count : 0;
}

static void sweep(struct table *t)
{
    for (size_t i = 0; i < t->size; i++) {
        for (struct entry **ep = &t->buckets[i]; *ep;) {
            struct entry *e = *ep;

            if (e->val) {
                ep = &e->next;
                continue;
            }
            *ep = e->next;
            free(e);
        }
    }
    t->dead = false;
}

void *table_each(struct table *t, table_h *h, void *arg)
{
    void *found = NULL;

    if (!t)
        return NULL;
    t->walks++;
    for (size_t i = 0; i < t->size && !found; i++) {
        for (struct entry *e = t->buckets[i]; e && !found; e = e->next) {
            void *val = e->val;

            if (val && h(val, arg))
                found = val;
        }
    }
    if (!--t->walks && t->dead)
        sweep(t);
    return found;
}
