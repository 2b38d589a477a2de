#include "admin/selftests.h"
#include "admin/api.h"
#include "core/json.h"
#include "service/selftest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOOKED_AT_MAX = 2000 }; /* results; older ones are found by their DN */

static void result_put(struct buf *out, const struct selftest *t)
{
    api_put_str(out, "id", t->id);
    api_put_str(out, "dn", t->dn);
    api_put_str(out, "note", t->note);
    api_put_int(out, "time_ms", t->time_ms);
    api_put_str(out, "verdict", t->verdict);
    api_put_str(out, "browser", t->browser);
    api_put_str(out, "system", t->system);
    api_put_str(out, "source", t->source);
    api_put_name(out, "tests");
    buf_puts(out, t->tests);
}

/* ---------------------------------------------------------------- results */

struct listing {
    struct buf *out;
    const char *cursor; /* the last that was told; NULL: from the newest */
    size_t limit, told;
    int64_t seen;
    bool more;
    char last[40];
};

static bool each_h(const struct selftest *t, void *arg)
{
    struct listing *l = arg;

    l->seen++;
    if (l->cursor && strcmp(t->id, l->cursor) >= 0)
        return l->seen >= LOOKED_AT_MAX;
    if (l->told == l->limit) {
        l->more = true;
        return l->seen >= LOOKED_AT_MAX;
    }
    api_item(l->out);
    result_put(l->out, t);
    buf_puts(l->out, "}");
    snprintf(l->last, sizeof(l->last), "%s", t->id);
    l->told++;
    return l->seen >= LOOKED_AT_MAX;
}

static int list(struct api_call *c, const char *dn)
{
    struct listing l = {.out = c->out, .cursor = api_query(c, "cursor"), .limit = api_limit(c)};
    int err;

    api_list_begin(c->out);
    err = service_selftest_each(c->sv, dn, each_h, &l);
    api_list_end(c->out, l.seen < LOOKED_AT_MAX ? l.seen : -1, l.more ? l.last : "");
    return err;
}

static int list_h(struct api_call *c)
{
    return list(c, api_query(c, "dn"));
}

static int of_dn_h(struct api_call *c)
{
    return list(c, c->params[0]);
}

static int get_h(struct api_call *c)
{
    struct selftest t;
    const int err = service_selftest_get(c->sv, c->params[0], &t);

    if (err)
        return err;
    buf_puts(c->out, "{");
    result_put(c->out, &t);
    buf_puts(c->out, "}");
    return 0;
}

/* ---------------------------------------------------------------- links */

static int link_h(struct api_call *c)
{
    const char *note = json_get_str(c->body, "note");
    int64_t hours = SERVICE_LINK_HOURS;
    char url[SERVICE_URL_MAX];
    struct selftest_link l;
    int err;

    (void)json_get_int(c->body, "hours", &hours);
    err = service_selftest_link(c->sv, note ? note : "", (unsigned)hours, &l, url);
    if (err)
        return err;
    c->status = 201;
    buf_puts(c->out, "{");
    api_put_str(c->out, "url", url);
    api_put_str(c->out, "note", l.note);
    api_put_int(c->out, "expires_ms", l.expires_ms);
    buf_puts(c->out, "}");
    explicit_bzero(url, sizeof(url));
    return 0;
}

struct link_listing {
    struct buf *out;
    int64_t id_after; /* of the page before */
    size_t limit, told;
    int64_t total, last;
    bool begun, more;
};

static bool link_each_h(const struct selftest_link *t, void *arg)
{
    struct link_listing *l = arg;

    l->total++;
    if (!l->begun) {
        l->begun = t->id == l->id_after;
        return false;
    }
    if (l->told == l->limit) {
        l->more = true;
        return false;
    }
    api_item(l->out);
    api_put_int(l->out, "id", t->id);
    api_put_str(l->out, "note", t->note);
    api_put_int(l->out, "created_ms", t->created_ms);
    api_put_int(l->out, "expires_ms", t->expires_ms);
    buf_puts(l->out, "}");
    l->last = t->id;
    l->told++;
    return false;
}

static int links_h(struct api_call *c)
{
    const char *cursor = api_query(c, "cursor");
    struct link_listing l = {.out = c->out, .limit = api_limit(c), .begun = !cursor || !*cursor};
    char next[24] = "";
    int err;

    if (!l.begun)
        l.id_after = strtoll(cursor, NULL, 10);
    api_list_begin(c->out);
    err = service_selftest_links(c->sv, link_each_h, &l);
    if (l.more)
        snprintf(next, sizeof(next), "%lld", (long long)l.last);
    api_list_end(c->out, l.total, next);
    return err;
}

static int link_remove_h(struct api_call *c)
{
    char *end;
    const int64_t id = strtoll(c->params[0], &end, 10);

    if (*end || !c->params[0][0])
        return service_fail(c->sv, ENOENT, "there is no open link %.32s", c->params[0]);
    return service_selftest_link_remove(c->sv, id);
}

/* ---------------------------------------------------------------- tables */

static const struct api_value answer[] = {
    {.name = "id", .type = API_TEXT, .needed = true, .help = "Sorts by time."},
    {.name = "dn", .type = API_TEXT, .needed = true, .help = "Empty: made by a link."},
    {.name = "note", .type = API_TEXT, .needed = true, .help = "Of the link."},
    {.name = "time_ms", .type = API_TIME, .needed = true},
    {.name = "verdict", .type = API_TEXT, .needed = true, .choices = "good|fair|bad"},
    {.name = "browser", .type = API_TEXT, .needed = true},
    {.name = "system", .type = API_TEXT, .needed = true},
    {.name = "source", .type = API_TEXT, .needed = true, .help = "The browser's IP address."},
    {.name = "tests", .type = API_ANY, .needed = true, .help = "Of each: name, result, detail, figures."},
};
static const struct api_value list_query[] = {
    {.name = "dn", .type = API_TEXT, .max = DN_MAX - 1, .help = "Of this DN; empty: those made by links."},
};
static const struct api_value link_body[] = {
    {.name = "note", .type = API_TEXT, .max = DN_NAME_MAX - 1, .help = "Whom it is for."},
    {.name = "hours", .type = API_INT, .min = 1, .max = SELFTEST_HOURS_MAX, .help = "Good for so long; 24."},
};
static const struct api_value links_answer[] = {
    {.name = "id", .type = API_INT, .needed = true},
    {.name = "note", .type = API_TEXT, .needed = true},
    {.name = "created_ms", .type = API_TIME, .needed = true},
    {.name = "expires_ms", .type = API_TIME, .needed = true},
};
static const struct api_value link_answer[] = {
    {.name = "url", .type = API_TEXT, .needed = true, .help = "Told this once; good once."},
    {.name = "note", .type = API_TEXT, .needed = true},
    {.name = "expires_ms", .type = API_TIME, .needed = true},
};

static const struct api_route routes[] = {
    {.method = "GET",
     .path = "/selftests",
     .access = API_READONLY,
     .summary = "What self-tests found, the newest first.",
     .h = list_h,
     .list = true,
     .uncounted = true,
     API_QUERY(list_query),
     API_ANSWER(answer)},
    {.method = "GET",
     .path = "/selftests/{id}",
     .access = API_READONLY,
     .summary = "One self-test.",
     .h = get_h,
     API_ANSWER(answer)},
    {.method = "GET",
     .path = "/dns/{dn}/selftests",
     .access = API_READONLY,
     .summary = "What the last self-tests of a DN found.",
     .h = of_dn_h,
     .list = true,
     API_ANSWER(answer)},
    {.method = "GET",
     .path = "/selftest-links",
     .access = API_SUPERVISOR,
     .summary = "The links that are good yet, the first to end first; not what leads to them.",
     .h = links_h,
     .list = true,
     API_ANSWER(links_answer)},
    {.method = "DELETE",
     .path = "/selftest-links/{id}",
     .access = API_SUPERVISOR,
     .summary = "Takes a link back that was not used yet.",
     .h = link_remove_h},
    {.method = "POST",
     .path = "/selftest-links",
     .access = API_SUPERVISOR,
     .summary = "Makes a link by which somebody without a DN tests his workplace, once.",
     .h = link_h,
     API_BODY(link_body),
     API_ANSWER(link_answer)},
};

int admin_selftests_routes(void)
{
    return api_routes(routes, sizeof(routes) / sizeof(routes[0]), NULL);
}
