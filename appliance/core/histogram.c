#include "core/histogram.h"
#include "core/buf.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>

static struct histogram *first, **tail = &first; /* written by constructors only, before there are threads */

void histogram_register(struct histogram *h)
{
    *tail = h;
    tail = &h->next;
}

void histogram_add(struct histogram *h, double value)
{
    double sum = atomic_load_explicit(&h->sum, memory_order_relaxed);
    size_t i = 0;

    if (isnan(value))
        return;
    while (i < h->bound_count && value > h->bounds[i])
        i++;
    atomic_fetch_add_explicit(&h->counts[i], 1, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&h->sum, &sum, sum + value, memory_order_relaxed,
                                                  memory_order_relaxed))
        ;
}

static void bucket(struct buf *out, const struct histogram *h, const char *le, uint64_t n)
{
    buf_printf(out, "%s_bucket{%s%sle=\"%s\"} %llu\n", h->name, h->labels ? h->labels : "",
               h->labels ? "," : "", le, (unsigned long long)n);
}

static void total(struct buf *out, const struct histogram *h, const char *what, double v)
{
    if (h->labels)
        buf_printf(out, "%s_%s{%s} %.16g\n", h->name, what, h->labels, v);
    else
        buf_printf(out, "%s_%s %.16g\n", h->name, what, v);
}

static void render(struct buf *out, const struct histogram *h)
{
    char le[32];
    uint64_t n = 0;

    buf_printf(out, "# HELP %s %s\n# TYPE %s histogram\n", h->name, h->help, h->name);
    for (size_t i = 0; i < h->bound_count; i++) {
        n += atomic_load_explicit(&h->counts[i], memory_order_relaxed);
        snprintf(le, sizeof(le), "%.15g", h->bounds[i]);
        bucket(out, h, le, n);
    }
    n += atomic_load_explicit(&h->counts[h->bound_count], memory_order_relaxed);
    bucket(out, h, "+Inf", n);
    total(out, h, "sum", atomic_load_explicit(&h->sum, memory_order_relaxed));
    total(out, h, "count", (double)n); /* of the same reading as the buckets */
}

void histogram_collect(struct buf *out)
{
    for (const struct histogram *h = first; h; h = h->next)
        render(out, h);
}
