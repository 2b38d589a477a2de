/*
 * service/live: what goes on now: calls and registrations. The signalling thread owns them and is asked (core/ask); if it does not answer in
 * time, that is said. Errors: service/service.h, and ENOTCONN: no server runs in this process; ETIMEDOUT.
 */
#ifndef SERVICE_LIVE_H
#define SERVICE_LIVE_H

#include "call/calls.h"
#include "core/addr.h"
#include "core/ask.h"
#include "service/service.h"

/* What the signalling thread answers from: the argument of its ask_answer_h. */
struct service_live {
    struct calls *calls;
    struct registrar *registrar;
    struct directory *directory;
};

struct service_calls {
    struct call_info *v; /* free() */
    size_t count;
};
int service_calls(struct service *sv, struct service_calls *out);
/* ENOENT: no such call runs. */
int service_call_hangup(struct service *sv, const char *id);

struct service_registration {
    char dn[64], peer[ADDR_STRLEN], user_agent[128];
    int64_t registered_ms, expires_ms; /* Unix ms */
};
struct service_registrations {
    struct service_registration *v; /* free() */
    size_t count;
};
int service_registrations(struct service *sv, struct service_registrations *out);
/* Ends a DN's registration: its page is told and may sign in again. ENOENT. */
int service_registration_drop(struct service *sv, const char *dn);

struct service_counts {
    size_t calls, registrations;
};
int service_counts(struct service *sv, struct service_counts *out);

#endif
