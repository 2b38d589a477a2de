#include "service/setting.h"
#include "service/audit.h"
#include "cmd/listing.h"
#include "cmd/verb.h"
#include "core/clock.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { HISTORY_DEFAULT = 100, HISTORY_MAX = 10000 };

static const char *type_name(enum conf_type t)
{
    static const char *const names[] = {[CONF_INT] = "number",
                                        [CONF_BOOL] = "yes|no",
                                        [CONF_STR] = "text",
                                        [CONF_ENUM] = "choice",
                                        [CONF_SECRET] = "secret"};

    return names[t];
}

/* "0..65535", "text|json", "yes|no" or what else a value may be. */
static const char *range(const struct conf_def *def, char *buf, size_t sz)
{
    if (def->type == CONF_INT)
        snprintf(buf, sz, "%lld..%lld%s%s", (long long)def->min, (long long)def->max, def->unit[0] ? " " : "",
                 def->unit);
    else if (def->type == CONF_ENUM)
        snprintf(buf, sz, "%s", def->choices);
    else if (def->type == CONF_BOOL)
        snprintf(buf, sz, "yes|no");
    else
        snprintf(buf, sz, "text of at most %lld bytes", (long long)def->max);
    return buf;
}

/* A number as a number, yes and no as true and false. */
static void value_json(struct buf *out, const struct conf_def *def, const char *key, const char *value)
{
    if (def->type == CONF_INT)
        buf_printf(out, "\"%s\":%s,", key, value);
    else if (def->type == CONF_BOOL)
        buf_printf(out, "\"%s\":%s,", key, cmd_json_bool(!strcmp(value, "yes")));
    else
        cmd_json_member(out, key, value, true);
}

static void setting_json(struct cmd *c, const struct conf_def *def)
{
    struct service_setting s;
    char allowed[128];

    service_setting_get(&c->sv, def, &s);
    buf_puts(c->out, "{");
    cmd_json_member(c->out, "key", def->key, true);
    value_json(c->out, def, "value", s.value);
    cmd_json_member(c->out, "source", conf_source_name(s.source), true);
    value_json(c->out, def, "default", def->def);
    cmd_json_member(c->out, "type", type_name(def->type), true);
    cmd_json_member(c->out, "range", range(def, allowed, sizeof(allowed)), true);
    if (def->type == CONF_INT)
        buf_printf(c->out, "\"min\":%lld,\"max\":%lld,", (long long)def->min, (long long)def->max);
    buf_printf(c->out, "\"locked\":%s,\"restart\":%s,\"pending\":%s,", cmd_json_bool(s.locked),
               cmd_json_bool(!def->live), cmd_json_bool(s.pending));
    if (s.pending)
        value_json(c->out, def, "running", s.running);
    cmd_json_member(c->out, "meaning", def->meaning, false);
    buf_puts(c->out, "}");
}

static int list(struct cmd *c)
{
    static const char *const heads[] = {"KEY", "VALUE", "SOURCE", "DEFAULT", "RESTART", "MEANING"};
    struct service_setting s;
    struct listing l;

    listing_begin(&l, c, heads, 6);
    for (size_t i = 0; i < conf_count(); i++) {
        if (listing_json(&l)) {
            setting_json(c, conf_at(i));
            continue;
        }
        service_setting_get(&c->sv, conf_at(i), &s);
        grid_add(&l.grid, s.def->key);
        grid_add(&l.grid, s.value);
        grid_add(&l.grid, conf_source_name(s.source));
        grid_add(&l.grid, s.def->def);
        grid_add(&l.grid, s.pending ? "PENDING" : s.def->live ? "no" : "needed");
        grid_add(&l.grid, s.def->meaning);
    }
    return listing_end(&l, 0, "");
}

static int show(struct cmd *c, const struct conf_def *def)
{
    struct service_setting s;
    char allowed[128];

    if (c->json) {
        setting_json(c, def);
        buf_puts(c->out, "\n");
        return CMD_OK;
    }
    service_setting_get(&c->sv, def, &s);
    buf_printf(c->out, "%s = %s\nsource    %s%s\ndefault   %s\nallowed   %s\nrestart   %s\nmeaning   %s\n",
               def->key, s.value, conf_source_name(s.source), s.locked ? " (locked)" : "", def->def,
               range(def, allowed, sizeof(allowed)), def->live ? "not needed" : "needed after a change",
               def->meaning);
    if (s.pending)
        buf_printf(c->out, "pending   the running server goes by \"%s\" until it is started again\n",
                   s.running);
    return CMD_OK;
}

static int change(struct cmd *c, const char *key, const char *value)
{
    const struct conf_def *def = conf_find(key);

    if (service_setting_put(&c->sv, key, value))
        return cmd_refuse(c, "%s", c->sv.why);
    if (!def)
        return cmd_done(c, "%s is taken out of the database; this version has no such setting", key);
    if (c->json)
        return show(c, def);
    return cmd_done(c, "%s = %s%s", key, value ? value : def->def,
                    def->live ? "" : "; takes effect when the server is started again");
}

static int cmd_settings(struct cmd *c, const struct args *a)
{
    const bool reset = args_flag(a, "reset");
    const struct conf_def *def;

    if (reset && a->words != 1)
        return cmd_misused(c, "--reset takes one KEY and no VALUE");
    if (!a->words)
        return list(c);
    if (a->words == 2 || reset)
        return change(c, a->word[0], reset ? NULL : a->word[1]);
    def = conf_find(a->word[0]);
    return def ? show(c, def)
               : cmd_refuse(c, "there is no setting %s; dngate settings lists them all", a->word[0]);
}

/* ---------------------------------------------------------------- history */

/* A text, or null for the default. */
static void past_json(struct buf *out, const char *key, const char *json)
{
    char value[CONF_VALUE_MAX];

    buf_printf(out, ",\"%s\":", key);
    if (service_setting_value(json, value, sizeof(value)))
        buf_json_str(out, value);
    else
        buf_puts(out, "null");
}

static const char *past_text(char *value, size_t sz, const char *json)
{
    if (!service_setting_value(json, value, sz))
        snprintf(value, sz, "(default)");
    return value;
}

static bool history_h(const struct audit_entry *e, void *arg)
{
    struct listing *l = arg;
    char text[CONF_VALUE_MAX];

    if (listing_json(l)) {
        struct buf *out = l->cmd->out;

        buf_printf(out, "{\"id\":%lld,", (long long)e->id);
        cmd_json_member(out, "time", clock_iso8601(text, sizeof(text), e->time_ms), true);
        cmd_json_member(out, "who", e->who, true);
        cmd_json_member(out, "via", e->via, true);
        cmd_json_member(out, "key", e->key, true);
        cmd_json_member(out, "reason", e->reason, false);
        past_json(out, "before", e->before);
        past_json(out, "after", e->after);
        buf_puts(out, "}");
        return false;
    }
    snprintf(text, sizeof(text), "%lld", (long long)e->id);
    grid_add(&l->grid, text);
    grid_add(&l->grid, cmd_time(text, sizeof(text), e->time_ms));
    grid_add(&l->grid, e->who);
    grid_add(&l->grid, e->key);
    grid_add(&l->grid, past_text(text, sizeof(text), e->before));
    grid_add(&l->grid, past_text(text, sizeof(text), e->after));
    grid_add(&l->grid, e->reason);
    return false;
}

static int cmd_settings_history(struct cmd *c, const struct args *a)
{
    static const char *const heads[] = {"ID", "TIME", "WHO", "KEY", "BEFORE", "AFTER", "REASON"};
    const char *value = args_get(a, "limit");
    struct listing l;
    long limit = HISTORY_DEFAULT;

    if (value && args_number(value, 1, HISTORY_MAX, &limit))
        return cmd_misused(c, "--limit %s: 1 to %d", value, HISTORY_MAX);
    listing_begin(&l, c, heads, sizeof(heads) / sizeof(heads[0]));
    return listing_end(&l, service_setting_history(&c->sv, a->word[0], 0, (size_t)limit, history_h, &l),
                       "No setting was changed yet");
}

static int cmd_settings_revert(struct cmd *c, const struct args *a)
{
    char key[128];
    long id;

    if (args_number(a->word[0], 1, LONG_MAX, &id))
        return cmd_misused(c, "ID %s: a number, as dngate settings history shows it", a->word[0]);
    if (service_setting_revert(&c->sv, id, key, sizeof(key)))
        return cmd_refuse(c, "%s", c->sv.why);
    return conf_find(key) ? show(c, conf_find(key)) : cmd_done(c, "%s is as it was", key);
}

/* ---------------------------------------------------------------- */

static const struct verb_option options[] = {
    {"reset", NULL, "takes KEY out of the database: back to its default", false},
};
static const struct verb_option history_options[] = {
    {"limit", "N", "so many at most; 100 by default", false}};

static const struct verb verbs[] = {
    {.name = "",
     .words = "[KEY [VALUE]]",
     .words_max = 2,
     .help = "Lists all settings, shows one, or changes it in the database.\n"
             "What -o or the environment (DNGATE_ and the key in capitals, _ for .) say stands above the "
             "database.\n"
             "A setting whose RESTART is \"needed\" takes effect when the server is started again, the "
             "others at once.\n"
             "PENDING: it was changed, and the running server still goes by what it was.",
     VERB_OPTIONS(options),
     .example = "dngate settings log.level \"info sip=debug\"\ndngate settings log.level --reset",
     .run = cmd_settings},
    {.name = "history",
     .words = "[KEY]",
     .words_max = 1,
     .help = "Lists what people changed, the newest first, with what was before and after.",
     VERB_OPTIONS(history_options),
     .example = "dngate settings history log.level",
     .run = cmd_settings_history},
    {.name = "revert",
     .words = "ID",
     .words_min = 1,
     .words_max = 1,
     .help = "Gives a setting the value that it had before the change of this number.",
     .example = "dngate settings revert 17 --reason \"calls broke\"",
     .run = cmd_settings_revert},
};

const struct noun noun_settings = {
    .name = "settings", .help = "lists, shows or changes settings", NOUN_VERBS(verbs)};
