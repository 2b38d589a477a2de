/* service/setup: the first administrator, by a link that is good once. Errors: service/service.h; EPERM: there is an administrator already. */
#ifndef SERVICE_SETUP_H
#define SERVICE_SETUP_H

#include "service/service.h"
#include "service/url.h"
#include "store/setup.h"
#include <stdbool.h>

/* Nobody administers this box yet. */
int service_setup_is_open(struct service *sv, bool *open);
/* A new link, in place of an older one. */
int service_setup_link(struct service *sv, char url[SERVICE_URL_MAX], int64_t *expires_ms);
/* EACCES: the link is not good any more. */
int service_setup(struct service *sv, const char *token, const char *name, const char *password,
                  const char *address);

#endif
