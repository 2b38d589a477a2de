/* service/user: who administers the gateway. Errors: service/service.h. */
#ifndef SERVICE_USER_H
#define SERVICE_USER_H

#include "service/service.h"
#include "store/user.h"

int service_user_each(struct service *sv, user_h *h, void *arg);
int service_user_add(struct service *sv, const char *name, enum user_role role, const char *password,
                     struct user *out);
int service_user_passwd(struct service *sv, const char *name, const char *password, struct user *out);
int service_user_get(struct service *sv, const char *name, struct user *out);
/* EPERM: the last administrator stays one. */
int service_user_change(struct service *sv, const char *name, const struct user_change *ch, struct user *out);
/* EPERM: the last administrator stays. */
int service_user_remove(struct service *sv, const char *name);

#endif
