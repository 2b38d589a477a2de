/*
 * service/dncompare: the DNs here beside a list from elsewhere, such as Genesys Administrator's export. The list is CSV whose first line names
 * a column for the number (dn, number, extension …; in any language of theirs that we know), or one DN a line. A column with the name and one
 * with the state are compared, too, where they are there. Errors: service/service.h; EINVAL: this is no such list.
 */
#ifndef SERVICE_DNCOMPARE_H
#define SERVICE_DNCOMPARE_H

#include "service/service.h"

#include <stddef.h>

enum dn_compared { DN_SAME, DN_MISSING /* here */, DN_EXTRA /* here, and not there */, DN_DIFFERENT };

struct dn_comparison {
    enum dn_compared what;
    const char *dn, *name; /* of DN_MISSING there, else here */
    const char *field;     /* of DN_DIFFERENT: "name", "enabled" */
    const char *here, *there;
};
/* One DN may differ in two fields. Those of the list in its order, then what is extra. */
typedef void(dn_compare_h)(const struct dn_comparison *c, void *arg);
int service_dn_compare(struct service *sv, const char *text, size_t len, dn_compare_h *h, void *arg);

#endif
