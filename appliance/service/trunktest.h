/*
 * service/trunktest: does a trunk work? Step by step: its name, the way there, by TLS its certificate, OPTIONS, a call to a number that nobody has; each with what
 * was found in words, and what to do about it.
 *
 *   begin ─► a thread looks the name up, knocks at each address and shakes hands ─► signalling sends OPTIONS to each, then an INVITE to one
 *   look ─► how far it is; and goes on where something has come in
 *
 * So whoever wants to know must look until it is over. Requests go out from the running stack's own socket, as SIP Server knows a trunk by
 * address and often by port. Owner: the main thread. Errors: service/service.h, and ENOTCONN: no server runs in this process.
 */
#ifndef SERVICE_TRUNKTEST_H
#define SERVICE_TRUNKTEST_H

#include "service/service.h"
#include "store/trunk.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum trunktest_name {
    TRUNKTEST_DNS,
    TRUNKTEST_REACH,
    TRUNKTEST_CERTIFICATE, /* by TLS only, see trunktest_has */
    TRUNKTEST_OPTIONS,
    TRUNKTEST_INVITE,
    TRUNKTEST_STEPS
};
enum trunktest_result {
    TRUNKTEST_WAITS,
    TRUNKTEST_RUNNING,
    TRUNKTEST_OK,
    TRUNKTEST_FAILED,
    TRUNKTEST_SKIPPED
};

struct trunktest_step {
    enum trunktest_result result;
    uint32_t ms;
    char detail[384], advice[256];
};
struct service_trunktest {
    uint32_t id; /* another for each test */
    bool running;
    bool tls;
    int64_t started_ms;
    struct trunktest_step steps[TRUNKTEST_STEPS];
};

/* Is this a step of that test? */
bool trunktest_has(const struct service_trunktest *t, enum trunktest_name n);
const char *trunktest_name(enum trunktest_name n);     /* "dns", … */
const char *trunktest_result(enum trunktest_result r); /* "running", "ok", "failed", "skipped"; "waits" */

struct trunktests; /* of all trunks: of each the last one */
int trunktests_alloc(struct trunktests **tp);
void trunktests_free(struct trunktests *t);
/* The trunk is no more: another one of its name was not tested. */
void trunktests_forget(struct trunktests *t, const char *name);

/* EBUSY: this trunk's test runs already. */
int service_trunktest_begin(struct service *sv, const char *name, uint32_t *id);
/* ENOENT: there is no such trunk, or it was not tested since the server started. */
int service_trunktest_look(struct service *sv, const char *name, struct service_trunktest *out);

#endif
