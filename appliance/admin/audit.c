#include "admin/audit.h"
#include "admin/api.h"
#include "service/audit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { PIECE = 500 }; /* entries of an export at a time */

static struct audit_filter filter_of(const struct api_call *c)
{
    return (struct audit_filter){.q = api_query(c, "q"),
                                 .who = api_query(c, "who"),
                                 .noun = api_query(c, "noun"),
                                 .key = api_query(c, "key"),
                                 .from_ms = api_query_int(c, "from_ms", 0),
                                 .to_ms = api_query_int(c, "to_ms", 0)};
}

struct listing {
    struct buf *out;
    size_t n;
    int64_t last;
};

static bool list_each_h(const struct audit_entry *e, void *arg)
{
    struct listing *l = arg;

    api_item(l->out);
    api_put_int(l->out, "time_ms", e->time_ms);
    buf_puts(l->out, ",");
    service_audit_members(l->out, e);
    buf_puts(l->out, "}");
    l->n++;
    l->last = e->id;
    return false;
}

static int list_h(struct api_call *c)
{
    struct audit_filter f = filter_of(c);
    struct listing l = {.out = c->out};
    char next[24] = "";
    int64_t total = 0;
    int err = service_audit_count(c->sv, &f, &total);

    if (err)
        return err;
    f.limit = api_limit(c);
    f.before_id = api_query_int(c, "cursor", 0);
    api_list_begin(c->out);
    err = service_audit_each(c->sv, &f, list_each_h, &l);
    if (err)
        return err;
    if (l.n == f.limit)
        snprintf(next, sizeof(next), "%lld", (long long)l.last);
    api_list_end(c->out, total, next);
    return 0;
}

/* ---------------------------------------------------------------- export */

struct export
{
    struct buf *out;
    int64_t before_id; /* -1: that was all */
    size_t n;
};

static bool export_each_h(const struct audit_entry *e, void *arg)
{
    struct export *x = arg;

    service_audit_csv(x->out, e);
    x->before_id = e->id;
    x->n++;
    return x->out->err != 0;
}

static int export_h(struct api_call *c)
{
    snprintf(c->headers, sizeof(c->headers), "Content-Disposition: attachment; filename=\"audit.csv\"\r\n");
    service_audit_csv(c->out, NULL);
    return 0;
}

static int export_piece(struct api_call *c, void **state)
{
    struct audit_filter f = filter_of(c);
    struct export *x = *state;
    int err;

    if (!x) {
        x = *state = calloc(1, sizeof(*x));
        if (!x)
            return ENOMEM;
    }
    if (x->before_id < 0)
        return 0;
    f.before_id = x->before_id;
    f.limit = PIECE;
    x->out = c->out;
    x->n = 0;
    err = service_audit_each(c->sv, &f, export_each_h, x);
    if (x->n < PIECE)
        x->before_id = -1;
    return err;
}

/* ---------------------------------------------------------------- */

static const struct api_value filters[] = {
    {.name = "q", .type = API_TEXT, .max = 200, .help = "Somewhere in what, key, who, address or reason."},
    {.name = "who", .type = API_TEXT, .max = 64},
    {.name = "noun", .type = API_TEXT, .max = 32, .help = "dn, trunk, user, setting, calls, …"},
    {.name = "key", .type = API_TEXT, .max = 128, .help = "Which of them."},
    {.name = "from_ms", .type = API_TIME, .help = "Then or later."},
    {.name = "to_ms", .type = API_TIME, .help = "Before then."},
};
static const struct api_value answer[] = {
    {.name = "id", .type = API_INT, .needed = true},
    {.name = "time_ms", .type = API_TIME, .needed = true},
    {.name = "who", .type = API_TEXT, .needed = true},
    {.name = "via", .type = API_TEXT, .needed = true, .help = "console, key, cli or system."},
    {.name = "address", .type = API_TEXT, .needed = true, .help = "Empty: the machine itself."},
    {.name = "noun", .type = API_TEXT, .needed = true},
    {.name = "key", .type = API_TEXT, .needed = true},
    {.name = "what", .type = API_TEXT, .needed = true},
    {.name = "before",
     .type = API_ANY,
     .needed = true,
     .help = "An object, without secrets; null when there was none."},
    {.name = "after", .type = API_ANY, .needed = true},
    {.name = "reason", .type = API_TEXT, .needed = true},
};

static const struct api_route routes[] = {
    {.method = "GET",
     .path = "/audit",
     .access = API_ADMIN,
     .summary = "Who changed what, the newest first.",
     .h = list_h,
     .slow = true, /* a search looks at all there is */
     .list = true,
     API_QUERY(filters),
     API_ANSWER(answer)},
    {.method = "GET",
     .path = "/audit/export",
     .access = API_ADMIN,
     .summary = "The same as CSV, all of it.",
     .h = export_h,
     .slow = true,
     API_QUERY(filters),
     .answer_type = "text/csv; charset=utf-8",
     .piece = export_piece,
     .drop = free},
};

int admin_audit_routes(void)
{
    return api_routes(routes, sizeof(routes) / sizeof(routes[0]), NULL);
}
