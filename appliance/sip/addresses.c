/*
 * Which address of ours a peer is told, in Via, Contact and SDP: one that it can reach and that we listen on.
 *
 *   loopback peer   the loopback address that we bound, or 127.0.0.1 / ::1 when we bound all; else what we bound: it is on this machine
 *   any other       the address of public.address (sip/public) that fits it best; else what we bound, or the one that the kernel takes
 *                   towards it when we bound all
 *
 * Best of several of its family is that from which the kernel sends to it, unless it is a private one and the peer is not: there is NAT
 * between. Then, for a peer in a private network, the private one that has most bits in common with it, for one outside, the first that is
 * not private; then the first.
 */
#include "sip/public.h"
#include "sip/stack_priv.h"

#include <errno.h>
#include <string.h>

bool sip_stack_has_family(const struct sip_stack *st, const struct addr *a)
{
    return addr_choose(st->laddr, st->laddr_count, a) < st->laddr_count;
}

/* How many bits two addresses of one family have in common at their heads. */
static unsigned common_bits(const struct addr *a, const struct addr *b)
{
    const bool v6 = addr_af(a) == AF_INET6;
    const uint8_t *x = v6 ? a->u.in6.sin6_addr.s6_addr : (const uint8_t *)&a->u.in.sin_addr;
    const uint8_t *y = v6 ? b->u.in6.sin6_addr.s6_addr : (const uint8_t *)&b->u.in.sin_addr;
    const unsigned max = v6 ? 128 : 32;
    unsigned n = 0;

    while (n < max && !((x[n / 8] ^ y[n / 8]) & (0x80 >> n % 8)))
        n++;
    return n;
}

/* The higher the better; 0: not at all. src: what the kernel sends from towards dst, unset: no way leads there. */
static unsigned fitness(const struct addr *a, bool seen, const struct addr *dst, const struct addr *src)
{
    const bool near = addr_is_private(dst);

    if (addr_eq_ip(a, src) && (near || !addr_is_private(a)))
        return 1000;
    if (addr_is_private(a) == near)
        return 2 + (near ? common_bits(a, dst) : 0);
    /* What the Internet sees of us is not what our own network should go by. */
    return seen && near && addr_is_private(src) ? 0 : 1;
}

static const struct addr *public_for(const struct sip_stack *st, const struct addr *dst)
{
    const struct addr *a, *best = NULL;
    struct addr src = {0};
    unsigned most = 0;
    bool seen;

    if (!public_at(st->public, 0, NULL))
        return NULL;
    if (addr_source_for(&src, dst))
        memset(&src, 0, sizeof(src));
    for (size_t i = 0; (a = public_at(st->public, i, &seen)); i++) {
        const unsigned fit = addr_af(a) == addr_af(dst) ? fitness(a, seen, dst, &src) : 0;

        if (fit > most) {
            most = fit;
            best = a;
        }
    }
    return best;
}

int sip_stack_laddr(const struct sip_stack *st, struct addr *a, const struct addr *dst)
{
    const size_t i = addr_choose(st->laddr, st->laddr_count, dst);
    const struct addr *pub = addr_is_loopback(dst) ? NULL : public_for(st, dst);
    int err = 0;

    if (i == st->laddr_count)
        return ENETUNREACH;
    *a = st->laddr[i];
    if (pub)
        *a = *pub;
    else if (addr_is_any(a) && addr_is_loopback(dst))
        err = addr_parse_ip(a, addr_af(dst) == AF_INET6 ? "::1" : "127.0.0.1", 0);
    else if (addr_is_any(a))
        err = addr_source_for(a, dst);
    addr_set_port(a, st->port);
    return err;
}

int sip_stack_laddr_by(const struct sip_stack *st, struct addr *a, const struct addr *dst, int transport)
{
    const int err = sip_stack_laddr(st, a, dst);

    if (!err && transport == SIP_TRANSP_TLS)
        addr_set_port(a, st->tls_port ? st->tls_port : SIP_PORT_TLS);
    return err;
}

bool sip_stack_listens(const struct sip_stack *st, const struct addr *a)
{
    for (size_t i = 0; i < st->laddr_count; i++)
        if (addr_eq_ip(&st->laddr[i], a) ||
            (addr_is_any(&st->laddr[i]) && addr_af(&st->laddr[i]) == addr_af(a)))
            return true;
    return false;
}

size_t sip_stack_public(const struct sip_stack *st, struct addr *v, size_t max)
{
    struct sip_public pub;
    size_t n = 0;

    sip_stack_public_copy(st, &pub);
    for (; n < pub.count && n < max; n++)
        v[n] = pub.v[n];
    return n;
}

void sip_stack_public_copy(const struct sip_stack *st, struct sip_public *out)
{
    snapshot_load(st->public_copy, out, sizeof(*out));
}
