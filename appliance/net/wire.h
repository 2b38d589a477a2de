/*
 * net/wire: datagrams between threads of this process, as if by the network. A thread has an end; it claims ports of addresses of ours,
 * and what another end sends to one of them comes out here instead of going through the kernel.
 *
 *   RELAY  wire_send(end, src, dst) ──► ring ──► wire_read(end)  MEDIA WORKER        a ring each way for each pair that talks
 *
 * As on a network a datagram may be lost: a full ring drops the one that comes, as a socket's buffer does (counted; why not the oldest:
 * docs/internals/turn.md). A claim holds at once; what is under way to a port when it
 * is released still comes, and its reader finds by dst that nobody waits for it.
 *
 * An end belongs to one thread. Its memory is the wire's, so that a sender never meets one that is gone. No lock; nothing is allocated
 * once the first datagram of a pair has gone.
 *
 * A port may stand for somebody outside whom its owner speaks for: the owner says who, and whoever talks to that port can ask.
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
    WIRE_ENDS_MAX = 72,          /* media workers, and RELAY */
    WIRE_PACKET_MAX = 2048,      /* bytes of a datagram */
    WIRE_ADDRS_MAX = 16,         /* addresses of ours that an end's ports are at */
    WIRE_RING_SIZE = 256 * 1024, /* bytes; about a thousand packets of sound */
};

int wire_alloc(struct wire **wp); /* ENOMEM */
void wire_free(struct wire *w);   /* when no end is in use any more; w may be NULL */

/* addrs: where the ports that this end claims are reached (ports ignored). One thread at a time, other ends may be in use. ENOSPC,
 * ENOMEM, EMFILE. */
int wire_open(struct wire_end **ep, struct wire *w, const struct addr *addrs, size_t count);
/* From now on its ports are reached at these addresses. Its owner; at most WIRE_ADDRS_MAX are taken. */
void wire_move(struct wire_end *e, const struct addr *addrs, size_t count);
/* Releases its ports. Its place is not used again. e may be NULL. */
void wire_close(struct wire_end *e);

/* From now on datagrams to this port at each of the end's addresses come here. EADDRINUSE: some end has it. */
int wire_claim(struct wire_end *e, uint16_t port);
void wire_release(struct wire_end *e, uint16_t port);

/* How those whom an end speaks for reach it. */
enum wire_transport { WIRE_NOBODY, WIRE_UDP, WIRE_TCP, WIRE_TLS };
struct wire_behind {
    enum wire_transport transport; /* WIRE_NOBODY: the owner speaks for itself */
    struct addr addr;              /* theirs */
};
/* Whom a port that e has claimed stands for, until it is released. */
void wire_stands_for(struct wire_end *e, uint16_t port, const struct wire_behind *who);
/* Who is behind an address; false: nobody in here owns it. Any thread that has an end. */
bool wire_behind(const struct wire_end *e, const struct addr *a, struct wire_behind *who);

/* False: nobody in here owns dst, the network may know it. True: it is on its way, or was dropped. */
bool wire_send(struct wire_end *e, const struct addr *src, const struct addr *dst, const uint8_t *p,
               size_t n);

struct wire_packet {
    uint8_t *p; /* the reader's to write in, until the next wire_read() */
    size_t n;
    struct addr src, dst;
};
/* At most max of those that wait; what ends sent comes in its order. */
size_t wire_read(struct wire_end *e, struct wire_packet *v, size_t max);

/* Before waiting for wire_fd(): false when something is there already, so that there is nothing to wait for. */
bool wire_sleep(struct wire_end *e);
/* An eventfd that is readable when something came after wire_sleep(). */
int wire_fd(const struct wire_end *e);
/* To be called when it was, before wire_read(). */
void wire_woken(struct wire_end *e);

#endif
