#include "service/setting.h"
#include "cmd/listing.h"
#include "cmd/verb.h"

#include <stdio.h>
#include <string.h>

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

static const struct verb_option options[] = {
    {"reset", NULL, "takes KEY out of the database: back to its default", false},
};

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
};

const struct noun noun_settings = {
    .name = "settings", .help = "lists, shows or changes settings", NOUN_VERBS(verbs)};
