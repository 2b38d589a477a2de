/*
 * sip/resolver: turns names into addresses, each look-up on a thread of its own, because getaddrinfo(3) blocks for as long as a name
 * server is silent: neither calls nor other names wait for it. Private to sip/. Owner: signalling thread; a thread sees only the
 * mailbox of answers.
 */
#ifndef SIP_RESOLVER_H
#define SIP_RESOLVER_H

#include "core/addr.h"
#include "sip/stack.h"

struct resolver;

enum { RESOLVER_HOST_LEN = 256, RESOLVER_KEY_LEN = 64, RESOLVER_ADDRS_MAX = 8, RESOLVER_ASKED_MAX = 16 };

/* When to ask for a name again: one that is known, one that is not. Tests make it shorter, before the thread starts. */
extern uint32_t resolver_again_ms, resolver_retry_ms;

/* err 0: v holds every address of the name, at least one and at most RESOLVER_ADDRS_MAX, with port. */
typedef void(resolver_h)(const char *key, const char *host, int err, const struct addr *v, size_t n,
                         void *arg);

/* name: of its mailbox in /metrics. */
int resolver_alloc(struct resolver **rp, struct sip_stack *st, const char *name, resolver_h *h, void *arg);
/* Does not wait for look-ups under way: their threads end by themselves, and the answers are forgotten. */
void resolver_free(struct resolver *r);
/* Its answer comes to h. EALREADY: this is being looked up; ENOBUFS, EAGAIN, ENOMEM: too many at once, ask again later. */
int resolver_ask(struct resolver *r, const char *key, const char *host, uint16_t port);

/* How names are looked up: addr_resolve_all. Tests put their own name server in its place, before the first question. */
typedef int(resolver_lookup_h)(struct addr *v, size_t max, size_t *n, const char *host, uint16_t port);
extern resolver_lookup_h *resolver_lookup;

#endif
