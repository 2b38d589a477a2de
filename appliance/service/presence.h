/* service/presence: what each DN does just now, by one question to signalling. Errors: service/service.h, ENOTCONN, ETIMEDOUT. */
#ifndef SERVICE_PRESENCE_H
#define SERVICE_PRESENCE_H

#include "service/dnlist.h"
#include "service/live.h"

struct presence {
    struct dn_presence *v; /* those that are signed in or have a call, by DN */
    size_t count;
};

/* presence_reset() frees it. */
int presence_ask(struct service *sv, struct presence *out);
void presence_reset(struct presence *p);
/* NULL: it is off. */
const struct dn_presence *presence_find(const struct presence *p, const char *dn);

enum { DN_LIVE_CALLS_MAX = 16 };
struct service_dn_live { /* one DN in full */
    enum dn_state state;
    int64_t since_ms;
    bool registered;
    struct service_registration registration;
    struct call_info calls[DN_LIVE_CALLS_MAX];
    size_t call_count;
    bool banned; /* the source that it is signed in from is, for what others do there */
    char ban_source[ADDR_STRLEN];
    int64_t ban_until_ms;
};
/* Whether there is such a DN is not asked. */
int service_dn_live(struct service *sv, const char *dn, struct service_dn_live *out);

#endif
