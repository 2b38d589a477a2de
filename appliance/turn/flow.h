/*
 * turn/flow: a client as TURN sees it, the 5-tuple of RFC 8656 2: transport, the client's address and ours. A value, copied freely;
 * the relay thread's.
 */
#ifndef TURN_FLOW_H
#define TURN_FLOW_H

#include "core/addr.h"
#include <stdbool.h>

enum turn_proto { TURN_UDP, TURN_TCP, TURN_TLS };

struct turn_flow {
    enum turn_proto proto;
    struct addr client; /* where it came from, as this box sees it: goes into XOR-MAPPED-ADDRESS */
    struct addr local;  /* where it arrived: answers leave from there, and two of ours are two flows */
    void *via; /* the relay thread's own: the UDP socket or the stream. Not part of what tells flows apart. */
};

/* Framing of ChannelData (padding) and what may be sent without a length are a stream's. */
static inline bool turn_flow_is_stream(const struct turn_flow *f)
{
    return f->proto != TURN_UDP;
}

#endif
