/*
 * net/udp: UDP sockets for media: read and written in batches, answering from the address that received.
 * A socket may be opened on one thread and handed to another; every other call belongs to its owner thread.
 */
#ifndef NET_UDP_H
#define NET_UDP_H

#include "core/addr.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { UDP_BATCH = 64, UDP_PACKET_MAX = 2048 };

struct udp_count { /* packets and their UDP payload */
    uint64_t packets, bytes;
};

struct udp {
    int fd;                   /* -1 = not open */
    bool in6;                 /* an AF_INET6 socket: takes and sends IPv4 as mapped addresses */
    bool pktinfo;             /* bound to any address: received packets tell theirs */
    struct udp_count in, out; /* also after udp_close */
};

/* dual: an AF_INET6 any-socket that serves IPv4 too. Falls back to IPv4 where the kernel has no IPv6. bufsz: wanted buffer sizes in
 * bytes, 0 = the kernel's. errno of socket and bind. */
int udp_bind(struct udp *u, const struct addr *bind, bool dual, int bufsz);
void udp_close(struct udp *u);
uint16_t udp_port(const struct udp *u);
/* tos: DSCP << 2. */
void udp_tos(const struct udp *u, uint8_t tos);

struct udp_packet {
    uint8_t *p; /* UDP_PACKET_MAX bytes of room, the packet in the first n */
    size_t n;
    struct addr src,
        local; /* local: where it arrived, port 0; unset when the socket has one address anyway */
};

struct udp_reader;                            /* buffers for one batch, shared by all sockets of a thread */
int udp_reader_alloc(struct udp_reader **rp); /* ENOMEM */
void udp_reader_free(struct udp_reader *r);
/* Reads at most UDP_BATCH waiting packets without blocking; they stay valid until the next read. Returns their number. */
size_t udp_read(struct udp_reader *r, struct udp *u);
struct udp_packet *udp_packet(struct udp_reader *r, size_t i);

/* Packets that wait to be sent together. Those in a row on one socket cost one call of the kernel. */
struct udp_queue;
int udp_queue_alloc(struct udp_queue **qp); /* ENOMEM */
void udp_queue_free(struct udp_queue *q);
/* UDP_PACKET_MAX bytes to write the next packet to; flushes first when full. Nothing is sent unless pushed. */
uint8_t *udp_queue_room(struct udp_queue *q);
/* Queues the n bytes just written there, to be sent from u, which must not close before. local may be unset. EAFNOSUPPORT, counted as
 * not sent: dst is IPv6 and u is not, or there is no u. */
int udp_queue_push(struct udp_queue *q, struct udp *u, size_t n, const struct addr *local,
                   const struct addr *dst);
void udp_queue_flush(struct udp_queue *q);

/* One packet, now. errno of sendmsg; EAFNOSUPPORT: dst is IPv6 and the socket is not. */
int udp_transmit(struct udp *u, const uint8_t *p, size_t n, const struct addr *local, const struct addr *dst);

#endif
