#include "service/audit.h"
#include "conf/conf.h"
#include "core/clock.h"
#include "core/json.h"
#include "store/csv.h"
#include "store/store.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { PAGE = 500, VALUE_MAX = 200 };

/* ---------------------------------------------------------------- reading */

static int fail(struct service *sv, int err)
{
    return service_fail(sv, err, "the audit cannot be read: %s", store_strerror(err));
}

struct paging {
    audit_h *h;
    void *arg;
    size_t taken;
    int64_t last;
    bool done;
};

static bool page_h(const struct audit_entry *e, void *arg)
{
    struct paging *p = arg;

    p->taken++;
    p->last = e->id;
    p->done = p->h(e, p->arg);
    return p->done;
}

static int pages(struct store_reader *r, const struct audit_filter *f, struct paging *p)
{
    size_t left = f->limit ? f->limit : SIZE_MAX;
    struct audit_filter page = *f;
    int err;

    do {
        page.limit = left < PAGE ? left : PAGE;
        p->taken = 0;
        err = audit_each(r, &page, page_h, p);
        left -= p->taken;
        *(f->oldest_first ? &page.after_id : &page.before_id) = p->last;
    } while (!err && !p->done && left && p->taken == page.limit);
    return err;
}

int service_audit_each(struct service *sv, const struct audit_filter *f, audit_h *h, void *arg)
{
    struct paging p = {.h = h, .arg = arg};
    struct store_reader *r;
    int err;

    if (f->from_ms && f->to_ms && f->from_ms >= f->to_ms)
        return service_fail(sv, EINVAL, "the time ends before it begins");
    err = store_reader_alloc(&r, sv->store);
    if (!err) {
        err = pages(r, f, &p);
        store_reader_free(r);
    }
    return err ? fail(sv, err) : 0;
}

int service_audit_count(struct service *sv, const struct audit_filter *f, int64_t *count)
{
    struct store_reader *r;
    int err = store_reader_alloc(&r, sv->store);

    if (!err) {
        err = audit_count(r, f, count);
        store_reader_free(r);
    }
    return err ? fail(sv, err) : 0;
}

int service_audit_newest(struct service *sv, int64_t *id)
{
    struct store_reader *r;
    int err = store_reader_alloc(&r, sv->store);

    if (!err) {
        err = audit_newest(r, id);
        store_reader_free(r);
    }
    return err ? fail(sv, err) : 0;
}

int service_audit_get(struct service *sv, int64_t id, audit_h *h, void *arg)
{
    struct store_reader *r;
    int err = store_reader_alloc(&r, sv->store);

    if (!err) {
        err = audit_get(r, id, h, arg);
        store_reader_free(r);
    }
    if (err == ENOENT)
        return service_fail(sv, err, "there is no entry %lld in the audit", (long long)id);
    return err ? fail(sv, err) : 0;
}

/* ---------------------------------------------------------------- in words */

static const char *value_text(char *buf, size_t sz, const struct json_val *obj, const char *key)
{
    const char *text = json_get_str(obj, key);
    double d;
    bool b;

    if (text)
        snprintf(buf, sz, "%s", text);
    else if (json_get_bool(obj, key, &b))
        snprintf(buf, sz, "%s", b ? "yes" : "no");
    else if (json_num(json_get(obj, key), &d))
        snprintf(buf, sz, "%.15g", d);
    else
        snprintf(buf, sz, "%s", json_get(obj, key) ? "…" : "");
    return buf;
}

struct change {
    struct buf *out;
    const struct json_val *before, *after; /* one may be NULL */
    const char *thing;                     /* its own name is no news */
    size_t begin;
};

static bool member_h(const char *key, const struct json_val *v, void *arg)
{
    struct change *c = arg;
    char old[VALUE_MAX] = "", new[VALUE_MAX] = "";

    (void)v;
    if (!key)
        return false;
    value_text(old, sizeof(old), c->before, key);
    value_text(new, sizeof(new), c->after, key);
    if (c->before && c->after ? !strcmp(old, new)
                              : !(c->after ? new : old)[0] || !strcmp(c->after ? new : old, c->thing))
        return false;
    buf_printf(c->out, "%s%s ", c->out->len > c->begin ? ", " : "", key);
    if (c->before && c->after)
        buf_printf(c->out, "%s → %s", old[0] ? old : "\"\"", new[0] ? new : "\"\"");
    else
        buf_puts(c->out, c->after ? new : old);
    return false;
}

/* Where an URL goes to, without what may be a secret in it. */
static void url_hide(struct buf *out, const struct json_val *value)
{
    const char *url = json_str(value), *host = url ? strstr(url, "://") : NULL;

    if (host)
        buf_printf(out, "\"%.*s/…\"", (int)((size_t)(host + 3 - url) + strcspn(host + 3, "/?\"\\")), url);
    else
        buf_json_str(out, url ? url : "");
}

/* A row as it is told to others: of a setting that holds an URL not all. */
static void row_write(struct buf *out, const struct audit_entry *e, const char *row)
{
    const struct conf_def *def = strcmp(e->noun, "setting") ? NULL : conf_find(e->key);
    struct json *doc = NULL;

    if (def && def->form == CONF_FORM_HTTP && *row && !json_parse(&doc, row, strlen(row), NULL, 0)) {
        buf_puts(out, "{\"value\":");
        url_hide(out, json_get(json_root(doc), "value"));
        buf_puts(out, "}");
        json_free(doc);
    } else {
        buf_puts(out, *row ? row : "null");
    }
}

static const struct json_val *parsed(struct json **jp, const struct audit_entry *e, const char *row)
{
    const struct json_val *root = NULL;
    struct buf text;

    *jp = NULL;
    buf_init(&text, AUDIT_JSON_MAX);
    if (row && *row)
        row_write(&text, e, row);
    if (text.len && !text.err && !json_parse(jp, text.data, text.len, NULL, 0))
        root = json_root(*jp);
    buf_reset(&text);
    return root;
}

void service_audit_change(struct buf *out, const struct audit_entry *e)
{
    struct json *before, *after;
    struct change c = {.out = out, .thing = e->key, .begin = out->len};

    c.before = parsed(&before, e, e->before);
    c.after = parsed(&after, e, e->after);
    if (c.before || c.after)
        (void)json_each(c.after ? c.after : c.before, member_h, &c);
    json_free(before);
    json_free(after);
}

/* ---------------------------------------------------------------- for programs */

static void member(struct buf *out, const char *key, const char *value)
{
    buf_printf(out, "\"%s\":", key);
    buf_json_str(out, value);
    buf_puts(out, ",");
}

void service_audit_members(struct buf *out, const struct audit_entry *e)
{
    buf_printf(out, "\"id\":%lld,", (long long)e->id);
    member(out, "who", e->who);
    member(out, "via", e->via);
    member(out, "address", e->address);
    member(out, "noun", e->noun);
    member(out, "key", e->key);
    member(out, "what", e->what);
    buf_puts(out, "\"before\":");
    row_write(out, e, e->before);
    buf_puts(out, ",\"after\":");
    row_write(out, e, e->after);
    buf_puts(out, ",\"reason\":");
    buf_json_str(out, e->reason);
}

void service_audit_csv(struct buf *out, const struct audit_entry *e)
{
    const char *fields[] = {e ? e->who : "who",       e ? e->via : "via",     e ? e->address : "address",
                            e ? e->noun : "noun",     e ? e->key : "key",     e ? e->what : "what",
                            e ? e->before : "before", e ? e->after : "after", e ? e->reason : "reason"};
    char time[32];

    if (e)
        buf_printf(out, "%lld,%s", (long long)e->id, clock_iso8601(time, sizeof(time), e->time_ms));
    else
        buf_puts(out, "id,time");
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        buf_puts(out, ",");
        csv_put_foreign(out, fields[i]);
    }
    buf_puts(out, "\r\n");
}
