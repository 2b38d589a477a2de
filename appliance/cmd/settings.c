#include "cmd/grid.h"
#include "cmd/verb.h"
#include "conf/conf.h"
#include "store/setting.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { WHY_MAX = 512, VALUE_MAX = 2048 };

/* ---------------------------------------------------------------- showing */

/* A secret is only said to be there. */
static const char *value_shown(const struct conf *conf, const struct conf_def *def, char *buf, size_t sz)
{
    conf_str(conf, def->key, buf, sz);
    if (def->type == CONF_SECRET && buf[0])
        snprintf(buf, sz, "(set)");
    return buf;
}

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
    char value[VALUE_MAX], allowed[128];

    buf_puts(c->out, "{");
    cmd_json_member(c->out, "key", def->key, true);
    value_json(c->out, def, "value", value_shown(c->conf, def, value, sizeof(value)));
    cmd_json_member(c->out, "source", conf_source_name(conf_source(c->conf, def->key)), true);
    value_json(c->out, def, "default", def->def);
    cmd_json_member(c->out, "type", type_name(def->type), true);
    cmd_json_member(c->out, "range", range(def, allowed, sizeof(allowed)), true);
    if (def->type == CONF_INT)
        buf_printf(c->out, "\"min\":%lld,\"max\":%lld,", (long long)def->min, (long long)def->max);
    buf_printf(c->out, "\"locked\":%s,\"restart\":%s,", cmd_json_bool(conf_locked(c->conf, def->key)),
               cmd_json_bool(!def->live));
    cmd_json_member(c->out, "meaning", def->meaning, false);
    buf_puts(c->out, "}");
}

static int list(struct cmd *c)
{
    static const char *const heads[] = {"KEY", "VALUE", "SOURCE", "DEFAULT", "RESTART", "MEANING"};
    char value[VALUE_MAX];
    struct grid g;

    if (c->json) {
        for (size_t i = 0; i < conf_count(); i++) {
            buf_puts(c->out, i ? ",\n" : "[");
            setting_json(c, conf_at(i));
        }
        buf_puts(c->out, "]\n");
        return CMD_OK;
    }
    grid_init(&g, 6);
    for (size_t i = 0; i < 6; i++)
        grid_add(&g, heads[i]);
    for (size_t i = 0; i < conf_count(); i++) {
        const struct conf_def *def = conf_at(i);

        grid_add(&g, def->key);
        grid_add(&g, value_shown(c->conf, def, value, sizeof(value)));
        grid_add(&g, conf_source_name(conf_source(c->conf, def->key)));
        grid_add(&g, def->def);
        grid_add(&g, def->live ? "no" : "needed");
        grid_add(&g, def->meaning);
    }
    return grid_print(&g, c->out) ? CMD_REFUSED : CMD_OK;
}

static int show(struct cmd *c, const struct conf_def *def)
{
    char value[VALUE_MAX], allowed[128];

    if (c->json) {
        setting_json(c, def);
        buf_puts(c->out, "\n");
        return CMD_OK;
    }
    buf_printf(
        c->out, "%s = %s\nsource    %s%s\ndefault   %s\nallowed   %s\nrestart   %s\nmeaning   %s\n", def->key,
        value_shown(c->conf, def, value, sizeof(value)), conf_source_name(conf_source(c->conf, def->key)),
        conf_locked(c->conf, def->key) ? " (locked)" : "", def->def, range(def, allowed, sizeof(allowed)),
        def->live ? "not needed" : "needed after a change", def->meaning);
    return CMD_OK;
}

/* ---------------------------------------------------------------- changing */

/* Would all settings together still make sense? Tried on a copy, so that nobody listens to a value that is taken back. */
static int check_together(const struct conf *conf, const char *key, const char *value, char *why,
                          size_t whysz)
{
    char text[VALUE_MAX];
    struct conf *copy;
    int err = conf_alloc(&copy);

    if (err) {
        snprintf(why, whysz, "%s", strerror(err));
        return err;
    }
    for (size_t i = 0; i < conf_count() && !err; i++) {
        const struct conf_def *def = conf_at(i);

        if (def->type != CONF_SECRET && conf_source(conf, def->key) != CONF_DEFAULT)
            err = conf_set(copy, CONF_DATABASE, def->key, conf_str(conf, def->key, text, sizeof(text)), why,
                           whysz);
    }
    if (!err)
        err = conf_set(copy, CONF_DATABASE, key, value, why, whysz);
    if (!err)
        err = conf_check(copy, why, whysz);
    conf_free(copy);
    return err;
}

static int refuse_locked(struct cmd *c, const char *key)
{
    char name[128];

    conf_env_name(conf_find(key), name, sizeof(name));
    if (conf_source(c->conf, key) == CONF_OPTION)
        return cmd_refuse(c, "%s is fixed by -o when the server was started; change it there", key);
    return cmd_refuse(c, "%s is fixed by the environment (%s); change it there", key, name);
}

static int change(struct cmd *c, const struct conf_def *def, const char *value)
{
    char why[WHY_MAX], name[128];
    int err;

    if (def->type == CONF_SECRET) {
        conf_env_name(def, name, sizeof(name));
        return cmd_refuse(
            c, "%s is a secret and not kept in the database: give it in the environment (%s) or with -o",
            def->key, name);
    }
    if (conf_locked(c->conf, def->key))
        return refuse_locked(c, def->key);
    if ((value && conf_validate(def, value, why, sizeof(why))) ||
        check_together(c->conf, def->key, value, why, sizeof(why)))
        return cmd_refuse(c, "%s", why);
    err = setting_put(c->store, def->key, value);
    if (err)
        return cmd_refuse(c, "%s: %s", def->key, store_strerror(err));
    if (conf_set(c->conf, CONF_DATABASE, def->key, value, why, sizeof(why)))
        return cmd_refuse(c, "%s", why);
    if (c->json)
        return show(c, def);
    return cmd_done(c, "%s = %s%s", def->key, value ? value : def->def,
                    def->live ? "" : "; takes effect when the server is started again");
}

struct row_wanted {
    const char *key;
    bool found;
};

static void row_h(const char *key, const char *value, void *arg)
{
    struct row_wanted *w = arg;

    (void)value;
    w->found |= !strcmp(key, w->key);
}

/* A row that another version of the program left: this one does not know its key, but can take it out. */
static int unknown(struct cmd *c, const char *key, bool reset)
{
    struct row_wanted w = {.key = key};
    struct store_reader *r;
    int err = reset ? store_reader_alloc(&r, c->store) : 0;

    if (reset && !err) {
        err = setting_each(r, row_h, &w);
        store_reader_free(r);
    }
    if (!err && w.found)
        err = setting_put(c->store, key, NULL);
    if (err)
        return cmd_refuse(c, "%s: %s", key, store_strerror(err));
    if (!w.found)
        return cmd_refuse(c, "there is no setting %s; dngate settings lists them all", key);
    return cmd_done(c, "%s is taken out of the database; this version has no such setting", key);
}

static int cmd_settings(struct cmd *c, const struct args *a)
{
    const bool reset = args_flag(a, "reset");
    const struct conf_def *def;

    if (reset && a->words != 1)
        return cmd_misused(c, "--reset takes one KEY and no VALUE");
    if (!a->words)
        return list(c);
    def = conf_find(a->word[0]);
    if (!def)
        return unknown(c, a->word[0], reset);
    if (a->words == 2 || reset)
        return change(c, def, reset ? NULL : a->word[1]);
    return show(c, def);
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
             "others at once.",
     VERB_OPTIONS(options),
     .example = "dngate settings log.level \"info sip=debug\"\ndngate settings log.level --reset",
     .run = cmd_settings},
};

const struct noun noun_settings = {
    .name = "settings", .help = "lists, shows or changes settings", NOUN_VERBS(verbs)};
