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
/* What to do with an attempt from src now. delay_ms is set for GUARD_DELAY. */
enum guard_verdict guard_check(struct guard *g, const struct addr *src, uint32_t *delay_ms);
/* Records a failure; returns GUARD_BAN when this one caused a ban (log it once). */
enum guard_verdict guard_fail(struct guard *g, const struct addr *src);
void guard_ok(struct guard *g, const struct addr *src);
/* Lifts a ban; src NULL lifts all. */
void guard_lift(struct guard *g, const struct addr *src);

#endif
