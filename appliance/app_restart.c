#include "app_restart.h"
#include "conf/conf.h"
#include "core/clock.h"
#include "service/live.h"
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

bool app_restart_due(struct service *sv, uint32_t *seconds, uint64_t *look_ms)
{
    const struct service_restart *r = sv->restart;
    struct service_counts n;
    const uint64_t now = clock_ms();

    *look_ms = UINT64_MAX;
    if (r->asked == RESTART_NONE || r->under_way)
        return false;
    *look_ms = r->asked_ms + RESTART_ANSWER_MS; /* whoever asked gets the answer first */
    if (now < *look_ms)
        return false;
    *look_ms = now + RESTART_LOOK_MS;
    *seconds = r->asked == RESTART_DRAIN ? (uint32_t)conf_int(sv->conf, "drain.seconds") : 0;
    return r->asked != RESTART_IDLE || (!service_counts(sv, &n) && !n.calls);
}

int app_restart_exec(char *const *argv)
{
    static const char gone[] =
        " (deleted)"; /* what the kernel says of a file that another has taken the place of */
    char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

    if (n > 0) {
        path[n] = '\0';
        if (n > (ssize_t)sizeof(gone) && !strcmp(path + n - (sizeof(gone) - 1), gone))
            path[n - (ssize_t)(sizeof(gone) - 1)] = '\0';
        (void)execve(path, argv, environ);
    }
    (void)execve("/proc/self/exe", argv, environ);
    return errno;
}
