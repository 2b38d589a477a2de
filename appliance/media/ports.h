/* media/ports: RTP/RTCP port pairs of the trunk side (RFC 3550 11: even and next odd). Owner: the signalling thread. */
#ifndef MEDIA_PORTS_H
#define MEDIA_PORTS_H

#include "media/udp.h"

/*
 * Opens a pair at bind (dual as in udp_bind), starting at a random place of min..max and passing over taken ports: the kernel
 * is the only table of what is taken. min = max = 0: any free pair. EADDRNOTAVAIL when all are taken; EMFILE and others
 * of socket and bind.
 */
int ports_open(struct udp *rtp, struct udp *rtcp, const struct addr *bind, bool dual, uint16_t min,
               uint16_t max);
/* Pairs that fit in min..max. */
uint32_t ports_pairs(uint16_t min, uint16_t max);

#endif
