/*
 * core/guard: slows down and then bans a SOURCE (an IP address; IPv6 by /64) after repeated failed
 * authentication, shared by SIP digest and the agent API. Never keyed by DN, so that nobody can lock out a
 * colleague. Thread safe (its lock is inside). Bounded table; when full, the oldest unbanned entry goes.
 *
 * Policy: failures decay (one forgiven a minute). From the 5th failure answers are delayed (250 ms doubling to 4 s);
 * from the 20th within 10 minutes the source is banned for 10 minutes (doubling per repeat, at most 24 h; a day
 * without a failure is a clean slate). A success forgives one failure, at most one every 10 s: a call centre behind one
 * address survives one phone with a wrong password, and knowing one password does not buy free guesses at others.
 * Connections that are signed in when their address is banned may stay (sip/auth).
 */
#ifndef CORE_GUARD_H
#define CORE_GUARD_H

#include "core/addr.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct guard;

enum guard_verdict { GUARD_PASS, GUARD_DELAY, GUARD_BAN };

struct guard_config {
    uint32_t slow_after;      /* failures before delays; 0 = default 5 */
    uint32_t ban_after;       /* failures before a ban; 0 = default 20 */
    uint32_t ban_seconds;     /* first ban; 0 = default 600 */
    uint32_t max_sources;     /* table size; 0 = default 8192 */
    uint64_t (*now_ms)(void); /* clock; NULL = clock_ms (tests bring their own) */
};

int guard_alloc(struct guard **gp, const struct guard_config *cfg);
void guard_free(struct guard *g);
/* What to do with an attempt from src now. *delay_ms (may be NULL) is how long its answer waits (GUARD_DELAY), or how long the ban
 * lasts yet (GUARD_BAN). */
enum guard_verdict guard_check(struct guard *g, const struct addr *src, uint32_t *delay_ms);
/* Records a failure; returns GUARD_BAN when this one caused a ban (log it once). */
enum guard_verdict guard_fail(struct guard *g, const struct addr *src);
void guard_ok(struct guard *g, const struct addr *src);
/* A source that is banned now. */
struct guard_ban {
    struct addr net;   /* the IPv4 address, or the first address of the IPv6 /64; no port */
    unsigned prefix;   /* 32 or 64 */
    uint32_t since_s;  /* how long ago it began */
    uint32_t left_s;   /* until it ends, rounded up */
    uint32_t failures; /* within 10 minutes: what led to it */
    uint32_t strikes;  /* bans so far, this one included */
};
/* Tells every ban, the oldest first. h runs with the guard locked: it must be quick and not call the guard; true ends it. */
typedef bool(guard_ban_h)(const struct guard_ban *b, void *arg);
void guard_each(struct guard *g, guard_ban_h *h, void *arg);
/* Lifts the ban of src's source and forgets its failures; src NULL lifts all bans. Returns how many were lifted. */
size_t guard_lift(struct guard *g, const struct addr *src);

#endif
