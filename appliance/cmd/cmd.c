#include "cmd/cmd.h"
#include "cmd/verb.h"
#include "core/clock.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct noun *const nouns[] = {&noun_dn,     &noun_trunk,   &noun_user,           &noun_settings,
                                           &noun_backup, &noun_restore, &noun_restore_staged, &noun_check};
enum { NOUN_COUNT = sizeof(nouns) / sizeof(nouns[0]) };

/* ---------------------------------------------------------------- which verb */

static const struct noun *noun_find(const char *name)
{
    for (size_t i = 0; i < NOUN_COUNT; i++)
        if (!strcmp(nouns[i]->name, name))
            return nouns[i];
    return NULL;
}

static const struct verb *verb_find(const struct noun *n, const char *name)
{
    for (size_t i = 0; i < n->count; i++)
        if (!n->verbs[i].name[0] || !strcmp(n->verbs[i].name, name))
            return &n->verbs[i];
    return NULL;
}

static bool is_help(const char *arg)
{
    return !strcmp(arg, "--help") || !strcmp(arg, "-h");
}

static bool wants_help(int argc, char *const *argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--"); i++)
        if (is_help(argv[i]))
            return true;
    return false;
}

bool cmd_known(const char *verb)
{
    return noun_find(verb) != NULL;
}

/* dngate dn import --from-asterisk FILE */
static bool reads_asterisk(int argc, char *const *argv)
{
    bool found = false;

    for (int i = 2; i < argc && strcmp(argv[i], "--"); i++)
        found = found || !strncmp(argv[i], "--from-asterisk", 15);
    return found && !strcmp(argv[0], "dn") && !strcmp(argv[1], "import");
}

bool cmd_runs_here(int argc, char *const *argv)
{
    const struct noun *n = argc ? noun_find(argv[0]) : NULL;

    return n && (n->here || reads_asterisk(argc, argv));
}

/* ---------------------------------------------------------------- help */

static void verb_usage(struct buf *out, const struct noun *n, const struct verb *v)
{
    buf_printf(out, "usage: dngate %s%s%s%s%s\n", n->name, v->name[0] ? " " : "", v->name,
               v->args[0] ? " " : "", v->args);
}

static void verb_help(struct buf *out, const struct noun *n, const struct verb *v)
{
    verb_usage(out, n, v);
    buf_printf(out, "%s\n", v->help);
    buf_puts(out, "Everywhere: --data DIR  the data directory (default: /data if it exists, else ./data); "
                  "--json  output for programs\n");
}

static void noun_help(struct buf *out, const struct noun *n)
{
    buf_printf(out, "%s\n\n", n->help);
    for (size_t i = 0; i < n->count; i++)
        buf_printf(out, "  dngate %s %s%s%s\n", n->name, n->verbs[i].name, n->verbs[i].args[0] ? " " : "",
                   n->verbs[i].args);
    buf_printf(out, "\nMore: dngate %s VERB --help\n", n->name);
}

const char *cmd_usage(void)
{
    return "  dn add|set|list|show|passwd|disable|enable|remove|import|export  the directory numbers of the "
           "agents\n"
           "  trunk add|set|list|show|disable|enable|remove                 the SIP Servers that calls go to "
           "and come from\n"
           "  user add|list|passwd|remove                                   who administers the gateway\n"
           "  settings [KEY [VALUE]]                                        list, read or change settings\n"
           "  check                                                         looks for what keeps calls from "
           "working, and says what to do\n"
           "  backup FILE | restore FILE                                    all that this gateway is, also "
           "while it "
           "runs\n";
}

/* ---------------------------------------------------------------- what the verbs share */

int cmd_refuse(struct cmd *c, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    buf_vprintf(c->err, fmt, ap);
    va_end(ap);
    buf_puts(c->err, "\n");
    return CMD_REFUSED;
}

int cmd_done(struct cmd *c, const char *fmt, ...)
{
    va_list ap;

    if (c->json)
        return CMD_OK;
    va_start(ap, fmt);
    buf_vprintf(c->out, fmt, ap);
    va_end(ap);
    buf_puts(c->out, "\n");
    return CMD_OK;
}

const char *cmd_password(struct cmd *c, const char *option)
{
    if (option && strcmp(option, "-"))
        return option;
    if (c->input && c->input[0])
        return c->input;
    buf_puts(c->err, "there is no password\n");
    return NULL;
}

const char *cmd_time(char *buf, size_t sz, int64_t ms)
{
    if (!ms)
        return "";
    clock_iso8601(buf, sz, ms);
    snprintf(buf + strlen("2026-11-21T09:35:00"), 2, "Z"); /* milliseconds say nothing here */
    return buf;
}

const char *cmd_yes(bool b)
{
    return b ? "yes" : "no";
}

const char *cmd_json_bool(bool b)
{
    return b ? "true" : "false";
}

void cmd_json_member(struct buf *out, const char *key, const char *value, bool more)
{
    buf_printf(out, "\"%s\":", key);
    buf_json_str(out, value);
    if (more)
        buf_puts(out, ",");
}

/* ---------------------------------------------------------------- running */

/* What stands behind the verb's name. */
static int verb_skip(const struct verb *v)
{
    return v->name[0] ? 2 : 1;
}

static const char *password_option(int argc, char *const *argv)
{
    const char *found = NULL;

    for (int i = 0; i < argc && strcmp(argv[i], "--"); i++) {
        if (!strncmp(argv[i], "--password=", 11))
            found = argv[i] + 11;
        else if (!strcmp(argv[i], "--password") && i + 1 < argc)
            found = argv[++i];
    }
    return found;
}

bool cmd_wants_input(int argc, char *const *argv, const char **file, bool *secret)
{
    const struct noun *n = argc > 1 ? noun_find(argv[0]) : NULL;
    const struct verb *v = n ? verb_find(n, argv[1]) : NULL;
    const char *password;

    if (!v || wants_help(argc, argv) || cmd_runs_here(argc, argv))
        return false;
    if (v->input == VERB_FILE && argc > 2) {
        *file = argv[2];
        *secret = false;
        return true;
    }
    password = password_option(argc, argv);
    *file = "-";
    *secret = true;
    return (v->input == VERB_PASSWORD && argc > 2 && (!password || !strcmp(password, "-"))) ||
           (v->input == VERB_ASKED && password && !strcmp(password, "-"));
}

int cmd_run(struct cmd *c, int argc, char *const *argv)
{
    const struct noun *n = argc ? noun_find(argv[0]) : NULL;
    const struct verb *v;
    int status;

    if (!n) {
        buf_printf(c->err, "unknown command %s\n", argc ? argv[0] : "");
        return CMD_USAGE;
    }
    if (argc > 1 && is_help(argv[1]) && n->verbs[0].name[0]) {
        noun_help(c->out, n);
        return CMD_OK;
    }
    v = verb_find(n, argc > 1 ? argv[1] : "");
    if (!v) {
        buf_printf(c->err, argc > 1 ? "%s: unknown verb %s\n\n" : "%s: which verb?\n\n", n->name,
                   argc > 1 ? argv[1] : "");
        noun_help(c->err, n);
        return CMD_USAGE;
    }
    if (wants_help(argc, argv)) {
        verb_help(c->out, n, v);
        return CMD_OK;
    }
    status = v->run(c, argc - verb_skip(v), argv + verb_skip(v));
    if (status == CMD_USAGE)
        verb_usage(c->err, n, v);
    return status;
}
