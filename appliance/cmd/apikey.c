/* dngate apikey: keys by which programs use the console's REST. */
#include "service/apikey.h"
#include "cmd/listing.h"
#include "cmd/verb.h"
#include "core/clock.h"
#include <stdio.h>
#include <string.h>

enum { DAYS_MAX = 3650 };

#define DAY_MS (24 * 3600 * (int64_t)1000)

static void key_json(struct buf *out, const struct apikey *k, const char *key)
{
    char created[32], expires[32], seen[32];

    buf_puts(out, "{");
    cmd_json_member(out, "id", k->id, true);
    cmd_json_member(out, "name", k->name, true);
    cmd_json_member(out, "role", user_role_name(k->role), true);
    cmd_json_member(out, "user", k->user, true);
    cmd_json_member(out, "created", cmd_time(created, sizeof(created), k->created_ms), true);
    cmd_json_member(out, "expires", cmd_time(expires, sizeof(expires), k->expires_ms), true);
    cmd_json_member(out, "seen", cmd_time(seen, sizeof(seen), k->seen_ms), key != NULL);
    if (key)
        cmd_json_member(out, "key", key, false);
    buf_puts(out, "}");
}

static int cmd_apikey_add(struct cmd *c, const struct args *a)
{
    const char *role_name = args_get(a, "role"), *days_text = args_get(a, "days");
    struct apikey k = {.user = "cli"};
    char key[APIKEY_MAX];
    long days = 0;

    if (user_role_decode(&k.role, role_name))
        return cmd_misused(c, "--role %s: admin, supervisor or readonly", role_name);
    if (days_text && args_number(days_text, 1, DAYS_MAX, &days))
        return cmd_misused(c, "--days %s: 1 to %d", days_text, DAYS_MAX);
    if ((size_t)snprintf(k.name, sizeof(k.name), "%s", a->word[0]) >= sizeof(k.name))
        return cmd_refuse(c, "a key's name is at most %zu bytes long", sizeof(k.name) - 1);
    k.expires_ms = days ? clock_wall_ms() + days * DAY_MS : 0;
    if (service_apikey_add(&c->sv, &k, key))
        return cmd_refuse(c, "%s", c->sv.why);
    if (c->json)
        key_json(c->out, &k, key);
    else
        buf_puts(c->out, key);
    buf_puts(c->out, "\n");
    explicit_bzero(key, sizeof(key));
    return CMD_OK;
}

static bool list_h(const struct apikey *k, void *arg)
{
    struct listing *l = arg;
    char text[32];

    if (listing_json(l)) {
        key_json(l->cmd->out, k, NULL);
        return false;
    }
    grid_add(&l->grid, k->id);
    grid_add(&l->grid, k->name);
    grid_add(&l->grid, user_role_name(k->role));
    grid_add(&l->grid, k->user);
    grid_add(&l->grid, cmd_time(text, sizeof(text), k->created_ms));
    grid_add(&l->grid, k->expires_ms ? cmd_time(text, sizeof(text), k->expires_ms) : "never");
    grid_add(&l->grid, k->seen_ms ? cmd_time(text, sizeof(text), k->seen_ms) : "not yet");
    return false;
}

static int cmd_apikey_list(struct cmd *c, const struct args *a)
{
    static const char *const heads[] = {"ID", "NAME", "ROLE", "MADE BY", "CREATED", "EXPIRES", "USED"};
    struct listing l;

    (void)a;
    listing_begin(&l, c, heads, sizeof(heads) / sizeof(heads[0]));
    return listing_end(&l, service_apikey_each(&c->sv, list_h, &l),
                       "There is no key yet. Add one: dngate apikey add NAME --role readonly");
}

static int cmd_apikey_remove(struct cmd *c, const struct args *a)
{
    return service_apikey_remove(&c->sv, a->word[0]) ? cmd_refuse(c, "%s", c->sv.why)
                                                     : cmd_done(c, "key %s removed", a->word[0]);
}

static const struct verb_option add_options[] = {
    {"role", "admin|supervisor|readonly", "what the key may do", true},
    {"days", "N", "days for which it is good; without it, for ever", false},
};

static const struct verb verbs[] = {
    {.name = "add",
     .words = "NAME",
     .words_min = 1,
     .words_max = 1,
     .help = "Makes a key by which a program uses /api/admin/v1, and prints it, this once only: what is kept "
             "is a "
             "hash.\nThe program sends it as Authorization: Bearer KEY.",
     VERB_OPTIONS(add_options),
     .example = "dngate apikey add grafana --role readonly --days 365",
     .run = cmd_apikey_add},
    {.name = "list",
     .words = "",
     .help = "Lists all keys.",
     .example = "dngate apikey list",
     .run = cmd_apikey_list},
    {.name = "remove",
     .words = "ID|NAME",
     .words_min = 1,
     .words_max = 1,
     .help = "Takes a key back, at once.",
     .example = "dngate apikey remove grafana",
     .run = cmd_apikey_remove},
};

const struct noun noun_apikey = {
    .name = "apikey", .help = "keys by which programs use the console's REST", NOUN_VERBS(verbs)};
