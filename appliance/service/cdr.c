#include "service/cdr.h"

#include "store/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdint.h>
#include <string.h>

enum { PAGE = 500 };

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

static int pages(struct store_reader *r, const struct service_cdr_filter *f, struct paging *p)
{
    struct cdr_filter page = {.dn = f->dn,
                              .from_ms = f->from_ms,
                              .to_ms = f->to_ms,
                              .result = f->result,
                              .path = f->path,
                              .before_id = f->before};
    int err;

    do {
        page.limit = p->left < PAGE ? p->left : PAGE;
        p->taken = 0;
        err = cdr_each(r, &page, page_h, p);
        page.before_id = p->last;
    } while (!err && !p->done && p->left && p->taken == page.limit);
    return err;
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
    return err ? service_fail(sv, err, "the call records cannot be read: %s", store_strerror(err)) : 0;
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
    return err ? service_fail(sv, err, "the call records cannot be read: %s", store_strerror(err)) : 0;
}
