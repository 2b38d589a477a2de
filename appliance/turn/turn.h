/*
 * turn/turn: the TURN server as the application sees it. It runs on a thread of its own, RELAY (turn/relay), and everything here may be
 * called by any thread: what changes it travels by a mailbox.
 */
#ifndef TURN_TURN_H
#define TURN_TURN_H

#include "core/addr.h"
#include "turn/flow.h"
#include "turn/server.h"
#include <stddef.h>
#include <stdint.h>

struct turn;
struct tls;
struct wire;
struct buf;

enum { TURN_FAMILIES = 2, TURN_EARLY_MAX = 16384 };

/* Relayed addresses of one family. */
struct turn_relayed {
    struct addr told;  /* what clients and peers are told; port ignored */
    struct addr bound; /* what sockets for foreign peers bind to; port ignored */
};

struct turn_setup { /* copied, with all that it points to, but for wire */
    struct turn_config server;
    struct turn_rules rules;
    const struct addr *bind; /* 1..UDP_BINDS_MAX addresses for clients */
    size_t bind_count;
    uint16_t port; /* turn.port, UDP and TCP; 0 = any */
    struct turn_relayed relayed[TURN_FAMILIES];
    size_t relayed_count;
    uint16_t relay_min, relay_max;
    uint8_t tos;       /* DSCP << 2, towards clients and peers */
    struct wire *wire; /* must outlive it */
};

/* Opens the sockets and starts the thread. EADDRINUSE and others of bind, ENOMEM, EAGAIN, with words in why. */
int turn_start(struct turn **tp, const struct turn_setup *setup, char *why, size_t whysz);
/* Ends the thread; its allocations are gone, the credentials of their owners are not. t may be NULL. */
void turn_stop(struct turn *t);
/* Where it listens, both UDP and TCP. */
uint16_t turn_port(const struct turn *t);

/* Any thread; at most 1 s old. t may be NULL. */
struct turn_totals {
    uint32_t allocations;
    uint64_t bytes; /* exchanged with clients */
};
void turn_totals(const struct turn *t, struct turn_totals *out);

/* A connection that somebody else accepted. */
struct turn_stream_in {
    int fd;
    struct tls *tls;           /* NULL: plain TCP */
    struct addr client, local; /* with ports */
    uint8_t *early;            /* malloc'd: decrypted bytes that were read already; NULL: none */
    size_t early_n;            /* at most TURN_EARLY_MAX */
    /* The connection is over: called once, on the RELAY thread or by turn_stop(); may be NULL. */
    void (*goneh)(void *arg, const struct addr *client);
    void *arg;
};
/* fd, tls and early are the server's then. ENOBUFS: all stays the caller's, goneh is not called. */
int turn_adopt(struct turn *t, const struct turn_stream_in *in);

/* Changes of the administrator; all copied. ENOBUFS, ENOMEM, EINVAL; whatever else is wrong with them is logged. */
int turn_set_rules(struct turn *t, const struct turn_rules *rules);
/* What clients and peers are told from now on, at most one of a family; allocations that are there keep theirs. */
int turn_set_told(struct turn *t, const struct addr *told, size_t count);
int turn_set_limits(struct turn *t, const struct turn_limits *limits);
int turn_set_user(struct turn *t, const char *name, const char *password); /* password NULL: no longer */
/* REST credentials of these users (as turn_auth_revoke() has them) that were given out until now are not good any more. */
int turn_revoke(struct turn *t, const char *users, size_t count);
int turn_learn(struct turn *t, const char *name); /* a REST name was given out (turn_auth_learn) */

#endif
