/*
 * turn/quota: how much one user, one source address and all together may have: allocations, relayed bytes a second, answers to
 * strangers a second. Users and sources are known only while they hold an allocation; strangers share a table of fixed size. Relay thread.
 */
#ifndef TURN_QUOTA_H
#define TURN_QUOTA_H

#include "core/addr.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 0 = unlimited, in each of them. */
struct turn_limits {
    uint32_t allocations;            /* all together */
    uint32_t allocations_per_user;   /* a user is the DN of a REST name, or a static user */
    uint32_t allocations_per_source; /* by the client's IP address (IPv6: its /64) */
    uint32_t bytes_per_second;       /* relayed, both ways, per user */
    uint32_t
        challenges_per_second; /* 401, 438 and 400, and apart from them wrong credentials that are looked at, per source; then silence */
    uint32_t bindings_per_second; /* answers to Binding, per source */
};

struct quota;
struct quota_share; /* what an allocation counts as: a user and a source */

/* EINVAL, ENOMEM. */
int quota_alloc(struct quota **qp, const struct turn_limits *l);
void quota_free(struct quota *q);
void quota_set(struct quota *q, const struct turn_limits *l);

/* One allocation more. EDQUOT (486), ENOMEM (508). */
int quota_take(struct quota *q, struct quota_share **sp, const char *user, const struct addr *source);
void quota_give(struct quota *q, struct quota_share *s);
/* Whose it is, as a keyed hash. */
uint64_t quota_owner(const struct quota_share *s);
/* Whether n relayed bytes are within the user's bandwidth; a second's worth may come at once, at least 64 kB. */
bool quota_spend(struct quota *q, struct quota_share *s, size_t n, uint64_t now_us);
uint32_t quota_users(const struct quota *q);

enum quota_kind { QUOTA_CHALLENGE, QUOTA_BINDING, QUOTA_WRONG /* credentials */, QUOTA_KINDS };
/* Whether one more of a stranger's requests may be answered in this second; it is counted then. Sources that share a place of the table
 * share its count. */
bool quota_answer(struct quota *q, enum quota_kind kind, const struct addr *source, uint64_t now_us);
/* The same without counting it. */
bool quota_left(const struct quota *q, enum quota_kind kind, const struct addr *source, uint64_t now_us);

#endif
