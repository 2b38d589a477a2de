#include "service/setting.h"
#include "core/json.h"
#include "service/audit.h"
#include "store/setting.h"
#include "store/store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void service_setting_get(const struct service *sv, const struct conf_def *def, struct service_setting *out)
{
    out->def = def;
    (void)conf_str(sv->conf, def->key, out->value, sizeof(out->value));
    if (def->type == CONF_SECRET && out->value[0])
        snprintf(out->value, sizeof(out->value), "(set)");
    out->source = conf_source(sv->conf, def->key);
    out->locked = conf_locked(sv->conf, def->key);
    out->pending = false;
    if (!sv->at_start || def->live || def->type == CONF_SECRET)
        return;
    (void)conf_str(sv->at_start, def->key, out->running, sizeof(out->running));
    out->pending = strcmp(out->running, out->value) != 0;
}

void service_setting_hide(const struct conf_def *def, char value[CONF_VALUE_MAX])
{
    char *host = def->form == CONF_FORM_HTTP ? strstr(value, "://") : NULL;
    size_t n;

    if (!host)
        return;
    n = (size_t)(host + 3 - value) + strcspn(host + 3, "/?");
    snprintf(value + n, CONF_VALUE_MAX - n, "/…");
}

/* Of all but secrets, which nobody needs there. */
static int copy(struct conf **cp, const struct conf *conf, char *why, size_t whysz)
{
    char text[CONF_VALUE_MAX];
    int err = conf_alloc(cp);

    if (err)
        snprintf(why, whysz, "%s", strerror(err));
    for (size_t i = 0; i < conf_count() && !err; i++) {
        const struct conf_def *def = conf_at(i);

        if (def->type != CONF_SECRET && conf_source(conf, def->key) != CONF_DEFAULT)
            err = conf_set(*cp, CONF_DATABASE, def->key, conf_str(conf, def->key, text, sizeof(text)), why,
                           whysz);
    }
    return err;
}

int service_setting_freeze(struct service *sv)
{
    return copy(&sv->at_start, sv->conf, sv->why, sizeof(sv->why));
}

/* Would all settings together still make sense? Tried on a copy, so that nobody listens to a value that is taken back. */
static int check_together(const struct conf *conf, const char *key, const char *value, char *why,
                          size_t whysz)
{
    struct conf *tried = NULL;
    int err = copy(&tried, conf, why, whysz);

    if (!err)
        err = conf_set(tried, CONF_DATABASE, key, value, why, whysz);
    if (!err)
        err = conf_check(tried, why, whysz);
    conf_free(tried);
    return err;
}

static int refuse_locked(struct service *sv, const struct conf_def *def)
{
    char name[128];

    if (conf_source(sv->conf, def->key) == CONF_OPTION)
        return service_fail(sv, EPERM, "%s is fixed by -o when the server was started; change it there",
                            def->key);
    return service_fail(sv, EPERM, "%s is fixed by the environment (%s); change it there", def->key,
                        conf_env_name(def, name, sizeof(name)));
}

static int refuse_secret(struct service *sv, const struct conf_def *def)
{
    char name[128];

    return service_fail(
        sv, EPERM, "%s is a secret and not kept in the database: give it in the environment (%s) or with -o",
        def->key, conf_env_name(def, name, sizeof(name)));
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
static int unknown(struct service *sv, const char *key, const char *value)
{
    struct row_wanted w = {.key = key};
    struct store_reader *r;
    int err = value ? 0 : store_reader_alloc(&r, sv->store);

    if (!value && !err) {
        err = setting_each(r, row_h, &w);
        store_reader_free(r);
    }
    if (!err && w.found)
        err = setting_put(sv->store, key, NULL);
    if (err)
        return service_fail(sv, err, "%s: %s", key, store_strerror(err));
    return w.found ? 0
                   : service_fail(sv, ENOENT, "there is no setting %s; dngate settings lists them all", key);
}

int service_setting_put(struct service *sv, const char *key, const char *value)
{
    const struct conf_def *def = conf_find(key);
    int err;

    if (!def)
        return unknown(sv, key, value);
    if (def->type == CONF_SECRET)
        return refuse_secret(sv, def);
    if (conf_locked(sv->conf, key))
        return refuse_locked(sv, def);
    err = value ? conf_validate(def, value, sv->why, sizeof(sv->why)) : 0;
    if (!err)
        err = check_together(sv->conf, key, value, sv->why, sizeof(sv->why));
    if (err)
        return err;
    err = setting_put(sv->store, key, value);
    if (err)
        return service_fail(sv, err, "%s: %s", key, store_strerror(err));
    return conf_set(sv->conf, CONF_DATABASE, key, value, sv->why, sizeof(sv->why));
}

/* ---------------------------------------------------------------- history */

int service_setting_history(struct service *sv, const char *key, int64_t before_id, size_t limit, audit_h *h,
                            void *arg)
{
    const struct audit_filter f = {.noun = "setting", .key = key, .before_id = before_id, .limit = limit};

    return service_audit_each(sv, &f, h, arg);
}

bool service_setting_value(const char *json, char *out, size_t sz)
{
    const char *value = NULL;
    struct json *j = NULL;

    if (json && *json && !json_parse(&j, json, strlen(json), NULL, 0))
        value = json_get_str(json_root(j), "value");
    snprintf(out, sz, "%s", value ? value : "");
    json_free(j);
    return value != NULL;
}

struct reverting {
    char key[128], value[CONF_VALUE_MAX];
    bool setting, had, known;
};

static bool revert_h(const struct audit_entry *e, void *arg)
{
    struct reverting *r = arg;

    r->setting = !strcmp(e->noun, "setting") && e->key[0];
    r->known = e->before[0] || e->after[0]; /* entries of before migration 5 have neither */
    r->had = service_setting_value(e->before, r->value, sizeof(r->value));
    snprintf(r->key, sizeof(r->key), "%s", e->key);
    return true;
}

int service_setting_revert(struct service *sv, int64_t id, char *key, size_t keysz)
{
    struct reverting r = {.setting = false};
    int err = service_audit_get(sv, id, revert_h, &r);

    if (err && err != ENOENT)
        return err;
    if (err || !r.setting)
        return service_fail(sv, ENOENT, "there is no change of a setting with number %lld", (long long)id);
    if (!r.known)
        return service_fail(sv, ENOENT, "of change %lld it is not known what was before it", (long long)id);
    snprintf(key, keysz, "%s", r.key);
    return service_setting_put(sv, r.key, r.had ? r.value : NULL);
}
