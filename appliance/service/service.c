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
    sv->field[0] = '\0';
    return err;
}

int service_fail_at(struct service *sv, int err, const char *field, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(sv->why, sizeof(sv->why), fmt, ap);
    va_end(ap);
    snprintf(sv->field, sizeof(sv->field), "%s", field);
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
