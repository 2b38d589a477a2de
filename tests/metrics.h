/* tests/metrics: what /metrics would say now. */
#ifndef TESTS_METRICS_H
#define TESTS_METRICS_H

#include "core/buf.h"
#include "core/metric.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The value of a sample as it is written there: "dngate_limit_used{name=\"calls\"}"; -1: there is none. */
__attribute__((unused)) static double metric_value(const char *sample)
{
    struct buf b;
    char line[160];
    const char *s;
    double v = -1;

    buf_init(&b, 1 << 20);
    snprintf(line, sizeof(line), "\n%s ", sample);
    if (!metric_render(&b) && (s = strstr(b.data, line)))
        v = strtod(s + strlen(line), NULL);
    buf_reset(&b);
    return v;
}

#endif
