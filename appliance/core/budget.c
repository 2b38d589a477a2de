#include "core/budget.h"
#include "core/metric.h"

enum { MB = 1 << 20, WEB = 16 * MB, MAILBOX = 8 * MB, SIP = 4 * MB, TCP = 4 * MB };
_Static_assert(WEB + MAILBOX + SIP + TCP == BUDGET_STRANGERS, "the parts are the whole");

METRIC_LIMIT(all, "strangers_bytes", BUDGET_STRANGERS);
METRIC_LIMIT(web, "strangers_bytes_web", WEB);
METRIC_LIMIT(mailbox, "strangers_bytes_mailbox", MAILBOX);
METRIC_LIMIT(sip, "strangers_bytes_sip", SIP);
METRIC_LIMIT(tcp, "strangers_bytes_tcp", TCP);
METRIC_COUNTER(refused, "dngate_memory_refused_total", NULL,
               "Buffers refused because strangers made us hold too much already");

static const struct {
    struct metric *used;
    size_t size, little;
} parts[BUDGET_PARTS] = {
    [BUDGET_WEB] = {&web, WEB, BUDGET_LITTLE_SOURCE},
    [BUDGET_MAILBOX] = {&mailbox, MAILBOX, BUDGET_LITTLE_MESSAGE},
    [BUDGET_SIP] = {&sip, SIP, BUDGET_LITTLE_MESSAGE},
    [BUDGET_TCP] = {&tcp, TCP, BUDGET_LITTLE_CONN},
};

bool budget_take(enum budget_part part, size_t held, size_t n)
{
    const size_t max = held + n <= parts[part].little ? parts[part].size : parts[part].size / 4 * 3;

    /* Taken first, so that two who come at once do not both see the last bytes. */
    if (n && metric_sum(parts[part].used, (int64_t)n) > (int64_t)max) {
        metric_add(parts[part].used, -(int64_t)n);
        metric_add(&refused, 1);
        return false;
    }
    metric_add(&all, (int64_t)n);
    return true;
}

void budget_give(enum budget_part part, size_t n)
{
    metric_add(parts[part].used, -(int64_t)n);
    metric_add(&all, -(int64_t)n);
}
