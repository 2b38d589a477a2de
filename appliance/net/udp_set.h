/*
 * net/udp_set: one UDP port on every address that we bind to. The two any-addresses together are one socket that serves both families.
 * Owner: as net/udp.
 */
#ifndef NET_UDP_SET_H
#define NET_UDP_SET_H

#include "net/udp.h"

enum { UDP_BINDS_MAX = 2 };

struct udp_set {
    struct udp v[UDP_BINDS_MAX];
    size_t count;
};

/* The same port on each of 1..UDP_BINDS_MAX addresses (theirs is not looked at); 0 = one that is free on all. bufsz and errors as
 * udp_bind; nothing is open then. */
int udp_set_open(struct udp_set *s, const struct addr *binds, size_t count, uint16_t port, int bufsz);
void udp_set_close(struct udp_set *s); /* counts stay */
uint16_t udp_set_port(const struct udp_set *s);
void udp_set_tos(const struct udp_set *s, uint8_t tos);
/* The socket that reaches dst; NULL: none has its family. */
struct udp *udp_set_to(struct udp_set *s, const struct addr *dst);
/* As udp_transmit, from that socket. */
int udp_set_transmit(struct udp_set *s, const uint8_t *p, size_t n, const struct addr *local,
                     const struct addr *dst);

#endif
