/*
 * core/addr: an IPv4 or IPv6 transport address. IPv4-mapped IPv6 addresses are always unmapped on entry,
 * so that two equal addresses compare equal.
 */
#ifndef CORE_ADDR_H
#define CORE_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct addr {
    union {
        struct sockaddr sa;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } u;
};

enum { ADDR_STRLEN = 64 };

/* From the kernel's sockaddr; unmaps ::ffff:a.b.c.d. Family becomes AF_UNSPEC for anything else. */
void addr_set_sockaddr(struct addr *a, const struct sockaddr *sa);
/* Parses a literal IPv4 or IPv6 (with or without [ ]) without port. EINVAL when it isn't one. */
int addr_parse_ip(struct addr *a, const char *ip, uint16_t port);
/* "10.1.0.0/16", "2001:db8::/32", "192.0.2.7" (one address). EINVAL, also for bits set behind the prefix: a typing error, most likely. */
int addr_parse_net(struct addr *base, unsigned *bits, const char *text);
bool addr_in_net(const struct addr *a, const struct addr *base, unsigned bits);
/* Resolves a name by getaddrinfo (blocks: start-up, CLI and the resolver thread only): all its addresses, A and AAAA, without repetitions,
 * in the order in which they should be tried (RFC 6724). EHOSTUNREACH. */
int addr_resolve_all(struct addr *v, size_t max, size_t *n, const char *host, uint16_t port);

bool addr_isset(const struct addr *a, bool with_port);
int addr_af(const struct addr *a);
uint16_t addr_port(const struct addr *a);
void addr_set_port(struct addr *a, uint16_t port);
bool addr_is_any(const struct addr *a);
bool addr_is_loopback(const struct addr *a);
bool addr_is_linklocal(const struct addr *a);
/* One machine can be sent to by it: neither any, multicast, limited broadcast nor reserved (0/8, 240/4). Loopback counts. */
bool addr_is_unicast(const struct addr *a);
/* RFC 1918, RFC 6598, RFC 4193: not what the Internet reaches. */
bool addr_is_private(const struct addr *a);
bool addr_is_multicast(const struct addr *a);
bool addr_eq(const struct addr *a, const struct addr *b);    /* address and port */
bool addr_eq_ip(const struct addr *a, const struct addr *b); /* address only */
enum { ADDR_SOURCE_MAX = 8 };
/* What counts as one source: an IPv4 address; of IPv6 the /64, as a customer has that to himself at least. Its bytes in key; how many, 0 = it
 * is no address. */
size_t addr_source(const struct addr *a, uint8_t key[ADDR_SOURCE_MAX]);
socklen_t addr_len(const struct addr *a);
/* sockaddr for a dual-stack AF_INET6 socket: maps IPv4 to ::ffff:… into *out. Returns its length. */
socklen_t addr_to_in6(const struct addr *a, struct sockaddr_in6 *out);

/* "1.2.3.4" / "2001:db8::1" into buf; returns buf. */
const char *addr_ip(const struct addr *a, char *buf, size_t sz);
/* "1.2.3.4" / "[2001:db8::1]", as in URLs, into buf; returns buf. */
const char *addr_host(const struct addr *a, char *buf, size_t sz);
/* "1.2.3.4:5060" / "[2001:db8::1]:5060" into buf; returns buf. */
const char *addr_str(const struct addr *a, char *buf, size_t sz);

/* The local address the kernel would use towards dst (port 0). ENETUNREACH; EACCES: dst is the broadcast address of a network of ours. */
int addr_source_for(struct addr *src, const struct addr *dst);
/* Which of the addresses that we bound (v; at most one may be 0.0.0.0, and one ::) to use towards dst: a loopback address for loopback
 * alone, if there is another choice; then the one that the kernel would take. n: none of its family. */
size_t addr_choose(const struct addr *v, size_t n, const struct addr *dst);
/* Global addresses of this machine's interfaces that are up (no loopback, no link-local). Returns count. */
size_t addr_interfaces(struct addr *v, size_t max);

#endif
