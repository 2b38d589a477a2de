/*
 * bench/turn/load: TURN clients and the peer that they talk to. Each allocates by UDP, TCP or TLS, binds a channel to the peer and then
 * sends a datagram every 20 ms, which the peer sends back.
 *
 *   NEW → CHALLENGED → ALLOCATED → BOUND        FAILED from anywhere
 */
#ifndef BENCH_TURN_LOAD_H
#define BENCH_TURN_LOAD_H

#include "bench/loop.h"
#include "core/addr.h"
#include "subject.h"
#include <stdbool.h>
#include <stdint.h>

enum {
    LOAD_PAYLOAD = 172, /* G.711's 20 ms with its RTP header, or Opus' with SRTP's tag and some more */
    LOAD_INTERVAL_MS = 20,
    LOAD_RTT_MAX_US = 200000,
};

enum load_kind { LOAD_UDP, LOAD_TCP, LOAD_TLS };
enum load_state { LOAD_NEW, LOAD_CHALLENGED, LOAD_ALLOCATED, LOAD_BOUND, LOAD_FAILED };

struct load_client;

struct load {
    enum load_kind kind;
    unsigned count, started, per_state[LOAD_FAILED + 1];
    bool bind; /* go on to BOUND */
    struct load_client *clients;
    struct addr server, peer;
    struct io echo;                         /* the peer, unless it is the server's own */
    uint64_t sent, got;                     /* datagrams since load_reset() */
    uint32_t rtt_us[LOAD_RTT_MAX_US / 100]; /* how many took so many tenths of a millisecond */
};

/* Opens n clients' sockets; own: peers are those of the server's own process. errno. */
int load_open(struct load *l, enum load_kind kind, unsigned n, const struct subject *s, bool own);
void load_close(struct load *l);
/* Starts more of them, so that at most `window` are on their way; sends again what stayed without answer. */
void load_start(struct load *l, unsigned window);
/* Sends what is due in this millisecond. */
void load_tick(struct load *l, uint64_t n);
void load_reset(struct load *l);
/* RFC 3550's of the way there and back, as it is now: the clients' mean, and the greatest. */
double load_jitter_ms(const struct load *l, double *greatest);
double load_rtt_ms(const struct load *l, double quantile);
/* Someone without credentials: an Allocate request from a socket of his own, from anywhere in 127/8. errno. */
int load_stranger(const struct subject *s, unsigned i);

#endif
