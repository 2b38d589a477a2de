#include "admin/dns.h"
#include "admin/dnput.h"
#include "core/json.h"
#include "service/dnlist.h"
#include "service/livejson.h"
#include "service/presence.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct admin_dns {
    struct dnlist *list;
};

void dnput_dn(struct buf *out, const struct dn *d)
{
    api_put_str(out, "dn", d->dn);
    api_put_str(out, "name", d->name);
    api_put_bool(out, "enabled", d->enabled);
    api_put_str(out, "codec", dn_codec_name(d->codec));
    api_put_bool(out, "auto_answer", d->auto_answer);
    api_put_int(out, "call_limit", d->call_limit);
    api_put_bool(out, "trunk_password_set", d->trunk_password[0]);
    api_put_int(out, "created_ms", d->created_ms);
    api_put_int(out, "changed_ms", d->changed_ms);
}

void dnput_read(const struct json_val *body, enum dn_codec *codec, bool *enabled, bool *auto_answer,
                uint32_t *call_limit)
{
    const char *name = json_get_str(body, "codec");
    int64_t limit;

    if (name)
        (void)dn_codec_decode(codec, name); /* it is one of the choices */
    (void)json_get_bool(body, "enabled", enabled);
    (void)json_get_bool(body, "auto_answer", auto_answer);
    if (json_get_int(body, "call_limit", &limit))
        *call_limit = (uint32_t)limit;
}

static int dn_write(struct api_call *c, const struct dn *d, const char *password)
{
    buf_puts(c->out, "{");
    dnput_dn(c->out, d);
    if (password)
        api_put_str(c->out, "password", password);
    buf_puts(c->out, "}");
    return 0;
}

/* ------------------------------------------------------------------ the list */

static enum dn_sort sort_decode(const char *word)
{
    static const char *const words[DN_SORTS] = {[DN_SORT_DN] = "dn",
                                                [DN_SORT_NAME] = "name",
                                                [DN_SORT_STATE] = "state",
                                                [DN_SORT_CHANGED] = "changed"};
    unsigned i = 0;

    while (word && i < DN_SORTS && strcmp(word, words[i]))
        i++;
    return word && i < DN_SORTS ? (enum dn_sort)i : DN_SORT_DN;
}

static int list_h(struct api_call *c)
{
    const struct admin_dns *a = c->arg;
    const char *order = api_query(c, "order");
    const bool enabled = api_query_bool(c, "enabled", true);
    const struct dnlist_query q = {
        .q = api_query(c, "q"),
        .state = api_query(c, "state"),
        .codec = api_query(c, "codec"),
        .enabled = api_query(c, "enabled") ? &enabled : NULL,
        .sort = sort_decode(api_query(c, "sort")),
        .down = order && !strcmp(order, "desc"),
        .limit = api_limit(c),
        .cursor = api_query(c, "cursor"),
    };
    struct dnlist_page page;
    const int err = dnlist_ask(a->list, c->sv, &q, &page);

    if (err)
        return err;
    api_list_begin(c->out);
    for (size_t i = 0; i < page.count; i++) {
        const struct dn_presence *live = page.v[i].live;

        api_item(c->out);
        dnput_dn(c->out, page.v[i].dn);
        api_put_str(c->out, "state", dn_state_name(live ? live->state : DN_STATE_OFF));
        api_put_int(c->out, "since_ms", live ? live->since_ms : 0);
        api_put_str(c->out, "address", live ? live->address : "");
        api_put_str(c->out, "browser", live ? live->browser : "");
        buf_puts(c->out, "}");
    }
    api_list_end(c->out, (int64_t)page.total, page.next);
    return 0;
}

/* ------------------------------------------------------------------ one */

static int get_h(struct api_call *c)
{
    struct dn d;
    const int err = service_dn_get(c->sv, c->params[0], &d);

    return err ? err : dn_write(c, &d, NULL);
}

static int add_h(struct api_call *c)
{
    struct dn_new n = {.dn = json_get_str(c->body, "dn"),
                       .name = json_get_str(c->body, "name"),
                       .password = json_get_str(c->body, "password"),
                       .trunk_password = json_get_str(c->body, "trunk_password"),
                       .enabled = true};
    char made[DN_PASSWORD_MADE_MAX];
    struct dn d;
    int err;

    dnput_read(c->body, &n.codec, &n.enabled, &n.auto_answer, &n.call_limit);
    err = service_dn_add(c->sv, &n, made, &d);
    if (err)
        return err;
    c->status = 201;
    (void)dn_write(c, &d, n.password ? NULL : made);
    explicit_bzero(made, sizeof(made));
    return 0;
}

static int change_h(struct api_call *c)
{
    struct dn_change ch = {.name = json_get_str(c->body, "name"),
                           .password = json_get_str(c->body, "password"),
                           .trunk_password = json_get_str(c->body, "trunk_password")};
    enum dn_codec codec = DN_CODEC_AUTO;
    bool enabled = true, auto_answer = false;
    uint32_t limit = 0;
    struct dn d;
    int err;

    dnput_read(c->body, &codec, &enabled, &auto_answer, &limit);
    ch.codec = json_get(c->body, "codec") ? &codec : NULL;
    ch.enabled = json_get(c->body, "enabled") ? &enabled : NULL;
    ch.auto_answer = json_get(c->body, "auto_answer") ? &auto_answer : NULL;
    ch.call_limit = json_get(c->body, "call_limit") ? &limit : NULL;
    err = service_dn_change(c->sv, c->params[0], &ch, &d);
    return err ? err : dn_write(c, &d, NULL);
}

static int remove_h(struct api_call *c)
{
    return service_dn_remove(c->sv, c->params[0]);
}

static int password_h(struct api_call *c)
{
    const char *password = json_get_str(c->body, "password");
    char made[DN_PASSWORD_MADE_MAX] = "";
    int err;

    if (!password)
        service_dn_password(made);
    err = service_dn_change(c->sv, c->params[0], &(struct dn_change){.password = password ? password : made},
                            NULL);
    if (!err) {
        buf_puts(c->out, "{");
        api_put_str(c->out, "dn", c->params[0]);
        if (!password)
            api_put_str(c->out, "password", made);
        buf_puts(c->out, "}");
    }
    explicit_bzero(made, sizeof(made));
    return err;
}

static void live_put(struct buf *out, const struct service_dn_live *l)
{
    buf_puts(out, "{");
    api_put_str(out, "state", dn_state_name(l->state));
    api_put_int(out, "since_ms", l->since_ms);
    api_put_name(out, "registrations");
    buf_puts(out, "[");
    if (l->registered) {
        buf_puts(out, "{");
        livejson_registration(out, &l->registration);
        buf_puts(out, "}");
    }
    buf_puts(out, "]");
    api_put_name(out, "calls");
    buf_puts(out, "[");
    for (size_t i = 0; i < l->call_count; i++) {
        api_item(out);
        livejson_call(out, &l->calls[i]);
        buf_puts(out, "}");
    }
    buf_puts(out, "]");
    api_put_name(out, "ban");
    if (l->banned) {
        buf_puts(out, "{");
        api_put_str(out, "address", l->ban_source);
        api_put_int(out, "until_ms", l->ban_until_ms);
        buf_puts(out, "}");
    } else {
        buf_puts(out, "null");
    }
    buf_puts(out, "}");
}

static int live_h(struct api_call *c)
{
    struct service_dn_live l;
    struct dn d;
    int err = service_dn_get(c->sv, c->params[0], &d);

    if (!err)
        err = service_dn_live(c->sv, c->params[0], &l);
    if (!err)
        memcpy(l.registration.name, d.name, sizeof(d.name));
    explicit_bzero(&d, sizeof(d));
    if (!err)
        live_put(c->out, &l);
    return err;
}

/* ------------------------------------------------------------------ routes */

static const struct api_value query[] = {
    {.name = "q", .type = API_TEXT, .max = 64, .help = "Part of the DN or the name, in any case."},
    {.name = "state", .type = API_TEXT, .choices = "off|ready|ringing|on_call"},
    {.name = "enabled", .type = API_BOOL},
    {.name = "codec", .type = API_TEXT, .choices = DN_CODECS},
    {.name = "sort",
     .type = API_TEXT,
     .choices = "dn|name|state|changed",
     .help = "dn when absent; numbers go by their value."},
    {.name = "order", .type = API_TEXT, .choices = "asc|desc"},
};
#define DN_ANSWER_VALUES                                                                                     \
    {.name = "dn", .type = API_TEXT, .needed = true}, {.name = "name", .type = API_TEXT, .needed = true},    \
        {.name = "enabled", .type = API_BOOL, .needed = true},                                               \
        {.name = "codec", .type = API_TEXT, .needed = true, .choices = DN_CODECS},                           \
        {.name = "auto_answer", .type = API_BOOL, .needed = true},                                           \
        {.name = "call_limit", .type = API_INT, .needed = true},                                             \
        {.name = "trunk_password_set", .type = API_BOOL, .needed = true},                                    \
        {.name = "created_ms", .type = API_TIME, .needed = true},                                            \
    {                                                                                                        \
        .name = "changed_ms", .type = API_TIME, .needed = true                                               \
    }
static const struct api_value answer[] = {DN_ANSWER_VALUES};
static const struct api_value added[] = {
    DN_ANSWER_VALUES,
    {.name = "password", .type = API_TEXT, .help = "When none was given: the one that was made, this once."},
};
static const struct api_value listed[] = {
    DN_ANSWER_VALUES,
    {.name = "state", .type = API_TEXT, .needed = true, .choices = "off|ready|ringing|on_call"},
    {.name = "since_ms", .type = API_TIME, .needed = true},
    {.name = "address", .type = API_TEXT, .needed = true},
    {.name = "browser", .type = API_TEXT, .needed = true},
};
#define TRUNK_PASSWORD                                                                                       \
    {                                                                                                        \
        .name = "trunk_password", .type = API_SECRET, .max = DN_TRUNK_PASSWORD_MAX - 1,                      \
        .help = "Answers SIP Server's challenges for this DN; empty: it has none. Nothing answers with it."  \
    }
#define DN_PASSWORD_HELP "At least 6 characters; when absent one is made and told once."
static const struct api_value add_body[] = {
    {.name = "dn", .type = API_TEXT, .needed = true, .min = 1, .max = DN_MAX - 1},
    {.name = "name", .type = API_TEXT, .max = DN_NAME_MAX - 1},
    {.name = "password", .type = API_SECRET, .min = DN_PASSWORD_MIN, .max = 1024, .help = DN_PASSWORD_HELP},
    TRUNK_PASSWORD,
    DN_BODY_VALUES,
};
static const struct api_value change_body[] = {
    {.name = "name", .type = API_TEXT, .max = DN_NAME_MAX - 1},
    {.name = "password",
     .type = API_SECRET,
     .min = DN_PASSWORD_MIN,
     .max = 1024,
     .help = "Ends its registration."},
    TRUNK_PASSWORD,
    DN_BODY_VALUES,
};
static const struct api_value password_body[] = {
    {.name = "password", .type = API_SECRET, .min = DN_PASSWORD_MIN, .max = 1024, .help = DN_PASSWORD_HELP},
};
static const struct api_value password_answer[] = {
    {.name = "dn", .type = API_TEXT, .needed = true},
    {.name = "password", .type = API_TEXT, .help = "The one that was made, this once."},
};
static const struct api_value live_answer[] = {
    {.name = "state", .type = API_TEXT, .needed = true, .choices = "off|ready|ringing|on_call"},
    {.name = "since_ms", .type = API_TIME, .needed = true},
    {.name = "registrations", .type = API_ANY, .needed = true, .help = "As GET /registrations has them."},
    {.name = "calls", .type = API_ANY, .needed = true, .help = "As GET /calls has them."},
    {.name = "ban",
     .type = API_ANY,
     .needed = true,
     .help = "Of the source it is signed in from: {address, until_ms}, or null."},
};

static const struct api_route routes[] = {
    {.method = "GET",
     .path = "/dns",
     .access = API_READONLY,
     .summary = "DNs, with what they do just now (at most a second old).",
     .h = list_h,
     .list = true,
     API_QUERY(query),
     API_ANSWER(listed)},
    {.method = "POST",
     .path = "/dns",
     .access = API_ADMIN,
     .summary = "Adds a DN.",
     .h = add_h,
     API_BODY(add_body),
     API_ANSWER(added)},
    {.method = "GET",
     .path = "/dns/{dn}",
     .access = API_READONLY,
     .summary = "One DN.",
     .h = get_h,
     API_ANSWER(answer)},
    {.method = "PATCH",
     .path = "/dns/{dn}",
     .access = API_ADMIN,
     .summary = "Changes what is given of a DN and leaves the rest.",
     .h = change_h,
     API_BODY(change_body),
     API_ANSWER(answer)},
    {.method = "DELETE",
     .path = "/dns/{dn}",
     .access = API_ADMIN,
     .summary = "Removes a DN; its call records stay.",
     .h = remove_h},
    {.method = "POST",
     .path = "/dns/{dn}/password",
     .access = API_ADMIN,
     .summary = "Gives a DN a new password; its registration ends.",
     .h = password_h,
     API_BODY(password_body),
     API_ANSWER(password_answer)},
    {.method = "GET",
     .path = "/dns/{dn}/live",
     .access = API_READONLY,
     .summary = "Who is signed in as a DN, and its calls.",
     .h = live_h,
     API_ANSWER(live_answer)},
};

int admin_dns_alloc(struct admin_dns **dp, struct store *store)
{
    struct admin_dns *a = calloc(1, sizeof(*a));
    int err;

    if (!a)
        return ENOMEM;
    err = dnlist_alloc(&a->list, store);
    if (!err)
        err = admin_dnmany_routes(); /* /dns/range before /dns/{dn} */
    if (!err)
        err = api_routes(routes, sizeof(routes) / sizeof(routes[0]), a);
    if (err)
        admin_dns_free(a);
    else
        *dp = a;
    return err;
}

void admin_dns_free(struct admin_dns *a)
{
    if (!a)
        return;
    dnlist_free(a->list);
    free(a);
}
