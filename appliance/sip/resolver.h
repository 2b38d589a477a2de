/*
 * sip/resolver: turns trunks' names into addresses on a thread of its own, because getaddrinfo(3) blocks for as long as a name server
 * is silent. Private to sip/. Owner: signalling thread; the thread itself only sees its two mailboxes.
 */
#ifndef SIP_RESOLVER_H
#define SIP_RESOLVER_H

#include "core/addr.h"
#include "sip/stack.h"

struct resolver;

enum { RESOLVER_HOST_LEN = 256, RESOLVER_KEY_LEN = 64 };

/* err 0: addr holds port as well. */
typedef void(resolver_h)(const char *key, const char *host, int err, const struct addr *addr, void *arg);

int resolver_alloc(struct resolver **rp, struct sip_stack *st, resolver_h *h, void *arg);
/* Does not wait for a look-up under way: its thread ends by itself, and its answer is forgotten. */
void resolver_free(struct resolver *r);
/* ENOBUFS: too many at once, ask again later. */
int resolver_ask(struct resolver *r, const char *key, const char *host, uint16_t port);

#endif
