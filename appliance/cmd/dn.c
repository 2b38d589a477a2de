#include "service/dn.h"
#include "cmd/listing.h"
#include "cmd/verb.h"
#include "store/csv.h"

#include <stdio.h>
#include <string.h>

/* ---------------------------------------------------------------- showing */

static void dn_json(struct buf *out, const struct dn *d)
{
    char created[32], changed[32];

    buf_puts(out, "{");
    cmd_json_member(out, "dn", d->dn, true);
    cmd_json_member(out, "name", d->name, true);
    buf_printf(out, "\"enabled\":%s,", cmd_json_bool(d->enabled));
    cmd_json_member(out, "codec", dn_codec_name(d->codec), true);
    buf_printf(out, "\"auto_answer\":%s,\"call_limit\":%u,\"trunk_password_set\":%s,",
               cmd_json_bool(d->auto_answer), d->call_limit, cmd_json_bool(d->trunk_password[0]));
    cmd_json_member(out, "created", cmd_time(created, sizeof(created), d->created_ms), true);
    cmd_json_member(out, "changed", cmd_time(changed, sizeof(changed), d->changed_ms), false);
    buf_puts(out, "}");
}

static bool list_h(const struct dn *d, void *arg)
{
    struct listing *l = arg;
    char changed[32];

    if (listing_json(l)) {
        dn_json(l->cmd->out, d);
        return false;
    }
    grid_add(&l->grid, d->dn);
    grid_add(&l->grid, d->name);
    grid_add(&l->grid, cmd_yes(d->enabled));
    grid_add(&l->grid, dn_codec_name(d->codec));
    grid_add(&l->grid, cmd_time(changed, sizeof(changed), d->changed_ms));
    return false;
}

/* The columns behind these five stand there when a DN has something in them: who reads files of before need not know them. */
#define EXPORT_COLUMNS "dn,name,password,enabled,codec"

struct export
{
    struct buf *out;
    bool more;
};

static bool export_more_h(const struct dn *d, void *arg)
{
    struct export *x = arg;

    x->more |= d->auto_answer || d->call_limit;
    return x->more;
}

static bool export_h(const struct dn *d, void *arg)
{
    const struct export *x = arg;

    csv_put(x->out, d->dn);
    buf_puts(x->out, ",");
    csv_put(x->out, d->name);
    buf_printf(x->out, ",,%s,%s", cmd_yes(d->enabled), dn_codec_name(d->codec));
    if (x->more)
        buf_printf(x->out, ",%s,%u", cmd_yes(d->auto_answer), d->call_limit);
    buf_puts(x->out, "\r\n");
    return false;
}

static int cmd_dn_list(struct cmd *c, const struct args *a)
{
    static const char *const heads[] = {"DN", "NAME", "ENABLED", "CODEC", "CHANGED"};
    struct listing l;

    (void)a;
    listing_begin(&l, c, heads, 5);
    return listing_end(&l, service_dn_each(&c->sv, list_h, &l),
                       "There is no DN yet. Add one: dngate dn add 5001 --password PASSWORD");
}

static int cmd_dn_export(struct cmd *c, const struct args *a)
{
    struct export x = {.out = c->out};

    if (c->json)
        return cmd_dn_list(c, a);
    if (service_dn_each(&c->sv, export_more_h, &x))
        return cmd_refuse(c, "%s", c->sv.why);
    buf_printf(c->out, "%s%s\r\n", EXPORT_COLUMNS, x.more ? ",auto_answer,call_limit" : "");
    return service_dn_each(&c->sv, export_h, &x) ? cmd_refuse(c, "%s", c->sv.why) : CMD_OK;
}

static int show(struct cmd *c, const struct dn *d)
{
    char created[32], changed[32], limit[16];

    if (c->json) {
        dn_json(c->out, d);
        buf_puts(c->out, "\n");
        return CMD_OK;
    }
    snprintf(limit, sizeof(limit), "%u", d->call_limit);
    buf_printf(
        c->out,
        "DN           %s\nname         %s\nenabled      %s\ncodec        %s\nauto-answer  %s\ncall limit   "
        "%s\nat trunk     %s\ncreated      %s\nchanged      %s\n",
        d->dn, d->name, cmd_yes(d->enabled), dn_codec_name(d->codec), cmd_yes(d->auto_answer),
        d->call_limit ? limit : "as call.limit_per_dn says",
        d->trunk_password[0] ? "a password of its own is set" : "",
        cmd_time(created, sizeof(created), d->created_ms), cmd_time(changed, sizeof(changed), d->changed_ms));
    return CMD_OK;
}

static int cmd_dn_show(struct cmd *c, const struct args *a)
{
    struct dn d;

    return service_dn_get(&c->sv, a->word[0], &d) ? cmd_refuse(c, "%s", c->sv.why) : show(c, &d);
}

/* ---------------------------------------------------------------- changing */

/* What a change prints: the new state for programs, a sentence for people. */
static int told(struct cmd *c, int err, const struct dn *d, const char *what)
{
    if (err)
        return cmd_refuse(c, "%s", c->sv.why);
    return c->json ? show(c, d) : cmd_done(c, "DN %s %s", d->dn, what);
}

int cmd_dn_options(struct cmd *c, const struct args *a, enum dn_codec *codec, bool *auto_answer,
                   uint32_t *call_limit)
{
    const char *name = args_get(a, "codec"), *by_itself = args_get(a, "auto-answer"),
               *limit = args_get(a, "call-limit");
    long n;

    if (name && dn_codec_decode(codec, name))
        return cmd_misused(c, "--codec %s: auto, opus, pcmu or pcma", name);
    if (by_itself && strcmp(by_itself, "yes") && strcmp(by_itself, "no"))
        return cmd_misused(c, "--auto-answer %s: yes or no", by_itself);
    if (limit && args_number(limit, 0, DN_CALL_LIMIT_MAX, &n))
        return cmd_misused(c, "--call-limit %s: 0 to %d", limit, DN_CALL_LIMIT_MAX);
    if (by_itself)
        *auto_answer = !strcmp(by_itself, "yes");
    if (limit)
        *call_limit = (uint32_t)n;
    return CMD_OK;
}

static int cmd_dn_add(struct cmd *c, const struct args *a)
{
    struct dn_new n = {.dn = a->word[0], .name = args_get(a, "name"), .enabled = true};
    struct dn d;

    if (cmd_dn_options(c, a, &n.codec, &n.auto_answer, &n.call_limit) ||
        !(n.password = cmd_password(c, args_get(a, "password"))))
        return CMD_USAGE;
    return told(c, service_dn_add(&c->sv, &n, NULL, &d), &d, "added");
}

static int cmd_dn_set(struct cmd *c, const struct args *a)
{
    struct dn_change change = {.name = args_get(a, "name"), .trunk_password = args_get(a, "trunk-password")};
    enum dn_codec codec;
    uint32_t call_limit;
    bool auto_answer;
    struct dn d;

    if (cmd_dn_options(c, a, &codec, &auto_answer, &call_limit))
        return CMD_USAGE;
    if (change.trunk_password && !(change.trunk_password = cmd_password(c, change.trunk_password)))
        return CMD_USAGE;
    if (args_get(a, "codec"))
        change.codec = &codec;
    if (args_get(a, "auto-answer"))
        change.auto_answer = &auto_answer;
    if (args_get(a, "call-limit"))
        change.call_limit = &call_limit;
    if (!change.name && !change.codec && !change.auto_answer && !change.call_limit && !change.trunk_password)
        return cmd_misused(c, "there is nothing to change");
    return told(c, service_dn_change(&c->sv, a->word[0], &change, &d), &d, "changed");
}

static int cmd_dn_passwd(struct cmd *c, const struct args *a)
{
    const char *password = cmd_password(c, args_get(a, "password"));
    struct dn d;

    if (!password)
        return CMD_USAGE;
    return told(c, service_dn_change(&c->sv, a->word[0], &(struct dn_change){.password = password}, &d), &d,
                "has a new password");
}

static int enable(struct cmd *c, const struct args *a, bool on)
{
    struct dn d;

    return told(c, service_dn_change(&c->sv, a->word[0], &(struct dn_change){.enabled = &on}, &d), &d,
                on ? "enabled" : "disabled");
}

static int cmd_dn_enable(struct cmd *c, const struct args *a)
{
    return enable(c, a, true);
}

static int cmd_dn_disable(struct cmd *c, const struct args *a)
{
    return enable(c, a, false);
}

static int cmd_dn_remove(struct cmd *c, const struct args *a)
{
    return service_dn_remove(&c->sv, a->word[0]) ? cmd_refuse(c, "%s", c->sv.why)
                                                 : cmd_done(c, "DN %s removed", a->word[0]);
}

struct trying {
    struct cmd *cmd;
    size_t rows;
};

static void try_h(const struct dn_import_row *row, void *arg)
{
    static const char *const words[] = {[DN_IMPORT_ADDED] = "added",
                                        [DN_IMPORT_CHANGED] = "changed",
                                        [DN_IMPORT_UNCHANGED] = "unchanged",
                                        [DN_IMPORT_WRONG] = "wrong"};
    struct trying *t = arg;
    struct buf *out = t->cmd->out;

    if (t->cmd->json) {
        buf_printf(out, "%s{\"line\":%u,", t->rows++ ? ",\n" : "", row->line);
        cmd_json_member(out, "dn", row->dn, true);
        cmd_json_member(out, "result", words[row->what], true);
        cmd_json_member(out, "detail", row->detail, false);
        buf_puts(out, "}");
    } else if (row->what == DN_IMPORT_WRONG) {
        buf_printf(out, "line %u: wrong: %s\n", row->line, row->detail);
    } else if (row->what != DN_IMPORT_UNCHANGED) {
        buf_printf(out, "line %u: DN %s would be %s%s%s\n", row->line, row->dn, words[row->what],
                   row->detail[0] ? ": " : "", row->detail);
    }
}

/* Exit status 1 when the import would be refused. */
static int import_try(struct cmd *c, const char *file)
{
    struct trying t = {.cmd = c};
    struct dn_import_result res;

    if (c->json)
        buf_puts(c->out, "{\"rows\":[");
    if (service_dn_import_try(&c->sv, c->input ? c->input : "", c->input_len, try_h, &t, &res)) {
        buf_clear(c->out);
        return cmd_refuse(c, "%s: %s", file, c->sv.why);
    }
    if (c->json)
        buf_printf(c->out, "],\n\"added\":%u,\"changed\":%u,\"unchanged\":%u,\"wrong\":%u}\n", res.added,
                   res.changed, res.unchanged, res.wrong);
    else
        buf_printf(c->out, "%u would be added, %u changed, %u unchanged, %u wrong%s; nothing was changed\n",
                   res.added, res.changed, res.unchanged, res.wrong,
                   res.wrong ? ", so that nothing would be imported" : "");
    return res.wrong ? CMD_REFUSED : CMD_OK;
}

static int cmd_dn_import(struct cmd *c, const struct args *a)
{
    struct dn_import_result res;

    if (args_get(a, "from-asterisk"))
        return cmd_dn_import_asterisk(c, a);
    if (!a->words)
        return cmd_misused(c, "missing: FILE.csv");
    if (args_flag(a, "dry-run"))
        return import_try(c, a->word[0]);
    if (service_dn_import(&c->sv, c->input ? c->input : "", c->input_len, &res))
        return cmd_refuse(c, "%s: %s; nothing was imported", a->word[0], c->sv.why);
    if (!c->json)
        return cmd_done(c, "%u added, %u changed, %u unchanged", res.added, res.changed, res.unchanged);
    buf_printf(c->out, "{\"added\":%u,\"changed\":%u,\"unchanged\":%u}\n", res.added, res.changed,
               res.unchanged);
    return CMD_OK;
}

#define CALL_OPTIONS                                                                                         \
    {"auto-answer", "yes|no",                                                                                \
     "the page answers each call by itself, after a beep to the agent; no (default)", false},                \
    {                                                                                                        \
        "call-limit", "N", "most calls at a time, 1 to 10; 0 (default): as call.limit_per_dn says", false    \
    }
#define PASSWORD_HELP "at least 6 characters; - or without it: from a prompt or standard input"
static const struct verb_option add_options[] = {
    {"password", "PW", PASSWORD_HELP, false},
    {"name", "NAME", "shown on the agent's page and in lists", false},
    {"codec", "auto|opus|pcmu|pcma",
     "what the browser's side prefers; auto (default): Opus first, G.711 straight through where\n"
     "both sides have it",
     false},
    CALL_OPTIONS,
};
static const struct verb_option range_options[] = {
    {"name", "NAME", "of all; # stands for the DN: 'Agent #'", false},
    {"codec", "auto|opus|pcmu|pcma", "what the browser's side prefers", false},
    CALL_OPTIONS,
    {"disabled", NULL, "they may not register yet", false},
};
static const struct verb_option set_options[] = {
    {"name", "NAME", "shown on the agent's page and in lists", false},
    {"codec", "auto|opus|pcmu|pcma", "what the browser's side prefers", false},
    CALL_OPTIONS,
    {"trunk-password", "PW",
     "answers SIP Server's challenges for this DN (its password there); -: from a prompt or standard input;\n"
     "'': it has none",
     false},
};
static const struct verb_option passwd_options[] = {{"password", "PW", PASSWORD_HELP, false}};
static const struct verb_option import_options[] = {
    {"from-asterisk", "FILE",
     "instead of FILE.csv: takes the WebRTC endpoints with password from Asterisk's pjsip.conf and what it "
     "includes,\n"
     "shows the commands for its trunks, and says line by line what cannot be used",
     false},
    {"dry-run", NULL,
     "only says what would be done, row by row, and changes nothing; exit status 1 when a row is wrong",
     false},
};

static const struct verb verbs[] = {
    {.name = "add",
     .words = "DN",
     .words_min = 1,
     .words_max = 1,
     .help = "Adds a directory number that an agent's browser may register as.",
     VERB_OPTIONS(add_options),
     .example = "dngate dn add 5001 --password 'a long one' --name 'Ada Lovelace'",
     .input = VERB_PASSWORD,
     .run = cmd_dn_add},
    {.name = "set",
     .words = "DN",
     .words_min = 1,
     .words_max = 1,
     .help = "Changes what is given of a DN and leaves the rest.",
     VERB_OPTIONS(set_options),
     .example = "dngate dn set 5001 --codec pcma\ndngate dn set 5001 --trunk-password - <password.txt",
     .input = VERB_ASKED,
     .run = cmd_dn_set},
    {.name = "list",
     .words = "",
     .help = "Lists all DNs.",
     .example = "dngate dn list --json",
     .run = cmd_dn_list},
    {.name = "show",
     .words = "DN",
     .words_min = 1,
     .words_max = 1,
     .help = "Shows one DN.",
     .example = "dngate dn show 5001",
     .run = cmd_dn_show},
    {.name = "range",
     .words = "FROM TO",
     .words_min = 2,
     .words_max = 2,
     .help = "Adds all DNs from one to another, each with a password of its own, which is shown this once: "
             "all of them, or\n"
             "nothing when one is there already. FROM and TO differ in their last digits only.",
     VERB_OPTIONS(range_options),
     .example = "dngate dn range 5001 5050 --name 'Agent #'",
     .run = cmd_dn_range},
    {.name = "bulk",
     .words = "enable|disable|reset|remove DN,DN,...",
     .words_min = 2,
     .words_max = 2,
     .help = "Does the same to many DNs: to all of them, or to none when one is not there. reset gives new "
             "passwords and shows\n"
             "them this once. - instead of the DNs: they come on standard input, one a line.",
     .example = "dngate dn bulk disable 5001,5002,5003\ndngate dn bulk reset - <dns.txt",
     .input = VERB_DASH,
     .run = cmd_dn_bulk},
    {.name = "compare",
     .words = "FILE",
     .words_min = 1,
     .words_max = 1,
     .help =
         "Says what differs between the DNs here and a list from elsewhere (- = standard input): CSV whose "
         "first line names a\n"
         "column dn or number, with name and state compared where there are such columns; or one DN a line.",
     .example = "dngate dn compare genesys-dns.csv",
     .input = VERB_FILE,
     .run = cmd_dn_compare},
    {.name = "passwd",
     .words = "DN",
     .words_min = 1,
     .words_max = 1,
     .help = "Gives a DN a new password; its present registration ends.",
     VERB_OPTIONS(passwd_options),
     .example = "dngate dn passwd 5001 <new-password.txt",
     .input = VERB_PASSWORD,
     .run = cmd_dn_passwd},
    {.name = "disable",
     .words = "DN",
     .words_min = 1,
     .words_max = 1,
     .help = "Stops a DN from registering and calling; nothing of it is lost.",
     .example = "dngate dn disable 5001",
     .run = cmd_dn_disable},
    {.name = "enable",
     .words = "DN",
     .words_min = 1,
     .words_max = 1,
     .help = "Allows it again.",
     .example = "dngate dn enable 5001",
     .run = cmd_dn_enable},
    {.name = "remove",
     .words = "DN",
     .words_min = 1,
     .words_max = 1,
     .help = "Removes a DN. Its call records stay.",
     .example = "dngate dn remove 5001",
     .run = cmd_dn_remove},
    {.name = "import",
     .words = "FILE.csv",
     .words_max = 1,
     .help = "Adds and changes DNs from a CSV file (- = standard input), all of it or, when a line is wrong, "
             "nothing.\n"
             "The first line names the columns: dn,name,password,enabled,codec,auto_answer,call_limit,\n"
             "trunk_password; all but dn may be missing, in any order. An empty or missing one leaves what "
             "is there, but an empty name is a "
             "name; a new DN\n"
             "needs a password.",
     VERB_OPTIONS(import_options),
     .example = "dngate dn import agents.csv --dry-run\ndngate dn import agents.csv",
     .input = VERB_FILE,
     .run = cmd_dn_import},
    {.name = "export",
     .words = "",
     .help =
         "Writes all DNs as CSV, without passwords; importing it keeps them. With --json: as dn list does.",
     .example = "dngate dn export >agents.csv",
     .run = cmd_dn_export},
};

const struct noun noun_dn = {
    .name = "dn", .help = "the directory numbers that agents' browsers register as", NOUN_VERBS(verbs)};
