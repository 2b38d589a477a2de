/*
 * turn/relayed: the relayed addresses of allocations: a port of turn.relay_min..max each, at the public address of its family.
 *
 *   peer is a media worker of ours ◄──► net/wire, the port is claimed there from the beginning
 *   peer is somebody else          ◄──► a UDP socket, where the administrator allows such peers
 *
 * Where he allows none there are no sockets: none of the ports needs to be open, and nothing outside can be sent to or heard there. Where
 * he does, the socket is opened with the address, so that a port which another program has is passed over; should that not be possible
 * then (no descriptor is left, the permission came later), it is tried again when the first such peer is permitted.
 *
 * Owner: the RELAY thread.
 */
#ifndef TURN_RELAYED_H
#define TURN_RELAYED_H

#include "turn/server.h"
#include "turn/turn.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct relayeds;
struct poller;
struct udp_reader;
struct wire_end;

/* A datagram came for r; own: through the wire. */
typedef void(relayed_h)(struct turn_relay *r, const struct addr *peer, bool own, const uint8_t *p, size_t n,
                        void *arg);

struct relayed_config {
    const struct turn_setup *setup; /* its relayed, relay_min, relay_max and tos are copied */
    struct poller *poller;
    struct udp_reader *reader; /* shared with others: its packets are done with when h returns */
    struct wire_end *wire;     /* NULL: peers of ours are not reached */
    relayed_h *h;
    void *arg;
};

struct relayed_count {
    size_t open, open_max; /* ports in use, and there are */
    uint32_t sockets;
    uint64_t in, out, in_bytes, out_bytes; /* with foreign peers, since the start */
    uint64_t unsent;                       /* that the kernel did not take */
    uint64_t own_in, own_lost;             /* from peers of ours; for one that was not there */
};

int relayed_alloc(struct relayeds **sp, const struct relayed_config *cfg); /* ENOMEM; EINVAL: no ports */
/* After the server, which closes what is open. */
void relayed_free(struct relayeds *s);

/* Whether peers that are not ours are allowed at all: addresses opened from now on have a socket. */
void relayed_set_foreign(struct relayeds *s, bool allowed);
/* What clients and peers are told from now on, by family; addresses that are open keep theirs, and are reached there. */
void relayed_tell(struct relayeds *s, const struct addr *told, size_t count);
/* As struct turn_host wants them. EAFNOSUPPORT, ENOSPC, ENOMEM. */
int relayed_open(struct relayeds *s, int af, enum turn_port port, struct turn_relay **rp,
                 struct turn_relay **next);
void relayed_close(struct relayeds *s, struct turn_relay *r);
void relayed_given(struct relayeds *s, const struct turn_relay *r, const struct turn_flow *f);
int relayed_foreign(struct relayeds *s, struct turn_relay *r);
void relayed_send(struct relayeds *s, struct turn_relay *r, const struct addr *peer, bool own,
                  const uint8_t *p, size_t n, bool df);

/* Hands over what the wire has, a bounded number. */
void relayed_wire_read(struct relayeds *s);
/* After all that was ready has been handled: frees what was closed meanwhile. */
void relayed_round(struct relayeds *s);
void relayed_counts(const struct relayeds *s, struct relayed_count *out);

#endif
