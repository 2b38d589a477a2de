#include "core/health.h"
#include "core/buf.h"
#include "core/clock.h"
#include "core/metric.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static struct health_part parts[HEALTH_PARTS_MAX]; /* in the order in which they first spoke */
static size_t part_count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct health_part *part_get(const char *name)
{
    for (size_t i = 0; i < part_count; i++)
        if (!strcmp(parts[i].name, name))
            return &parts[i];
    if (part_count == HEALTH_PARTS_MAX)
        return NULL;
    parts[part_count].since_ms = 0;
    snprintf(parts[part_count].name, HEALTH_PART_LEN, "%s", name);
    return &parts[part_count++];
}

void health_set(const char *part, enum health_state st, const char *reason_fmt, ...)
{
    struct health_part *p;
    va_list ap;

    pthread_mutex_lock(&lock);
    p = part_get(part);
    if (p) {
        if (p->state != st || !p->since_ms)
            p->since_ms = clock_wall_ms();
        p->state = st;
        va_start(ap, reason_fmt);
        vsnprintf(p->reason, sizeof(p->reason), reason_fmt, ap);
        va_end(ap);
    }
    pthread_mutex_unlock(&lock);
}

static bool ready_locked(void)
{
    for (size_t i = 0; i < part_count; i++)
        if (parts[i].state == HEALTH_DOWN)
            return false;
    return part_count > 0;
}

bool health_ready(void)
{
    bool ready;

    pthread_mutex_lock(&lock);
    ready = ready_locked();
    pthread_mutex_unlock(&lock);
    return ready;
}

const char *health_state_name(enum health_state st)
{
    static const char *const names[] = {"down", "degraded", "up"};

    return names[st];
}

size_t health_parts(struct health_part copy[static HEALTH_PARTS_MAX])
{
    size_t n;

    pthread_mutex_lock(&lock);
    n = part_count;
    memcpy(copy, parts, n * sizeof(parts[0]));
    pthread_mutex_unlock(&lock);
    return n;
}

int health_json(struct buf *out)
{
    pthread_mutex_lock(&lock);
    buf_printf(out, "{\"ready\":%s,\"parts\":{", ready_locked() ? "true" : "false");
    for (size_t i = 0; i < part_count; i++) {
        if (i)
            buf_puts(out, ",");
        buf_json_str(out, parts[i].name);
        buf_printf(out, ":{\"state\":\"%s\",\"reason\":", health_state_name(parts[i].state));
        buf_json_str(out, parts[i].reason);
        buf_puts(out, "}");
    }
    buf_puts(out, "}}");
    pthread_mutex_unlock(&lock);
    return out->err;
}

void health_reset(void)
{
    pthread_mutex_lock(&lock);
    part_count = 0;
    pthread_mutex_unlock(&lock);
}

static void health_collect(struct buf *out, void *arg)
{
    char label[HEALTH_PART_LEN + 16];

    (void)arg;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < part_count; i++) {
        snprintf(label, sizeof(label), "part=\"%s\"", parts[i].name);
        metric_sample(out, METRIC_TYPE_GAUGE, "dngate_health", label, parts[i].state,
                      "State of a part of the appliance: 0 down, 1 degraded, 2 up");
    }
    metric_sample(out, METRIC_TYPE_GAUGE, "dngate_ready", NULL, ready_locked(),
                  "1 when the appliance is ready to take calls");
    pthread_mutex_unlock(&lock);
}

__attribute__((constructor)) static void health_register(void)
{
    metric_collector(health_collect, NULL);
}
