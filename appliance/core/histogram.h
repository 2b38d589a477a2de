/*
 * core/histogram: how values are spread, in buckets that are fixed when it is declared, for /metrics.
 *
 *   HISTOGRAM(setup, "dngate_call_setup_seconds", "direction=\"in\"", "From INVITE to ringing", 0.1, 0.5, 1, 5);
 *   histogram_add(&setup, 0.27);
 *
 * Declare at file scope; registration happens before main. Any thread; relaxed atomics, no lock.
 */
#ifndef CORE_HISTOGRAM_H
#define CORE_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

struct buf;

enum { HISTOGRAM_BOUNDS_MAX = 16 };

struct histogram {
    const char *name;   /* Prometheus name, in base units */
    const char *labels; /* `a="b",c="d"` or NULL */
    const char *help;
    double bounds[HISTOGRAM_BOUNDS_MAX]; /* upper, inclusive, rising */
    size_t bound_count;
    _Atomic uint64_t counts[HISTOGRAM_BOUNDS_MAX + 1]; /* of each bucket alone; the last: above all bounds */
    _Atomic double sum;
    struct histogram *next;
};

void histogram_register(struct histogram *h);
/* Values that are no numbers are not counted. */
void histogram_add(struct histogram *h, double value);
/* All of them, in Prometheus text form. */
void histogram_collect(struct buf *out);

#define HISTOGRAM(var, nm, lbl, hlp, ...)                                                                    \
    _Static_assert(sizeof((double[]){__VA_ARGS__}) <= HISTOGRAM_BOUNDS_MAX * sizeof(double), "bounds");      \
    static struct histogram var = {.name = nm,                                                               \
                                   .labels = lbl,                                                            \
                                   .help = hlp,                                                              \
                                   .bounds = {__VA_ARGS__},                                                  \
                                   .bound_count = sizeof((double[]){__VA_ARGS__}) / sizeof(double)};         \
    __attribute__((constructor)) static void var##_register_(void)                                           \
    {                                                                                                        \
        histogram_register(&var);                                                                            \
    }                                                                                                        \
    struct histogram /* swallows the semicolon */

#endif
