/*
 * media/srclock: which source the trunk's RTP is taken from, and sent to. A stranger can neither inject nor receive.
 *
 *   signalled address:port ──first packet──────────────────────────────► locked
 *   its IP or the SIP peer's, another port ──3 consecutive, one SSRC───► locked (symmetric RTP behind NAT)
 *   any other IP ──► never; once locked, any other source: never, but for the signalled one, which wins with 3 consecutive packets
 *
 * After a re-INVITE to another port the old stream goes on until the far end has our answer. It is the source least believed: it has
 * to go on alone for SRCLOCK_OLD packets.
 *
 * Plain struct; owner: the media worker of its path.
 */
#ifndef MEDIA_SRCLOCK_H
#define MEDIA_SRCLOCK_H

#include "core/addr.h"
#include <stdbool.h>
#include <stdint.h>

enum { SRCLOCK_PACKETS = 3, SRCLOCK_OLD = 100 /* 2 s of 20 ms */ };

enum srclock_verdict { SRCLOCK_DROP, SRCLOCK_PASS, SRCLOCK_LATCHED /* pass; the lock fell just now */ };

struct srclock {
    struct addr signalled, sip, source; /* source: valid once locked */
    struct addr old;                    /* the source before the last change of what is signalled, or unset */
    bool locked;
    struct addr candidate;
    uint32_t ssrc;
    uint16_t seq;
    unsigned packets;
};

/* The trunk's SDP says so; the lock stays when rtp is the same as before. sip may be unset. */
void srclock_set(struct srclock *s, const struct addr *rtp, const struct addr *sip);
/* A well-formed RTP packet from src. */
enum srclock_verdict srclock_rtp(struct srclock *s, const struct addr *src, uint32_t ssrc, uint16_t seq);
/* Whether RTCP from src may be looked at. */
bool srclock_rtcp(const struct srclock *s, const struct addr *src);
/* Where to send to: the source once locked, else what was signalled. */
const struct addr *srclock_dest(const struct srclock *s);

#endif
