/*
 * core/metric: counters and gauges that any thread may touch and /metrics shows.
 *
 *   METRIC_COUNTER(sip_dropped, "dngate_sip_dropped_total", "reason=\"no_via\"", "SIP messages dropped");
 *   metric_add(&sip_dropped, 1);
 *
 * Declare at file scope; registration happens before main. Relaxed atomics: about 5 ns uncontended.
 */
#ifndef CORE_METRIC_H
#define CORE_METRIC_H

#include <stddef.h>
#include <stdint.h>

struct buf;

enum metric_type { METRIC_TYPE_COUNTER, METRIC_TYPE_GAUGE };

struct metric {
    const char *name;   /* Prometheus name */
    const char *labels; /* `a="b",c="d"` or NULL */
    const char *help;
    enum metric_type type;
    _Atomic int64_t value;
    struct metric *next;
};

void metric_register(struct metric *m);
void metric_add(struct metric *m, int64_t n);
int64_t metric_sum(struct metric *m, int64_t n); /* adds, and returns what it is then */
void metric_set(struct metric *m, int64_t v);
int64_t metric_get(const struct metric *m);

/* A producer of samples that are only known when asked (per-thread sums, table use). Called by the thread that
 * renders; must be thread safe. */
typedef void(metric_collect_h)(struct buf *out, void *arg);
/* ENOSPC: more than 256 collectors. */
int metric_collector(metric_collect_h *h, void *arg);
/* Once it returns, h is not running and will not be called again. Not from within a collector. */
void metric_collector_remove(metric_collect_h *h, void *arg);

/* One sample with its HELP and TYPE, for collectors; labels may be NULL. Label values are the caller's to escape. */
void metric_sample(struct buf *out, enum metric_type type, const char *name, const char *labels, double value,
                   const char *help);
/* Use and size of a bounded thing, as dngate_limit_used and dngate_limit_max{name="…"}, for collectors. */
void metric_limit(struct buf *out, const char *name, size_t used, size_t max);

/* Prometheus text format 0.0.4. Samples of one name stand together under one HELP and TYPE, whoever wrote them. */
int metric_render(struct buf *out);

#define METRIC_DEF_(var, nm, lbl, hlp, typ)                                                                  \
    static struct metric var = {.name = nm, .labels = lbl, .help = hlp, .type = typ};                        \
    __attribute__((constructor)) static void var##_register_(void)                                           \
    {                                                                                                        \
        metric_register(&var);                                                                               \
    }                                                                                                        \
    struct metric /* swallows the semicolon */
/* The use of a bounded thing that one metric_set() or metric_add() keeps up to date; its size is known when compiling. */
#define METRIC_LIMIT(var, nm, max_)                                                                          \
    static struct metric var##_max = {.name = "dngate_limit_max",                                            \
                                      .labels = "name=\"" nm "\"",                                           \
                                      .help = METRIC_LIMIT_MAX_HELP,                                         \
                                      .type = METRIC_TYPE_GAUGE,                                             \
                                      .value = (max_)};                                                      \
    static struct metric var = {.name = "dngate_limit_used",                                                 \
                                .labels = "name=\"" nm "\"",                                                 \
                                .help = METRIC_LIMIT_USED_HELP,                                              \
                                .type = METRIC_TYPE_GAUGE};                                                  \
    __attribute__((constructor)) static void var##_register_(void)                                           \
    {                                                                                                        \
        metric_register(&var);                                                                               \
        metric_register(&var##_max);                                                                         \
    }                                                                                                        \
    struct metric /* swallows the semicolon */
#define METRIC_LIMIT_USED_HELP "Entries in use of a bounded table, queue or buffer"
#define METRIC_LIMIT_MAX_HELP "Most entries of a bounded table, queue or buffer"
#define METRIC_COUNTER(var, nm, lbl, hlp) METRIC_DEF_(var, nm, lbl, hlp, METRIC_TYPE_COUNTER)
#define METRIC_GAUGE(var, nm, lbl, hlp) METRIC_DEF_(var, nm, lbl, hlp, METRIC_TYPE_GAUGE)

#endif
