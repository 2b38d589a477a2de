#include "cmd/cmd.h"
#include "cmd/verb.h"
#include "core/clock.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { COMPLAINT_MAX = 4096, DONE_MAX = 1024 };

/* ---------------------------------------------------------------- which verb */

/* By its name, else the one that is the noun itself. */
static const struct verb *verb_find(const struct noun *n, const char *name)
{
    for (size_t i = 0; i < n->count; i++)
        if (n->verbs[i].name[0] && !strcmp(n->verbs[i].name, name))
            return &n->verbs[i];
    return n->verbs[0].name[0] ? NULL : &n->verbs[0];
}

/* What stands behind the verb's name. */
static int verb_skip(const struct verb *v)
{
    return v->name[0] ? 2 : 1;
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

/* What the words are, without a complaint. NULL: not a verb, asks for help, or misused. */
static const struct noun *look(struct args *a, int argc, char *const *argv)
{
    const struct noun *n = argc && !wants_help(argc, argv) ? noun_find(argv[0]) : NULL;
    const struct verb *v = n ? verb_find(n, argc > 1 ? argv[1] : "") : NULL;
    struct buf err;
    int wrong;

    if (!v)
        return NULL;
    buf_init(&err, COMPLAINT_MAX);
    wrong = args_parse(a, v, &err, argc - verb_skip(v), argv + verb_skip(v));
    buf_reset(&err);
    return wrong ? NULL : n;
}

bool cmd_only_words(int argc, char *const *argv)
{
    struct args a;

    return !look(&a, argc, argv);
}

/* dngate dn import --from-asterisk FILE */
static bool reads_asterisk(const struct noun *n, const struct args *a)
{
    return n == &noun_dn && a->verb->input == VERB_FILE && args_get(a, "from-asterisk");
}

bool cmd_runs_here(int argc, char *const *argv)
{
    struct args a;
    const struct noun *n = look(&a, argc, argv);

    return n && (n->here || a.verb->here || reads_asterisk(n, &a));
}

bool cmd_needs_server(int argc, char *const *argv)
{
    struct args a;
    const struct noun *n = look(&a, argc, argv);

    return n && n->live;
}

bool cmd_watches(int argc, char *const *argv)
{
    struct args a;

    if (!look(&a, argc, argv))
        return false;
    for (size_t i = 0; i < a.verb->option_count; i++)
        if (!strcmp(a.verb->options[i].name, "watch"))
            return a.value[i] != NULL;
    return false;
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

int cmd_misused(struct cmd *c, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    buf_vprintf(c->err, fmt, ap);
    va_end(ap);
    buf_puts(c->err, "\n");
    return CMD_USAGE;
}

int cmd_done(struct cmd *c, const char *fmt, ...)
{
    char text[DONE_MAX];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (c->json) {
        buf_puts(c->out, "{");
        cmd_json_member(c->out, "done", text, false);
        buf_puts(c->out, "}");
    } else {
        buf_puts(c->out, text);
    }
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

bool cmd_wants_input(int argc, char *const *argv, const char **file, bool *secret)
{
    const char *password = NULL;
    struct args a;

    if (!look(&a, argc, argv) || cmd_runs_here(argc, argv))
        return false;
    *file = a.verb->input == VERB_FILE && a.words ? a.word[0] : "-";
    *secret = a.verb->input != VERB_FILE && a.verb->input != VERB_DASH;
    for (size_t i = 0; i < a.verb->option_count; i++)
        if (!strcmp(a.verb->options[i].name, "password") ||
            (!strcmp(a.verb->options[i].name, "trunk-password") && a.verb->input == VERB_ASKED))
            password = a.value[i];
    return (a.verb->input == VERB_FILE && a.words) ||
           (a.verb->input == VERB_DASH && a.words > 1 && !strcmp(a.word[1], "-")) ||
           (a.verb->input == VERB_PASSWORD && (!password || !strcmp(password, "-"))) ||
           (a.verb->input == VERB_ASKED && password && !strcmp(password, "-"));
}

static int misused(struct cmd *c, const struct noun *n, const struct verb *v)
{
    help_usage(c->err, n, v);
    buf_printf(c->err, "dngate %s%s%s --help says more, with an example\n", n->name, v->name[0] ? " " : "",
               v->name);
    return CMD_USAGE;
}

int cmd_run(struct cmd *c, int argc, char *const *argv)
{
    const struct noun *n = argc ? noun_find(argv[0]) : NULL;
    const struct verb *v;
    struct args a;
    int status;

    if (!n)
        return cmd_misused(c, "unknown command %s; dngate --help lists all", argc ? argv[0] : "");
    if (argc > 1 && is_help(argv[1]) && n->verbs[0].name[0]) {
        help_noun(c->out, n);
        return CMD_OK;
    }
    v = verb_find(n, argc > 1 ? argv[1] : "");
    if (!v) {
        buf_printf(c->err, argc > 1 ? "%s: unknown verb %s\n\n" : "%s: which verb?\n\n", n->name,
                   argc > 1 ? argv[1] : "");
        help_noun(c->err, n);
        return CMD_USAGE;
    }
    if (wants_help(argc, argv)) {
        help_verb(c->out, n, v);
        return CMD_OK;
    }
    if (args_parse(&a, v, c->err, argc - verb_skip(v), argv + verb_skip(v)) || !v->run)
        return misused(c, n, v);
    status = v->run(c, &a);
    return status == CMD_USAGE ? misused(c, n, v) : status;
}
