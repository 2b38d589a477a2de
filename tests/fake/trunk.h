/* fake/trunk: a SIP Server on a UDP socket of 127.0.0.1, driven by the test. */
#ifndef FAKE_TRUNK_H
#define FAKE_TRUNK_H

#include "fake/sippeer.h"
#include <stdint.h>

struct fake_trunk {
    struct sippeer p; /* first */
    int fd;
    uint16_t port, gateway_port;
    const char *username, *password; /* what the gateway is to know of it; NULL = none */
    const char *host;                /* what the gateway is to know of its place; NULL = 127.0.0.1 */
    bool never_pinged;
};

int fake_trunk_open(struct fake_trunk *t); /* a free port */
void fake_trunk_close(struct fake_trunk *t);
/* Plain G.711 SDP with this audio port; more: lines after it. */
const char *fake_trunk_sdp(char *buf, size_t sz, uint16_t port, const char *more);

#endif
