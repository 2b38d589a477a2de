#include "core/addr.h"
#include "core/keyhash.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void set_in(struct addr *a, const struct in_addr *ip, in_port_t port)
{
    a->u.in.sin_family = AF_INET;
    a->u.in.sin_addr = *ip;
    a->u.in.sin_port = port;
}

static void set_in6(struct addr *a, const struct sockaddr_in6 *sin6)
{
    struct in_addr v4;

    if (IN6_IS_ADDR_V4MAPPED(&sin6->sin6_addr)) {
        memcpy(&v4, &sin6->sin6_addr.s6_addr[12], sizeof(v4));
        set_in(a, &v4, sin6->sin6_port);
        return;
    }
    a->u.in6.sin6_family = AF_INET6;
    a->u.in6.sin6_addr = sin6->sin6_addr;
    a->u.in6.sin6_port = sin6->sin6_port;
    a->u.in6.sin6_scope_id = sin6->sin6_scope_id;
}

void addr_set_sockaddr(struct addr *a, const struct sockaddr *sa)
{
    struct sockaddr_in in;
    struct sockaddr_in6 in6;

    memset(a, 0, sizeof(*a));
    if (!sa)
        return;
    if (sa->sa_family == AF_INET) {
        memcpy(&in, sa, sizeof(in)); /* by copy: the caller's bytes need not be aligned */
        set_in(a, &in.sin_addr, in.sin_port);
    } else if (sa->sa_family == AF_INET6) {
        memcpy(&in6, sa, sizeof(in6));
        set_in6(a, &in6);
    }
}

int addr_parse_ip(struct addr *a, const char *ip, uint16_t port)
{
    struct sockaddr_in6 sin6 = {.sin6_port = htons(port)};
    struct in_addr v4;
    char host[INET6_ADDRSTRLEN];
    size_t n;

    if (!a || !ip)
        return EINVAL;
    memset(a, 0, sizeof(*a));
    n = strlen(ip);
    if (n >= 2 && ip[0] == '[' && ip[n - 1] == ']') {
        ip++;
        n -= 2;
    }
    if (n >= sizeof(host))
        return EINVAL;
    memcpy(host, ip, n);
    host[n] = '\0';
    if (inet_pton(AF_INET6, host, &sin6.sin6_addr) == 1) {
        set_in6(a, &sin6);
        return 0;
    }
    if (ip[n] == ']' || inet_pton(AF_INET, host, &v4) != 1)
        return EINVAL;
    set_in(a, &v4, htons(port));
    return 0;
}

static bool addr_listed(const struct addr *v, size_t n, const struct addr *a)
{
    for (size_t i = 0; i < n; i++)
        if (addr_eq_ip(&v[i], a))
            return true;
    return false;
}

int addr_resolve_all(struct addr *v, size_t max, size_t *n, const char *host, uint16_t port)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM, .ai_flags = AI_ADDRCONFIG};
    struct addrinfo *res = NULL;
    int err;

    if (!v || !max || !n || !host || !*host)
        return EINVAL;
    *n = !addr_parse_ip(v, host, port);
    if (*n)
        return 0;
    err = getaddrinfo(host, NULL, &hints, &res);
    if (err == EAI_BADFLAGS ||
        err == EAI_NONAME) { /* AI_ADDRCONFIG hides loopback names on an offline machine */
        hints.ai_flags = 0;
        err = getaddrinfo(host, NULL, &hints, &res);
    }
    if (err)
        return EHOSTUNREACH;
    for (const struct addrinfo *ai = res; ai && *n < max; ai = ai->ai_next) {
        struct addr a;

        addr_set_sockaddr(&a, ai->ai_addr);
        addr_set_port(&a, port);
        if (addr_isset(&a, false) && !addr_listed(v, *n, &a))
            v[(*n)++] = a;
    }
    freeaddrinfo(res);
    return *n ? 0 : EHOSTUNREACH;
}

static const uint8_t *addr_bytes(const struct addr *a)
{
    return addr_af(a) == AF_INET ? (const uint8_t *)&a->u.in.sin_addr : a->u.in6.sin6_addr.s6_addr;
}

bool addr_in_net(const struct addr *a, const struct addr *base, unsigned bits)
{
    const unsigned whole = bits / 8, rest = bits % 8;

    if (addr_af(a) != addr_af(base) || memcmp(addr_bytes(a), addr_bytes(base), whole))
        return false;
    return !rest || !((addr_bytes(a)[whole] ^ addr_bytes(base)[whole]) & (0xff00u >> rest & 0xff));
}

int addr_parse_net(struct addr *base, unsigned *bits, const char *text)
{
    const size_t n = strcspn(text, "/");
    char host[ADDR_STRLEN], *end;
    const uint8_t *ip;
    unsigned long len;

    if (!n || n >= sizeof(host))
        return EINVAL;
    memcpy(host, text, n);
    host[n] = '\0';
    if (addr_parse_ip(base, host, 0))
        return EINVAL;
    ip = addr_bytes(base);
    len = addr_af(base) == AF_INET ? 32 : 128;
    *bits = (unsigned)len;
    if (text[n]) {
        *bits = (unsigned)strtoul(text + n + 1, &end, 10);
        if (text[n + 1] < '0' || text[n + 1] > '9' || *end || end - text > (ptrdiff_t)n + 4 || *bits > len)
            return EINVAL;
    }
    for (unsigned i = *bits; i < len; i++)
        if (ip[i / 8] & (0x80 >> i % 8))
            return EINVAL;
    return 0;
}

int addr_af(const struct addr *a)
{
    return a->u.sa.sa_family;
}

bool addr_isset(const struct addr *a, bool with_port)
{
    return a && addr_af(a) != AF_UNSPEC && (!with_port || addr_port(a));
}

uint16_t addr_port(const struct addr *a)
{
    if (addr_af(a) == AF_INET)
        return ntohs(a->u.in.sin_port);
    return addr_af(a) == AF_INET6 ? ntohs(a->u.in6.sin6_port) : 0;
}

void addr_set_port(struct addr *a, uint16_t port)
{
    if (addr_af(a) == AF_INET)
        a->u.in.sin_port = htons(port);
    else if (addr_af(a) == AF_INET6)
        a->u.in6.sin6_port = htons(port);
}

bool addr_is_any(const struct addr *a)
{
    if (addr_af(a) == AF_INET)
        return a->u.in.sin_addr.s_addr == INADDR_ANY;
    return addr_af(a) == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&a->u.in6.sin6_addr);
}

bool addr_is_loopback(const struct addr *a)
{
    if (addr_af(a) == AF_INET)
        return ntohl(a->u.in.sin_addr.s_addr) >> 24 == 127;
    return addr_af(a) == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&a->u.in6.sin6_addr);
}

bool addr_is_linklocal(const struct addr *a)
{
    if (addr_af(a) == AF_INET)
        return ntohl(a->u.in.sin_addr.s_addr) >> 16 == 0xa9fe; /* 169.254/16, RFC 3927 */
    return addr_af(a) == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&a->u.in6.sin6_addr);
}

bool addr_is_private(const struct addr *a)
{
    const uint8_t *p = (const uint8_t *)&a->u.in.sin_addr;

    if (addr_af(a) == AF_INET6)
        return (a->u.in6.sin6_addr.s6_addr[0] & 0xfe) == 0xfc;
    return addr_af(a) == AF_INET && (p[0] == 10 || (p[0] == 172 && (p[1] & 0xf0) == 16) ||
                                     (p[0] == 192 && p[1] == 168) || (p[0] == 100 && (p[1] & 0xc0) == 64));
}

bool addr_is_multicast(const struct addr *a)
{
    if (addr_af(a) == AF_INET)
        return ntohl(a->u.in.sin_addr.s_addr) >> 28 == 0xe;
    return addr_af(a) == AF_INET6 && IN6_IS_ADDR_MULTICAST(&a->u.in6.sin6_addr);
}

bool addr_is_unicast(const struct addr *a)
{
    if (addr_af(a) == AF_UNSPEC || addr_is_any(a) || addr_is_multicast(a))
        return false;
    if (addr_af(a) == AF_INET6)
        return true;
    return ntohl(a->u.in.sin_addr.s_addr) >> 24 != 0 && ntohl(a->u.in.sin_addr.s_addr) >> 28 != 0xf;
}

bool addr_eq_ip(const struct addr *a, const struct addr *b)
{
    if (addr_af(a) != addr_af(b))
        return false;
    if (addr_af(a) == AF_INET)
        return a->u.in.sin_addr.s_addr == b->u.in.sin_addr.s_addr;
    return addr_af(a) == AF_INET6 && IN6_ARE_ADDR_EQUAL(&a->u.in6.sin6_addr, &b->u.in6.sin6_addr);
}

size_t addr_source(const struct addr *a, uint8_t key[ADDR_SOURCE_MAX])
{
    if (addr_af(a) == AF_INET6) {
        memcpy(key, &a->u.in6.sin6_addr, 8);
        return 8;
    }
    if (addr_af(a) != AF_INET)
        return 0;
    memcpy(key, &a->u.in.sin_addr, 4);
    return 4;
}

bool addr_eq(const struct addr *a, const struct addr *b)
{
    return addr_port(a) == addr_port(b) && addr_eq_ip(a, b);
}

socklen_t addr_len(const struct addr *a)
{
    return addr_af(a) == AF_INET6 ? sizeof(a->u.in6) : sizeof(a->u.in);
}

socklen_t addr_to_in6(const struct addr *a, struct sockaddr_in6 *out)
{
    if (addr_af(a) == AF_INET6) {
        *out = a->u.in6;
        return sizeof(*out);
    }
    memset(out, 0, sizeof(*out));
    out->sin6_family = AF_INET6;
    out->sin6_port = htons(addr_port(a));
    if (addr_af(a) == AF_INET) {
        out->sin6_addr.s6_addr[10] = out->sin6_addr.s6_addr[11] = 0xff;
        memcpy(&out->sin6_addr.s6_addr[12], &a->u.in.sin_addr, 4);
    }
    return sizeof(*out);
}

const char *addr_ip(const struct addr *a, char *buf, size_t sz)
{
    const void *ip =
        addr_af(a) == AF_INET6 ? (const void *)&a->u.in6.sin6_addr : (const void *)&a->u.in.sin_addr;

    if (addr_af(a) == AF_UNSPEC || !inet_ntop(addr_af(a), ip, buf, (socklen_t)sz))
        snprintf(buf, sz, "-");
    return buf;
}

const char *addr_host(const struct addr *a, char *buf, size_t sz)
{
    char ip[INET6_ADDRSTRLEN];

    addr_ip(a, ip, sizeof(ip));
    snprintf(buf, sz, addr_af(a) == AF_INET6 ? "[%s]" : "%s", ip);
    return buf;
}

const char *addr_str(const struct addr *a, char *buf, size_t sz)
{
    char ip[INET6_ADDRSTRLEN];

    addr_ip(a, ip, sizeof(ip));
    snprintf(buf, sz, addr_af(a) == AF_INET6 ? "[%s]:%u" : "%s:%u", ip, addr_port(a));
    return buf;
}

/* A connected UDP socket sends nothing, but makes the kernel choose. */
int addr_source_for(struct addr *src, const struct addr *dst)
{
    struct addr to = *dst;
    struct sockaddr_storage ss = {0};
    socklen_t len = sizeof(ss);
    int fd, err = 0;

    if (!addr_isset(dst, false))
        return EINVAL;
    if (!addr_port(&to))
        addr_set_port(&to, 9); /* any port will do; connect() refuses 0 on some kernels */
    fd = socket(addr_af(&to), SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno == EAFNOSUPPORT ? ENETUNREACH : errno;
    if (connect(fd, &to.u.sa, addr_len(&to)) || getsockname(fd, (struct sockaddr *)&ss, &len)) {
        err = errno == EACCES ? EACCES : ENETUNREACH;
        goto out;
    }
    addr_set_sockaddr(src, (const struct sockaddr *)&ss);
    addr_set_port(src, 0);
out:
    close(fd);
    return err;
}

size_t addr_choose(const struct addr *v, size_t n, const struct addr *dst)
{
    const bool loopback = addr_is_loopback(dst);
    size_t found = n, fits = 0;
    struct addr src = {0};

    for (size_t i = 0; i < n; i++) {
        if (addr_af(&v[i]) != addr_af(dst))
            continue;
        fits++;
        if (found == n || (addr_is_loopback(&v[i]) == loopback && addr_is_loopback(&v[found]) != loopback))
            found = i;
    }
    if (fits < 2 || loopback || addr_source_for(&src, dst))
        return found;
    for (size_t i = 0; i < n; i++)
        if (addr_eq_ip(&v[i], &src))
            return i;
    return found;
}

size_t addr_interfaces(struct addr *v, size_t max)
{
    struct ifaddrs *ifs = NULL;
    size_t n = 0;

    if (getifaddrs(&ifs))
        return 0;
    for (const struct ifaddrs *i = ifs; i && n < max; i = i->ifa_next) {
        struct addr a;

        if (!i->ifa_addr || !(i->ifa_flags & IFF_UP))
            continue;
        addr_set_sockaddr(&a, i->ifa_addr);
        if (!addr_isset(&a, false) || addr_is_loopback(&a) || addr_is_linklocal(&a))
            continue;
        v[n++] = a;
    }
    freeifaddrs(ifs);
    return n;
}
