/*
 * media/inside: peers of a worker that live in this process: another thread has the address from which a browser is heard (a relayed one)
 * and hands datagrams over by net/wire instead of the network. Packets look to the worker as if they had come to its UDP port.
 *
 *   demux ◄── inside_read ◄── wire ◄── the thread that has the address
 *   paths ──► inside_send ──► wire ──► the same; false: nobody in here has that address, the network may know it
 *
 * Owner: the worker thread, but for open and close. All but inside_open and inside_close do nothing where there is no wire.
 */
#ifndef MEDIA_INSIDE_H
#define MEDIA_INSIDE_H

#include "net/poller.h"
#include "net/udp.h"
#include "net/wire.h"

struct inside {
    struct wire_end *end; /* NULL: there is no wire */
    struct poller_watch watch;
    uint16_t port;
    struct addr at[WIRE_ADDRS_MAX]; /* where we are reached, with that port */
    size_t at_count;
    struct udp_count in, out;
};

/* port: the worker's, at no address yet. wire may be NULL. Errors of wire_open, wire_claim and poller_watch; inside_close is right after
 * any. */
int inside_open(struct inside *in, struct wire *wire, uint16_t port, struct poller *poller);
void inside_close(struct inside *in);
/* From now on the port is reached at these addresses of ours (ports ignored), at most WIRE_ADDRS_MAX. */
void inside_reached(struct inside *in, const struct addr *at, size_t count);

/* Whether the thread may sleep: nothing has come. What comes from then on makes the poller ready. */
bool inside_sleep(struct inside *in);

typedef void(inside_h)(struct udp_packet *pkt, void *arg);
/* Hands over what has come, a bounded number; the rest lets nobody sleep. A packet has as much room as it is long. */
void inside_read(struct inside *in, inside_h *h, void *arg);
/* Whom a peer stands for; false: nobody in here has that address. */
bool inside_behind(const struct inside *in, const struct addr *peer, struct wire_behind *who);
/* local: where the peer reached us (port ignored); unset: at our first address of its family. */
bool inside_send(struct inside *in, const uint8_t *p, size_t n, const struct addr *local,
                 const struct addr *dst);

#endif
