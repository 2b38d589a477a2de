#include "admin/settings.h"
#include "admin/api.h"
#include "core/json.h"
#include "service/audit.h"
#include "service/setting.h"
#include "store/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *type_name(enum conf_type t)
{
    static const char *const names[] = {[CONF_INT] = "int",
                                        [CONF_BOOL] = "bool",
                                        [CONF_STR] = "text",
                                        [CONF_ENUM] = "enum",
                                        [CONF_SECRET] = "secret"};

    return names[t];
}

/* A number as a number, yes and no as true and false. */
static void value_put(struct buf *out, const char *name, enum conf_type t, const char *value)
{
    if (t == CONF_INT)
        api_put_int(out, name, strtoll(value, NULL, 10));
    else if (t == CONF_BOOL)
        api_put_bool(out, name, !strcmp(value, "yes"));
    else
        api_put_str(out, name, value);
}

static void choices_put(struct buf *out, const char *choices)
{
    char item[64];

    api_put_name(out, "choices");
    buf_puts(out, "[");
    for (const char *p = choices ? choices : ""; *p; p += strcspn(p, "|"), p += *p == '|') {
        snprintf(item, sizeof(item), "%.*s", (int)strcspn(p, "|"), p);
        buf_puts(out, p == choices ? "" : ",");
        buf_json_str(out, item);
    }
    buf_puts(out, "]");
}

static void setting_put_members(struct api_call *c, const struct conf_def *def)
{
    struct service_setting s;

    service_setting_get(c->sv, def, &s);
    if (c->who->role != USER_ADMIN)
        service_setting_hide(def, s.value);
    api_put_str(c->out, "key", def->key);
    api_put_str(c->out, "type", type_name(def->type));
    value_put(c->out, "value", def->type, s.value);
    value_put(c->out, "default", def->type, def->def);
    api_put_int(c->out, "min", def->min);
    api_put_int(c->out, "max", def->max);
    api_put_str(c->out, "unit", def->unit);
    choices_put(c->out, def->choices);
    api_put_str(c->out, "meaning", def->meaning);
    api_put_bool(c->out, "restart", !def->live);
    api_put_str(c->out, "source", conf_source_name(s.source));
    api_put_bool(c->out, "locked", s.locked);
    api_put_bool(c->out, "pending", s.pending);
    value_put(c->out, "running", def->type, s.pending ? s.running : s.value);
}

static int list_h(struct api_call *c)
{
    api_list_begin(c->out);
    for (size_t i = 0; i < conf_count(); i++) {
        api_item(c->out);
        setting_put_members(c, conf_at(i));
        buf_puts(c->out, "}");
    }
    api_list_end(c->out, (int64_t)conf_count(), "");
    return 0;
}

static int get_h(struct api_call *c)
{
    const struct conf_def *def = conf_find(c->params[0]);

    if (!def)
        return service_fail(c->sv, ENOENT, "There is no setting %s.", c->params[0]);
    buf_puts(c->out, "{");
    setting_put_members(c, def);
    buf_puts(c->out, "}");
    return 0;
}

/* The value as the table's text: false, 8443, "text". */
static int value_take(struct api_call *c, char *text, size_t sz)
{
    const struct json_val *v = json_get(c->body, "value");
    const char *s = json_str(v);
    int64_t n;
    bool b;

    if (s)
        return (size_t)snprintf(text, sz, "%s", s) < sz ? 0 : EINVAL;
    if (json_get_bool(c->body, "value", &b))
        snprintf(text, sz, "%s", b ? "yes" : "no");
    else if (json_get_int(c->body, "value", &n))
        snprintf(text, sz, "%lld", (long long)n);
    else
        return EINVAL;
    return 0;
}

static int put_h(struct api_call *c)
{
    char text[CONF_VALUE_MAX], why[SERVICE_WHY_MAX];
    int err;

    if (!conf_find(c->params[0]))
        return service_fail(c->sv, ENOENT, "There is no setting %s.", c->params[0]);
    if (value_take(c, text, sizeof(text)))
        return service_fail_at(c->sv, EINVAL, "value", "The value is a text, a whole number, true or false.");
    err = service_setting_put(c->sv, c->params[0], text);
    if (err == EINVAL) {
        snprintf(why, sizeof(why), "%s", c->sv->why);
        return service_fail_at(c->sv, err, "value", "%s", why);
    }
    return err ? err : get_h(c);
}

static int remove_h(struct api_call *c)
{
    int err;

    if (api_query(c, "reason")) /* who sends no body with a DELETE */
        store_actor_reason(api_query(c, "reason"));
    err = service_setting_put(c->sv, c->params[0], NULL);

    return err || !conf_find(c->params[0]) ? err : get_h(c);
}

/* ---------------------------------------------------------------- history */

static void past_put(const struct api_call *c, const char *key, const char *name, const char *json)
{
    const struct conf_def *def = conf_find(key);
    struct buf *out = c->out;
    char value[CONF_VALUE_MAX];

    if (service_setting_value(json, value, sizeof(value))) {
        if (def && c->who->role != USER_ADMIN)
            service_setting_hide(def, value);
        api_put_str(out, name, value);
    } else {
        api_put_name(out, name);
        buf_puts(out, "null");
    }
}

struct listing {
    const struct api_call *c;
    size_t n;
    int64_t last;
};

static bool history_each_h(const struct audit_entry *e, void *arg)
{
    struct listing *l = arg;
    struct buf *out = l->c->out;

    api_item(out);
    api_put_int(out, "id", e->id);
    api_put_int(out, "time_ms", e->time_ms);
    api_put_str(out, "who", e->who);
    api_put_str(out, "via", e->via);
    api_put_str(out, "key", e->key);
    past_put(l->c, e->key, "before", e->before);
    past_put(l->c, e->key, "after", e->after);
    api_put_str(out, "reason", e->reason);
    buf_puts(out, "}");
    l->n++;
    l->last = e->id;
    return false;
}

static int history_h(struct api_call *c)
{
    const char *key = api_query(c, "key");
    const struct audit_filter f = {.noun = "setting", .key = key};
    const size_t limit = api_limit(c);
    struct listing l = {.c = c};
    char next[24] = "";
    int64_t total = 0;
    int err = service_audit_count(c->sv, &f, &total);

    if (err)
        return err;
    api_list_begin(c->out);
    err = service_setting_history(c->sv, key, api_query_int(c, "cursor", 0), limit, history_each_h, &l);
    if (err)
        return err;
    if (l.n == limit)
        snprintf(next, sizeof(next), "%lld", (long long)l.last);
    api_list_end(c->out, total, next);
    return 0;
}

static int revert_h(struct api_call *c)
{
    char key[128];
    const int err = service_setting_revert(c->sv, strtoll(c->params[0], NULL, 10), key, sizeof(key));

    if (err || !conf_find(key))
        return err;
    buf_puts(c->out, "{");
    setting_put_members(c, conf_find(key));
    buf_puts(c->out, "}");
    return 0;
}

/* ---------------------------------------------------------------- */

static const struct api_value answer[] = {
    {.name = "key", .type = API_TEXT, .needed = true},
    {.name = "type", .type = API_TEXT, .needed = true, .choices = "int|bool|text|enum|secret"},
    {.name = "value",
     .type = API_ANY,
     .needed = true,
     .help = "In effect, or after a restart; of a secret \"(set)\" or \"\"."},
    {.name = "default", .type = API_ANY, .needed = true},
    {.name = "min", .type = API_INT, .needed = true, .help = "Of a number; of a text its length."},
    {.name = "max", .type = API_INT, .needed = true},
    {.name = "unit", .type = API_TEXT, .needed = true},
    {.name = "choices",
     .type = API_LIST,
     .needed = true,
     .help = "Of an enum; of a text, what it begins with."},
    {.name = "meaning", .type = API_TEXT, .needed = true},
    {.name = "restart",
     .type = API_BOOL,
     .needed = true,
     .help = "A change takes effect when the server is started again."},
    {.name = "source", .type = API_TEXT, .needed = true, .choices = "default|database|environment|option"},
    {.name = "locked", .type = API_BOOL, .needed = true, .help = "By -o or the environment."},
    {.name = "pending",
     .type = API_BOOL,
     .needed = true,
     .help = "The server still goes by another value, running."},
    {.name = "running", .type = API_ANY, .needed = true},
};
static const struct api_value put_body[] = {
    {.name = "value", .type = API_ANY, .needed = true, .help = "A text, a whole number, true or false."},
    {.name = "reason", .type = API_TEXT, .max = 255},
};
static const struct api_value reason_body[] = {{.name = "reason", .type = API_TEXT, .max = 255}};
static const struct api_value history_query[] = {{.name = "key", .type = API_TEXT, .max = 128}};
static const struct api_value history_answer[] = {
    {.name = "id", .type = API_INT, .needed = true},
    {.name = "time_ms", .type = API_TIME, .needed = true},
    {.name = "who", .type = API_TEXT, .needed = true},
    {.name = "via", .type = API_TEXT, .needed = true},
    {.name = "key", .type = API_TEXT, .needed = true},
    {.name = "before", .type = API_ANY, .needed = true, .help = "A text; null: the default."},
    {.name = "after", .type = API_ANY, .needed = true},
    {.name = "reason", .type = API_TEXT, .needed = true},
};

static const struct api_route routes[] = {
    {.method = "GET",
     .path = "/settings",
     .access = API_READONLY,
     .summary = "All settings, in the order of the table.",
     .h = list_h,
     .list = true,
     API_ANSWER(answer)},
    {.method = "GET",
     .path = "/settings/history",
     .access = API_READONLY,
     .summary = "What people changed, the newest first.",
     .h = history_h,
     .list = true,
     API_QUERY(history_query),
     API_ANSWER(history_answer)},
    {.method = "POST",
     .path = "/settings/history/{id}/revert",
     .access = API_ADMIN,
     .summary = "Gives a setting the value that it had before this change.",
     .h = revert_h,
     API_BODY(reason_body),
     API_ANSWER(answer)},
    {.method = "GET",
     .path = "/settings/{key}",
     .access = API_READONLY,
     .summary = "One setting.",
     .h = get_h,
     API_ANSWER(answer)},
    {.method = "PUT",
     .path = "/settings/{key}",
     .access = API_ADMIN,
     .summary = "Changes a setting in the database.",
     .h = put_h,
     API_BODY(put_body),
     API_ANSWER(answer)},
    {.method = "DELETE",
     .path = "/settings/{key}",
     .access = API_ADMIN,
     .summary = "Takes a setting out of the database: back to its default.",
     .h = remove_h,
     API_QUERY(reason_body),
     API_BODY(reason_body),
     API_ANSWER(answer)},
};

int admin_settings_routes(void)
{
    return api_routes(routes, sizeof(routes) / sizeof(routes[0]), NULL);
}
