/*
 * sip/public: what public.address means just now: addresses as they stand there, those of names, and those from which STUN servers see us.
 *
 * A name is looked up on a resolver thread, again every minute, and every 5 s until it resolves. A STUN server (its name is looked up the
 * same way) is asked by each address family that we listen on, from the browsers' port, again every minute, every 5 s until it answers, and
 * at once when the kernel would send to it from another address. An address that was good stays while nobody answers; until there is one
 * the box does without. The health part "address" says so, and /metrics.
 *
 * Private to sip/. Owner: signalling thread; main thread before it starts and after it has ended.
 */
#ifndef SIP_PUBLIC_H
#define SIP_PUBLIC_H

#include "sip/stack.h"

struct public;

/* No items, nothing to do: *pp stays NULL. st must outlive it. ENOMEM. */
int public_alloc(struct public **pp, struct sip_stack *st);
void public_free(struct public *p);
int public_start(struct public *p); /* signalling thread */
void public_stop(struct public *p);

/* The i-th address, in the order of the setting; NULL: there are no more. seen: by a STUN server; may be NULL. */
const struct addr *public_at(const struct public *p, size_t i, bool *seen);

#endif
