/* service/dn: the directory numbers. Errors: service/service.h. out may be NULL where it tells the new state. */
#ifndef SERVICE_DN_H
#define SERVICE_DN_H

#include "service/service.h"
#include "store/dn.h"

#include <stddef.h>

enum { DN_PASSWORD_MADE_MAX = 16, DN_RANGE_MAX = 5000 };

int service_dn_each(struct service *sv, dn_h *h, void *arg);
int service_dn_get(struct service *sv, const char *dn, struct dn *out);
/* password NULL: one is made, which made gets. */
int service_dn_add(struct service *sv, const struct dn_new *d, char made[DN_PASSWORD_MADE_MAX],
                   struct dn *out);
int service_dn_change(struct service *sv, const char *dn, const struct dn_change *change, struct dn *out);
int service_dn_remove(struct service *sv, const char *dn);

/* Easy to type and to read aloud, without look-alikes: 12 of 55 characters in three groups, 69 bits. */
void service_dn_password(char out[DN_PASSWORD_MADE_MAX]);

struct dn_password { /* told once; explicit_bzero() and free() the array */
    char dn[DN_MAX], name[DN_NAME_MAX], password[DN_PASSWORD_MADE_MAX];
};
/*
 * From one DN to another that differs in its last digits ("5001", "5050"; "agent007", "agent120"), both included: all of them or none, each with
 * a password of its own. like: what else they are; "#" in its name stands for the DN. EEXIST names the one that is there.
 */
int service_dn_range(struct service *sv, const char *from, const char *to, const struct dn_new *like,
                     struct dn_password **out, size_t *count);
/* One DN may be named twice. All or nothing. out: of DN_RESET, else it may be NULL. *done: how many there were. */
int service_dn_bulk(struct service *sv, enum dn_action action, const char *const *dns, size_t n,
                    struct dn_password **out, size_t *done);
void service_dn_passwords_free(struct dn_password *v, size_t n);

/* All of the CSV text or nothing (store/dn.h). */
int service_dn_import(struct service *sv, const char *csv, size_t len, struct dn_import_result *res);
/* What service_dn_import would do, row by row; changes nothing. */
int service_dn_import_try(struct service *sv, const char *csv, size_t len, dn_import_h *h, void *arg,
                          struct dn_import_result *res);

/* In what two of one DN differ, as text; of a password only that it does. */
typedef void(service_dn_differs_h)(const char *field, const char *before, const char *after, void *arg);
void service_dn_differences(const struct dn *before, const struct dn *after, service_dn_differs_h *h,
                            void *arg);

#endif
