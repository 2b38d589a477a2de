#include "service/service.h"

#include <stdarg.h>
#include <stdio.h>

int service_fail(struct service *sv, int err, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(sv->why, sizeof(sv->why), fmt, ap);
    va_end(ap);
    return err;
}
