/*
 * nat: routers between two network namespaces, whose behaviour a test chooses (RFC 4787's terms), as no kernel's NAT lets it.
 *
 *   nat PID INNER OUTER     makes the TUN device INNER in the namespace of process PID, and OUTER in its own; addresses and routes are
 *                           the caller's. Ends with its standard input.
 *
 * Each line there is the routers from INNER to OUTER, with fresh tables; "ok" answers it. Without any it is a cable. A router is one of
 *
 *   nat44,ADDRESS,MAPPING,FILTERING   behind IPv4 ADDRESS. Both by: endpoint, address or port (none of the peer, its address, port too)
 *   nat64,ADDRESS,MAPPING,FILTERING   the same, with IPv6 inside, where IPv4 is 64:ff9b::/96 (RFC 6146, RFC 6052)
 *   clat,INSIDE,ADDRESS               IPv4 INSIDE as IPv6 ADDRESS (RFC 7915), as a host of 464XLAT has it (RFC 6877); IPv6 passes by
 *
 * Ports are drawn at random. TCP is mapped and filtered by port whatever is said. Fragments and ICMP are dropped.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    ROUTERS = 4,
    MAPPINGS = 4096,
    MET = 16, /* peers of a mapping that are remembered */
    PACKET = 65536,
    PORT_MIN = 20000,
    PORT_COUNT = 40000,
    IP4_HEAD = 20,
    IP6_HEAD = 40,
    UDP_HEAD = 8,
    TCP_HEAD = 20,
};

enum by { BY_ENDPOINT, BY_ADDRESS, BY_PORT };
enum kind { NAT44, NAT64, CLAT };

struct end {
    struct in6_addr addr; /* IPv4 as ::ffff:0:0/96 */
    uint16_t port;
};

struct packet {
    struct end src, dst;
    uint8_t proto;
    uint8_t *body; /* from the UDP or TCP header on, with room for an IP header before it */
    size_t len;
};

struct mapping {
    uint8_t proto; /* 0: free */
    uint16_t port;
    struct end in, far, met[MET]; /* far: as much of it as the mapping depends on */
    unsigned met_count;
};

struct router {
    enum kind kind;
    enum by mapping, filtering;
    struct in6_addr outside, inside; /* inside: a CLAT's */
    struct mapping *table;
};

static struct router routers[ROUTERS];
static size_t router_count;

static _Noreturn void fail(const char *what)
{
    perror(what);
    exit(1);
}

/* ---- packets ---- */

static struct in6_addr from4(const void *p)
{
    struct in6_addr a = {.s6_addr = {[10] = 0xff, [11] = 0xff}};

    memcpy(a.s6_addr + 12, p, 4);
    return a;
}

static bool is4(const struct in6_addr *a)
{
    return IN6_IS_ADDR_V4MAPPED(a);
}

static const uint8_t prefix64[12] = {0x00, 0x64, 0xff, 0x9b};

static struct in6_addr to64(const struct in6_addr *a4)
{
    struct in6_addr a = *a4;

    memcpy(a.s6_addr, prefix64, sizeof(prefix64));
    return a;
}

static bool packet_read(struct packet *pkt, uint8_t *p, size_t n)
{
    const bool v4 = n && p[0] >> 4 == 4;
    const size_t head = v4 ? (size_t)(p[0] & 15) * 4 : IP6_HEAD;
    uint16_t port;

    if (n < head + UDP_HEAD || (v4 && (p[6] & 0x3f || p[7])))
        return false;
    if (v4) {
        pkt->proto = p[9];
        pkt->src.addr = from4(p + 12);
        pkt->dst.addr = from4(p + 16);
    } else {
        pkt->proto = p[6];
        memcpy(&pkt->src.addr, p + 8, 16);
        memcpy(&pkt->dst.addr, p + 24, 16);
    }
    pkt->body = p + head;
    pkt->len = n - head;
    memcpy(&port, pkt->body, 2);
    pkt->src.port = ntohs(port);
    memcpy(&port, pkt->body + 2, 2);
    pkt->dst.port = ntohs(port);
    return pkt->proto == IPPROTO_UDP || (pkt->proto == IPPROTO_TCP && pkt->len >= TCP_HEAD);
}

static uint32_t sum(uint32_t s, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        s += i % 2 ? p[i] : (uint32_t)p[i] << 8;
    return s;
}

static void put_sum(uint8_t *at, uint32_t s)
{
    while (s >> 16)
        s = (s & 0xffff) + (s >> 16);
    s = ~s & 0xffff;
    at[0] = (uint8_t)(s >> 8);
    at[1] = (uint8_t)s;
}

/* Ports, checksum and a new IP header. */
static void packet_write(const struct packet *pkt, int fd)
{
    const bool v4 = is4(&pkt->src.addr);
    const size_t skip = v4 ? 12 : 0, head = v4 ? IP4_HEAD : IP6_HEAD;
    uint8_t *check = pkt->body + (pkt->proto == IPPROTO_UDP ? 6 : 16), *ip = pkt->body - head;
    const uint16_t src = htons(pkt->src.port), dst = htons(pkt->dst.port), len = htons((uint16_t)pkt->len),
                   total = htons((uint16_t)(pkt->len + head));
    uint32_t s;

    memcpy(pkt->body, &src, 2);
    memcpy(pkt->body + 2, &dst, 2);
    memset(check, 0, 2);
    s = sum((uint32_t)pkt->len + pkt->proto, pkt->src.addr.s6_addr + skip, 16 - skip);
    s = sum(s, pkt->dst.addr.s6_addr + skip, 16 - skip);
    put_sum(check, sum(s, pkt->body, pkt->len));
    memset(ip, 0, head);
    ip[0] = v4 ? 0x45 : 0x60;
    if (v4) {
        memcpy(ip + 2, &total, 2);
        ip[6] = 0x40; /* don't fragment */
        ip[8] = 64;
        ip[9] = pkt->proto;
        memcpy(ip + 12, pkt->src.addr.s6_addr + 12, 4);
        memcpy(ip + 16, pkt->dst.addr.s6_addr + 12, 4);
        put_sum(ip + 10, sum(0, ip, head));
    } else {
        memcpy(ip + 4, &len, 2);
        ip[6] = pkt->proto;
        ip[7] = 64;
        memcpy(ip + 8, &pkt->src.addr, 16);
        memcpy(ip + 24, &pkt->dst.addr, 16);
    }
    (void)!write(fd, ip, pkt->len + head); /* what a full device drops, a network drops */
}

/* ---- routers ---- */

static bool same(const struct end *a, const struct end *b, enum by by)
{
    return by == BY_ENDPOINT ||
           (IN6_ARE_ADDR_EQUAL(&a->addr, &b->addr) && (by == BY_ADDRESS || a->port == b->port));
}

static struct mapping *by_port(const struct router *r, uint8_t proto, uint16_t port)
{
    for (struct mapping *m = r->table; m < r->table + MAPPINGS && m->proto; m++)
        if (m->proto == proto && m->port == port)
            return m;
    return NULL;
}

static uint16_t draw_port(const struct router *r, uint8_t proto)
{
    uint16_t random;

    do {
        if (getrandom(&random, sizeof(random), 0) != sizeof(random))
            fail("getrandom");
        random = (uint16_t)(PORT_MIN + random % PORT_COUNT);
    } while (by_port(r, proto, random));
    return random;
}

/* The mapping of what goes out, made when there is none. */
static struct mapping *by_inside(const struct router *r, const struct packet *pkt)
{
    const enum by by = pkt->proto == IPPROTO_TCP ? BY_PORT : r->mapping;
    struct mapping *m = r->table;

    for (; m < r->table + MAPPINGS && m->proto; m++)
        if (m->proto == pkt->proto && same(&m->in, &pkt->src, BY_PORT) && same(&m->far, &pkt->dst, by))
            return m;
    if (m == r->table + MAPPINGS)
        return NULL;
    m->port = draw_port(r, pkt->proto);
    m->proto = pkt->proto;
    m->in = pkt->src;
    m->far = pkt->dst;
    return m;
}

static bool outward(const struct router *r, struct packet *pkt)
{
    struct mapping *m;

    if (r->kind == CLAT) {
        if (is4(&pkt->src.addr)) {
            pkt->src.addr = r->outside;
            pkt->dst.addr = to64(&pkt->dst.addr);
        }
        return true;
    }
    if (r->kind == NAT64 ? memcmp(pkt->dst.addr.s6_addr, prefix64, sizeof(prefix64)) : !is4(&pkt->src.addr))
        return false;
    if (r->kind == NAT64)
        pkt->dst.addr = from4(pkt->dst.addr.s6_addr + 12);
    m = by_inside(r, pkt);
    if (!m)
        return false;
    for (unsigned i = 0; i <= m->met_count && i < MET; i++) {
        if (i == m->met_count)
            m->met[m->met_count++] = pkt->dst;
        if (same(&m->met[i], &pkt->dst, BY_PORT))
            break;
    }
    pkt->src = (struct end){r->outside, m->port};
    return true;
}

static bool inward(const struct router *r, struct packet *pkt)
{
    const enum by by = pkt->proto == IPPROTO_TCP ? BY_PORT : r->filtering;
    const struct mapping *m;
    bool met = false;

    if (!IN6_ARE_ADDR_EQUAL(&pkt->dst.addr, &r->outside))
        return r->kind == CLAT;
    if (r->kind == CLAT) {
        if (memcmp(pkt->src.addr.s6_addr, prefix64, sizeof(prefix64)))
            return false;
        pkt->src.addr = from4(pkt->src.addr.s6_addr + 12);
        pkt->dst.addr = r->inside;
        return true;
    }
    m = by_port(r, pkt->proto, pkt->dst.port);
    for (unsigned i = 0; m && i < m->met_count; i++)
        met = met || same(&m->met[i], &pkt->src, by);
    if (!met)
        return false;
    if (r->kind == NAT64)
        pkt->src.addr = to64(&pkt->src.addr);
    pkt->dst = m->in;
    return true;
}

static void carry(int from, int to, bool out)
{
    static uint8_t room[IP6_HEAD + PACKET];
    const ssize_t n = read(from, room + IP6_HEAD, PACKET);
    struct packet pkt;

    if (n <= 0)
        fail("read");
    if (!packet_read(&pkt, room + IP6_HEAD, (size_t)n))
        return;
    for (size_t i = 0; i < router_count; i++)
        if (!(out ? outward(&routers[i], &pkt) : inward(&routers[router_count - 1 - i], &pkt)))
            return;
    packet_write(&pkt, to);
}

/* ---- setting up ---- */

static struct in6_addr address(const char *text)
{
    struct in_addr a4;
    struct in6_addr a;

    if (text && inet_pton(AF_INET, text, &a4) == 1)
        return from4(&a4);
    if (text && inet_pton(AF_INET6, text, &a) == 1)
        return a;
    fprintf(stderr, "no address: %s\n", text ? text : "");
    exit(2);
}

static unsigned one_of(const char *text, const char *const names[3])
{
    for (unsigned i = 0; i < 3; i++)
        if (text && !strcmp(text, names[i]))
            return i;
    fprintf(stderr, "unknown: %s\n", text ? text : "");
    exit(2);
}

static void router_set(struct router *r, char *text)
{
    static const char *const kinds[] = {"nat44", "nat64", "clat"}, *const bys[] = {"endpoint", "address",
                                                                                   "port"};
    char *save;

    r->kind = one_of(strtok_r(text, ",", &save), kinds);
    if (r->kind == CLAT)
        r->inside = address(strtok_r(NULL, ",", &save));
    r->outside = address(strtok_r(NULL, ",", &save));
    if (r->kind != CLAT) {
        r->mapping = one_of(strtok_r(NULL, ",", &save), bys);
        r->filtering = one_of(strtok_r(NULL, ",", &save), bys);
    }
    if (!r->table && !(r->table = malloc(MAPPINGS * sizeof(*r->table))))
        fail("malloc");
    memset(r->table, 0, MAPPINGS * sizeof(*r->table));
}

static void command(void)
{
    char line[512], *save = NULL;
    const ssize_t n = read(STDIN_FILENO, line, sizeof(line) - 1);

    if (n <= 0)
        exit(0);
    line[n] = '\0';
    router_count = 0;
    for (char *word = strtok_r(line, " \n", &save); word && router_count < ROUTERS;
         word = strtok_r(NULL, " \n", &save))
        router_set(&routers[router_count++], word);
    (void)!write(STDOUT_FILENO, "ok\n", 3);
}

static int tun(const char *name)
{
    struct ifreq req = {.ifr_flags = IFF_TUN | IFF_NO_PI};
    const int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

    snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", name);
    if (fd < 0 || ioctl(fd, TUNSETIFF, &req))
        fail(name);
    return fd;
}

static int netns(const char *pid)
{
    char path[64];
    int fd;

    snprintf(path, sizeof(path), "/proc/%s/ns/net", pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        fail(path);
    return fd;
}

int main(int argc, char **argv)
{
    struct pollfd fds[3] = {{STDIN_FILENO, POLLIN, 0}};
    int here, there;

    if (argc != 4)
        return 2;
    (void)setpriority(PRIO_PROCESS, 0, -15); /* a network is no slower for a busy machine */
    here = netns("self");
    there = netns(argv[1]);
    if (setns(there, CLONE_NEWNET))
        fail("setns");
    fds[1] = (struct pollfd){tun(argv[2]), POLLIN, 0};
    if (setns(here, CLONE_NEWNET))
        fail("setns");
    fds[2] = (struct pollfd){tun(argv[3]), POLLIN, 0};
    (void)!write(STDOUT_FILENO, "ok\n", 3);
    for (;;) {
        if (poll(fds, 3, -1) < 0)
            fail("poll");
        if (fds[0].revents)
            command();
        if (fds[1].revents)
            carry(fds[1].fd, fds[2].fd, true);
        if (fds[2].revents)
            carry(fds[2].fd, fds[1].fd, false);
    }
}
