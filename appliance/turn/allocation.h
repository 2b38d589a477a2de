/*
 * turn/allocation: one client's allocation (RFC 8656 6), and the set of all: found by the client's flow, and by the second in which
 * something of them is over (a wheel of one-second slots, so that time costs only what ends). Relay thread.
 */
#ifndef TURN_ALLOCATION_H
#define TURN_ALLOCATION_H

#include "stun/stun.h"
#include "turn/channel.h"
#include "turn/flow.h"
#include "turn/permission.h"
#include <stdbool.h>
#include <stdint.h>

enum {
    ALLOCATION_SECONDS = 600, /* RFC 8656 3.2 */
    ALLOCATION_SECONDS_MAX = 3600,
    RELAY_IP4 = 0,
    RELAY_IP6 = 1,
    RELAYS = 2
};

struct turn_relay;
struct quota_share;

struct allocation {
    struct turn_flow flow;
    struct turn_relay *relay[RELAYS]; /* by family; NULL = none */
    struct quota_share *share;
    uint64_t user; /* which name made it, as a keyed hash: requests of another get 441 */
    uint32_t expires_s;
    uint32_t own_s; /* when a worker of ours sent last */
    bool rest;      /* by a REST name */
    bool leaving;   /* its user was revoked: it ends with its call */
    struct permissions permissions;
    struct channels channels;
    /* what the answer to its Allocate said, for a retransmission (RFC 8656 7.2) */
    uint8_t tid[STUN_TID_LEN];
    uint32_t granted_s;
    uint64_t token;           /* 0 = none */
    uint16_t refused[RELAYS]; /* ADDRESS-ERROR-CODE of a family; 0 = none */
    bool draft;               /* by the draft's number */
    /* the set's */
    uint32_t due_s;
    struct allocation *next, **prev;
};

static inline int relay_index(int af)
{
    return af == AF_INET6 ? RELAY_IP6 : RELAY_IP4;
}

struct allocations;

/* Something of an allocation is over: end it, or say when to look again. Returns that second, or 0 when it is gone. */
typedef uint32_t(allocation_due_h)(struct allocation *a, uint32_t now_s, void *arg);
typedef void(allocation_h)(struct allocation *a, void *arg);

int allocations_alloc(struct allocations **sp, uint32_t now_s); /* ENOMEM */
void allocations_free(struct allocations *s);                   /* must be empty */
struct allocation *allocation_find(const struct allocations *s, const struct turn_flow *f);
/* A new one, empty, due at its end. ENOMEM. */
int allocation_alloc(struct allocations *s, struct allocation **ap, const struct turn_flow *f,
                     uint32_t expires_s);
/* Frees it with its permissions and channels; relays and share are the caller's to give back before. */
void allocation_free(struct allocations *s, struct allocation *a);
/* Looks at it at the latest in that second. */
void allocation_due(struct allocations *s, struct allocation *a, uint32_t due_s);
void allocations_tick(struct allocations *s, uint32_t now_s, allocation_due_h *h, void *arg);
/* All of them; the handler may free the one that it is given. */
void allocations_each(struct allocations *s, allocation_h *h, void *arg);
uint32_t allocations_count(const struct allocations *s);

#endif
