/*
 * turn/server: a STUN and TURN server (RFC 8489, RFC 8656) without sockets, threads or a clock: whole messages of clients and
 * datagrams of peers in, answers and relayed data out through its host.
 *
 *   client ── turn_server_recv() ──► server ── host.peer_send() ──► peer
 *   client ◄── host.room(), push() ── server ◄── turn_server_from_peer() ── peer
 *
 * One thread (RELAY) calls everything here, and the host's functions are called within those calls, on that thread. The host must not call
 * back into the server from them. Nothing is kept for anybody who has not shown a credential; a relayed packet allocates nothing.
 */
#ifndef TURN_SERVER_H
#define TURN_SERVER_H

#include "core/addr.h"
#include "turn/auth.h"
#include "turn/flow.h"
#include "turn/policy.h"
#include "turn/quota.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct turn_server;
struct allocation;

enum {
    TURN_MSG_MAX =
        65535 + 4 + 20, /* longer ones can't be framed: ChannelData's and STUN's length fields have 16 bits */
    TURN_CHANNEL_HEAD = 4,
    TURN_CALL_SECONDS = 30,    /* a call whose worker has been silent for so long is over */
    TURN_RESERVED_SECONDS = 30 /* RFC 8656 7.2: how long a reserved port waits for its RESERVATION-TOKEN */
};

/*
 * A relayed transport address. The host's own struct begins with it; the host makes it in relay_open() and frees it in relay_close().
 * `owner` is the server's (NULL while the port is only reserved) and nobody else writes it.
 */
struct turn_relay {
    struct addr addr; /* as clients and peers are told: XOR-RELAYED-ADDRESS */
    struct allocation *owner;
};

enum turn_port {
    TURN_PORT_ANY,
    TURN_PORT_EVEN,   /* EVEN-PORT */
    TURN_PORT_RESERVE /* EVEN-PORT with its R bit: an even port, and the next one, too */
};

struct turn_host {
    /*
     * Room for one whole message of n bytes (a stream's padding included) towards a flow, or NULL when its queue is full: then it is dropped
     * and counted by the server. Followed at once by push() with at most n, or by the next room(), which forgets it. The server never
     * reads what it wrote there.
     */
    uint8_t *(*room)(void *arg, const struct turn_flow *f, size_t n);
    void (*push)(void *arg, const struct turn_flow *f, size_t n);
    /*
     * A relayed address of family af. For TURN_PORT_RESERVE *next is the one that is kept, an address and handle of its own. 0, or
     * EAFNOSUPPORT (440) when we have no address of that family; anything else is 508. On error nothing is open.
     */
    int (*relay_open)(void *arg, int af, enum turn_port port, struct turn_relay **rp,
                      struct turn_relay **next);
    void (*relay_close)(void *arg, struct turn_relay *r);
    /* The address is this client's from now on, to its end. */
    void (*relay_given)(void *arg, struct turn_relay *r, const struct turn_flow *f);
    /* Called before the first permission for a peer that is none of our own workers: the address needs a socket from now on. May
     * be called again. An errno answers 508. */
    int (*relay_foreign)(void *arg, struct turn_relay *r);
    /* A datagram from r to a peer; own: it is a worker of ours, never leaves the process. df: DONT-FRAGMENT was asked. The bytes are the
     * caller's again when it returns. Never fails: what can't be sent is dropped, as networks do. */
    void (*peer_send)(void *arg, struct turn_relay *r, const struct addr *peer, bool own, const uint8_t *p,
                      size_t n, bool df);
};

struct turn_config {
    const char *realm;  /* copied */
    const void *secret; /* copied: the key of REST credentials, 16..64 bytes */
    size_t secret_len;
    struct turn_limits limits; /* turn/quota */
};

/* What has happened since the start, and what is there now. */
struct turn_figures {
    uint32_t allocations, permissions, channels, users; /* now */
    uint64_t allocated, expired,
        closed; /* allocations: made; ended by time; by their client or its connection */
    uint64_t binding, challenged,
        silenced;          /* Binding answered; 401 and 438 sent; not answered any more (quota) */
    uint64_t unauthorized; /* a credential that was shown and is wrong or over */
    uint64_t
        unread; /* a credential that was not looked at: too many wrong ones came from there, or of that name */
    uint64_t revoked;      /* allocations that ended because their user's credentials were revoked */
    uint64_t refused_peer; /* by the policy: 403, or data dropped */
    uint64_t refused_quota, refused_capacity; /* 486; 508 */
    uint64_t malformed; /* neither STUN nor ChannelData, or broken; nothing was answered */
    uint64_t to_peer, to_peer_bytes, to_client, to_client_bytes; /* relayed datagrams and their payload */
    uint64_t own, own_bytes; /* of these, both ways: with our own workers */
    uint64_t dropped_rate, dropped_room,
        dropped_permission; /* bandwidth of the user; host's room; no (valid) permission or channel */
};

/* ENOMEM, EINVAL. The host is copied. turn_server_tick() must come before the first message. */
int turn_server_alloc(struct turn_server **sp, const struct turn_config *c, const struct turn_host *host,
                      void *arg);
/* Closes all relayed addresses; calls no push(). */
void turn_server_free(struct turn_server *s);

/* The parts that an administrator's changes go to. */
struct turn_auth *turn_server_auth(struct turn_server *s);
/* A policy takes effect at once: permissions and channels that it no longer allows are gone. EINVAL, ENOMEM: as before. */
int turn_server_set_policy(struct turn_server *s, const struct turn_rules *rules);
void turn_server_set_limits(struct turn_server *s, const struct turn_limits *l);
/* REST credentials of these users (as turn_auth_revoke() has them) that were given out until now are not good any more. Their allocations end,
 * but for those by which a worker of ours has sent within TURN_CALL_SECONDS: they end with their call. False: others had to be forgotten. */
bool turn_server_revoke(struct turn_server *s, const char *users, size_t count);

/* One whole message of a client: a datagram, or a STUN message or ChannelData (without its padding) of a stream. Anything else is
 * counted and dropped. */
void turn_server_recv(struct turn_server *s, const struct turn_flow *f, const uint8_t *p, size_t n,
                      uint64_t now_us);
/* A datagram that came for a relayed address. own: from a worker of ours through this process, which the network can't claim. */
void turn_server_from_peer(struct turn_server *s, struct turn_relay *r, const struct addr *peer, bool own,
                           const uint8_t *p, size_t n, uint64_t now_us);
/* The stream of a flow is gone: so is its allocation (RFC 8656 6). Cheap when it had none. */
void turn_server_flow_closed(struct turn_server *s, const struct turn_flow *f);
/* Ends what is over. now_us monotonic, unix_s the wall clock that credentials are judged by. Call it at least once a second; costs
 * what has expired. */
void turn_server_tick(struct turn_server *s, uint64_t now_us, int64_t unix_s);
/* Any allocation on this flow? (For the relay thread's idle limits on streams.) */
bool turn_server_has_allocation(const struct turn_server *s, const struct turn_flow *f);
void turn_server_figures(const struct turn_server *s, struct turn_figures *out);

#endif
