/* net/ports: RTP/RTCP port pairs (RFC 3550 11: even and next odd). Owner: the signalling thread. */
#ifndef NET_PORTS_H
#define NET_PORTS_H

#include "net/udp_set.h"

/*
 * Opens a pair on each of the addresses, starting at a random place of min..max and passing over taken ports: the kernel is the
 * only table of what is taken. min = max = 0: any free pair. EADDRNOTAVAIL when all are taken; EMFILE and others of socket and
 * bind; nothing is open then.
 */
int ports_open(struct udp_set *rtp, struct udp_set *rtcp, const struct addr *binds, size_t count,
               uint16_t min, uint16_t max);
/* Pairs that fit in min..max. */
uint32_t ports_pairs(uint16_t min, uint16_t max);

#endif
