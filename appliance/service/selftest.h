/* service/selftest: what self-tests found, and links for people without a DN. Errors: service/service.h. */
#ifndef SERVICE_SELFTEST_H
#define SERVICE_SELFTEST_H

#include "service/service.h"
#include "service/url.h"
#include "store/selftest.h"

enum { SERVICE_LINK_HOURS = 24 };

/* url: with the token, the only time that it is told; at public.address, else at the first address of this machine. ENOSPC: too many
 * are open. */
int service_selftest_link(struct service *sv, const char *note, unsigned hours, struct selftest_link *out,
                          char url[SERVICE_URL_MAX]);
/* Those that are good yet. */
int service_selftest_links(struct service *sv, selftest_link_h *h, void *arg);
/* Takes one back. ENOENT: none of this number is good. */
int service_selftest_link_remove(struct service *sv, int64_t id);
/* Newest first; dn NULL: all; "": those of links. */
int service_selftest_each(struct service *sv, const char *dn, selftest_h *h, void *arg);
int service_selftest_get(struct service *sv, const char *id, struct selftest *out);

#endif
