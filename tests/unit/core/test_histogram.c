/* TSAN */
/* Histograms and gauges with rows, as Prometheus reads them. */
#include "testing.h"

#include "core/buf.h"
#include "core/gauges.h"
#include "core/histogram.h"
#include "core/metric.h"

#include <math.h>
#include <pthread.h>

HISTOGRAM(waits, "test_wait_seconds", NULL, "Waits", 0.25, 0.5, 2);
HISTOGRAM(in, "test_size_bytes", "direction=\"in\"", "Sizes", 100);
HISTOGRAM(out, "test_size_bytes", "direction=\"out\"", "Sizes", 100);
GAUGES(peers, "test_peer_up", "peer", "Peers");

static char *rendered(struct buf *b)
{
    buf_init(b, 1 << 20);
    return metric_render(b) ? NULL : b->data;
}

TEST(buckets_are_cumulative_and_inclusive)
{
    struct buf b;

    histogram_add(&waits, 0.25);
    histogram_add(&waits, 0.375);
    histogram_add(&waits, 2);
    histogram_add(&waits, 7);
    histogram_add(&waits, NAN);
    CHECK(strstr(rendered(&b), "# HELP test_wait_seconds Waits\n# TYPE test_wait_seconds histogram\n"
                               "test_wait_seconds_bucket{le=\"0.25\"} 1\n"
                               "test_wait_seconds_bucket{le=\"0.5\"} 2\n"
                               "test_wait_seconds_bucket{le=\"2\"} 3\n"
                               "test_wait_seconds_bucket{le=\"+Inf\"} 4\n"
                               "test_wait_seconds_sum 9.625\ntest_wait_seconds_count 4\n"));
    buf_reset(&b);
}

TEST(labels_come_before_le_and_one_type_line_serves_both)
{
    struct buf b;

    histogram_add(&in, 1);
    CHECK(strstr(rendered(&b),
                 "# TYPE test_size_bytes histogram\n"
                 "test_size_bytes_bucket{direction=\"in\",le=\"100\"} 1\n"
                 "test_size_bytes_bucket{direction=\"in\",le=\"+Inf\"} 1\n"
                 "test_size_bytes_sum{direction=\"in\"} 1\ntest_size_bytes_count{direction=\"in\"} 1\n"
                 "test_size_bytes_bucket{direction=\"out\",le=\"100\"} 0\n"));
    buf_reset(&b);
}

TEST(rows_come_and_go)
{
    struct buf b;

    gauges_set(&peers, "a", 1);
    gauges_set(&peers, "say \"b\"", 0);
    gauges_set(&peers, "a", 0.5);
    CHECK(strstr(rendered(&b), "# HELP test_peer_up Peers\n# TYPE test_peer_up gauge\n"
                               "test_peer_up{peer=\"a\"} 0.5\ntest_peer_up{peer=\"say \\\"b\\\"\"} 0\n"));
    buf_reset(&b);
    gauges_del(&peers, "a");
    gauges_del(&peers, "never there");
    CHECK(!strstr(rendered(&b), "peer=\"a\""));
    CHECK(strstr(b.data, "test_peer_up{peer=\"say"));
    buf_reset(&b);
}

TEST(rows_are_bounded)
{
    char name[GAUGES_VALUE_MAX + 10];

    for (int i = 0; i < 2 * GAUGES_MAX; i++) {
        snprintf(name, sizeof(name), "n%d", i);
        gauges_set(&peers, name, i);
    }
    CHECK(peers.count == GAUGES_MAX);
    for (int i = 0; i < 2 * GAUGES_MAX; i++) {
        snprintf(name, sizeof(name), "n%d", i);
        gauges_del(&peers, name);
    }
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = 0;
    gauges_set(&peers, name, 1);
    CHECK(peers.count <= 1);
}

static void *adder(void *arg)
{
    for (int i = 0; i < 10000; i++)
        histogram_add(arg, 1);
    return NULL;
}

TEST(no_value_is_lost_between_threads)
{
    pthread_t th[4];
    struct buf b;

    for (int i = 0; i < 4; i++)
        pthread_create(&th[i], NULL, adder, &out);
    for (int i = 0; i < 4; i++)
        pthread_join(th[i], NULL);
    CHECK(strstr(rendered(&b), "test_size_bytes_count{direction=\"out\"} 40000\n"));
    CHECK(out.sum == 40000.0);
    buf_reset(&b);
}
