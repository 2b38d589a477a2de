/*
 * service/trunkreach: the first half of a trunk's test: its name, and whether anything is at its addresses, by a thread of its own. The object
 * belongs to the thread and to who began it; whoever lets go last frees it, so that neither waits for the other.
 */
#ifndef SERVICE_TRUNKREACH_H
#define SERVICE_TRUNKREACH_H

#include "core/addr.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { TRUNKREACH_ADDRS_MAX = 8, TRUNKREACH_MS = 3000, TRUNKREACH_UDP_MS = 300 };

struct trunkreach {
    char host[256];
    uint16_t port;
    bool tcp;

    atomic_int holders;
    atomic_int
        phase; /* 0: looking the name up; 1: knocking; 2: over. What follows is the thread's until then */
    int dns_err;
    bool literal; /* no name */
    uint32_t dns_ms, reach_ms;
    struct addr v[TRUNKREACH_ADDRS_MAX];
    int err[TRUNKREACH_ADDRS_MAX]; /* 0: a connection was taken; by UDP: nothing says no */
    size_t count;
};

int trunkreach_begin(struct trunkreach **rp, const char *host, uint16_t port, bool tcp);
void trunkreach_drop(struct trunkreach *r);

#endif
