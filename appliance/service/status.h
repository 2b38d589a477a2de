/* service/status: how the running server is. Errors: service/service.h, and ENOTCONN: no server runs in this process. */
#ifndef SERVICE_STATUS_H
#define SERVICE_STATUS_H

#include "core/health.h"
#include "service/live.h"

struct service_status {
    bool ready; /* to take calls */
    struct health_part parts[HEALTH_PARTS_MAX];
    size_t part_count;
    uint64_t uptime_s;
    int pid;
    bool counted; /* signalling said how many calls and registrations there are; else sv->why */
    struct service_counts counts;
};

/* Says what it can even when signalling is stuck: that is when it is asked for. */
int service_status(struct service *sv, struct service_status *out);

#endif
