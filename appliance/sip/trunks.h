/*
 * sip/trunks: the configured SIP peers: who may send to us, OPTIONS ping with up/down state, choice in priority order.
 * Requests from any other address are dropped silently and counted, before parsing. Owner: signalling thread.
 * Names are resolved on a resolver thread, never on this one.
 */
#ifndef SIP_TRUNKS_H
#define SIP_TRUNKS_H

#include "sip/stack.h"

struct trunks;

struct trunk_config { /* by value, from the store */
    char name[64], host[256];
    uint16_t port;
    int transport; /* 0 udp, 1 tcp, 2 tls */
    char username[128], password[128];
    int priority;
    uint32_t ping_seconds; /* 0 = no ping, taken as up */
    char codecs[64];
};

enum trunk_state { TRUNK_UNKNOWN /* not yet answered: tried like up */, TRUNK_UP, TRUNK_DOWN };

struct trunk_peer {
    struct trunk_config cfg;
    enum trunk_state state;
    struct addr addr; /* resolved */
    int64_t since_ms;
    uint16_t last_code;
    uint32_t rtt_us;
};

int trunks_alloc(struct trunks **tp, struct sip_stack *st);
void trunks_free(struct trunks *t);
/* Replaces the configuration; peers that stay keep their state. */
int trunks_set(struct trunks *t, const struct trunk_config *v, size_t n);
/* The i-th peer to try for a new call (up and unknown ones first in priority order; down ones not at all, unless they are never pinged: then last); NULL = no more. */
const struct trunk_peer *trunks_choose(const struct trunks *t, size_t i);
const struct trunk_peer *trunks_find(const struct trunks *t, const char *name);
typedef bool(trunks_h)(const struct trunk_peer *p, void *arg);
void trunks_each(const struct trunks *t, trunks_h *h, void *arg);
/* A call attempt found it dead (no answer at all / 503): ping it at once, count it down until it answers; one that is not
 * to be pinged counts as down, and is tried last, for TRUNK_PROBATION_MS. */
void trunks_suspect(struct trunks *t, const char *name);
typedef void(trunks_state_h)(const struct trunk_peer *p, void *arg);
int trunks_listen(struct trunks *t, trunks_state_h *h, void *arg);

#endif
