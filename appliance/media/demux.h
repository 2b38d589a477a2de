/*
 * media/demux: which path a datagram on the browsers' port is for. By what it is (RFC 7983): a STUN request by the path id at the head
 * of our ufrag, a STUN answer by the path id at the head of its transaction id, DTLS and SRTP by source address, once that passed
 * an ICE check. Owner: the worker thread. Private to media/.
 */
#ifndef MEDIA_DEMUX_H
#define MEDIA_DEMUX_H

#include "media/path.h"
#include "stun/stun.h"

struct demux;

enum { DEMUX_UFRAG_ID = 8 /* hex digits of the path id that begin our ufrag */ };

int demux_alloc(struct demux **dp); /* ENOMEM */
void demux_free(struct demux *d);
void demux_add(struct demux *d, struct path *p);
void demux_remove(struct demux *d, struct path *p);
void demux_claim(struct demux *d, struct path *p, enum path_claim what, const struct addr *addr);
/* Whoever hears what has id 0, which is no path's. */
typedef void(demux_outside_h)(const struct stun_view *m, const struct udp_packet *pkt, void *arg);
void demux_outside(struct demux *d, demux_outside_h *h, void *arg);
/* Gives it to its path, or counts it. */
void demux_packet(struct demux *d, struct udp_packet *pkt, uint64_t now_us);
/* Addresses of browsers that packets are told apart by. */
size_t demux_addresses(const struct demux *d);

#endif
