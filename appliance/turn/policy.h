/*
 * turn/policy: which peers a client may reach through us: only what is allowed, in any spelling (RFC 8656 21). Default deny.
 *
 *   one spelling ─► never (loopback, link-local, multicast, …) ─► our own workers' addresses and ports ─► the box's others: refused
 *                ─► networks of the administrator ─► refused
 *
 * IPv4-mapped addresses are IPv4 ones. The other IPv6 spellings of an IPv4 address (IPv4-compatible, NAT64, 6to4, Teredo, ISATAP) are refused
 * where that address would be, and where it is this box's; else a network of the administrator must cover either of both. A network
 * counts for private addresses (RFC 1918, 6598, 4193) only when it lies within such a range: 0.0.0.0/0 is the Internet, not the LAN.
 *
 * Values and pure functions; relay thread, or any that has its own.
 */
#ifndef TURN_POLICY_H
#define TURN_POLICY_H

#include "core/addr.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a peer is to us: one of these, or for an address at any port both. */
enum turn_peer { TURN_PEER_REFUSED = 0, TURN_PEER_OWN = 1, TURN_PEER_FOREIGN = 2 };

struct turn_net {
    struct addr base;
    unsigned bits;
};

/* What the policy is made of; all copied. */
struct turn_rules {
    const struct addr
        *own; /* the media workers' addresses, public and bound ones, each with each worker's port */
    size_t own_n;
    const struct addr *box; /* every address of this machine and the public ones (ports ignored) */
    size_t box_n;
    const struct turn_net *allow; /* turn.allow_peers */
    size_t allow_n;
    bool loopback; /* turn.allow_loopback_peers: tests only */
};

struct turn_policy;

/* "10.1.0.0/16", "2001:db8::/32", "192.0.2.7" (one address). EINVAL, also for bits set behind the prefix. */
int turn_net_parse(struct turn_net *net, const char *text);

int turn_policy_alloc(struct turn_policy **pp, const struct turn_rules *rules); /* ENOMEM */
void turn_policy_free(struct turn_policy *p);
/* Whether datagrams may go to and come from this address and port: REFUSED, OWN or FOREIGN. */
enum turn_peer turn_policy_peer(const struct turn_policy *p, const struct addr *peer);
/* The same for a permission, which is for an address at any port (RFC 8656 9): the bits of all that its ports can be. */
unsigned turn_policy_host(const struct turn_policy *p, const struct addr *peer);

#endif
