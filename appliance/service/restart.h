/*
 * service/restart: starting the server again, so that settings that need it take effect. The server is the same process afterwards
 * (app_restart.h), so that it needs nobody who would start it again. Errors: service/service.h.
 */
#ifndef SERVICE_RESTART_H
#define SERVICE_RESTART_H

#include "service/service.h"

#include <stdbool.h>
#include <stddef.h>

enum restart_when {
    RESTART_NONE,
    RESTART_NOW,   /* calls that run are ended */
    RESTART_DRAIN, /* no new calls; those that run have drain.seconds to end by themselves */
    RESTART_IDLE   /* calls are taken as ever, until a moment comes in which none runs */
};

struct service_restart { /* main thread: what was asked, for the main loop to do */
    enum restart_when asked;
    uint64_t asked_ms; /* on clock_ms */
    bool under_way;    /* drains, and can be taken back no more */
};

struct service_restart_state {
    enum restart_when asked;
    bool under_way;
    size_t calls; /* that run now */
    bool counted;
    const char *pending[64]; /* keys of settings whose change waits for it */
    size_t pending_count;
};

/* "now", "drain", "idle"; "" for none. */
const char *restart_when_name(enum restart_when when);
int restart_when_decode(enum restart_when *when, const char *name);

/* Begun when this returns; who asks again asks otherwise. EINVAL; ENOTCONN: no server; EBUSY: it is under way, or the server stops. */
int service_restart(struct service *sv, enum restart_when when);
/* Takes back what waits for a moment without calls. ENOENT: nothing does. EBUSY: it is under way. */
int service_restart_cancel(struct service *sv);
int service_restart_get(struct service *sv, struct service_restart_state *out);

#endif
