#include "service/session.h"
#include "service/user.h"
#include "cmd/listing.h"
#include "cmd/verb.h"

static void user_json(struct buf *out, const struct user *u)
{
    char created[32], changed[32];

    buf_puts(out, "{");
    cmd_json_member(out, "name", u->name, true);
    cmd_json_member(out, "role", user_role_name(u->role), true);
    buf_printf(out, "\"totp\":%s,", cmd_json_bool(u->totp));
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

static int cmd_user_role(struct cmd *c, const struct args *a)
{
    struct user_change ch = {.set_role = true};
    struct user u;

    if (user_role_decode(&ch.role, a->word[1]))
        return cmd_misused(c, "%s: admin, supervisor or readonly", a->word[1]);
    return told(c, service_user_change(&c->sv, a->word[0], &ch, &u), &u, "is now");
}

static int cmd_user_totp(struct cmd *c, const struct args *a)
{
    const struct user_change ch = {.totp_off = true};
    struct user u;

    if (!args_flag(a, "off"))
        return cmd_misused(c, "%s", "--off is all there is: a user turns it on himself, in the console");
    return told(c, service_user_change(&c->sv, a->word[0], &ch, &u), &u,
                "signs in without a second factor; role");
}

/* ---------------------------------------------------------------- sessions */

static bool session_list_h(const struct session *s, void *arg)
{
    struct listing *l = arg;
    struct buf *out = l->cmd->out;
    char text[32];

    if (listing_json(l)) {
        buf_puts(out, "{");
        cmd_json_member(out, "id", s->id, true);
        cmd_json_member(out, "user", s->user, true);
        cmd_json_member(out, "role", user_role_name(s->role), true);
        cmd_json_member(out, "address", s->address, true);
        cmd_json_member(out, "user_agent", s->user_agent, true);
        cmd_json_member(out, "created", cmd_time(text, sizeof(text), s->created_ms), true);
        cmd_json_member(out, "seen", cmd_time(text, sizeof(text), s->seen_ms), true);
        cmd_json_member(out, "expires", cmd_time(text, sizeof(text), s->expires_ms), false);
        buf_puts(out, "}");
        return false;
    }
    grid_add(&l->grid, s->id);
    grid_add(&l->grid, s->user);
    grid_add(&l->grid, s->address);
    grid_add(&l->grid, cmd_time(text, sizeof(text), s->created_ms));
    grid_add(&l->grid, cmd_time(text, sizeof(text), s->seen_ms));
    grid_add(&l->grid, s->user_agent);
    return false;
}

static int cmd_user_sessions(struct cmd *c, const struct args *a)
{
    static const char *const heads[] = {"ID", "USER", "ADDRESS", "SIGNED IN", "SEEN", "BROWSER"};
    struct listing l;

    listing_begin(&l, c, heads, sizeof(heads) / sizeof(heads[0]));
    return listing_end(&l, service_session_each(&c->sv, a->word[0], session_list_h, &l),
                       "Nobody is signed in to the console.");
}

static int cmd_user_signout(struct cmd *c, const struct args *a)
{
    const char *id = args_get(a, "session");
    size_t n = 1;

    if (id ? service_session_end(&c->sv, id, a->word[0]) : service_session_end_all(&c->sv, a->word[0], &n))
        return cmd_refuse(c, "%s", c->sv.why);
    return cmd_done(c, "%zu session%s of user %s ended", n, n == 1 ? "" : "s", a->word[0]);
}

/* ---------------------------------------------------------------- list */

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
    grid_add(&l->grid, cmd_yes(u->totp));
    grid_add(&l->grid, cmd_time(text, sizeof(text), u->created_ms));
    grid_add(&l->grid, cmd_time(text, sizeof(text), u->changed_ms));
    return false;
}

static int cmd_user_list(struct cmd *c, const struct args *a)
{
    static const char *const heads[] = {"NAME", "ROLE", "2ND FACTOR", "CREATED", "CHANGED"};
    struct listing l;

    (void)a;
    listing_begin(&l, c, heads, sizeof(heads) / sizeof(heads[0]));
    return listing_end(&l, service_user_each(&c->sv, list_h, &l),
                       "There is no user yet. Add one: dngate user add NAME --role admin");
}

static const struct verb_option add_options[] = {
    {"role", "admin|supervisor|readonly", "what the user may do", true},
};

static const struct verb_option totp_options[] = {
    {"off", NULL, "the user signs in by his password alone again", false},
};

static const struct verb_option signout_options[] = {
    {"session", "ID", "this session only; without it, all of the user's", false},
};

static const struct verb verbs[] = {
    {.name = "add",
     .words = "NAME",
     .words_min = 1,
     .words_max = 1,
     .help = "Adds someone who may administer the gateway in the console, https://HOST/admin/.\n"
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
     .help = "Gives a user a new password, from a prompt or standard input. His sessions end.",
     .example = "dngate user passwd ada",
     .input = VERB_PASSWORD,
     .run = cmd_user_passwd},
    {.name = "role",
     .words = "NAME ROLE",
     .words_min = 2,
     .words_max = 2,
     .help = "Gives a user another role: admin, supervisor or readonly. The last administrator stays one.",
     .example = "dngate user role ada supervisor",
     .run = cmd_user_role},
    {.name = "totp",
     .words = "NAME",
     .words_min = 1,
     .words_max = 1,
     .help = "Takes a user's second factor away, for who has lost the device and the codes of recovery.",
     VERB_OPTIONS(totp_options),
     .example = "dngate user totp ada --off",
     .run = cmd_user_totp},
    {.name = "sessions",
     .words = "[NAME]",
     .words_min = 0,
     .words_max = 1,
     .help = "Lists who is signed in to the console, and from where.",
     .example = "dngate user sessions",
     .run = cmd_user_sessions},
    {.name = "signout",
     .words = "NAME",
     .words_min = 1,
     .words_max = 1,
     .help = "Ends a user's sessions of the console, at once.",
     VERB_OPTIONS(signout_options),
     .example = "dngate user signout ada",
     .run = cmd_user_signout},
    {.name = "remove",
     .words = "NAME",
     .words_min = 1,
     .words_max = 1,
     .help = "Removes a user. The last administrator stays.",
     .example = "dngate user remove ada",
     .run = cmd_user_remove},
};

const struct noun noun_user = {.name = "user", .help = "who administers the gateway", NOUN_VERBS(verbs)};
