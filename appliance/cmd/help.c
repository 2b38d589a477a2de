/* What the tables of the verbs say, for people. */
#include "cmd/verb.h"

#include <stdio.h>
#include <string.h>

enum { COLUMN = 30, LIST_COLUMN = 44, LEFT_MAX = 256 };

static const struct noun *const nouns[] = {
    &noun_serve,         &noun_dn,      &noun_trunk,       &noun_certificate, &noun_network,
    &noun_user,          &noun_apikey,  &noun_setup_link,  &noun_settings,    &noun_check,
    &noun_status,        &noun_calls,   &noun_cdr,         &noun_trace,       &noun_audit,
    &noun_registrations, &noun_ban,     &noun_alerts,      &noun_selftest,    &noun_backup,
    &noun_restore,       &noun_restart, &noun_healthcheck, &noun_version,     &noun_restore_staged};
enum { NOUN_COUNT = sizeof(nouns) / sizeof(nouns[0]) };

const struct noun *noun_at(size_t i)
{
    return i < NOUN_COUNT ? nouns[i] : NULL;
}

const struct noun *noun_find(const char *name)
{
    const struct noun *n = NULL;

    for (size_t i = 0; (n = noun_at(i)) && strcmp(n->name, name); i++)
        continue;
    return n;
}

static const char *dashes(const struct verb_option *o)
{
    return o->name[1] ? "--" : "-";
}

/* `dn add DN [--password PW] …` */
static void typed(struct buf *out, const struct noun *n, const struct verb *v)
{
    buf_printf(out, "dngate %s%s%s%s%s", n->name, v->name[0] ? " " : "", v->name, v->words[0] ? " " : "",
               v->words);
    for (size_t i = 0; i < v->option_count; i++) {
        const struct verb_option *o = &v->options[i];

        buf_printf(out, " %s%s%s%s%s%s", o->needed ? "" : "[", dashes(o), o->name, o->value ? " " : "",
                   o->value ? o->value : "", o->needed ? "" : "]");
    }
}

void help_usage(struct buf *out, const struct noun *n, const struct verb *v)
{
    buf_puts(out, "usage: ");
    typed(out, n, v);
    buf_puts(out, "\n");
}

/* Two columns; the right one may have several lines. */
static void row(struct buf *out, const char *left, const char *right, int column)
{
    const int width = (int)strlen(left);

    if (width + 2 < column)
        buf_printf(out, "  %-*s", column - 2, left);
    else
        buf_printf(out, "  %s\n%*s", left, column, "");
    for (const char *end; (end = strchr(right, '\n')); right = end + 1)
        buf_printf(out, "%.*s\n%*s", (int)(end - right), right, column, "");
    buf_printf(out, "%s\n", right);
}

void help_verb(struct buf *out, const struct noun *n, const struct verb *v)
{
    char left[LEFT_MAX];

    help_usage(out, n, v);
    buf_printf(out, "\n%s\n\n", v->help);
    for (size_t i = 0; i < v->option_count; i++) {
        const struct verb_option *o = &v->options[i];

        snprintf(left, sizeof(left), "%s%s%s%s", dashes(o), o->name, o->value ? " " : "",
                 o->value ? o->value : "");
        row(out, left, o->help, COLUMN);
    }
    row(out, "--data DIR", "the data directory (default: /data if it exists, else ./data)", COLUMN);
    row(out, "--json", "output for programs", COLUMN);
    row(out, "--reason TEXT", "why, for the audit of what is changed", COLUMN);
    if (!v->name[0] && n->count > 1)
        buf_puts(out, "\nSee also:\n");
    for (size_t i = 1; !v->name[0] && i < n->count; i++) {
        buf_puts(out, "  ");
        typed(out, n, &n->verbs[i]);
        buf_puts(out, "\n");
    }
    buf_puts(out, "\nExample:\n");
    for (const char *p = v->example, *end; *p; p = *end ? end + 1 : end) {
        end = p + strcspn(p, "\n");
        buf_printf(out, "  %.*s\n", (int)(end - p), p);
    }
}

void help_noun(struct buf *out, const struct noun *n)
{
    buf_printf(out, "%s\n\n", n->help);
    for (size_t i = 0; i < n->count; i++) {
        if (n->verbs[i].hidden)
            continue;
        buf_puts(out, "  ");
        typed(out, n, &n->verbs[i]);
        buf_puts(out, "\n");
    }
    buf_printf(out, "\nMore, with an example: dngate %s VERB --help\n", n->name);
}

/* "dn add|set|list", "backup FILE" or "calls [hangup ID]" */
static void listed(const struct noun *n, char *left, size_t sz)
{
    const struct verb *v = n->verbs;
    size_t used = (size_t)snprintf(left, sz, "%s%s%s", n->name, v->name[0] || v->words[0] ? " " : "",
                                   v->name[0] ? v->name : v->words);

    for (size_t i = 1; i < n->count && used < sz; i++)
        if (!n->verbs[i].hidden)
            used += (size_t)snprintf(left + used, sz - used, v->name[0] ? "|%s" : " [%s %s]",
                                     n->verbs[i].name, n->verbs[i].words);
}

void cmd_help(struct buf *out)
{
    const struct noun *n;
    char left[LEFT_MAX];

    buf_puts(out, "usage: dngate COMMAND [--data DIR] [--json] ...\n\n");
    for (size_t i = 0; (n = noun_at(i)); i++) {
        if (n->hidden)
            continue;
        listed(n, left, sizeof(left));
        row(out, left, n->help, LIST_COLUMN);
    }
    buf_puts(out, "\n");
    row(out, "--data DIR", "the data directory (default: /data if it exists, else ./data)", LIST_COLUMN);
    row(out, "--json", "output for programs", LIST_COLUMN);
    row(out, "--reason TEXT", "why, for the audit of what is changed", LIST_COLUMN);
    row(out, "--help", "after a command: what it takes, with an example", LIST_COLUMN);
    buf_puts(out, "\nExit status: 0 done, 1 refused or failed, 2 usage.\n");
}
