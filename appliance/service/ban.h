/* service/ban: sources that are banned after failed sign-ins (core/guard). Errors: service/service.h, and ENOTCONN: no server runs here. */
#ifndef SERVICE_BAN_H
#define SERVICE_BAN_H

#include "core/guard.h"
#include "service/service.h"

/* The oldest first; h as of guard_each. */
int service_ban_each(struct service *sv, guard_ban_h *h, void *arg);
/* Lifts the ban of an address (one of a /64 lifts that), NULL: all. EINVAL: no address; ENOENT: it is not banned. */
int service_ban_clear(struct service *sv, const char *address, size_t *lifted);

#endif
