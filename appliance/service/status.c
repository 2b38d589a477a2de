#include "service/status.h"
#include "core/clock.h"

#include <errno.h>
#include <unistd.h>

int service_status(struct service *sv, struct service_status *out)
{
    int err = service_counts(sv, &out->counts);

    if (err == ENOTCONN)
        return err;
    out->counted = !err;
    out->ready = health_ready();
    out->part_count = health_parts(out->parts);
    out->uptime_s = (clock_ms() - sv->start_ms) / 1000;
    out->pid = (int)getpid();
    return 0;
}
