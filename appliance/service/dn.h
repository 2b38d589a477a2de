/* service/dn: the directory numbers. Errors: service/service.h. out may be NULL where it tells the new state. */
#ifndef SERVICE_DN_H
#define SERVICE_DN_H

#include "service/service.h"
#include "store/dn.h"

int service_dn_each(struct service *sv, dn_h *h, void *arg);
int service_dn_get(struct service *sv, const char *dn, struct dn *out);
int service_dn_add(struct service *sv, const char *dn, const char *password, const char *name,
                   enum dn_codec codec, struct dn *out);
/* NULL leaves name or codec as it is. */
int service_dn_set(struct service *sv, const char *dn, const char *name, const enum dn_codec *codec,
                   struct dn *out);
int service_dn_passwd(struct service *sv, const char *dn, const char *password, struct dn *out);
int service_dn_enable(struct service *sv, const char *dn, bool on, struct dn *out);
int service_dn_remove(struct service *sv, const char *dn);
/* All of the CSV text or nothing (store/dn.h). */
int service_dn_import(struct service *sv, const char *csv, size_t len, struct dn_import_result *res);
/* What service_dn_import would do, row by row; changes nothing. */
int service_dn_import_try(struct service *sv, const char *csv, size_t len, dn_import_h *h, void *arg,
                          struct dn_import_result *res);

#endif
