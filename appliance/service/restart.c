#include "service/restart.h"
#include "core/clock.h"
#include "service/live.h"
#include "service/setting.h"

#include <errno.h>
#include <string.h>

static const char *const names[] = {
    [RESTART_NONE] = "", [RESTART_NOW] = "now", [RESTART_DRAIN] = "drain", [RESTART_IDLE] = "idle"};

const char *restart_when_name(enum restart_when when)
{
    return names[when];
}

int restart_when_decode(enum restart_when *when, const char *name)
{
    for (int i = RESTART_NOW; i <= RESTART_IDLE; i++) {
        if (!strcmp(names[i], name)) {
            *when = (enum restart_when)i;
            return 0;
        }
    }
    return EINVAL;
}

static int reachable(struct service *sv)
{
    if (!sv->restart)
        return service_fail(sv, ENOTCONN, "no server runs here that could be started again");
    return sv->restart->under_way
               ? service_fail(sv, EBUSY, "the server is stopping or starting again already")
               : 0;
}

int service_restart(struct service *sv, enum restart_when when)
{
    int err = reachable(sv);

    if (err)
        return err;
    if (when == RESTART_NONE)
        return service_fail(sv, EINVAL, "when is now, drain or idle");
    sv->restart->asked = when;
    sv->restart->asked_ms = clock_ms();
    service_noted(sv, "restart asked for: %s", names[when]);
    return 0;
}

int service_restart_cancel(struct service *sv)
{
    int err = reachable(sv);

    if (err)
        return err;
    if (sv->restart->asked == RESTART_NONE)
        return service_fail(sv, ENOENT, "no restart waits");
    sv->restart->asked = RESTART_NONE;
    service_noted(sv, "restart taken back");
    return 0;
}

int service_restart_get(struct service *sv, struct service_restart_state *out)
{
    struct service_setting s;
    struct service_counts n;

    memset(out, 0, sizeof(*out));
    if (!sv->restart)
        return service_fail(sv, ENOTCONN, "no server runs here");
    out->asked = sv->restart->asked;
    out->under_way = sv->restart->under_way;
    out->counted = !service_counts(sv, &n);
    out->calls = out->counted ? n.calls : 0;
    for (size_t i = 0; i < conf_count(); i++) {
        service_setting_get(sv, conf_at(i), &s);
        if (s.pending && out->pending_count < sizeof(out->pending) / sizeof(out->pending[0]))
            out->pending[out->pending_count++] = s.def->key;
    }
    return 0;
}
