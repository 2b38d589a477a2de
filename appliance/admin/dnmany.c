/* Many DNs at a time: ranges, what is done to a selection, CSV in and out, and the list beside another. */
#include "admin/dnput.h"
#include "admin/dns.h"
#include "core/json.h"
#include "service/dncompare.h"
#include "store/csv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LIST_MAX = 4 << 20, SELECTION_MAX = 1 << 20 };

static void passwords_put(struct buf *out, const struct dn_password *v, size_t n)
{
    api_put_name(out, "items");
    buf_puts(out, "[");
    for (size_t i = 0; i < n; i++) {
        api_item(out);
        api_put_str(out, "dn", v[i].dn);
        api_put_str(out, "name", v[i].name);
        api_put_str(out, "password", v[i].password);
        buf_puts(out, "}");
    }
    buf_puts(out, "]");
}

static int range_h(struct api_call *c)
{
    struct dn_new like = {.name = json_get_str(c->body, "name"), .enabled = true};
    struct dn_password *v;
    size_t n;
    int err;

    dnput_read(c->body, &like.codec, &like.enabled, &like.auto_answer, &like.call_limit);
    err = service_dn_range(c->sv, json_get_str(c->body, "from"), json_get_str(c->body, "to"), &like, &v, &n);
    if (err)
        return err;
    c->status = 201;
    buf_puts(c->out, "{");
    passwords_put(c->out, v, n);
    buf_puts(c->out, "}");
    service_dn_passwords_free(v, n);
    return 0;
}

static enum dn_action action_of(const char *word)
{
    if (!strcmp(word, "enable"))
        return DN_ENABLE;
    if (!strcmp(word, "disable"))
        return DN_DISABLE;
    return !strcmp(word, "reset") ? DN_RESET : DN_REMOVE;
}

static int bulk_h(struct api_call *c)
{
    const enum dn_action action = action_of(json_get_str(c->body, "action"));
    const struct json_val *list = json_get(c->body, "dns");
    const size_t n = json_arr_size(list);
    const char **dns = calloc(n + 1, sizeof(*dns));
    struct dn_password *made = NULL;
    size_t done = 0;
    int err;

    if (!dns)
        return service_fail(c->sv, ENOMEM, "the server is short of memory");
    for (size_t i = 0; i < n; i++)
        dns[i] = json_str(json_arr_at(list, i));
    err = service_dn_bulk(c->sv, action, dns, n, &made, &done);
    if (!err) {
        buf_puts(c->out, "{");
        api_put_int(c->out, "done", (int64_t)done);
        passwords_put(c->out, made, made ? done : 0);
        buf_puts(c->out, "}");
    }
    service_dn_passwords_free(made, made ? done : 0);
    free(dns);
    return err;
}

/* ------------------------------------------------------------------ CSV */

static void differs_h(const char *field, const char *before, const char *after, void *arg)
{
    struct buf *out = arg;

    api_item(out);
    api_put_str(out, "field", field);
    api_put_str(out, "before", before);
    api_put_str(out, "after", after);
    buf_puts(out, "}");
}

static void row_h(const struct dn_import_row *row, void *arg)
{
    static const char *const words[] = {[DN_IMPORT_ADDED] = "add",
                                        [DN_IMPORT_CHANGED] = "change",
                                        [DN_IMPORT_UNCHANGED] = "same",
                                        [DN_IMPORT_WRONG] = "error"};
    struct buf *out = arg;

    api_item(out);
    api_put_int(out, "line", row->line);
    api_put_str(out, "dn", row->dn);
    api_put_str(out, "action", words[row->what]);
    api_put_str(out, "detail", row->what == DN_IMPORT_WRONG ? row->detail : "");
    api_put_name(out, "changes");
    buf_puts(out, "[");
    if (row->before && row->after)
        service_dn_differences(row->before, row->after, differs_h, out);
    buf_puts(out, "]}");
}

/* What the import would do is told row by row; done is done as a whole, or, when a row is wrong, not at all. */
static int import_h(struct api_call *c)
{
    const bool trial = api_query_bool(c, "dry_run", false);
    struct dn_import_result res, done;
    int err;

    buf_puts(c->out, "{");
    api_put_name(c->out, "rows");
    buf_puts(c->out, "[");
    err = service_dn_import_try(c->sv, c->text, c->text_len, row_h, c->out, &res);
    if (!err && !trial)
        err = service_dn_import(c->sv, c->text, c->text_len, &done);
    if (err)
        return err;
    buf_puts(c->out, "]");
    api_put_int(c->out, "added", res.added);
    api_put_int(c->out, "changed", res.changed);
    api_put_int(c->out, "unchanged", res.unchanged);
    api_put_int(c->out, "failed", res.wrong);
    buf_puts(c->out, "}");
    return 0;
}

static bool export_dn_h(const struct dn *d, void *arg)
{
    struct buf *out = arg;

    csv_put(out, d->dn);
    buf_puts(out, ",");
    csv_put(out, d->name);
    buf_printf(out, ",,%s,%s,%s,%u\r\n", d->enabled ? "yes" : "no", dn_codec_name(d->codec),
               d->auto_answer ? "yes" : "no", d->call_limit);
    return false;
}

static int export_h(struct api_call *c)
{
    buf_puts(c->out, "dn,name,password,enabled,codec,auto_answer,call_limit\r\n");
    return service_dn_each(c->sv, export_dn_h, c->out);
}

struct compared {
    struct buf lists[3]; /* missing, extra, different */
    int64_t same;
};

static void compared_h(const struct dn_comparison *d, void *arg)
{
    struct compared *k = arg;
    struct buf *out;

    if (d->what == DN_SAME) {
        k->same++;
        return;
    }
    out = &k->lists[(size_t)(d->what - DN_MISSING) % 3];
    api_item(out);
    api_put_str(out, "dn", d->dn);
    if (d->what == DN_DIFFERENT) {
        api_put_str(out, "field", d->field);
        api_put_str(out, "here", d->here);
        api_put_str(out, "there", d->there);
    } else {
        api_put_str(out, "name", d->name);
    }
    buf_puts(out, "}");
}

static int compare_h(struct api_call *c)
{
    static const char *const names[] = {"missing", "extra", "different"};
    struct compared k = {.same = 0};
    int err;

    for (size_t i = 0; i < 3; i++) {
        buf_init(&k.lists[i], 2 * LIST_MAX);
        buf_puts(&k.lists[i], "[");
    }
    err = service_dn_compare(c->sv, c->text, c->text_len, compared_h, &k);
    buf_puts(c->out, "{");
    api_put_int(c->out, "same", k.same);
    for (size_t i = 0; i < 3; i++) {
        buf_puts(&k.lists[i], "]");
        api_put_name(c->out, names[i]);
        if (!err && k.lists[i].err)
            err = service_fail(c->sv, k.lists[i].err, "the list is too long to compare");
        if (!err)
            buf_write(c->out, k.lists[i].data, k.lists[i].len);
        buf_reset(&k.lists[i]);
    }
    buf_puts(c->out, "}");
    return err;
}

/* ------------------------------------------------------------------ routes */

static const struct api_value range_body[] = {
    {.name = "from", .type = API_TEXT, .needed = true, .min = 1, .max = DN_MAX - 1},
    {.name = "to",
     .type = API_TEXT,
     .needed = true,
     .min = 1,
     .max = DN_MAX - 1,
     .help = "Differs from `from` in its last digits only."},
    {.name = "name", .type = API_TEXT, .max = DN_NAME_MAX - 1, .help = "Of all; # stands for the DN."},
    DN_BODY_VALUES,
};
static const struct api_value password_values[] = {
    {.name = "dn", .type = API_TEXT, .needed = true},
    {.name = "name", .type = API_TEXT, .needed = true},
    {.name = "password", .type = API_TEXT, .needed = true},
};
static const struct api_value range_answer[] = {
    {.name = "items",
     .type = API_LIST,
     .needed = true,
     .max = DN_RANGE_MAX,
     API_VALUES(password_values),
     .help = "Passwords are told this once."},
};
static const struct api_value bulk_body[] = {
    {.name = "action",
     .type = API_TEXT,
     .needed = true,
     .choices = "enable|disable|reset|remove",
     .help = "reset: a new password for each."},
    {.name = "dns", .type = API_LIST, .needed = true, .min = 1, .max = DN_MANY_MAX},
};
static const struct api_value bulk_answer[] = {
    {.name = "done", .type = API_INT, .needed = true},
    {.name = "items",
     .type = API_LIST,
     .needed = true,
     .max = DN_MANY_MAX,
     API_VALUES(password_values),
     .help = "Of reset: told this once."},
};
static const struct api_value import_query[] = {
    {.name = "dry_run", .type = API_BOOL, .help = "Only says what would be done."},
};
static const struct api_value change_values[] = {
    {.name = "field", .type = API_TEXT, .needed = true},
    {.name = "before", .type = API_TEXT, .needed = true},
    {.name = "after", .type = API_TEXT, .needed = true},
};
static const struct api_value row_values[] = {
    {.name = "line", .type = API_INT, .needed = true},
    {.name = "dn", .type = API_TEXT, .needed = true},
    {.name = "action", .type = API_TEXT, .needed = true, .choices = "add|change|same|error"},
    {.name = "detail",
     .type = API_TEXT,
     .needed = true,
     .help = "Of an error: the column, and what to change."},
    {.name = "changes", .type = API_LIST, .needed = true, API_VALUES(change_values)},
};
static const struct api_value import_answer[] = {
    {.name = "rows", .type = API_LIST, .needed = true, .max = 50000, API_VALUES(row_values)},
    {.name = "added", .type = API_INT, .needed = true},
    {.name = "changed", .type = API_INT, .needed = true},
    {.name = "unchanged", .type = API_INT, .needed = true},
    {.name = "failed", .type = API_INT, .needed = true},
};
static const struct api_value named_values[] = {
    {.name = "dn", .type = API_TEXT, .needed = true},
    {.name = "name", .type = API_TEXT, .needed = true},
};
static const struct api_value differing_values[] = {
    {.name = "dn", .type = API_TEXT, .needed = true},
    {.name = "field", .type = API_TEXT, .needed = true},
    {.name = "here", .type = API_TEXT, .needed = true},
    {.name = "there", .type = API_TEXT, .needed = true},
};
static const struct api_value compare_answer[] = {
    {.name = "same", .type = API_INT, .needed = true},
    {.name = "missing", .type = API_LIST, .needed = true, .max = 200000, API_VALUES(named_values)},
    {.name = "extra", .type = API_LIST, .needed = true, .max = 200000, API_VALUES(named_values)},
    {.name = "different", .type = API_LIST, .needed = true, .max = 200000, API_VALUES(differing_values)},
};

static const struct api_route routes[] = {
    {.method = "POST",
     .path = "/dns/range",
     .access = API_ADMIN,
     .summary = "Adds all DNs from one to another, each with a password of its own: all of them or none.",
     .h = range_h,
     .slow = true,
     API_BODY(range_body),
     API_ANSWER(range_answer)},
    {.method = "POST",
     .path = "/dns/bulk",
     .access = API_ADMIN,
     .summary = "Does the same to many DNs: to all of them or to none.",
     .h = bulk_h,
     .slow = true,
     .body_max = SELECTION_MAX,
     API_BODY(bulk_body),
     API_ANSWER(bulk_answer)},
    {.method = "POST",
     .path = "/dns/import",
     .access = API_ADMIN,
     .summary = "Adds and changes DNs from CSV: all of it or, when a row is wrong, nothing.",
     .h = import_h,
     .slow = true,
     .body_type = "text/csv",
     .body_max = LIST_MAX,
     API_QUERY(import_query),
     API_ANSWER(import_answer)},
    {.method = "GET",
     .path = "/dns/export",
     .access = API_READONLY,
     .summary = "All DNs as CSV, without passwords; importing it changes nothing.",
     .h = export_h,
     .slow = true,
     .answer_type = "text/csv; charset=utf-8"},
    {.method = "POST",
     .path = "/dns/compare",
     .access = API_READONLY,
     .summary = "What differs from a list kept elsewhere: CSV whose first line names a column dn or number, "
                "or one DN a line.",
     .h = compare_h,
     .slow = true,
     .body_type = "text/csv",
     .body_max = LIST_MAX,
     API_ANSWER(compare_answer)},
};

int admin_dnmany_routes(void)
{
    return api_routes(routes, sizeof(routes) / sizeof(routes[0]), NULL);
}
