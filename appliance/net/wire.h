/*
 * net/wire: datagrams between threads of this process, as if by the network. A thread has an end; it claims transport addresses of ours,
 * and what another end sends to one of them comes out here instead of going through the kernel.
 *
 *   RELAY  wire_send(end, src, dst) ──► ring ──► wire_read(end)  MEDIA WORKER        one ring each way for each pair that talks
 *
 * As on a network a datagram may be lost: a full ring drops it (counted). Claiming and releasing take effect at once; what is under way
 * to a released address is dropped by its reader's next claimer or by the reader itself.
 *
 * Owner: wire_alloc, wire_free and wire_end_alloc are called while no end is in use; an end belongs to one thread. No lock, no allocation
 * once the first datagram of a pair has gone.
 */
#ifndef NET_WIRE_H
#define NET_WIRE_H

#include "core/addr.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wire;
struct wire_end;

enum {
    WIRE_ENDS_MAX = 72,     /* media workers, and RELAY */
    WIRE_PACKET_MAX = 2048, /* bytes of a datagram */
    WIRE_ADDRS_MAX = 8,     /* addresses of ours that an end's ports are at */
};

int wire_alloc(struct wire **wp); /* ENOMEM */
void wire_free(struct wire *w);   /* after its ends; w may be NULL */

/* addrs: where the ports that this end claims are reached (ports ignored). ENOSPC, ENOMEM, EMFILE. */
int wire_end_alloc(struct wire_end **ep, struct wire *w, const struct addr *addrs, size_t count);
void wire_end_free(struct wire_end *e);

/* From now on datagrams to this port at each of the end's addresses come here. EADDRINUSE: another end has it. */
int wire_claim(struct wire_end *e, uint16_t port);
void wire_release(struct wire_end *e, uint16_t port);

/* False: nobody in here owns dst, the network may know it. True: it is on its way, or was dropped. */
bool wire_send(struct wire_end *e, const struct addr *src, const struct addr *dst, const uint8_t *p,
               size_t n);

struct wire_packet {
    const uint8_t *p; /* until the next wire_read */
    size_t n;
    struct addr src, dst;
};
/* At most max of those that wait. */
size_t wire_read(struct wire_end *e, struct wire_packet *v, size_t max);

/* An eventfd that is readable when a datagram came after wire_sleep(); reading wire_read() to its end resets it. */
int wire_fd(const struct wire_end *e);
/* Before waiting for wire_fd(): false when something is there already, so that nobody needs to wait. */
bool wire_sleep(struct wire_end *e);

#endif
