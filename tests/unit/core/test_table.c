/* The hash table: against a plain array as oracle, its limit, and deletion in the middle of a walk. */
#include "testing.h"

#include "core/keyhash.h"
#include "core/table.h"

#include <errno.h>

TEST(agrees_with_an_array)
{
    enum { KEYS = 500 };
    static char vals[KEYS];
    bool in[KEYS] = {0};
    uint64_t seed = test_seed();
    struct table *t;
    size_t count = 0;

    CHECK_EQ_INT(table_alloc(&t, KEYS), 0);
    for (int i = 0; i < 50000; i++) {
        uint32_t k = (uint32_t)(test_random(&seed) % KEYS);

        if (test_random(&seed) & 1) {
            CHECK_EQ_INT(table_put(t, &k, sizeof(k), &vals[k]), in[k] ? EEXIST : 0);
            count += !in[k];
            in[k] = true;
        } else {
            CHECK(table_del(t, &k, sizeof(k)) == (in[k] ? &vals[k] : NULL));
            count -= in[k];
            in[k] = false;
        }
        CHECK_EQ_INT(table_count(t), count);
    }
    for (uint32_t k = 0; k < KEYS; k++)
        CHECK(table_get(t, &k, sizeof(k)) == (in[k] ? &vals[k] : NULL));
    table_free(t);
}

TEST(limit_holds)
{
    struct table *t;
    int v;

    CHECK_EQ_INT(table_alloc(&t, 0), EINVAL);
    CHECK_EQ_INT(table_alloc(&t, 2), 0);
    CHECK_EQ_INT(table_put(t, "a", 1, &v), 0);
    CHECK_EQ_INT(table_put(t, "b", 1, &v), 0);
    CHECK_EQ_INT(table_put(t, "c", 1, &v), ENOSPC);
    CHECK(table_del(t, "a", 1));
    CHECK_EQ_INT(table_put(t, "c", 1, &v), 0);
    CHECK(!table_get(t, "a", 1));
    CHECK_EQ_INT(table_put(t, "d", 1, NULL), EINVAL);
    table_free(t);
}

TEST(a_value_is_swapped_under_its_key)
{
    struct table *t;
    int a, b;

    CHECK_EQ_INT(table_alloc(&t, 1), 0);
    CHECK(!table_swap(t, "k", 1, &a) && !table_count(t));
    CHECK_EQ_INT(table_put(t, "k", 1, &a), 0);
    CHECK(table_swap(t, "k", 1, &b) == &a && table_get(t, "k", 1) == &b && table_count(t) == 1);
    CHECK(!table_swap(t, "k", 1, NULL) && table_get(t, "k", 1) == &b);
    table_free(t);
}

TEST(keys_are_bytes)
{
    struct table *t;
    int a, b;

    CHECK_EQ_INT(table_alloc(&t, 10), 0);
    CHECK_EQ_INT(table_put(t, "x\0y", 3, &a), 0);
    CHECK_EQ_INT(table_put(t, "x\0z", 3, &b), 0);
    CHECK(table_get(t, "x\0y", 3) == &a);
    CHECK(!table_get(t, "x", 1));
    table_free(t);
}

struct walk {
    struct table *t;
    uint32_t *keys;
    size_t visited, deleted;
};

/* Deletes the visited entry and its neighbour, and adds a new one. */
static bool churn_h(void *val, void *arg)
{
    struct walk *w = arg;
    uint32_t k = *(uint32_t *)val, next = k + 1, fresh = k + 1000;

    w->visited++;
    w->deleted += table_del(w->t, &k, sizeof(k)) != NULL;
    w->deleted += table_del(w->t, &next, sizeof(next)) != NULL;
    if (k < 1000)
        table_put(w->t, &fresh, sizeof(fresh), &w->keys[fresh]);
    return false;
}

static bool count_h(void *val, void *arg)
{
    (void)val;
    ++*(size_t *)arg;
    return false;
}

TEST(deleting_and_adding_while_walking)
{
    static uint32_t keys[2000];
    struct walk w = {.keys = keys};
    size_t left = 0;

    CHECK_EQ_INT(table_alloc(&w.t, 5000), 0);
    for (uint32_t i = 0; i < 2000; i++)
        keys[i] = i;
    for (uint32_t i = 0; i < 1000; i++)
        CHECK_EQ_INT(table_put(w.t, &keys[i], sizeof(keys[i]), &keys[i]), 0);
    CHECK(!table_each(w.t, churn_h, &w));
    CHECK(w.visited >= 500);
    for (uint32_t i = 0; i < 999; i++)
        CHECK(!table_get(w.t, &i, sizeof(i)));
    table_each(w.t, count_h, &left);
    CHECK_EQ_INT(left, table_count(w.t));
    table_free(w.t);
}

static bool is_h(void *val, void *arg)
{
    return val == arg;
}

TEST(walk_stops_at_what_it_sought)
{
    struct table *t;
    int a, b;

    CHECK_EQ_INT(table_alloc(&t, 10), 0);
    table_put(t, "a", 1, &a);
    table_put(t, "b", 1, &b);
    CHECK(table_each(t, is_h, &b) == &b);
    CHECK(!table_each(t, is_h, &t));
    table_free(t);
}

TEST(hash_spreads_and_depends_on_every_byte)
{
    uint8_t key[24] = {0};
    uint64_t base = keyhash(key, sizeof(key));

    for (size_t i = 0; i < sizeof(key); i++) {
        key[i] ^= 1;
        CHECK(keyhash(key, sizeof(key)) != base);
        key[i] ^= 1;
        CHECK(keyhash(key, i) != base);
    }
    CHECK(keyhash(key, sizeof(key)) == base);
}
