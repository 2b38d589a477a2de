/* sip/trunks, the inside: shared by trunks.c (configuration, names, choice) and trunkstate.c (OPTIONS, states, what is shown). */
#ifndef SIP_TRUNKS_PRIV_H
#define SIP_TRUNKS_PRIV_H

#include "sip/resolver.h"
#include "sip/stack_priv.h"
#include "sip/trunks.h"

enum {
    TRUNK_PEERS_MAX = 128,
    TRUNK_LISTENERS_MAX = 4,
    TRUNK_ANSWER_MS = 4000,
    TRUNK_PROBATION_MS = 30000,
    TRUNK_REST_MAX_S = 30,
    TRUNK_RETRY_MS = 3000,
    TRUNK_AGAIN_MS = 500,  /* after a connection of ours was lost, and up to as much more */
    TRUNK_BACKOFF_MAX = 3, /* doublings of it after handshakes that failed */
};

struct tls_trust;
struct trunktls;
struct trunktls_pair;

enum transport { TRANSPORT_UDP, TRANSPORT_TCP, TRANSPORT_TLS };

struct peer;

struct target { /* one address of a trunk */
    struct addr addr;
    uint8_t state; /* enum trunk_state */
    struct peer *peer;
    struct sip_request *req; /* OPTIONS under way */
    uint64_t sent_us;
    uint32_t rtt_us;             /* of the last answer */
    uint8_t tls_fails;           /* handshakes that failed, one after the other, up to TRUNK_BACKOFF_MAX */
    char tls_why[TRUNK_WHY_MAX]; /* the last one; "" */
};

struct peer {
    struct trunk_peer p;
    struct trunks *trunks;
    struct target *targets[TRUNK_TARGETS_MAX]; /* in the name's order */
    size_t target_count;                       /* 0: not resolved */
    uint64_t rests_until_ms;                   /* monotonic */
    uint64_t asked_ms;                         /* when its name was last asked for, monotonic */
    struct tmr ping, answer, resolve;
    struct trunktls *tls; /* what it shows and must show; NULL: not asked for yet */
};

struct trunks {
    struct sip_stack *st;
    struct resolver *resolver;           /* made when the first name comes */
    struct trunktls_pair *own;           /* the box's certificate; NULL: not asked for yet */
    struct tls_trust *system;            /* whom this machine trusts; NULL: not asked for yet */
    struct peer *peers[TRUNK_PEERS_MAX]; /* in order of priority, then name */
    size_t n;
    uint32_t last_id;
    struct {
        trunks_state_h *h;
        void *arg;
    } listeners[TRUNK_LISTENERS_MAX];
    size_t listener_count;
};

/* The trunk as its targets are now; without any it takes `alone`. Tells the log, health, metrics and listeners when it changed. */
void trunkstate_update(struct peer *pr, enum trunk_state alone, const char *why);
/* The only place where a target's state changes. */
void trunkstate_target(struct target *tg, enum trunk_state to, const char *why);
/* Asks every target; their answers, or the lack of them, decide. */
void trunkstate_ping(struct peer *pr);
/* The same in a moment, where it is asked at all. */
void trunkstate_ping_soon(struct peer *pr);
/* Suspects are believed again after a while, for want of pings. */
void trunkstate_probation(struct peer *pr);
void trunkstate_health(const struct trunks *t);
void trunkstate_show(const struct peer *pr);
void trunkstate_hide(const struct peer *pr);

#endif
