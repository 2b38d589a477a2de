/*
 * service/trunkreach: the first half of a trunk's test: its name, whether anything is at its addresses, and by TLS whose certificate is shown
 * there, by a thread of its own. The object
 * belongs to the thread and to who began it; whoever lets go last frees it, so that neither waits for the other.
 */
#ifndef SERVICE_TRUNKREACH_H
#define SERVICE_TRUNKREACH_H

#include "core/addr.h"
#include "store/trunk.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    TRUNKREACH_ADDRS_MAX = 8,
    TRUNKREACH_MS = 3000,
    TRUNKREACH_UDP_MS = 300,
    TRUNKREACH_TLS_MS = 5000,
    TRUNKREACH_TEXT_MAX = 320
};

struct trunkreach_order {
    const struct trunk *trunk;
    const char *cert, *key; /* PEM files that are shown where the trunk has none of its own */
};

struct trunkreach {
    char host[256];
    uint16_t port;
    bool tcp; /* a connection is made: by TLS, too */
    bool tls;
    char ca[TRUNK_CA_TEXT_MAX], name[TRUNK_HOST_MAX], cert[TRUNK_FILE_MAX], key[TRUNK_FILE_MAX];

    atomic_int holders;
    atomic_int
        phase; /* 0: looking the name up; 1: knocking; 2: shaking hands; 3: over. What follows is the thread's until then */
    int dns_err;
    bool literal; /* no name */
    uint32_t dns_ms, reach_ms, tls_ms;
    struct addr v[TRUNKREACH_ADDRS_MAX];
    int err[TRUNKREACH_ADDRS_MAX]; /* 0: a connection was taken; by UDP: nothing says no */
    size_t count;
    int tls_err
        [TRUNKREACH_ADDRS_MAX]; /* 0: it is who it must be; EKEYREJECTED: its certificate; EINVAL: what we have is no good; else no TLS */
    char tls_text[TRUNKREACH_ADDRS_MAX]
                 [TRUNKREACH_TEXT_MAX]; /* whose certificate it is, or why not: a clause */
};

int trunkreach_begin(struct trunkreach **rp, const struct trunkreach_order *o);
void trunkreach_drop(struct trunkreach *r);

#endif
