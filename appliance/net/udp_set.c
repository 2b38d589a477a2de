/* net/udp_set: see udp_set.h. */
#include "net/udp_set.h"

#include <errno.h>

enum { ANY_TRIES = 16 };

static int open_at(struct udp_set *s, const struct addr *binds, size_t count, uint16_t port, int bufsz)
{
    bool dual = count == 2 && addr_is_any(&binds[0]) && addr_is_any(&binds[1]);

    *s = (struct udp_set){0};
    for (size_t i = 0; i < (dual ? 1 : count); i++) {
        struct addr a = binds[i];
        int err;

        addr_set_port(&a, port);
        err = udp_bind(&s->v[i], &a, dual, bufsz);
        if (err) {
            udp_set_close(s);
            return err;
        }
        s->count++;
        port = udp_port(&s->v[0]);
    }
    return s->count ? 0 : EINVAL;
}

int udp_set_open(struct udp_set *s, const struct addr *binds, size_t count, uint16_t port, int bufsz)
{
    int err = EADDRINUSE;

    if (count > UDP_BINDS_MAX)
        return EINVAL;
    for (unsigned i = 0; err == EADDRINUSE && i < (port ? 1 : ANY_TRIES); i++)
        err = open_at(s, binds, count, port, bufsz);
    return err;
}

void udp_set_close(struct udp_set *s)
{
    for (size_t i = 0; i < s->count; i++)
        udp_close(&s->v[i]);
}

uint16_t udp_set_port(const struct udp_set *s)
{
    return udp_port(&s->v[0]);
}

void udp_set_tos(const struct udp_set *s, uint8_t tos)
{
    for (size_t i = 0; i < s->count; i++)
        udp_tos(&s->v[i], tos);
}

struct udp *udp_set_to(struct udp_set *s, const struct addr *dst)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->v[i].in6 == (addr_af(dst) == AF_INET6) || (s->count == 1 && s->v[i].in6))
            return &s->v[i];
    return NULL;
}

int udp_set_transmit(struct udp_set *s, const uint8_t *p, size_t n, const struct addr *local,
                     const struct addr *dst)
{
    struct udp *u = udp_set_to(s, dst);

    return udp_transmit(u ? u : &s->v[0], p, n, local, dst); /* the wrong family is its error to count */
}
