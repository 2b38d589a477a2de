#include "service/cdr.h"

#include "call/tracefacts.h"
#include "core/buf.h"
#include "core/json.h"
#include "store/store.h"
#include "store/trace.h"

#include <errno.h>
#include <stdio.h>
#include <stdint.h>
#include <string.h>

enum { PAGE = 500, FACTS_MAX = 16384, PAGE_PATIENCE_MS = 20, SUM_PATIENCE_MS = 150, S_MS = 1000 };

/* ---------------------------------------------------------------- what is wanted */

static bool result_known(const char *name)
{
    for (enum cdr_result r = 0; r < CDR_RESULTS; r++)
        if (!strcmp(cdr_result_name(r), name))
            return true;
    return false;
}

static bool path_known(const char *name)
{
    for (enum cdr_path p = CDR_PATH_DIRECT; p < CDR_PATHS; p++)
        if (!strcmp(cdr_path_name(p), name))
            return true;
    return !strcmp(name, CDR_PATH_ANY_RELAY) || !strcmp(name, CDR_PATH_NO_NAME);
}

/* As the database says it; NULL: there is none. */
static const char *direction_name(const char *name)
{
    if (!strcmp(name, "in") || !strcmp(name, "inbound"))
        return "inbound";
    return strcmp(name, "out") && strcmp(name, "outbound") ? NULL : "outbound";
}

static int filter_check(struct service *sv, const struct service_cdr_filter *f)
{
    if (f->result && !result_known(f->result))
        return service_fail(sv, EINVAL,
                            "there is no result %s: answered, busy, no_answer, cancelled, refused or failed",
                            f->result);
    if (f->path && !path_known(f->path))
        return service_fail(
            sv, EINVAL,
            "there is no path %s: direct, relay, relay-udp, relay-tcp, relay-tls, relay-other or none",
            f->path);
    if (f->direction && !direction_name(f->direction))
        return service_fail(sv, EINVAL, "there is no direction %s: in or out", f->direction);
    if (f->min_s < 0 || f->max_s < 0 || f->min_ring_s < 0 || (f->max_s && f->min_s > f->max_s))
        return service_fail(sv, EINVAL, "the seconds end before they begin");
    if (f->from_ms && f->to_ms && f->from_ms >= f->to_ms)
        return service_fail(sv, EINVAL, "the time ends before it begins");
    return 0;
}

/* ---------------------------------------------------------------- reading */

struct paging {
    cdr_h *h;
    void *arg;
    size_t left;  /* of the limit */
    size_t taken; /* of this page */
    bool done;    /* h has enough */
    char last[sizeof(((struct cdr *)0)->id)];
};

static bool page_h(const struct cdr *c, void *arg)
{
    struct paging *p = arg;

    p->taken++;
    p->left--;
    snprintf(p->last, sizeof(p->last), "%s", c->id);
    p->done = p->h(c, p->arg);
    return p->done;
}

static struct cdr_filter store_filter(const struct service_cdr_filter *f)
{
    return (struct cdr_filter){.dn = f->dn,
                               .number = f->number,
                               .text = f->text,
                               .direction = f->direction ? direction_name(f->direction) : NULL,
                               .from_ms = f->from_ms,
                               .to_ms = f->to_ms,
                               .result = f->result,
                               .path = f->path,
                               .trunk = f->trunk,
                               .min_ms = f->min_s * S_MS,
                               .max_ms = f->max_s * S_MS,
                               .min_ring_ms = f->min_ring_s * S_MS,
                               .max_mos = f->max_mos,
                               .limit = f->limit,
                               .before_id = f->before};
}

static int pages(struct store_reader *r, const struct service_cdr_filter *f, struct paging *p)
{
    struct cdr_filter page = store_filter(f);
    int err;

    do {
        page.limit = p->left < PAGE ? p->left : PAGE;
        p->taken = 0;
        err = cdr_each(r, &page, page_h, p);
        page.before_id = p->last;
    } while (!err && !p->done && p->left && p->taken == page.limit);
    return err;
}

static int unreadable(struct service *sv, int err)
{
    return err ? service_fail(sv, err, "the call records cannot be read: %s", store_strerror(err)) : 0;
}

int service_cdr_each(struct service *sv, const struct service_cdr_filter *f, cdr_h *h, void *arg)
{
    struct paging p = {.h = h, .arg = arg, .left = f->limit ? f->limit : SIZE_MAX};
    struct store_reader *r;
    int err = filter_check(sv, f);

    if (err)
        return err;
    err = store_reader_alloc(&r, sv->store);
    if (!err) {
        err = pages(r, f, &p);
        store_reader_free(r);
    }
    return unreadable(sv, err);
}

struct one_page {
    service_cdr_h *h;
    void *arg;
    struct store_reader *r;
};

static bool one_page_h(const struct cdr *c, void *arg)
{
    const struct one_page *p = arg;
    struct trace_facts facts;
    struct json *j = NULL;
    struct buf text;
    bool traced;

    buf_init(&text, FACTS_MAX);
    traced = !store_trace_facts(p->r, c->id, &text);
    if (traced) {
        (void)json_parse(&j, text.data, text.len, NULL, 0);
        trace_facts_read(&facts, j ? json_root(j) : NULL);
        json_free(j);
    }
    buf_reset(&text);
    return p->h(c, traced ? &facts : NULL, p->arg);
}

int service_cdr_page(struct service *sv, const struct service_cdr_filter *f, service_cdr_h *h, void *arg,
                     char next[40])
{
    struct one_page p = {.h = h, .arg = arg};
    const struct cdr_filter page = store_filter(f);
    struct store_reader *r;
    int err = filter_check(sv, f);

    if (err)
        return err;
    err = store_reader_alloc(&r, sv->store);
    if (!err) {
        p.r = r;
        err = cdr_page(r, &page, PAGE_PATIENCE_MS, one_page_h, &p, next);
        store_reader_free(r);
    }
    return unreadable(sv, err);
}

int service_cdr_sum(struct service *sv, const struct service_cdr_filter *f, struct cdr_sum *out)
{
    const struct cdr_filter all = store_filter(f);
    struct store_reader *r;
    int err = filter_check(sv, f);

    if (err)
        return err;
    err = store_reader_alloc(&r, sv->store);
    if (!err) {
        err = cdr_sum(r, &all, SUM_PATIENCE_MS, out);
        store_reader_free(r);
    }
    return unreadable(sv, err);
}

double service_cdr_abandoned_percent(const struct cdr_sum *s)
{
    return s->inbound ? 100.0 * (double)s->abandoned / (double)s->inbound : 0;
}

double service_cdr_average_s(const struct cdr_sum *s)
{
    return s->answered ? (double)s->talk_ms / 1e3 / (double)s->answered : 0;
}

int service_cdr_get(struct service *sv, const char *id, struct cdr *out)
{
    struct store_reader *r;
    int err = store_reader_alloc(&r, sv->store);

    if (!err) {
        err = cdr_get(r, id, out);
        store_reader_free(r);
    }
    if (err == ENOENT)
        return service_fail(sv, err, "there is no call record %s", id);
    return unreadable(sv, err);
}
