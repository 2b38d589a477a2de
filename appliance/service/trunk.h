/* service/trunk: the SIP Servers. Errors: service/service.h. */
#ifndef SERVICE_TRUNK_H
#define SERVICE_TRUNK_H

#include "service/service.h"
#include "store/trunk.h"

#include <stddef.h>
#include <stdint.h>

/* What a new trunk is unless somebody says otherwise; name and host are still "". */
void service_trunk_init(struct trunk *t);
/* Splits HOST, HOST:PORT, [IPV6], [IPV6]:PORT or IPV6; the transport's own port when the text has none. EINVAL. */
int service_trunk_address(struct trunk *t, const char *text);

/* Without passwords, in the order in which they are tried. */
int service_trunk_each(struct service *sv, trunk_h *h, void *arg);
int service_trunk_get(struct service *sv, const char *name, struct trunk *out);
/* What tls_ca and tls_cert name must be there and right: EINVAL. */
int service_trunk_add(struct service *sv, const struct trunk *t);
int service_trunk_set(struct service *sv, const struct trunk *t, bool new_password);
int service_trunk_enable(struct service *sv, const char *name, bool on, struct trunk *out);
/* Which is tried first: all there are, each once. */
int service_trunk_order(struct service *sv, const char *const *names, size_t n);
int service_trunk_remove(struct service *sv, const char *name);

#endif
