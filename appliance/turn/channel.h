/*
 * turn/channel: numbers that stand for a peer's address and port, so that relayed data carries 4 bytes instead of a STUN message (RFC 8656 12),
 * 10 minutes at a time. A few entries per allocation, as permissions are. Relay thread.
 */
#ifndef TURN_CHANNEL_H
#define TURN_CHANNEL_H

#include "core/addr.h"
#include <stdbool.h>
#include <stdint.h>

enum {
    CHANNEL_SECONDS = 600,
    CHANNELS_MAX = 128,
    CHANNEL_FIRST = 0x4000,
    CHANNEL_LAST = 0x7fff /* RFC 8656 ends at 0x4fff; clients of RFC 5766 choose from all of these */
};

struct channel {
    struct addr peer;
    uint32_t expires_s; /* still valid in this second */
    uint16_t number;
    bool own; /* the peer is a worker of ours */
};

struct channels {
    struct channel *v;
    uint16_t n, cap;
};

struct channel *channel_by_number(const struct channels *l, uint16_t number, uint32_t now_s);
struct channel *channel_by_peer(const struct channels *l, const struct addr *peer, uint32_t now_s);
/* A new or refreshed binding. EINVAL: the number is another peer's, or the peer has another number (RFC 8656 12.2); ENOSPC, ENOMEM. */
int channel_bind(struct channels *l, uint16_t number, const struct addr *peer, bool own, uint32_t now_s);
void channel_remove(struct channels *l, size_t i);
/* Takes out those that are over; the earliest end of those that stay, or UINT32_MAX. */
uint32_t channel_purge(struct channels *l, uint32_t now_s);
void channels_free(struct channels *l);

#endif
