/*
 * sip/trunks: the configured SIP peers: who may send to us, OPTIONS ping with up/down state, choice in priority order.
 * Requests from any other address are dropped silently and counted, before parsing (sip/admit). Owner: signalling thread.
 *
 * A trunk has as many targets as its name has addresses (A and AAAA; up to TRUNK_TARGETS_MAX): each may send to us, is asked by
 * OPTIONS, and is tried by a call, in the name's order. Names are resolved on a resolver thread, never on this one.
 *
 * By TLS a trunk must show a certificate of its name (sip/trunktls); one that has a CA of its own (tls_ca) is known by its certificate from
 * whatever address it comes.
 *
 * What a call finds out counts for little, so that one agent's calls cannot take a trunk from the others: silence makes a target
 * suspect (tried last, and asked at once; only OPTIONS take it down), a 503 with Retry-After puts the trunk behind the others for that
 * time, and any other answer says nothing of the trunk (RFC 3261 21.5.4: a 503 without Retry-After is a 500).
 */
#ifndef SIP_TRUNKS_H
#define SIP_TRUNKS_H

#include "sip/stack.h"

struct trunks;

enum { TRUNK_TARGETS_MAX = 8, TRUNK_CA_MAX = 8192, TRUNK_WHY_MAX = 200 };

struct trunk_config { /* by value, from the store */
    char name[64], host[256];
    uint16_t port;
    int transport; /* 0 udp, 1 tcp, 2 tls */
    char username[128], password[128];
    int priority;
    uint32_t ping_seconds; /* 0 = no ping, taken as up */
    char codecs[64];
    bool registers;            /* DNs are registered there: sip/upreg */
    uint32_t ptime;            /* ms of audio in a packet; 0 = 20 */
    char tls_ca[TRUNK_CA_MAX]; /* PEM text, or a file's path; "": whom this machine trusts */
    char tls_name[256];        /* whose certificate it must show; "": host */
    char tls_cert[512];        /* PEM file with what we show, and its key; "": the box's own */
};

enum trunk_state {
    TRUNK_UNKNOWN, /* not yet answered: tried like up */
    TRUNK_UP,
    TRUNK_SUSPECT, /* silent to a call: tried last */
    TRUNK_DOWN     /* not tried */
};

struct trunk_peer {
    struct trunk_config cfg;
    uint32_t id;      /* its own as long as it is configured like this */
    uint8_t state;    /* enum trunk_state: the best of its targets' */
    struct addr addr; /* of the target that a call would take first; AF_UNSPEC: not resolved */
    int64_t since_ms;
    uint16_t last_code;
    uint32_t rtt_us;
    char why[TRUNK_WHY_MAX]; /* it came to this state; "" */
};

struct trunk_target { /* where a call can go, by value */
    uint32_t trunk;   /* trunk_peer.id */
    struct addr addr;
};

int trunks_alloc(struct trunks **tp, struct sip_stack *st);
void trunks_free(struct trunks *t);
/* Replaces the configuration; peers that stay keep their state. */
int trunks_set(struct trunks *t, const struct trunk_config *v, size_t n);
/* Where a new call should be tried, best first: what is up or unknown in order of priority; then what asked for a rest; then what is
 * suspect. Returns how many, at most max. */
size_t trunks_targets(const struct trunks *t, struct trunk_target *v, size_t max);
const struct trunk_peer *trunks_by_id(const struct trunks *t, uint32_t id); /* NULL: no longer configured */
const struct trunk_peer *trunks_find(const struct trunks *t, const char *name);
typedef bool(trunks_each_h)(const struct trunk_peer *p, void *arg); /* true = stop */
/* In the order in which calls try them. */
void trunks_each(const struct trunks *t, trunks_each_h *h, void *arg);
struct trunk_address {
    struct addr addr;
    enum trunk_state state;
    uint32_t rtt_us; /* 0: not known */
};
/* What its name leads to. Returns how many. */
size_t trunk_peer_addresses(const struct trunk_peer *p, struct trunk_address v[static TRUNK_TARGETS_MAX]);
/* "unknown", "up", "suspect", "down". */
const char *trunk_state_name(enum trunk_state s);
/* A call got no answer from it at all, though its INVITE was sent more than once, or its transport refused. One that is never pinged
 * is believed again after TRUNK_PROBATION_MS. */
void trunks_silent(struct trunks *t, const struct trunk_target *target);
/* It asked for a rest (503 with Retry-After): the others first for so long, at most TRUNK_REST_MAX_S. */
void trunks_rest(struct trunks *t, uint32_t id, uint32_t seconds);
typedef void(trunks_state_h)(const struct trunk_peer *p, void *arg);
int trunks_listen(struct trunks *t, trunks_state_h *h, void *arg);

#endif
