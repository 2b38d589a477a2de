/*
 * turn/probe: a TURN client that asks who it is (STUN Binding) and for one allocation, which it gives back: what `dngate check` looks from
 * outside with. It waits; any thread that may.
 */
#ifndef TURN_PROBE_H
#define TURN_PROBE_H

#include "core/addr.h"

enum turn_probe_way { TURN_PROBE_UDP, TURN_PROBE_TCP, TURN_PROBE_TLS };

struct turn_probe {
    enum turn_probe_way way;
    struct addr server;
    const char *name, *password; /* NULL: Binding only */
};

struct turn_probe_found {
    struct addr mapped;  /* as the server sees us; unset: no answer to Binding */
    struct addr relayed; /* unset: no allocation */
    unsigned code;       /* of the error that refused it, 0 = none */
};

/* 0 when all that was asked for was had; ETIMEDOUT, ECONNREFUSED … of the network, EPROTO (no TLS, no STUN), EACCES: refused with
 * found->code. */
int turn_probe(const struct turn_probe *p, struct turn_probe_found *found);

#endif
