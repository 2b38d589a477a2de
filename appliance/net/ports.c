/* net/ports: see ports.h. */
#include "net/ports.h"

#include "core/rnd.h"

#include <errno.h>

enum { ANY_TRIES = 64 };

static int open_at(struct udp_set *rtp, struct udp_set *rtcp, const struct addr *binds, size_t count,
                   uint16_t port)
{
    int err = udp_set_open(rtp, binds, count, port, 0);

    if (err)
        return err;
    port = udp_set_port(rtp);
    err = port & 1 ? EADDRINUSE : udp_set_open(rtcp, binds, count, (uint16_t)(port + 1), 0);
    if (err)
        udp_set_close(rtp);
    return err;
}

uint32_t ports_pairs(uint16_t min, uint16_t max)
{
    uint32_t first = (min + 1u) & ~1u;

    return max > first ? (max - first + 1u) / 2 : 0;
}

int ports_open(struct udp_set *rtp, struct udp_set *rtcp, const struct addr *binds, size_t count,
               uint16_t min, uint16_t max)
{
    uint32_t first = (min + 1u) & ~1u, pairs = ports_pairs(min, max), at;
    bool any = !min && !max;
    int err = EADDRINUSE;

    if (any)
        pairs = ANY_TRIES;
    at = pairs ? rnd_u32() % pairs : 0;
    for (uint32_t i = 0; i < pairs && err == EADDRINUSE; i++) {
        uint32_t port = any ? 0 : first + 2 * ((at + i) % pairs);

        err = open_at(rtp, rtcp, binds, count, (uint16_t)port);
    }
    return err == EADDRINUSE ? EADDRNOTAVAIL : err;
}
