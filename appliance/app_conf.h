/*
 * app_conf: where settings come from: -o and the environment at once, the database as soon as it is open and whenever it changes.
 * Main thread.
 */
#ifndef APP_CONF_H
#define APP_CONF_H

#include "core/addr.h"
#include <stddef.h>

struct app_conf;
struct conf;
struct store;

/* Takes in -o ("KEY=VALUE") and the environment; one clear line in why. */
int app_conf_alloc(struct app_conf **ap, char *const *options, size_t count, char *why, size_t whysz);
/* Adds the database's settings and checks how all of them go together. */
int app_conf_add_store(struct app_conf *a, struct store *s, char *why, size_t whysz);
void app_conf_free(struct app_conf *a);

struct conf *app_conf_get(const struct app_conf *a);
/* Readable when settings of the database have changed: then reload. */
int app_conf_fd(const struct app_conf *a);
/* Reads the database's settings again; a bad one is logged, and the others count. Settings that are live take effect. */
void app_conf_reload(struct app_conf *a);

/* Where every listener binds: bind.address, or all addresses of both families. EINVAL with why. */
int app_conf_bind(const struct conf *conf, struct addr bind_to[2], size_t *count, char *why, size_t whysz);

#endif
