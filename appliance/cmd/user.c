#include "store/user.h"
#include "cmd/grid.h"
#include "cmd/verb.h"

#include <errno.h>

enum { WHY_MAX = 256 };

static int cmd_user_add(struct cmd *c, const struct args *a)
{
    const char *role_name = args_get(a, "role"), *password;
    enum user_role role;
    char why[WHY_MAX];

    if (user_role_decode(&role, role_name))
        return cmd_misused(c, "--role %s: admin, supervisor or readonly", role_name);
    password = cmd_password(c, NULL);
    if (!password)
        return CMD_USAGE;
    if (user_add(c->store, a->word[0], role, password, why, sizeof(why)))
        return cmd_refuse(c, "%s", why);
    return cmd_done(c, "user %s added as %s", a->word[0], role_name);
}

static int cmd_user_passwd(struct cmd *c, const struct args *a)
{
    const char *password = cmd_password(c, NULL);
    char why[WHY_MAX];

    if (!password)
        return CMD_USAGE;
    if (user_passwd(c->store, a->word[0], password, why, sizeof(why)))
        return cmd_refuse(c, "%s", why);
    return cmd_done(c, "user %s has a new password", a->word[0]);
}

static int cmd_user_remove(struct cmd *c, const struct args *a)
{
    const char *name = a->word[0];
    const int err = user_remove(c->store, name);

    if (err == ENOENT)
        return cmd_refuse(c, "there is no user %s", name);
    if (err == EPERM)
        return cmd_refuse(c, "%s is the last administrator and stays; add another first", name);
    if (err)
        return cmd_refuse(c, "user %s: %s", name, store_strerror(err));
    return cmd_done(c, "user %s removed", name);
}

struct user_list {
    struct cmd *cmd;
    struct grid grid;
    size_t count;
};

static bool list_h(const struct user *u, void *arg)
{
    struct user_list *l = arg;
    struct buf *out = l->cmd->out;
    char created[32], changed[32];

    cmd_time(created, sizeof(created), u->created_ms);
    cmd_time(changed, sizeof(changed), u->changed_ms);
    l->count++;
    if (l->cmd->json) {
        buf_puts(out, l->count > 1 ? ",\n{" : "{");
        cmd_json_member(out, "name", u->name, true);
        cmd_json_member(out, "role", user_role_name(u->role), true);
        cmd_json_member(out, "created", created, true);
        cmd_json_member(out, "changed", changed, false);
        buf_puts(out, "}");
        return false;
    }
    grid_add(&l->grid, u->name);
    grid_add(&l->grid, user_role_name(u->role));
    grid_add(&l->grid, created);
    grid_add(&l->grid, changed);
    return false;
}

static int cmd_user_list(struct cmd *c, const struct args *a)
{
    struct user_list l = {.cmd = c};
    struct store_reader *r;
    int err;

    (void)a;
    grid_init(&l.grid, 4);
    grid_add(&l.grid, "NAME");
    grid_add(&l.grid, "ROLE");
    grid_add(&l.grid, "CREATED");
    grid_add(&l.grid, "CHANGED");
    if (c->json)
        buf_puts(c->out, "[");
    err = store_reader_alloc(&r, c->store);
    if (!err) {
        err = user_each(r, list_h, &l);
        store_reader_free(r);
    }
    if (c->json) {
        buf_puts(c->out, "]\n");
        buf_reset(&l.grid.cells);
    } else if (l.count) {
        grid_print(&l.grid, c->out);
    } else {
        buf_reset(&l.grid.cells);
        buf_puts(c->out, "There is no user yet. Add one: dngate user add NAME --role admin\n");
    }
    return err ? cmd_refuse(c, "cannot read the users: %s", store_strerror(err)) : CMD_OK;
}

static const struct verb_option add_options[] = {
    {"role", "admin|supervisor|readonly", "what the user may do", true},
};

static const struct verb verbs[] = {
    {.name = "add",
     .words = "NAME",
     .words_min = 1,
     .words_max = 1,
     .help = "Adds someone who may sign in to the console. The password (at least 8 characters) comes from a "
             "prompt or\n"
             "standard input.",
     VERB_OPTIONS(add_options),
     .example = "dngate user add ada --role admin",
     .input = VERB_PASSWORD,
     .run = cmd_user_add},
    {.name = "list",
     .words = "",
     .help = "Lists all users.",
     .example = "dngate user list",
     .run = cmd_user_list},
    {.name = "passwd",
     .words = "NAME",
     .words_min = 1,
     .words_max = 1,
     .help = "Gives a user a new password, from a prompt or standard input.",
     .example = "dngate user passwd ada",
     .input = VERB_PASSWORD,
     .run = cmd_user_passwd},
    {.name = "remove",
     .words = "NAME",
     .words_min = 1,
     .words_max = 1,
     .help = "Removes a user. The last administrator stays.",
     .example = "dngate user remove ada",
     .run = cmd_user_remove},
};

const struct noun noun_user = {.name = "user", .help = "who administers the gateway", NOUN_VERBS(verbs)};
