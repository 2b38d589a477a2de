/* media/ports: see ports.h. */
#include "media/ports.h"

#include "core/rnd.h"

#include <errno.h>

enum { ANY_TRIES = 64 };

static int open_at(struct udp *rtp, struct udp *rtcp, const struct addr *bind, bool dual, uint16_t port)
{
    struct addr a = *bind;
    int err;

    addr_set_port(&a, port);
    err = udp_bind(rtp, &a, dual, 0);
    if (err)
        return err;
    if (!port) {
        port = udp_port(rtp);
        if (port & 1) {
            udp_close(rtp);
            return EADDRINUSE;
        }
    }
    addr_set_port(&a, (uint16_t)(port + 1));
    err = udp_bind(rtcp, &a, dual, 0);
    if (err)
        udp_close(rtp);
    return err;
}

uint32_t ports_pairs(uint16_t min, uint16_t max)
{
    uint32_t first = (min + 1u) & ~1u;

    return max > first ? (max - first + 1u) / 2 : 0;
}

int ports_open(struct udp *rtp, struct udp *rtcp, const struct addr *bind, bool dual, uint16_t min,
               uint16_t max)
{
    uint32_t first = (min + 1u) & ~1u, pairs = ports_pairs(min, max), at;
    bool any = !min && !max;
    int err = EADDRINUSE;

    if (any)
        pairs = ANY_TRIES;
    at = pairs ? rnd_u32() % pairs : 0;
    for (uint32_t i = 0; i < pairs && err == EADDRINUSE; i++) {
        uint32_t port = any ? 0 : first + 2 * ((at + i) % pairs);

        err = open_at(rtp, rtcp, bind, dual, (uint16_t)port);
    }
    return err == EADDRINUSE ? EADDRNOTAVAIL : err;
}
