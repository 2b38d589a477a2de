/*
 * web/source: what each source (an IPv4 address, an IPv6 /64) may have: connections at once and requests a second.
 * Bounded; WEB thread.
 */
#ifndef WEB_SOURCE_H
#define WEB_SOURCE_H

#include "core/addr.h"
#include <stdbool.h>
#include <stdint.h>

struct budget_account;
struct sources;

enum { SOURCES_MAX = 16384, SOURCE_BANNED_CONNS = 4, SOURCE_FEW = 8 /* connections */ };

/* rate_per_s 0 = no limit on requests, conns_max 0 = none on connections. */
int sources_alloc(struct sources **sp, uint32_t rate_per_s, uint32_t conns_max);
void sources_free(struct sources *s);
/* Counts a connection in. EUSERS: too many of this source (a banned one has SOURCE_BANNED_CONNS), ENOSPC: too many sources. */
int source_enter(struct sources *s, const struct addr *a, bool banned);
/* What its connections hold in memory; there as long as one of them is. */
struct budget_account *source_account(struct sources *s, const struct addr *a);
size_t source_conns(const struct sources *s, const struct addr *a);
void source_leave(struct sources *s, const struct addr *a, bool banned);
/* Takes a request from the source's bucket; false = too many, *retry_s is when to come back. */
bool source_request(struct sources *s, const struct addr *a, uint64_t now_ms, uint32_t *retry_s);
/* Forgets sources that have nothing open and a full bucket. Now and then. Returns how many are left. */
size_t sources_sweep(struct sources *s, uint64_t now_ms);

#endif
