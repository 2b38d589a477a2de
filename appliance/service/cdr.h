/* service/cdr: the call records. Errors: service/service.h. */
#ifndef SERVICE_CDR_H
#define SERVICE_CDR_H

#include "service/service.h"
#include "store/cdr.h"

#include <stddef.h>

struct service_cdr_filter { /* NULL or 0: any */
    const char *dn;
    int64_t from_ms, to_ms; /* Unix ms: began then or later, began before then */
    const char *result;     /* as cdr_result_name() says it */
    const char *
        path; /* as cdr_path_name() says it; "relay": any of those, "none": no way was found, or it is not known */
    const char *before; /* older than the record of this id: where a next page goes on */
    size_t limit;
};

/* Newest first, until h returns true. EINVAL: there is no such result, path, or span of time. Read a page at a time, so that h may be as
 * slow as a person who reads, without a snapshot that holds up the writer. */
int service_cdr_each(struct service *sv, const struct service_cdr_filter *f, cdr_h *h, void *arg);
/* ENOENT. */
int service_cdr_get(struct service *sv, const char *id, struct cdr *out);

#endif
