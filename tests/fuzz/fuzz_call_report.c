/* A page's report of its call: what is taken is of figures that can be. */
#include "call/report.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void can_be(double n, double max)
{
    if (!isfinite(n) || n < 0 || n > max)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct call_report r;

    if (call_report_decode(&r, (const char *)data, size))
        return 0;
    can_be(r.mos, 5);
    can_be(r.loss_percent, 100);
    can_be(r.far_loss_percent, 100);
    can_be(r.jitter_ms, 60000);
    can_be(r.rtt_ms, 60000);
    return 0;
}
