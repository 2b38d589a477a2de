/* TSAN */
/* Kept traces: read as they were written, the oldest go when they are too many or too old, one that finds the writer away is no leak. */
#include "core/buf.h"
#include "core/clock.h"
#include "store/trace.h"
#include "tempdir.h"
#define TESTING_NO_OOM "threads and sockets: what they wait for would not come"
#include "testing.h"

#include <errno.h>
#include <poll.h>

static struct tempdir dir;
static struct store *store;
static struct store_reader *reader;

static bool start(void)
{
    char why[256];

    CHECK_OR(tempdir_make(&dir), return false);
    CHECK_OR(!store_open(&store, dir.path, why, sizeof(why)), return false);
    CHECK_OR(!store_reader_alloc(&reader, store), return false);
    return true;
}

static void finish(void)
{
    store_reader_free(reader);
    store_close(store);
    tempdir_remove(&dir);
}

static void put(int i, int64_t time_ms, size_t len, int64_t bytes_max, int64_t age_max_ms)
{
    struct store_trace t = {
        .why = "bad", .time_ms = time_ms, .len = len, .bytes_max = bytes_max, .age_max_ms = age_max_ms};

    snprintf(t.id, sizeof(t.id), "id-%03d", i);
    t.json = malloc(len + 1);
    memset(t.json, 'a' + i % 26, len);
    t.json[len] = '\0';
    store_trace_put(store, &t);
}

static bool there(int i)
{
    char id[16];

    struct buf out;
    int err;

    snprintf(id, sizeof(id), "id-%03d", i);
    buf_init(&out, 1000000);
    err = store_trace_get(reader, id, &out);
    buf_reset(&out);
    return !err;
}

static void wait_for(int i)
{
    for (int n = 0; n < 2000 && !there(i); n++)
        poll(NULL, 0, 10);
}

TEST(a_trace_reads_as_it_was_written)
{
    struct buf out;

    CHECK(start());
    put(1, clock_wall_ms(), 50000, 0, 0);
    wait_for(1);
    buf_init(&out, 100000);
    CHECK_EQ_INT(store_trace_get(reader, "id-001", &out), 0);
    CHECK_EQ_INT(out.len, 50000);
    CHECK(out.data[0] == 'b' && out.data[49999] == 'b');
    CHECK_EQ_INT(store_trace_get(reader, "id-002", &out), ENOENT);
    CHECK_EQ_INT(store_trace_facts(reader, "id-002", &out), ENOENT);
    buf_clear(&out);
    store_trace_put(store, &(struct store_trace){.id = "id-003",
                                                 .why = "bad",
                                                 .json = strdup("{\"a\":1,\"facts\":{\"keys\":4}}"),
                                                 .len = 26});
    wait_for(3);
    CHECK_EQ_INT(store_trace_facts(reader, "id-003", &out), 0);
    CHECK_STR(out.data, "{\"keys\":4}");
    buf_reset(&out);
    finish();
}

TEST(the_oldest_go)
{
    const int64_t now = clock_wall_ms();

    CHECK(start());
    for (int i = 0; i < 30; i++) {
        put(i, now + i, 1000, 10000, 0);
        wait_for(i);
    }
    CHECK(there(29) && there(28) && there(24));
    CHECK(!there(0) && !there(15));
    put(40, now - 5000, 10, 0, 0);
    wait_for(40);
    CHECK(there(40));
    put(41, now + 100, 10, 0, 4000);
    wait_for(41);
    CHECK(!there(40) && there(29));
    finish();
}

TEST(more_than_the_writer_takes_is_let_go)
{
    CHECK(start());
    for (int i = 0; i < 500; i++)
        put(i, clock_wall_ms(), 100000, 0, 0);
    finish(); /* what waits is written or freed: the sanitizer would say */
}
