/* call/callset: what all calls share: services, limits, the list and its index. Owner: signalling thread. For the files of call/ only. */
#ifndef CALL_CALLSET_H
#define CALL_CALLSET_H

#include "call/callconf.h"
#include "core/table.h"
#include "dialog/leg.h"

struct calls {
    struct calls_config cfg;
    struct legs *legs;
    struct tracer *tracer;
    struct list calll;
    struct list echol;     /* test calls of self-tests (call/echo), the oldest first */
    struct table *by_path; /* of struct call, by path id */
    size_t live;           /* not yet ending */
    uint16_t serial;       /* orders calls of one millisecond */
    bool draining;
};

#endif
