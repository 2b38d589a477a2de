/*
 * Rendering has two steps. First the static metrics and then the collectors write samples as they come into a
 * draft, each with its HELP and TYPE. Then the draft's lines are sorted by family (in order of first appearance):
 * the format wants all lines of a name together, and several parts share names, as dngate_limit_used.
 */
#include "core/metric.h"
#include "core/buf.h"
#include "core/gauges.h"
#include "core/histogram.h"
#include "core/process.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { COLLECTORS_MAX = 256, DRAFT_MAX = 4 << 20 };

struct collector {
    metric_collect_h *h;
    void *arg;
};

static struct metric *first, **tail = &first; /* written by constructors only, before there are threads */
static struct collector collectors[COLLECTORS_MAX];
static size_t collector_count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void metric_register(struct metric *m)
{
    *tail = m;
    tail = &m->next;
}

void metric_add(struct metric *m, int64_t n)
{
    atomic_fetch_add_explicit(&m->value, n, memory_order_relaxed);
}

int64_t metric_sum(struct metric *m, int64_t n)
{
    return atomic_fetch_add_explicit(&m->value, n, memory_order_relaxed) + n;
}

void metric_set(struct metric *m, int64_t v)
{
    atomic_store_explicit(&m->value, v, memory_order_relaxed);
}

int64_t metric_get(const struct metric *m)
{
    return atomic_load_explicit(&m->value, memory_order_relaxed);
}

int metric_collector(metric_collect_h *h, void *arg)
{
    int err = ENOSPC;

    pthread_mutex_lock(&lock);
    if (collector_count < COLLECTORS_MAX) {
        collectors[collector_count++] = (struct collector){h, arg};
        err = 0;
    }
    pthread_mutex_unlock(&lock);
    return err;
}

void metric_collector_remove(metric_collect_h *h, void *arg)
{
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < collector_count; i++) {
        if (collectors[i].h != h || collectors[i].arg != arg)
            continue;
        collectors[i] = collectors[--collector_count];
        break;
    }
    pthread_mutex_unlock(&lock);
}

void metric_sample(struct buf *out, enum metric_type type, const char *name, const char *labels, double value,
                   const char *help)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name,
               type == METRIC_TYPE_COUNTER ? "counter" : "gauge");
    buf_printf(out, labels && *labels ? "%s{%s} " : "%s ", name, labels);
    if (isnan(value))
        buf_puts(out, "NaN\n"); /* printf's may have a sign, which Prometheus does not take */
    else
        buf_printf(out, "%.16g\n", value);
}

void metric_limit(struct buf *out, const char *name, size_t used, size_t max)
{
    char labels[96];
    struct buf b;

    buf_init(&b, sizeof(labels) - 1);
    buf_puts(&b, "name=");
    buf_json_str(&b, name); /* JSON's escapes are a superset of what a label needs */
    if (!b.err) {
        metric_sample(out, METRIC_TYPE_GAUGE, "dngate_limit_used", b.data, (double)used,
                      METRIC_LIMIT_USED_HELP);
        metric_sample(out, METRIC_TYPE_GAUGE, "dngate_limit_max", b.data, (double)max, METRIC_LIMIT_MAX_HELP);
    }
    buf_reset(&b);
}

enum line_kind { LINE_HELP, LINE_TYPE, LINE_SAMPLE };

struct line {
    const char *text;
    size_t len; /* with its newline */
    const char *family;
    size_t flen;
    size_t rank; /* of the family: the first line it appeared in */
    enum line_kind kind;
    size_t no;
};

/* A histogram's samples carry suffixes; they belong to the family that the TYPE line before them named. */
static bool in_family(const struct line *l, const struct line *prev)
{
    static const char *const suffix[] = {"_bucket", "_sum", "_count"};

    if (!prev || l->flen <= prev->flen || memcmp(l->family, prev->family, prev->flen))
        return false;
    for (size_t i = 0; i < sizeof(suffix) / sizeof(suffix[0]); i++)
        if (l->flen - prev->flen == strlen(suffix[i]) &&
            !memcmp(l->family + prev->flen, suffix[i], strlen(suffix[i])))
            return true;
    return false;
}

static void line_parse(struct line *l, const struct line *prev)
{
    l->kind = LINE_SAMPLE;
    l->family = l->text;
    if (!strncmp(l->text, "# HELP ", 7) || !strncmp(l->text, "# TYPE ", 7)) {
        l->kind = l->text[2] == 'H' ? LINE_HELP : LINE_TYPE;
        l->family += 7;
    }
    l->flen = strcspn(l->family, " {\n");
    if (l->kind == LINE_SAMPLE && in_family(l, prev)) {
        l->family = prev->family;
        l->flen = prev->flen;
    }
}

static int by_name(const void *va, const void *vb)
{
    const struct line *a = va, *b = vb;
    int d = memcmp(a->family, b->family, a->flen < b->flen ? a->flen : b->flen);

    if (d)
        return d;
    if (a->flen != b->flen)
        return a->flen < b->flen ? -1 : 1;
    return a->no < b->no ? -1 : a->no > b->no;
}

static int by_rank(const void *va, const void *vb)
{
    const struct line *a = va, *b = vb;

    if (a->rank != b->rank)
        return a->rank < b->rank ? -1 : 1;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    return a->no < b->no ? -1 : a->no > b->no;
}

static struct line *lines_split(const char *text, size_t *np)
{
    struct line *v;
    size_t n = 0;

    for (const char *s = text; *s; s = strchr(s, '\n') + 1)
        n++;
    *np = n;
    v = calloc(n ? n : 1, sizeof(*v));
    for (size_t i = 0; v && i < n; i++) {
        v[i] = (struct line){.text = text, .len = strcspn(text, "\n") + 1, .no = i};
        line_parse(&v[i], i ? &v[i - 1] : NULL);
        text += v[i].len;
    }
    return v;
}

static int render_grouped(struct buf *out, const char *draft)
{
    size_t n;
    struct line *v = lines_split(draft, &n);

    if (!v)
        return ENOMEM;
    qsort(v, n, sizeof(*v), by_name);
    for (size_t i = 0; i < n; i++) {
        bool same = i && v[i].flen == v[i - 1].flen && !memcmp(v[i].family, v[i - 1].family, v[i].flen);

        v[i].rank = same ? v[i - 1].rank : v[i].no;
    }
    qsort(v, n, sizeof(*v), by_rank);
    for (size_t i = 0; i < n; i++) {
        bool again = i && v[i].rank == v[i - 1].rank && v[i].kind == v[i - 1].kind;

        if (v[i].kind == LINE_SAMPLE || !again)
            buf_write(out, v[i].text, v[i].len);
    }
    free(v);
    return out->err;
}

int metric_render(struct buf *out)
{
    struct buf draft;
    int err;

    buf_init(&draft, DRAFT_MAX);
    for (const struct metric *m = first; m; m = m->next)
        metric_sample(&draft, m->type, m->name, m->labels, (double)metric_get(m), m->help);
    histogram_collect(&draft);
    gauges_collect(&draft);
    process_collect(&draft);
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < collector_count; i++)
        collectors[i].h(&draft, collectors[i].arg);
    pthread_mutex_unlock(&lock);
    buf_puts(&draft, ""); /* so that there is a string even when there are no metrics */
    if (draft.len && draft.data[draft.len - 1] != '\n')
        buf_puts(&draft, "\n"); /* a collector forgot */
    err = draft.err ? draft.err : render_grouped(out, draft.data);
    buf_reset(&draft);
    return err;
}
