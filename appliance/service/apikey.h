/* service/apikey: keys by which programs use the console's REST. Errors: service/service.h. */
#ifndef SERVICE_APIKEY_H
#define SERVICE_APIKEY_H

#include "service/service.h"
#include "store/apikey.h"

int service_apikey_each(struct service *sv, apikey_h *h, void *arg);
/* Takes name, role, user and expires_ms (0 = never); key: the only time that it is told. */
int service_apikey_add(struct service *sv, struct apikey *io, char key[APIKEY_MAX]);
/* By id or name. */
int service_apikey_remove(struct service *sv, const char *id);

#endif
