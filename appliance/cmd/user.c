#include "store/user.h"
#include "cmd/grid.h"
#include "cmd/opt.h"
#include "cmd/verb.h"

#include <errno.h>

enum { WHY_MAX = 256 };

static int cmd_user_add(struct cmd *c, int argc, char *const *argv)
{
    const char *name, *role_name = NULL, *password;
    const struct opt opts[] = {{"role", &role_name, NULL}};
    enum user_role role;
    char why[WHY_MAX];
    size_t count;

    if (opt_parse(c->err, opts, 1, argc, argv, &name, 1, 1, &count))
        return CMD_USAGE;
    if (!role_name || user_role_decode(&role, role_name)) {
        buf_puts(c->err, "--role is needed: admin, supervisor or readonly\n");
        return CMD_USAGE;
    }
    password = cmd_password(c, NULL);
    if (!password)
        return CMD_USAGE;
    if (user_add(c->store, name, role, password, why, sizeof(why)))
        return cmd_refuse(c, "%s", why);
    return cmd_done(c, "user %s added as %s", name, role_name);
}

static int cmd_user_passwd(struct cmd *c, int argc, char *const *argv)
{
    const char *name, *password;
    char why[WHY_MAX];
    size_t count;

    if (opt_parse(c->err, NULL, 0, argc, argv, &name, 1, 1, &count))
        return CMD_USAGE;
    password = cmd_password(c, NULL);
    if (!password)
        return CMD_USAGE;
    if (user_passwd(c->store, name, password, why, sizeof(why)))
        return cmd_refuse(c, "%s", why);
    return cmd_done(c, "user %s has a new password", name);
}

static int cmd_user_remove(struct cmd *c, int argc, char *const *argv)
{
    const char *name;
    size_t count;
    int err;

    if (opt_parse(c->err, NULL, 0, argc, argv, &name, 1, 1, &count))
        return CMD_USAGE;
    err = user_remove(c->store, name);
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

static int cmd_user_list(struct cmd *c, int argc, char *const *argv)
{
    struct user_list l = {.cmd = c};
    struct store_reader *r;
    size_t count;
    int err;

    if (opt_parse(c->err, NULL, 0, argc, argv, NULL, 0, 0, &count))
        return CMD_USAGE;
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

static const struct verb verbs[] = {
    {"add", "NAME --role admin|supervisor|readonly",
     "Adds someone who may sign in to the console. The password (at least 8 characters) comes from a prompt "
     "or standard input.",
     VERB_PASSWORD, cmd_user_add},
    {"list", "", "Lists all users.", VERB_NO_INPUT, cmd_user_list},
    {"passwd", "NAME", "Gives a user a new password, from a prompt or standard input.", VERB_PASSWORD,
     cmd_user_passwd},
    {"remove", "NAME", "Removes a user. The last administrator stays.", VERB_NO_INPUT, cmd_user_remove},
};

const struct noun noun_user = {"user", "Users: who administers the gateway.", verbs,
                               sizeof(verbs) / sizeof(verbs[0]), false};
