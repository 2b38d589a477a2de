#include "turn/policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct turn_policy {
    struct addr *own, *box;
    struct turn_net *allow;
    size_t own_n, box_n, allow_n;
    bool loopback;
};

/* ---------------------------------------------------------------- addresses as bytes */

enum { IP4_LEN = 4, IP6_LEN = 16 };

struct ip {
    uint8_t b[IP6_LEN];
    size_t len;
};

static struct ip ip_of(const struct addr *a)
{
    struct ip ip = {{0}, 0};

    if (addr_af(a) == AF_INET) {
        ip.len = IP4_LEN;
        memcpy(ip.b, &a->u.in.sin_addr, IP4_LEN);
    } else if (addr_af(a) == AF_INET6) {
        ip.len = IP6_LEN;
        memcpy(ip.b, &a->u.in6.sin6_addr, IP6_LEN);
    }
    return ip;
}

static bool prefix_eq(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;

    return !memcmp(a, b, whole) && (!rest || !((a[whole] ^ b[whole]) & (0xff << (8 - rest)) & 0xff));
}

struct range {
    uint8_t b[IP6_LEN];
    uint8_t bits;
};

static const struct range *range_of(const struct range *v, size_t n, const struct ip *ip)
{
    for (size_t i = 0; i < n; i++)
        if (prefix_eq(v[i].b, ip->b, v[i].bits))
            return &v[i];
    return NULL;
}

#define COUNT(v) (sizeof(v) / sizeof(*(v)))

/* ---------------------------------------------------------------- addresses of a special kind */

/* Nobody's peer, whatever an administrator wrote (RFC 6890). Loopback is apart: tests may allow it. */
static const struct range never4[] = {
    {{0}, 8},               /* this network */
    {{169, 254}, 16},       /* link-local */
    {{192, 0, 0, 0}, 24},   /* protocol assignments */
    {{192, 88, 99, 0}, 24}, /* 6to4 relays */
    {{224}, 4},             /* multicast */
    {{240}, 4},             /* reserved, and 255.255.255.255 */
};
static const struct range never6[] = {
    {{0}, 128},         /* :: */
    {{0xfe, 0x80}, 10}, /* link-local */
    {{0xfe, 0xc0}, 10}, /* site-local, RFC 3879 */
    {{0xff}, 8},        /* multicast */
    {{0x01, 0x00}, 64}, /* discard-only, RFC 6666 */
    {{0x5f, 0x00}, 16}, /* SRv6 SIDs, RFC 9602 */
};
static const struct range private4[] = {
    {{10}, 8}, {{172, 16}, 12}, {{192, 168}, 16}, {{100, 64}, 10}, {{198, 18}, 15},
};
static const struct range private6[] = {{{0xfc}, 7}};
static const struct range loopback4[] = {{{127}, 8}};
static const struct range loopback6[] = {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128}};

static bool is_never(const struct ip *ip)
{
    return ip->len == IP4_LEN ? range_of(never4, COUNT(never4), ip) : range_of(never6, COUNT(never6), ip);
}

static bool is_loopback(const struct ip *ip)
{
    return ip->len == IP4_LEN ? range_of(loopback4, 1, ip) : range_of(loopback6, 1, ip);
}

static const struct range *private_range(const struct ip *ip)
{
    return ip->len == IP4_LEN ? range_of(private4, COUNT(private4), ip)
                              : range_of(private6, COUNT(private6), ip);
}

/* ---------------------------------------------------------------- IPv4 in IPv6 */

/* Where in an address of such a prefix the IPv4 one stands. Mapped addresses (::ffff:0:0/96) have long been unmapped: core/addr. */
static const struct embedding {
    struct range range;
    uint8_t at;
    uint8_t flip; /* Teredo hides it behind an XOR */
} embeddings[] = {
    {{{0}, 96}, 12, 0},                                  /* IPv4-compatible, RFC 4291 2.5.5.1 */
    {{{0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96}, 12, 0}, /* IPv4-translated, RFC 2765 */
    {{{0, 0x64, 0xff, 0x9b}, 96}, 12, 0},                /* NAT64, RFC 6052 */
    {{{0x20, 0x02}, 16}, 2, 0},                          /* 6to4, RFC 3056 */
    {{{0x20, 0x01, 0, 0}, 32}, 12, 0xff},                /* Teredo's client, RFC 4380 4 */
    {{{0x20, 0x01, 0, 0}, 32}, 4, 0},                    /* and its server */
};

static struct ip ip4_at(const struct ip *ip, unsigned at, uint8_t flip)
{
    struct ip v4 = {{0}, IP4_LEN};

    for (unsigned i = 0; i < IP4_LEN; i++)
        v4.b[i] = ip->b[at + i] ^ flip;
    return v4;
}

enum { EMBEDDED_MAX = 4 };

/* Every IPv4 address that an IPv6 one may stand for. */
static size_t embedded(const struct ip *ip, struct ip out[EMBEDDED_MAX])
{
    static const uint8_t isatap[] = {0x5e, 0xfe}, nat64_local[] = {0, 0x64, 0xff, 0x9b, 0, 1};
    size_t n = 0;

    if (ip->len != IP6_LEN)
        return 0;
    for (size_t i = 0; i < COUNT(embeddings); i++)
        if (prefix_eq(embeddings[i].range.b, ip->b, embeddings[i].range.bits))
            out[n++] = ip4_at(ip, embeddings[i].at, embeddings[i].flip);
    /* Interface identifier 0000:5efe or 0200:5efe and the address: RFC 5214 6.1. */
    if (!ip->b[9] && (ip->b[8] & ~2) == 0 && !memcmp(ip->b + 10, isatap, 2))
        out[n++] = ip4_at(ip, 12, 0);
    /* NAT64 within a network (RFC 8215): 64:ff9b:1::/48 is divided as its owner likes, mostly into /96s. */
    if (!memcmp(ip->b, nat64_local, sizeof(nat64_local)))
        out[n++] = ip4_at(ip, 12, 0);
    return n;
}

/* ---------------------------------------------------------------- the rules */

static bool in_net(const struct turn_net *net, const struct ip *ip)
{
    struct ip base = ip_of(&net->base);

    return base.len == ip->len && prefix_eq(base.b, ip->b, net->bits);
}

static bool is_listed(const struct turn_policy *p, const struct ip *ip)
{
    const struct range *within = private_range(ip);

    for (size_t i = 0; i < p->allow_n; i++)
        if (in_net(&p->allow[i], ip) && (!within || p->allow[i].bits >= within->bits))
            return true;
    return false;
}

static bool is_box(const struct turn_policy *p, const struct ip *ip)
{
    for (size_t i = 0; i < p->box_n + p->own_n; i++) {
        struct ip ours = ip_of(i < p->box_n ? &p->box[i] : &p->own[i - p->box_n]);

        if (ours.len == ip->len && !memcmp(ours.b, ip->b, ip->len))
            return true;
    }
    return false;
}

/* A foreign address in all its spellings; the box's own are refused here. */
static bool is_foreign_allowed(const struct turn_policy *p, const struct ip *ip)
{
    struct ip v4[EMBEDDED_MAX];
    size_t n = embedded(ip, v4);
    bool listed = is_listed(p, ip);

    if (is_box(p, ip))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (is_never(&v4[i]) || is_loopback(&v4[i]) || is_box(p, &v4[i]))
            return false;
        if (private_range(&v4[i]) && !is_listed(p, &v4[i]))
            return false;
        listed |= is_listed(p, &v4[i]);
    }
    return listed;
}

/* What the ports of an address are, where it is not one of our workers'. */
static enum turn_peer judge_foreign(const struct turn_policy *p, const struct ip *ip)
{
    if (is_loopback(ip))
        return p->loopback ? TURN_PEER_FOREIGN : TURN_PEER_REFUSED;
    return is_foreign_allowed(p, ip) ? TURN_PEER_FOREIGN : TURN_PEER_REFUSED;
}

static bool is_refused(const struct turn_policy *p, const struct ip *ip)
{
    return !ip->len || is_never(ip) || (is_loopback(ip) && !p->loopback);
}

enum turn_peer turn_policy_peer(const struct turn_policy *p, const struct addr *peer)
{
    struct ip ip = ip_of(peer);

    if (is_refused(p, &ip) || !addr_port(peer))
        return TURN_PEER_REFUSED;
    for (size_t i = 0; i < p->own_n; i++)
        if (addr_eq(&p->own[i], peer))
            return TURN_PEER_OWN;
    return judge_foreign(p, &ip);
}

unsigned turn_policy_host(const struct turn_policy *p, const struct addr *peer)
{
    struct ip ip = ip_of(peer);
    unsigned kinds = TURN_PEER_REFUSED;

    if (is_refused(p, &ip))
        return TURN_PEER_REFUSED;
    for (size_t i = 0; i < p->own_n; i++)
        if (addr_eq_ip(&p->own[i], peer))
            kinds |= TURN_PEER_OWN;
    return kinds | judge_foreign(p, &ip);
}

/* ---------------------------------------------------------------- life */

int turn_net_parse(struct turn_net *net, const char *text)
{
    return text ? addr_parse_net(&net->base, &net->bits, text) : EINVAL;
}

static void *copy_of(const void *v, size_t n, size_t size, bool *failed)
{
    void *copy;

    if (!n)
        return NULL;
    copy = calloc(n, size);
    if (copy)
        memcpy(copy, v, n * size);
    else
        *failed = true;
    return copy;
}

int turn_policy_alloc(struct turn_policy **pp, const struct turn_rules *rules)
{
    struct turn_policy *p = calloc(1, sizeof(*p));
    bool failed = false;

    if (!p)
        return ENOMEM;
    p->own = copy_of(rules->own, rules->own_n, sizeof(*p->own), &failed);
    p->box = copy_of(rules->box, rules->box_n, sizeof(*p->box), &failed);
    p->allow = copy_of(rules->allow, rules->allow_n, sizeof(*p->allow), &failed);
    p->own_n = rules->own_n;
    p->box_n = rules->box_n;
    p->allow_n = rules->allow_n;
    p->loopback = rules->loopback;
    if (failed) {
        turn_policy_free(p);
        return ENOMEM;
    }
    *pp = p;
    return 0;
}

void turn_policy_free(struct turn_policy *p)
{
    if (!p)
        return;
    free(p->own);
    free(p->box);
    free(p->allow);
    free(p);
}
