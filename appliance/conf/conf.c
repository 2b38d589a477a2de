#include "conf/conf.h"
#include "conf/value.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SOURCES = CONF_OPTION + 1, LISTENERS_MAX = 16, ENV_MAX = 128 };

static const char env_prefix[] = "DNGATE_";
enum { ENV_PREFIX_LEN = sizeof(env_prefix) - 1 };

struct setting {
    char *value[SOURCES]; /* NULL: that source says nothing */
};

struct listener {
    conf_change_h *h;
    void *arg;
};

/* One lock for all conf objects: there is one in the appliance, and readers can keep a const pointer. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

struct conf {
    struct setting *settings; /* as many, and in the same order, as in the table */
    struct listener listeners[LISTENERS_MAX];
    size_t listener_count;
};

int conf_alloc(struct conf **cp)
{
    struct conf *c;

    if (!cp)
        return EINVAL;
    c = calloc(1, sizeof(*c));
    if (!c)
        return ENOMEM;
    c->settings = calloc(conf_count(), sizeof(*c->settings));
    if (!c->settings) {
        free(c);
        return ENOMEM;
    }
    *cp = c;
    return 0;
}

/* Values may be passwords. */
static void value_free(char *value)
{
    if (value)
        explicit_bzero(value, strlen(value));
    free(value);
}

void conf_free(struct conf *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < conf_count(); i++)
        for (size_t src = 0; src < SOURCES; src++)
            value_free(c->settings[i].value[src]);
    free(c->settings);
    free(c);
}

/* The settings of the table by number; an unknown key is a bug of ours. */
static size_t index_of(const char *key)
{
    const struct conf_def *def = conf_find(key);

    if (!def)
        abort();
    return (size_t)(def - conf_at(0));
}

/* Lock held. */
static enum conf_source source_of(const struct conf *c, size_t i)
{
    for (int src = CONF_OPTION; src > CONF_DEFAULT; src--)
        if (c->settings[i].value[src])
            return (enum conf_source)src;
    return CONF_DEFAULT;
}

/* Lock held. */
static const char *value_of(const struct conf *c, size_t i)
{
    enum conf_source src = source_of(c, i);

    return src == CONF_DEFAULT ? conf_at(i)->def : c->settings[i].value[src];
}

/* Takes value over. Returns the source in effect afterwards; *changed tells whether the value in effect did. */
static enum conf_source value_put(struct conf *c, enum conf_source src, size_t i, char *value, bool *changed)
{
    enum conf_source ruling;
    const char *before;
    char *old;

    pthread_mutex_lock(&lock);
    old = c->settings[i].value[src];
    before = value_of(c, i);
    c->settings[i].value[src] = value;
    *changed = strcmp(before, value_of(c, i)) != 0;
    ruling = source_of(c, i);
    pthread_mutex_unlock(&lock);
    value_free(old);
    return ruling;
}

static void announce(struct conf *c, const char *key)
{
    struct listener v[LISTENERS_MAX];
    size_t n;

    pthread_mutex_lock(&lock);
    n = c->listener_count;
    memcpy(v, c->listeners, sizeof(v));
    pthread_mutex_unlock(&lock);
    for (size_t i = 0; i < n; i++)
        v[i].h(key, v[i].arg);
}

static int check_value(const struct conf_def *def, enum conf_source src, const char *value, char *why,
                       size_t whysz)
{
    if (def->type == CONF_SECRET && src == CONF_DATABASE) {
        snprintf(why, whysz, "%s: secrets are not kept in the database; use -o, the environment or a file",
                 def->key);
        return EINVAL;
    }
    return conf_validate(def, value, why, whysz);
}

int conf_set(struct conf *c, enum conf_source src, const char *key, const char *value, char *why,
             size_t whysz)
{
    const struct conf_def *def = conf_find(key);
    char plain[CONF_VALUE_MAX], *copy = NULL;
    bool changed;
    int err;

    if (!def) {
        snprintf(why, whysz, "%s: no such setting; `dngate settings` lists them", key);
        return ENOENT;
    }
    if (src == CONF_DEFAULT)
        return EINVAL;
    if (value) {
        err = check_value(def, src, value, why, whysz);
        if (err)
            return err;
        value_plain(plain, sizeof(plain), def, value);
        copy = strdup(plain);
        explicit_bzero(plain, sizeof(plain));
        if (!copy)
            return ENOMEM;
    }
    if (value_put(c, src, (size_t)(def - conf_at(0)), copy, &changed) > src) {
        snprintf(why, whysz, "%s: fixed by %s", key,
                 conf_source(c, key) == CONF_OPTION ? "-o" : "the environment");
        return EPERM;
    }
    if (changed)
        announce(c, key);
    return 0;
}

int conf_set_option(struct conf *c, const char *kv, char *why, size_t whysz)
{
    const char *eq = strchr(kv, '=');
    char key[64];

    if (!eq || eq == kv || (size_t)(eq - kv) >= sizeof(key)) {
        snprintf(why, whysz, "-o %.64s: must be KEY=VALUE", kv);
        return EINVAL;
    }
    memcpy(key, kv, (size_t)(eq - kv));
    key[eq - kv] = '\0';
    return conf_set(c, CONF_OPTION, key, eq + 1, why, whysz);
}

const char *conf_env_name(const struct conf_def *def, char *buf, size_t sz)
{
    snprintf(buf, sz, "%s%s", env_prefix, def->key);
    for (char *s = buf; *s; s++) {
        if (*s >= 'a' && *s <= 'z')
            *s = (char)(*s - 'a' + 'A');
        else if (*s == '.')
            *s = '_';
    }
    return buf;
}

static const struct conf_def *find_by_env(const char *name, size_t n)
{
    char env[ENV_MAX];

    for (size_t i = 0; i < conf_count(); i++) {
        conf_env_name(conf_at(i), env, sizeof(env));
        if (strlen(env) == n && !memcmp(env, name, n))
            return conf_at(i);
    }
    return NULL;
}

/* Variables with our prefix that are no settings: those of build and tests, and those that Kubernetes sets in every
 * container when there is a service called dngate (DNGATE_SERVICE_HOST, DNGATE_PORT_443_TCP, …). */
static bool is_foreign(const char *name, size_t n)
{
    static const char *const exact[] = {"CACHE", "MIRROR", "BIN", "VERSION", "PORT"};

    name += ENV_PREFIX_LEN;
    n -= ENV_PREFIX_LEN;
    for (size_t i = 0; i < sizeof(exact) / sizeof(exact[0]); i++)
        if (strlen(exact[i]) == n && !memcmp(exact[i], name, n))
            return true;
    return !strncmp(name, "SERVICE_", 8) || !strncmp(name, "PORT_", 5);
}

static int set_variable(struct conf *c, const char *var, char *why, size_t whysz)
{
    size_t n = strcspn(var, "=");
    const struct conf_def *def;
    int err;

    if (!var[n] || is_foreign(var, n))
        return 0;
    def = find_by_env(var, n);
    if (!def) {
        snprintf(why, whysz, "%.*s: no such setting; `dngate settings` lists them", n > 64 ? 64 : (int)n,
                 var);
        return ENOENT;
    }
    if (!var[n + 1])
        return 0;
    err = conf_set(c, CONF_ENVIRONMENT, def->key, var + n + 1, why, whysz);
    return err == EPERM ? 0 : err;
}

int conf_set_environment(struct conf *c, char *const *envp, char *why, size_t whysz)
{
    for (; envp && *envp; envp++) {
        int err = strncmp(*envp, env_prefix, ENV_PREFIX_LEN) ? 0 : set_variable(c, *envp, why, whysz);

        if (err)
            return err;
    }
    return 0;
}

const char *conf_str(const struct conf *c, const char *key, char *buf, size_t sz)
{
    size_t i = index_of(key);

    pthread_mutex_lock(&lock);
    snprintf(buf, sz, "%s", value_of(c, i));
    pthread_mutex_unlock(&lock);
    return buf;
}

int64_t conf_int(const struct conf *c, const char *key)
{
    char text[32];
    int64_t n = 0;

    if (value_int(&n, conf_str(c, key, text, sizeof(text))))
        abort(); /* asked for a number where the table has none */
    return n;
}

bool conf_bool(const struct conf *c, const char *key)
{
    char text[32];
    bool b = false;

    if (value_bool(&b, conf_str(c, key, text, sizeof(text))))
        abort();
    return b;
}

unsigned conf_workers(const struct conf *c)
{
    int64_t n = conf_int(c, "media.workers");

    if (!n)
        n = sysconf(_SC_NPROCESSORS_ONLN);
    if (n < 1)
        n = 1;
    return n > CONF_WORKERS_MAX ? CONF_WORKERS_MAX : (unsigned)n;
}

enum conf_source conf_source(const struct conf *c, const char *key)
{
    size_t i = index_of(key);
    enum conf_source src;

    pthread_mutex_lock(&lock);
    src = source_of(c, i);
    pthread_mutex_unlock(&lock);
    return src;
}

const char *conf_source_name(enum conf_source src)
{
    static const char *const names[SOURCES] = {"default", "database", "environment", "option"};

    return names[src];
}

bool conf_locked(const struct conf *c, const char *key)
{
    return conf_source(c, key) >= CONF_ENVIRONMENT;
}

int conf_listen(struct conf *c, conf_change_h *h, void *arg)
{
    int err = ENOSPC;

    pthread_mutex_lock(&lock);
    if (c->listener_count < LISTENERS_MAX) {
        c->listeners[c->listener_count++] = (struct listener){h, arg};
        err = 0;
    }
    pthread_mutex_unlock(&lock);
    return err;
}
