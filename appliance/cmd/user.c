#include "service/user.h"
#include "cmd/listing.h"
#include "cmd/verb.h"

static void user_json(struct buf *out, const struct user *u)
{
    char created[32], changed[32];

    buf_puts(out, "{");
    cmd_json_member(out, "name", u->name, true);
    cmd_json_member(out, "role", user_role_name(u->role), true);
    cmd_json_member(out, "created", cmd_time(created, sizeof(created), u->created_ms), true);
    cmd_json_member(out, "changed", cmd_time(changed, sizeof(changed), u->changed_ms), false);
    buf_puts(out, "}");
}

/* What a change prints: the new state for programs, a sentence for people. */
static int told(struct cmd *c, int err, const struct user *u, const char *what)
{
    if (err)
        return cmd_refuse(c, "%s", c->sv.why);
    if (!c->json)
        return cmd_done(c, "user %s %s %s", u->name, what, user_role_name(u->role));
    user_json(c->out, u);
    buf_puts(c->out, "\n");
    return CMD_OK;
}

static int cmd_user_add(struct cmd *c, const struct args *a)
{
    const char *role_name = args_get(a, "role"), *password;
    enum user_role role;
    struct user u;

    if (user_role_decode(&role, role_name))
        return cmd_misused(c, "--role %s: admin, supervisor or readonly", role_name);
    password = cmd_password(c, NULL);
    return password ? told(c, service_user_add(&c->sv, a->word[0], role, password, &u), &u, "added as")
                    : CMD_USAGE;
}

static int cmd_user_passwd(struct cmd *c, const struct args *a)
{
    const char *password = cmd_password(c, NULL);
    struct user u;

    return password ? told(c, service_user_passwd(&c->sv, a->word[0], password, &u), &u,
                           "has a new password; role")
                    : CMD_USAGE;
}

static int cmd_user_remove(struct cmd *c, const struct args *a)
{
    return service_user_remove(&c->sv, a->word[0]) ? cmd_refuse(c, "%s", c->sv.why)
                                                   : cmd_done(c, "user %s removed", a->word[0]);
}

static bool list_h(const struct user *u, void *arg)
{
    struct listing *l = arg;
    char text[32];

    if (listing_json(l)) {
        user_json(l->cmd->out, u);
        return false;
    }
    grid_add(&l->grid, u->name);
    grid_add(&l->grid, user_role_name(u->role));
    grid_add(&l->grid, cmd_time(text, sizeof(text), u->created_ms));
    grid_add(&l->grid, cmd_time(text, sizeof(text), u->changed_ms));
    return false;
}

static int cmd_user_list(struct cmd *c, const struct args *a)
{
    static const char *const heads[] = {"NAME", "ROLE", "CREATED", "CHANGED"};
    struct listing l;

    (void)a;
    listing_begin(&l, c, heads, 4);
    return listing_end(&l, service_user_each(&c->sv, list_h, &l),
                       "There is no user yet. Add one: dngate user add NAME --role admin");
}

static const struct verb_option add_options[] = {
    {"role", "admin|supervisor|readonly", "what the user may do", true},
};

static const struct verb verbs[] = {
    {.name = "add",
     .words = "NAME",
     .words_min = 1,
     .words_max = 1,
     .help = "Adds someone who may administer the gateway in the console, which comes later.\n"
             "The password (at least 8 characters) comes from a prompt or standard input.",
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
