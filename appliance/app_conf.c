#include "app_conf.h"
#include "conf/conf.h"
#include "core/log.h"
#include "core/loglevel.h"
#include "store/setting.h"
#include "store/store.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { WHY_MAX = 512, SETTINGS_MAX = 256 };

struct app_conf {
    struct conf *conf;
    struct store *store;
    struct store_reader *reader;
    int fd; /* eventfd */
};

struct load {
    struct app_conf *a;
    bool seen[SETTINGS_MAX];
    char why[WHY_MAX]; /* of the first bad one */
};

extern char **environ;

static void apply_live(const struct conf *c)
{
    char value[CONF_VALUE_MAX];

    (void)loglevel_apply(conf_str(c, "log.level", value, sizeof(value)));
    log_set_format(!strcmp(conf_str(c, "log.format", value, sizeof(value)), "json"));
}

static void setting_load_h(const char *key, const char *value, void *arg)
{
    const struct conf_def *def = conf_find(key);
    struct load *l = arg;
    char why[WHY_MAX];
    const int err = conf_set(l->a->conf, CONF_DATABASE, key, value, why, sizeof(why));

    if (err == ENOENT) /* of another version of the program */
        log_warn("app", "setting=%s is in the database but not known to this version: not used", key);
    else if (err && err != EPERM && !l->why[0])
        (void)snprintf(l->why, sizeof(l->why), "%s (set in the database: dngate settings)", why);
    if (def && (!err || err == EPERM))
        l->seen[def - conf_at(0)] = true;
}

/* Readers see the old or the new value of a setting, at no time its default in between. */
static int load(struct app_conf *a, char *why, size_t whysz)
{
    struct load l = {.a = a};
    int err;

    err = setting_each(a->reader, setting_load_h, &l);
    if (err) {
        (void)snprintf(why, whysz, "the settings cannot be read: %s", store_strerror(err));
        return err;
    }

    for (size_t i = 0; i < conf_count(); i++)
        if (!l.seen[i])
            (void)conf_set(a->conf, CONF_DATABASE, conf_at(i)->key, NULL, why, whysz);

    (void)snprintf(why, whysz, "%s", l.why);
    return l.why[0] ? EINVAL : 0;
}

/* WRITER thread. */
static void settings_changed(enum store_noun noun, const char *key, void *arg)
{
    const struct app_conf *a = arg;
    const uint64_t one = 1;
    (void)key;

    if (noun == STORE_SETTING && write(a->fd, &one, sizeof(one)) < 0)
        log_error("app", "settings change notice lost");
}

int app_conf_alloc(struct app_conf **ap, char *const *options, size_t count, char *why, size_t whysz)
{
    struct app_conf *a;
    int err;

    if (conf_count() > SETTINGS_MAX)
        return E2BIG;

    a = calloc(1, sizeof(*a));
    if (!a)
        return ENOMEM;

    a->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    err = a->fd < 0 ? errno : conf_alloc(&a->conf);
    for (size_t i = 0; i < count && !err; i++)
        err = conf_set_option(a->conf, options[i], why, whysz);
    if (!err)
        err = conf_set_environment(a->conf, environ, why, whysz);
    if (err) {
        app_conf_free(a);
        return err;
    }
    apply_live(a->conf);
    *ap = a;
    return 0;
}

int app_conf_add_store(struct app_conf *a, struct store *s, char *why, size_t whysz)
{
    int err;

    err = store_reader_alloc(&a->reader, s);
    if (err)
        return err;

    err = store_listen(s, settings_changed, a);
    if (err)
        return err;
    a->store = s;

    err = load(a, why, whysz);
    if (err)
        return err;
    apply_live(a->conf);

    return conf_check(a->conf, why, whysz);
}

void app_conf_free(struct app_conf *a)
{
    if (!a)
        return;

    if (a->store)
        store_unlisten(a->store, settings_changed, a);
    store_reader_free(a->reader);
    conf_free(a->conf);
    if (a->fd >= 0)
        (void)close(a->fd);
    free(a);
}

struct conf *app_conf_get(const struct app_conf *a)
{
    return a->conf;
}

int app_conf_fd(const struct app_conf *a)
{
    return a->fd;
}

void app_conf_reload(struct app_conf *a)
{
    char why[WHY_MAX];
    uint64_t n;

    (void)!read(a->fd, &n, sizeof(n));
    if (load(a, why, sizeof(why)))
        log_error("app", "%s", why);
    apply_live(a->conf);
}

/* --- addresses --- */

static int bind_default(struct addr bind_to[2], size_t *count)
{
    const int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct addr any6;

    (void)addr_parse_ip(&bind_to[(*count)++], "0.0.0.0", 0);

    if (fd < 0) /* a kernel without IPv6 */
        return 0;
    (void)addr_parse_ip(&any6, "::", 0);
    if (!bind(fd, &any6.u.sa, addr_len(&any6)))
        bind_to[(*count)++] = any6;
    (void)close(fd);

    return 0;
}

int app_conf_bind(const struct conf *conf, struct addr bind_to[2], size_t *count, char *why, size_t whysz)
{
    char text[256], *save = NULL;

    *count = 0;
    (void)conf_str(conf, "bind.address", text, sizeof(text));
    if (!text[0])
        return bind_default(bind_to, count);

    for (char *p = strtok_r(text, ", ", &save); p; p = strtok_r(NULL, ", ", &save)) {
        if (*count >= 2 || addr_parse_ip(&bind_to[*count], p, 0)) {
            (void)snprintf(why, whysz, "bind.address=%s: must be one or two IP addresses", p);
            return EINVAL;
        }
        ++*count;
    }
    return 0;
}
