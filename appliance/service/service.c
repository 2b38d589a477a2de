#include "service/service.h"
#include "core/log.h"
#include "store/audit.h"
#include "store/store.h"

#include <stdarg.h>
#include <stdio.h>

enum { NOTE_MAX = 256 };

int service_fail(struct service *sv, int err, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(sv->why, sizeof(sv->why), fmt, ap);
    va_end(ap);
    return err;
}

void service_noted(struct service *sv, const char *fmt, ...)
{
    char what[NOTE_MAX];
    va_list ap;
    int err;

    va_start(ap, fmt);
    vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    err = audit_note(sv->store, what);
    if (err)
        log_warn("service", "error=\"%s\" not in the audit: %s", store_strerror(err), what);
}
