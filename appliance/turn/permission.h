/*
 * turn/permission: the peers' addresses, at any port, that an allocation exchanges datagrams with (RFC 8656 9), 5 minutes at a time. A few
 * entries, looked through one after the other: a client of ours has one to four. Relay thread.
 */
#ifndef TURN_PERMISSION_H
#define TURN_PERMISSION_H

#include "core/addr.h"
#include <stdint.h>

enum { PERMISSION_SECONDS = 300, PERMISSIONS_MAX = 128 };

struct permission {
    struct addr peer;
    uint32_t expires_s; /* still valid in this second */
    uint8_t kinds;      /* turn_policy_host() when it was made */
};

struct permissions {
    struct permission *v;
    uint16_t n, cap;
};

/* The one that is valid now, or NULL. */
struct permission *permission_find(const struct permissions *l, const struct addr *peer, uint32_t now_s);
/* Makes sure that these can be set. ENOSPC: too many for one allocation; ENOMEM. */
int permission_reserve(struct permissions *l, const struct addr *peers, size_t n);
/* A new or refreshed one. Room was reserved. */
void permission_set(struct permissions *l, const struct addr *peer, unsigned kinds, uint32_t expires_s);
void permission_remove(struct permissions *l, size_t i);
/* Takes out those that are over; the earliest end of those that stay, or UINT32_MAX. */
uint32_t permission_purge(struct permissions *l, uint32_t now_s);
void permissions_free(struct permissions *l);

#endif
