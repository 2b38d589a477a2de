/*
 * turn/relay: the RELAY thread: the sockets of turn.port read and written in batches, streams, relayed addresses, and time for the
 * server (turn/server) between them. Private to turn/; turn/turn is its door.
 *
 *   few packets a second:  sleep until something comes or is due
 *   many:                  sleep RELAY_NAP_US (very many: RELAY_LONG_NAP_US), so that what comes meanwhile is read and sent together
 *   then:                  time → commands → UDP, TCP, TLS, peers → wire → one sendmmsg a socket
 */
#ifndef TURN_RELAY_H
#define TURN_RELAY_H

#include "turn/relayed.h"
#include "turn/server.h"
#include "turn/streams.h"
#include "turn/turn.h"
#include <stddef.h>
#include <stdint.h>

struct relay;

enum {
    RELAY_NAP_US = 1000,
    RELAY_NAP_RATE =
        2000, /* packets a second from which on naps pay: fewer would be woken for one by one anyway */
    RELAY_LONG_NAP_US = 2000,
    RELAY_LONG_NAP_RATE = 6000, /* about 60 calls */
};

enum relay_command {
    RELAY_WAKE,
    RELAY_ADOPT,
    RELAY_RULES,
    RELAY_TOLD,
    RELAY_LIMITS,
    RELAY_USER,
    RELAY_LEARN,
    RELAY_REVOKE
};

struct relay_msg {
    enum relay_command command;
    union {
        struct turn_stream_in in;
        struct turn_rules *rules; /* one malloc'd block with all that it points to; the thread frees it */
        struct turn_limits limits;
        struct {
            struct addr v[TURN_FAMILIES];
            size_t count;
        } told;
        struct {
            char name[TURN_NAME_MAX + 1], password[TURN_PASSWORD_MAX + 1];
            bool gone;
        } user; /* RELAY_LEARN: the name of it */
        struct {
            char *names; /* malloc'd; the thread frees it */
            size_t count;
        } revoked;
    } u;
};

struct relay_figures {
    struct turn_figures server;
    struct streams_count streams;
    struct relayed_count relayed;
    uint64_t udp_in, udp_out, udp_in_bytes, udp_out_bytes;
};

/* As turn_start(). */
int relay_alloc(struct relay **rp, const struct turn_setup *setup, char *why, size_t whysz);
void relay_free(struct relay *r);
uint16_t relay_port(const struct relay *r);
/* Any thread. ENOBUFS; what msg owns stays the caller's then. */
int relay_post(struct relay *r, const struct relay_msg *msg);
/* Any thread: its figures, at most 1 s old while something goes on, and the CPU time of its thread. */
void relay_figures(const struct relay *r, struct relay_figures *f, double *cpu_seconds);

#endif
