#include "core/budget.h"
#include "core/metric.h"

METRIC_LIMIT(used, "strangers_bytes", BUDGET_STRANGERS);
METRIC_COUNTER(refused, "dngate_memory_refused_total", NULL,
               "Buffers refused because strangers made us hold too much already");

bool budget_take(size_t held, size_t n)
{
    const int64_t max = held + n <= BUDGET_LITTLE ? BUDGET_STRANGERS : BUDGET_STRANGERS / 4 * 3;

    /* Taken first, so that two who come at once do not both see the last bytes. */
    if (n && metric_sum(&used, (int64_t)n) > max) {
        metric_add(&used, -(int64_t)n);
        metric_add(&refused, 1);
        return false;
    }
    return true;
}

void budget_give(size_t n)
{
    metric_add(&used, -(int64_t)n);
}
