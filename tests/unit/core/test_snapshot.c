/* TSAN */
/* A copy is whole, however often its writer writes. */
#include "testing.h"

#include "core/snapshot.h"

#include <pthread.h>
#include <stdatomic.h>

struct value {
    char text[13]; /* not a multiple of a word */
    uint32_t same[9];
    uint8_t last;
};

static SNAPSHOT(cells, struct value);
static atomic_bool stop;

static void *writer(void *arg)
{
    struct value v = {.text = "twelve chars"};

    (void)arg;
    for (uint32_t n = 1; !atomic_load(&stop); n++) {
        for (size_t i = 0; i < 9; i++)
            v.same[i] = n;
        v.last = (uint8_t)n;
        snapshot_store(cells, &v, sizeof(v));
    }
    return NULL;
}

TEST(copies_are_whole)
{
    struct value v = {.last = 7};
    uint32_t prev = 0;
    pthread_t th;

    snapshot_load(cells, &v, sizeof(v));
    CHECK(!v.last && !v.text[0]);
    pthread_create(&th, NULL, writer, NULL);
    for (int i = 0; i < 20000; i++) {
        snapshot_load(cells, &v, sizeof(v));
        for (size_t k = 1; k < 9; k++)
            CHECK(v.same[k] == v.same[0]);
        CHECK(v.same[0] >= prev && v.last == (uint8_t)v.same[0]);
        prev = v.same[0];
    }
    atomic_store(&stop, true);
    pthread_join(th, NULL);
    CHECK_STR(v.text, prev ? "twelve chars" : "");
}
