#include "core/gauges.h"
#include "core/buf.h"
#include "core/metric.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static struct gauges *first, **tail = &first; /* written by constructors only, before there are threads */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of all rows */

void gauges_register(struct gauges *g)
{
    *tail = g;
    tail = &g->next;
}

static struct gauges_row *row_find(struct gauges *g, const char *value)
{
    for (size_t i = 0; i < g->count; i++)
        if (!strcmp(g->rows[i].value, value))
            return &g->rows[i];
    return NULL;
}

void gauges_set(struct gauges *g, const char *value, double v)
{
    struct gauges_row *row;

    pthread_mutex_lock(&lock);
    row = row_find(g, value);
    if (!row && g->count < GAUGES_MAX && strlen(value) < GAUGES_VALUE_MAX) {
        row = &g->rows[g->count++];
        snprintf(row->value, sizeof(row->value), "%s", value);
    }
    if (row)
        row->v = v;
    pthread_mutex_unlock(&lock);
}

void gauges_del(struct gauges *g, const char *value)
{
    struct gauges_row *row;

    pthread_mutex_lock(&lock);
    row = row_find(g, value);
    if (row)
        *row = g->rows[--g->count];
    pthread_mutex_unlock(&lock);
}

static void row_render(struct buf *out, const struct gauges *g, const struct gauges_row *row)
{
    struct buf label;

    buf_init(&label, 8 * GAUGES_VALUE_MAX);
    buf_printf(&label, "%s=", g->label);
    buf_json_str(&label, row->value); /* JSON's escapes are a superset of what a label needs */
    if (!label.err)
        metric_sample(out, METRIC_TYPE_GAUGE, g->name, label.data, row->v, g->help);
    buf_reset(&label);
}

void gauges_collect(struct buf *out)
{
    pthread_mutex_lock(&lock);
    for (const struct gauges *g = first; g; g = g->next)
        for (size_t i = 0; i < g->count; i++)
            row_render(out, g, &g->rows[i]);
    pthread_mutex_unlock(&lock);
}
