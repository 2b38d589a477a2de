#include "store/dn.h"
#include "cmd/grid.h"
#include "cmd/opt.h"
#include "cmd/verb.h"
#include "store/csv.h"

#include <errno.h>
#include <string.h>

enum { WHY_MAX = 256 };

/* ---------------------------------------------------------------- showing */

static void dn_json(struct buf *out, const struct dn *d)
{
    char created[32], changed[32];

    buf_puts(out, "{");
    cmd_json_member(out, "dn", d->dn, true);
    cmd_json_member(out, "name", d->name, true);
    buf_printf(out, "\"enabled\":%s,", cmd_json_bool(d->enabled));
    cmd_json_member(out, "codec", dn_codec_name(d->codec), true);
    cmd_json_member(out, "created", cmd_time(created, sizeof(created), d->created_ms), true);
    cmd_json_member(out, "changed", cmd_time(changed, sizeof(changed), d->changed_ms), false);
    buf_puts(out, "}");
}

struct dn_list {
    struct cmd *cmd;
    struct grid grid;
    size_t count;
};

static bool list_json_h(const struct dn *d, void *arg)
{
    struct dn_list *l = arg;

    if (l->count++)
        buf_puts(l->cmd->out, ",\n");
    dn_json(l->cmd->out, d);
    return false;
}

static bool list_text_h(const struct dn *d, void *arg)
{
    struct dn_list *l = arg;
    char changed[32];

    if (!l->count++) {
        grid_init(&l->grid, 5);
        grid_add(&l->grid, "DN");
        grid_add(&l->grid, "NAME");
        grid_add(&l->grid, "ENABLED");
        grid_add(&l->grid, "CODEC");
        grid_add(&l->grid, "CHANGED");
    }
    grid_add(&l->grid, d->dn);
    grid_add(&l->grid, d->name);
    grid_add(&l->grid, cmd_yes(d->enabled));
    grid_add(&l->grid, dn_codec_name(d->codec));
    grid_add(&l->grid, cmd_time(changed, sizeof(changed), d->changed_ms));
    return false;
}

static bool export_h(const struct dn *d, void *arg)
{
    struct cmd *c = arg;

    csv_put(c->out, d->dn);
    buf_puts(c->out, ",");
    csv_put(c->out, d->name);
    buf_printf(c->out, ",,%s,%s\r\n", cmd_yes(d->enabled), dn_codec_name(d->codec));
    return false;
}

static int run_reader(struct cmd *c, dn_h *h, void *arg)
{
    struct store_reader *r;
    int err = store_reader_alloc(&r, c->store);

    if (!err) {
        err = dn_each(r, h, arg);
        store_reader_free(r);
    }
    return err ? cmd_refuse(c, "cannot read the DNs: %s", store_strerror(err)) : CMD_OK;
}

static int no_words(struct cmd *c, int argc, char *const *argv)
{
    size_t count;

    return opt_parse(c->err, NULL, 0, argc, argv, NULL, 0, 0, &count) ? CMD_USAGE : CMD_OK;
}

static int cmd_dn_list(struct cmd *c, int argc, char *const *argv)
{
    struct dn_list l = {.cmd = c};
    int status = no_words(c, argc, argv);

    if (status)
        return status;
    if (c->json) {
        buf_puts(c->out, "[");
        status = run_reader(c, list_json_h, &l);
        buf_puts(c->out, "]\n");
        return status;
    }
    status = run_reader(c, list_text_h, &l);
    if (l.count)
        grid_print(&l.grid, c->out);
    else if (!status)
        buf_puts(c->out, "There is no DN yet. Add one: dngate dn add 5001 --password PASSWORD\n");
    return status;
}

static int cmd_dn_export(struct cmd *c, int argc, char *const *argv)
{
    int status = no_words(c, argc, argv);

    if (status)
        return status;
    buf_puts(c->out, "dn,name,password,enabled,codec\r\n");
    return run_reader(c, export_h, c);
}

static int show(struct cmd *c, const char *dn)
{
    char created[32], changed[32];
    struct store_reader *r;
    struct dn d;
    int err = store_reader_alloc(&r, c->store);

    if (!err) {
        err = dn_get(r, dn, &d);
        store_reader_free(r);
    }
    if (err == ENOENT)
        return cmd_refuse(c, "there is no DN %s", dn);
    if (err)
        return cmd_refuse(c, "DN %s: %s", dn, store_strerror(err));
    if (c->json) {
        dn_json(c->out, &d);
        buf_puts(c->out, "\n");
        return CMD_OK;
    }
    buf_printf(c->out, "DN       %s\nname     %s\nenabled  %s\ncodec    %s\ncreated  %s\nchanged  %s\n", d.dn,
               d.name, cmd_yes(d.enabled), dn_codec_name(d.codec),
               cmd_time(created, sizeof(created), d.created_ms),
               cmd_time(changed, sizeof(changed), d.changed_ms));
    return CMD_OK;
}

/* The one word that most verbs take. */
static const char *one_dn(struct cmd *c, int argc, char *const *argv)
{
    const char *dn;
    size_t count;

    return opt_parse(c->err, NULL, 0, argc, argv, &dn, 1, 1, &count) ? NULL : dn;
}

static int cmd_dn_show(struct cmd *c, int argc, char *const *argv)
{
    const char *dn = one_dn(c, argc, argv);

    return dn ? show(c, dn) : CMD_USAGE;
}

/* ---------------------------------------------------------------- changing */

/* What a change prints: the new state for programs, a sentence for people. */
static int changed(struct cmd *c, const char *dn, const char *what)
{
    return c->json ? show(c, dn) : cmd_done(c, "DN %s %s", dn, what);
}

static int cmd_dn_add(struct cmd *c, int argc, char *const *argv)
{
    const char *dn, *password = NULL, *name = "", *codec_name = "auto";
    const struct opt opts[] = {
        {"password", &password, NULL}, {"name", &name, NULL}, {"codec", &codec_name, NULL}};
    enum dn_codec codec;
    char why[WHY_MAX];
    size_t count;

    if (opt_parse(c->err, opts, 3, argc, argv, &dn, 1, 1, &count))
        return CMD_USAGE;
    if (dn_codec_decode(&codec, codec_name)) {
        buf_printf(c->err, "--codec %s: auto, opus, pcmu or pcma\n", codec_name);
        return CMD_USAGE;
    }
    password = cmd_password(c, password);
    if (!password)
        return CMD_USAGE;
    if (dn_add(c->store, dn, password, name, codec, true, why, sizeof(why)))
        return cmd_refuse(c, "%s", why);
    return changed(c, dn, "added");
}

static int cmd_dn_set(struct cmd *c, int argc, char *const *argv)
{
    const char *dn, *name = NULL, *codec_name = NULL;
    const struct opt opts[] = {{"name", &name, NULL}, {"codec", &codec_name, NULL}};
    enum dn_codec codec;
    char why[WHY_MAX];
    size_t count;

    if (opt_parse(c->err, opts, 2, argc, argv, &dn, 1, 1, &count))
        return CMD_USAGE;
    if (codec_name && dn_codec_decode(&codec, codec_name)) {
        buf_printf(c->err, "--codec %s: auto, opus, pcmu or pcma\n", codec_name);
        return CMD_USAGE;
    }
    if (!name && !codec_name) {
        buf_puts(c->err, "there is nothing to change\n");
        return CMD_USAGE;
    }
    if (dn_set(c->store, dn, name, codec_name ? &codec : NULL, why, sizeof(why)))
        return cmd_refuse(c, "%s", why);
    return changed(c, dn, "changed");
}

static int cmd_dn_passwd(struct cmd *c, int argc, char *const *argv)
{
    const char *dn, *password = NULL;
    const struct opt opts[] = {{"password", &password, NULL}};
    char why[WHY_MAX];
    size_t count;

    if (opt_parse(c->err, opts, 1, argc, argv, &dn, 1, 1, &count))
        return CMD_USAGE;
    password = cmd_password(c, password);
    if (!password)
        return CMD_USAGE;
    if (dn_passwd(c->store, dn, password, why, sizeof(why)))
        return cmd_refuse(c, "%s", why);
    return changed(c, dn, "has a new password");
}

static int refuse_dn(struct cmd *c, const char *dn, int err)
{
    return err == ENOENT ? cmd_refuse(c, "there is no DN %s", dn)
                         : cmd_refuse(c, "DN %s: %s", dn, store_strerror(err));
}

static int set_enabled(struct cmd *c, int argc, char *const *argv, bool enabled)
{
    const char *dn = one_dn(c, argc, argv);
    int err;

    if (!dn)
        return CMD_USAGE;
    err = dn_enable(c->store, dn, enabled);
    return err ? refuse_dn(c, dn, err) : changed(c, dn, enabled ? "enabled" : "disabled");
}

static int cmd_dn_enable(struct cmd *c, int argc, char *const *argv)
{
    return set_enabled(c, argc, argv, true);
}

static int cmd_dn_disable(struct cmd *c, int argc, char *const *argv)
{
    return set_enabled(c, argc, argv, false);
}

static int cmd_dn_remove(struct cmd *c, int argc, char *const *argv)
{
    const char *dn = one_dn(c, argc, argv);
    int err;

    if (!dn)
        return CMD_USAGE;
    err = dn_remove(c->store, dn);
    return err ? refuse_dn(c, dn, err) : cmd_done(c, "DN %s removed", dn);
}

static int cmd_dn_import(struct cmd *c, int argc, char *const *argv)
{
    struct dn_import_result res;
    const char *file;
    char why[WHY_MAX];
    size_t count;

    if (!c->store)
        return cmd_dn_import_asterisk(c, argc, argv);
    if (opt_parse(c->err, NULL, 0, argc, argv, &file, 1, 1, &count))
        return CMD_USAGE;
    if (dn_import_csv(c->store, c->input ? c->input : "", c->input_len, &res, why, sizeof(why)))
        return cmd_refuse(c, "%s: %s; nothing was imported", file, why);
    if (c->json)
        buf_printf(c->out, "{\"added\":%u,\"changed\":%u,\"unchanged\":%u}\n", res.added, res.changed,
                   res.unchanged);
    return cmd_done(c, "%u added, %u changed, %u unchanged", res.added, res.changed, res.unchanged);
}

static const struct verb verbs[] = {
    {"add", "DN [--password PW] [--name NAME] [--codec auto|opus|pcmu|pcma]",
     "Adds a directory number that an agent's browser may register as.\n"
     "  --password PW   at least 6 characters; - or without it: from a prompt or standard input\n"
     "  --name NAME     shown on the agent's page and in lists\n"
     "  --codec CODEC   what the browser's side prefers; auto (default): Opus first, G.711 straight through "
     "where both sides have it",
     VERB_PASSWORD, cmd_dn_add},
    {"set", "DN [--name NAME] [--codec auto|opus|pcmu|pcma]", "Changes a DN; see dngate dn add --help.",
     VERB_NO_INPUT, cmd_dn_set},
    {"list", "", "Lists all DNs.", VERB_NO_INPUT, cmd_dn_list},
    {"show", "DN", "Shows one DN.", VERB_NO_INPUT, cmd_dn_show},
    {"passwd", "DN [--password PW]",
     "Gives a DN a new password; its present registration ends.\n"
     "  --password PW   at least 6 characters; - or without it: from a prompt or standard input",
     VERB_PASSWORD, cmd_dn_passwd},
    {"disable", "DN", "Stops a DN from registering and calling; nothing of it is lost.", VERB_NO_INPUT,
     cmd_dn_disable},
    {"enable", "DN", "Allows it again.", VERB_NO_INPUT, cmd_dn_enable},
    {"remove", "DN", "Removes a DN. Its call records stay.", VERB_NO_INPUT, cmd_dn_remove},
    {"import", "FILE.csv | --from-asterisk pjsip.conf [--dry-run]",
     "Adds and changes DNs from a CSV file (- = standard input), all of it or, when a line is wrong, "
     "nothing.\n"
     "The first line names the columns: dn,name,password,enabled,codec; all but dn may be missing, in any "
     "order.\n"
     "An empty or missing password, enabled or codec leaves what is there; a new DN needs a password.\n"
     "  --from-asterisk FILE   takes the WebRTC endpoints with password from Asterisk's pjsip.conf and what "
     "it "
     "includes, shows the\n"
     "                         commands for its trunks, and says line by line what cannot be used\n"
     "  --dry-run              only says so",
     VERB_FILE, cmd_dn_import},
    {"export", "", "Writes all DNs as CSV, without passwords; importing it keeps them.", VERB_NO_INPUT,
     cmd_dn_export},
};

const struct noun noun_dn = {"dn", "Directory numbers: what the agents' browsers register as.", verbs,
                             sizeof(verbs) / sizeof(verbs[0]), false};
