/*
 * turn/quota: how much one user, one source address and all together may have: allocations, relayed bytes a second, 401s a second.
 * Users and sources are counted only while they hold an allocation; strangers share a table of fixed size. Relay thread.
 */
#ifndef TURN_QUOTA_H
#define TURN_QUOTA_H

#include <stdint.h>

struct turn_limits {
    uint32_t allocations;            /* all together */
    uint32_t allocations_per_user;   /* a user is the DN of a REST name, or a static user */
    uint32_t allocations_per_source; /* by the client's IP address (IPv6: its /64) */
    uint32_t bytes_per_second;       /* relayed, both ways, per user; 0 = unlimited */
    uint32_t challenges_per_second;  /* 401 and 438 per source; beyond that silence. 0 = unlimited */
    uint32_t bindings_per_second;    /* Binding answers per source */
};

#endif
