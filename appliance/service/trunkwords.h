/* service/trunkwords: what the steps of a trunk's test mean, in words, with what to do. Pure. */
#ifndef SERVICE_TRUNKWORDS_H
#define SERVICE_TRUNKWORDS_H

#include "call/trunkprobe.h"
#include "service/trunkreach.h"
#include "service/trunktest.h"

void trunkwords_dns(struct trunktest_step *s, const struct trunkreach *r);
void trunkwords_reach(struct trunktest_step *s, const struct trunkreach *r);
void trunkwords_certificate(struct trunktest_step *s, const struct trunkreach *r);
/* found: of each of the n addresses. One that answers carries the trunk. */
void trunkwords_options(struct trunktest_step *s, const struct trunk *t, const struct addr *v,
                        const struct trunkprobe_found *found, size_t n);
void trunkwords_invite(struct trunktest_step *s, const struct trunk *t, const struct addr *a,
                       const struct trunkprobe_found *found);

#endif
