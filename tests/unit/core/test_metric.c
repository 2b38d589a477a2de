/* TSAN */
/* /metrics: one HELP and TYPE for a name, all its samples together, whoever wrote them; counters across threads. */
#include "testing.h"

#include "core/buf.h"
#include "core/metric.h"

#include <pthread.h>

METRIC_COUNTER(drop_a, "test_dropped_total", "reason=\"a\"", "Dropped");
METRIC_GAUGE(plain, "test_plain", NULL, "Plain");
METRIC_COUNTER(drop_b, "test_dropped_total", "reason=\"b\"", "Dropped");

static size_t count(const char *text, const char *what)
{
    size_t n = 0;

    for (; (text = strstr(text, what)); text++)
        n++;
    return n;
}

static void collect(struct buf *out, void *arg)
{
    metric_sample(out, METRIC_TYPE_COUNTER, "test_dropped_total", arg, 3, "Dropped");
    metric_limit(out, arg, 1, 2);
    buf_puts(out,
             "# HELP test_seconds Time\n# TYPE test_seconds histogram\ntest_seconds_bucket{le=\"+Inf\"} 1\n"
             "test_seconds_sum 0.5\ntest_seconds_count 1\n");
}

TEST(families_stand_together)
{
    struct buf out;
    const char *a, *b, *c;

    metric_add(&drop_a, 2);
    metric_set(&plain, -4);
    metric_collector(collect, "reason=\"c\"");
    buf_init(&out, 1 << 20);
    CHECK_EQ_INT(metric_render(&out), 0);
    metric_collector_remove(collect, "reason=\"c\"");
    CHECK_EQ_INT(count(out.data, "# HELP test_dropped_total Dropped\n"), 1);
    CHECK_EQ_INT(count(out.data, "# TYPE test_dropped_total counter\n"), 1);
    CHECK_EQ_INT(count(out.data, "# TYPE dngate_limit_used gauge\n"), 1);
    a = strstr(out.data, "# TYPE test_dropped_total counter\ntest_dropped_total{reason=\"a\"} 2\n"
                         "test_dropped_total{reason=\"b\"} 0\ntest_dropped_total{reason=\"c\"} 3\n");
    b = strstr(out.data, "# HELP test_plain Plain\n# TYPE test_plain gauge\ntest_plain -4\n");
    c = strstr(out.data,
               "# TYPE test_seconds histogram\ntest_seconds_bucket{le=\"+Inf\"} 1\ntest_seconds_sum 0.5\n"
               "test_seconds_count 1\n");
    CHECK(a && b && c);
    buf_clear(&out);
    CHECK_EQ_INT(metric_render(&out), 0);
    CHECK(!strstr(out.data, "reason=\"c\""));
    buf_reset(&out);
}

TEST(label_values_are_escaped)
{
    struct buf out;

    buf_init(&out, 4096);
    metric_limit(&out, "a\"b", 1, 2);
    CHECK(strstr(out.data, "dngate_limit_used{name=\"a\\\"b\"} 1\n"));
    buf_reset(&out);
}

static double sample(const char *text, const char *name)
{
    char line[100];
    const char *s;

    snprintf(line, sizeof(line), "\n%s ", name);
    s = strstr(text, line);
    return s ? strtod(s + strlen(line), NULL) : -1;
}

TEST(process_metrics_are_there)
{
    struct buf out;

    buf_init(&out, 1 << 20);
    CHECK_EQ_INT(metric_render(&out), 0);
    CHECK(sample(out.data, "process_resident_memory_bytes") > 1e6);
    CHECK(sample(out.data, "process_open_fds") >= 3);
    CHECK(sample(out.data, "process_max_fds") >= sample(out.data, "process_open_fds"));
    CHECK(sample(out.data, "process_threads") >= 1);
    CHECK(sample(out.data, "process_cpu_seconds_total") >= 0);
    CHECK(sample(out.data, "process_start_time_seconds") > 1.6e9);
    buf_reset(&out);
}

static void *adder(void *arg)
{
    for (int i = 0; i < 10000; i++)
        metric_add(arg, 1);
    return NULL;
}

TEST(no_count_is_lost)
{
    int64_t before = metric_get(&drop_b);
    pthread_t th[4];

    for (int i = 0; i < 4; i++)
        pthread_create(&th[i], NULL, adder, &drop_b);
    for (int i = 0; i < 4; i++)
        pthread_join(th[i], NULL);
    CHECK_EQ_INT(metric_get(&drop_b) - before, 40000);
}
