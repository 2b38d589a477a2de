#include "admin/users.h"
#include "admin/api.h"
#include "core/json.h"
#include "service/user.h"

#include <errno.h>
#include <string.h>

static void user_put(struct buf *out, const struct user *u)
{
    api_put_str(out, "name", u->name);
    api_put_str(out, "role", user_role_name(u->role));
    api_put_bool(out, "totp", u->totp);
    api_put_int(out, "created_ms", u->created_ms);
    api_put_int(out, "changed_ms", u->changed_ms);
}

static void user_write(struct buf *out, const struct user *u)
{
    buf_puts(out, "{");
    user_put(out, u);
    buf_puts(out, "}");
}

struct listing {
    struct buf *out;
    int64_t n;
};

static bool list_each_h(const struct user *u, void *arg)
{
    struct listing *l = arg;

    api_item(l->out);
    user_put(l->out, u);
    buf_puts(l->out, "}");
    l->n++;
    return false;
}

static int list_h(struct api_call *c)
{
    struct listing l = {.out = c->out};
    int err;

    api_list_begin(c->out);
    err = service_user_each(c->sv, list_each_h, &l);
    api_list_end(c->out, l.n, "");
    return err;
}

static int get_h(struct api_call *c)
{
    struct user u;
    const int err = service_user_get(c->sv, c->params[0], &u);

    if (!err)
        user_write(c->out, &u);
    return err;
}

static int add_h(struct api_call *c)
{
    enum user_role role = USER_READONLY;
    struct user u;
    int err;

    (void)user_role_decode(&role, json_get_str(c->body, "role")); /* it is one of the choices */
    err = service_user_add(c->sv, json_get_str(c->body, "name"), role, json_get_str(c->body, "password"), &u);
    if (err)
        return err;
    c->status = 201;
    user_write(c->out, &u);
    return 0;
}

static int change_h(struct api_call *c)
{
    struct user_change ch = {.password = json_get_str(c->body, "password")};
    const char *role = json_get_str(c->body, "role");
    bool totp = true;
    struct user u;
    int err;

    if (role) {
        ch.set_role = true;
        (void)user_role_decode(&ch.role, role);
    }
    if (json_get_bool(c->body, "totp", &totp)) {
        if (totp)
            return service_fail_at(c->sv, EINVAL, "totp",
                                   "A user turns the second factor on himself; here it can be "
                                   "turned off only.");
        ch.totp_off = true;
    }
    if (!c->who->by_key && !strcmp(c->who->name, c->params[0]))
        ch.keep_session = c->who->id;
    err = service_user_change(c->sv, c->params[0], &ch, &u);
    if (!err)
        user_write(c->out, &u);
    return err;
}

static int remove_h(struct api_call *c)
{
    return service_user_remove(c->sv, c->params[0]);
}

#define ROLES "admin|supervisor|readonly"

static const struct api_value answer[] = {
    {.name = "name", .type = API_TEXT, .needed = true},
    {.name = "role", .type = API_TEXT, .needed = true, .choices = ROLES},
    {.name = "totp", .type = API_BOOL, .needed = true, .help = "Signs in with a second factor, too."},
    {.name = "created_ms", .type = API_TIME, .needed = true},
    {.name = "changed_ms", .type = API_TIME, .needed = true},
};
static const struct api_value add_body[] = {
    {.name = "name", .type = API_TEXT, .needed = true, .min = 1, .max = 63},
    {.name = "role", .type = API_TEXT, .needed = true, .choices = ROLES},
    {.name = "password", .type = API_SECRET, .needed = true, .min = 8, .max = 1024},
};
static const struct api_value change_body[] = {
    {.name = "role", .type = API_TEXT, .choices = ROLES},
    {.name = "password", .type = API_SECRET, .min = 8, .max = 1024, .help = "Ends the user's sessions."},
    {.name = "totp", .type = API_BOOL, .help = "false: asks for no second factor any more."},
};

static const struct api_route routes[] = {
    {.method = "GET",
     .path = "/users",
     .access = API_ADMIN,
     .summary = "Who may administer the gateway.",
     .h = list_h,
     .list = true,
     API_ANSWER(answer)},
    {.method = "POST",
     .path = "/users",
     .access = API_ADMIN,
     .summary = "Adds a user.",
     .h = add_h,
     .slow = true,
     API_BODY(add_body),
     API_ANSWER(answer)},
    {.method = "GET",
     .path = "/users/{name}",
     .access = API_ADMIN,
     .summary = "One user.",
     .h = get_h,
     API_ANSWER(answer)},
    {.method = "PATCH",
     .path = "/users/{name}",
     .access = API_ADMIN,
     .summary = "Changes a user's role or password, or takes his second factor away.",
     .h = change_h,
     .slow = true,
     API_BODY(change_body),
     API_ANSWER(answer)},
    {.method = "DELETE",
     .path = "/users/{name}",
     .access = API_ADMIN,
     .summary = "Removes a user, his sessions and the keys that he made. The last administrator stays.",
     .h = remove_h},
};

int admin_users_routes(void)
{
    return api_routes(routes, sizeof(routes) / sizeof(routes[0]), NULL);
}
