/*
 * service/reach: goes the ways that browsers go, to an address that they are told, and says which of them lead here: `dngate check` and the
 * server itself look from outside in with it, as far as this machine's own packets take that way.
 *
 *   https      GET /healthz on https.port          ice         STUN on each media worker's port (stun/doctor)
 *   wss        a WebSocket on https.port            turn_udp, turn_tcp, turn_tls     STUN and an allocation on turn.port, turns.port
 *   wss_extra  the same on wss.port                 turn_https  the same by TLS on https.port
 *
 * All ways to one address are tried side by side, each on a thread of its own. It waits, at most REACH_MS: any thread that may.
 */
#ifndef SERVICE_REACH_H
#define SERVICE_REACH_H

#include "core/addr.h"
#include "stun/doctor.h"

enum reach_way {
    REACH_HTTPS,
    REACH_WSS,
    REACH_WSS_EXTRA,
    REACH_ICE,
    REACH_TURN_UDP,
    REACH_TURN_TCP,
    REACH_TURN_HTTPS,
    REACH_TURN_TLS,
    REACH_WAYS
};
enum { REACH_MS = 12000, REACH_WORKERS_MAX = 64, REACH_ADDRS_MAX = 8, REACH_SECRET_LEN = 32 };

/* "https", "wss", …: in logs and metrics. */
const char *reach_way_name(enum reach_way way);
bool reach_way_udp(enum reach_way way);

struct reach_config {
    uint16_t ports[REACH_WAYS]; /* 0: there is none; of REACH_ICE the first */
    uint16_t workers;           /* ports from that one on */
    bool keyed; /* DIR/secret.key could be read; else no way to REACH_ICE is tried, and no allocation */
    uint8_t doctor[STUN_DOCTOR_KEY_LEN], turn[REACH_SECRET_LEN]; /* keys derived from it */
};

struct reach_found {
    bool tried;
    struct addr at; /* with the way's port */
    int err; /* 0; ETIMEDOUT, ECONNREFUSED … of the network; EPROTO: something else answers; EACCES: refused, code */
    unsigned code;
    struct addr mapped, relayed; /* what it saw of us, and gave; unset: neither was asked for */
    uint64_t silent;             /* REACH_ICE: a bit for each worker's port that did not answer */
};

/* host: by what name the address is told, for the Host header; "": the address itself. */
void reach_try(const struct reach_config *cfg, const struct addr *to, const char *host,
               struct reach_found found[REACH_WAYS]);

/*
 * Whether silence means that the way is closed. From inside a NAT without hairpinning nothing comes back from its outer address: where no
 * way by the same transport (UDP, TCP) answered and the address is not this machine's, nothing is known.
 */
enum reach_verdict { REACH_OPEN, REACH_CLOSED, REACH_UNKNOWN, REACH_UNTRIED };
enum reach_verdict reach_verdict(const struct reach_found found[REACH_WAYS], enum reach_way way, bool ours);

/* "UDP 10000, 10002": what of a way's ports is to be opened. Returns buf. */
const char *reach_ports_str(const struct reach_config *cfg, const struct reach_found *f, enum reach_way way,
                            char *buf, size_t sz);
/* One of this machine's interfaces has it, or it is loopback. */
bool reach_ours(const struct addr *a);

#endif
