#include "admin/apikeys.h"
#include "admin/api.h"
#include "core/json.h"
#include "core/log.h"
#include "service/apikey.h"

#include <stdio.h>
#include <string.h>

static void key_put(struct buf *out, const struct apikey *k)
{
    api_put_str(out, "id", k->id);
    api_put_str(out, "name", k->name);
    api_put_str(out, "role", user_role_name(k->role));
    api_put_str(out, "user", k->user);
    api_put_int(out, "created_ms", k->created_ms);
    api_put_int(out, "expires_ms", k->expires_ms);
    api_put_int(out, "seen_ms", k->seen_ms);
}

struct listing {
    struct buf *out;
    int64_t n;
};

static bool list_each_h(const struct apikey *k, void *arg)
{
    struct listing *l = arg;

    api_item(l->out);
    key_put(l->out, k);
    buf_puts(l->out, "}");
    l->n++;
    return false;
}

static int list_h(struct api_call *c)
{
    struct listing l = {.out = c->out};
    int err;

    api_list_begin(c->out);
    err = service_apikey_each(c->sv, list_each_h, &l);
    api_list_end(c->out, l.n, "");
    return err;
}

static int add_h(struct api_call *c)
{
    struct apikey k = {.role = USER_READONLY};
    char key[APIKEY_MAX];
    int err;

    snprintf(k.name, sizeof(k.name), "%s", json_get_str(c->body, "name"));
    snprintf(k.user, sizeof(k.user), "%s", c->who->user);
    (void)user_role_decode(&k.role, json_get_str(c->body, "role")); /* it is one of the choices */
    (void)json_get_int(c->body, "expires_ms", &k.expires_ms);
    err = service_apikey_add(c->sv, &k, key);
    if (err)
        return err;
    log_info("admin", "user=%s id=%s role=%s an API key was made", k.user, k.id, user_role_name(k.role));
    c->status = 201;
    buf_puts(c->out, "{");
    key_put(c->out, &k);
    api_put_str(c->out, "key", key);
    buf_puts(c->out, "}");
    explicit_bzero(key, sizeof(key));
    return 0;
}

static int remove_h(struct api_call *c)
{
    return service_apikey_remove(c->sv, c->params[0]);
}

#define ROLES "admin|supervisor|readonly"
#define KEY_VALUES                                                                                           \
    {.name = "id", .type = API_TEXT, .needed = true},                                                        \
        {.name = "name", .type = API_TEXT, .needed = true, .help = "What it is for."},                       \
        {.name = "role", .type = API_TEXT, .needed = true, .choices = ROLES},                                \
        {.name = "user", .type = API_TEXT, .needed = true, .help = "Who made it."},                          \
        {.name = "created_ms", .type = API_TIME, .needed = true},                                            \
        {.name = "expires_ms", .type = API_TIME, .needed = true, .help = "0: never."},                       \
    {                                                                                                        \
        .name = "seen_ms", .type = API_TIME, .needed = true, .help = "Last used, to a minute; 0: not yet."   \
    }

static const struct api_value answer[] = {KEY_VALUES};
static const struct api_value made[] = {
    KEY_VALUES,
    {.name = "key", .type = API_TEXT, .needed = true, .help = "It is told this once only."},
};
static const struct api_value add_body[] = {
    {.name = "name", .type = API_TEXT, .needed = true, .min = 1, .max = 63, .help = "What it is for."},
    {.name = "role", .type = API_TEXT, .needed = true, .choices = ROLES},
    {.name = "expires_ms", .type = API_TIME, .help = "0 or absent: never."},
};

static const struct api_route routes[] = {
    {.method = "GET",
     .path = "/apikeys",
     .access = API_ADMIN,
     .summary = "Keys by which programs use this.",
     .h = list_h,
     .list = true,
     API_ANSWER(answer)},
    {.method = "POST",
     .path = "/apikeys",
     .access = API_ADMIN,
     .summary = "Makes a key; programs send it as Authorization: Bearer KEY. It goes with its maker, and "
                "when his role "
                "gets less than the key's.",
     .h = add_h,
     API_BODY(add_body),
     API_ANSWER(made)},
    {.method = "DELETE",
     .path = "/apikeys/{id}",
     .access = API_ADMIN,
     .summary = "Takes a key back.",
     .h = remove_h},
};

int admin_apikeys_routes(void)
{
    return api_routes(routes, sizeof(routes) / sizeof(routes[0]), NULL);
}
