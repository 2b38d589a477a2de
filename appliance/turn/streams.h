/*
 * turn/streams: all TCP and TLS connections of the RELAY thread: accepted here on turn.port, or adopted from WEB after their handshake.
 *
 * A stranger is one without an allocation. There are STREAMS_STRANGERS_MAX of them, STREAMS_PER_SOURCE of one source (an IPv4 address,
 * an IPv6 /64), and when another comes the one that has been silent for longest goes. A stranger has STREAMS_FIRST_MS for its first
 * whole message and goes STREAMS_IDLE_MS after its last. A connection with an allocation lives as long as that, however many of a source.
 *
 * Owner: the RELAY thread. Messages go to the server within streams' own calls; the server's answers come back by streams_room() and
 * streams_push() within those. A connection that has ended is only marked then, and is closed by streams_round().
 */
#ifndef TURN_STREAMS_H
#define TURN_STREAMS_H

#include "core/addr.h"
#include "turn/flow.h"
#include "turn/turn.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct streams;
struct poller;
struct turn_server;

enum {
    STREAMS_MAX = 4096,
    STREAMS_STRANGERS_MAX = 1024,
    STREAMS_PER_SOURCE = 256, /* an office behind one address comes back all at once */
    STREAMS_FIRST_MS = 10000,
    STREAMS_IDLE_MS = 60000,
    STREAMS_TICK_MS = 1000,
};

struct streams_count {                     /* since the start, unless it says otherwise */
    uint32_t now[TURN_TLS + 1], strangers; /* now */
    uint64_t opened[TURN_TLS + 1];
    uint64_t refused, timeouts, slow,
        garbage;      /* too many; strangers cut off; who does not read; neither STUN nor ChannelData */
    uint64_t dropped; /* messages that waited for too long, or are too long themselves */
    uint64_t in[TURN_TLS + 1], out[TURN_TLS + 1], in_bytes[TURN_TLS + 1], out_bytes[TURN_TLS + 1];
};

int streams_alloc(struct streams **sp, struct poller *p, struct turn_server *server); /* ENOMEM */
/* Closes all; the server must be there still. */
void streams_free(struct streams *s);

/* Listens for TCP on each of the addresses (their port is not looked at). errno of socket, bind and listen; nothing is open then. */
int streams_listen(struct streams *s, const struct addr *binds, size_t count, uint16_t port);
/* What in owns is the stream's from here on, whatever happens. */
void streams_adopt(struct streams *s, struct turn_stream_in *in, uint64_t now_us);

/* For struct turn_host. */
uint8_t *streams_room(struct streams *s, const struct turn_flow *f, size_t n);
void streams_push(struct streams *s, const struct turn_flow *f, size_t n);

/* The time, for all that comes until the next round. */
void streams_now(struct streams *s, uint64_t now_us);
/* After all that was ready has been handled: ends whose time is up and closes what has ended. */
void streams_round(struct streams *s, uint64_t now_us);
/* When streams_round() has something to do though nothing came: POLLER_FOREVER without connections. */
uint64_t streams_due_us(const struct streams *s);
void streams_counts(const struct streams *s, struct streams_count *out);

#endif
