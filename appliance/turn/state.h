/*
 * turn/state: what a server is made of, and the steps that its files share; private to them. server.c has its life and the way of a message,
 * allocate.c Allocate and Refresh, peering.c CreatePermission and ChannelBind, relaying.c the data both ways.
 */
#ifndef TURN_STATE_H
#define TURN_STATE_H

#include "turn/allocation.h"
#include "turn/codec.h"
#include "turn/guesses.h"
#include "turn/server.h"

enum { RESERVATIONS_MAX = 64, RESERVATIONS_PER_USER = 8, RANDOM_BYTES = 3 * 128 };

struct reservation { /* the port after an even one, kept for its token */
    struct turn_relay *relay;
    uint64_t token, user;
    uint64_t owner; /* whose share it is: quotas count the DN, not its names */
    uint32_t expires_s;
};

struct turn_server {
    struct turn_host host;
    void *arg;
    struct turn_auth *auth;
    struct turn_policy *policy;
    struct quota *quota;
    struct guesses *guesses;
    struct allocations *allocations;
    struct reservation reservations[RESERVATIONS_MAX];
    size_t reservation_n;
    struct turn_figures figures;
    uint64_t now_us;
    uint8_t random[RANDOM_BYTES]; /* for the transaction ids of Data indications */
    size_t random_used;
};

/* A request on its way to its answer. */
struct turning {
    struct turn_server *s;
    const struct turn_flow *flow;
    struct allocation *allocation; /* of the flow, or NULL */
    struct turn_msg m;
    struct turn_login login; /* klen 0: of a stranger */
    struct codec_answer answer;
};

static inline uint32_t server_now_s(const struct turn_server *s)
{
    return (uint32_t)(s->now_us / 1000000);
}

/* Sends the answer. */
void server_answer(struct turning *t);
void server_error(struct turning *t, unsigned code);
/* The user as allocations and reservations remember it. */
uint64_t server_user(const struct turning *t);
/* Gives everything back that an allocation has. */
void server_end(struct turn_server *s, struct allocation *a);
void server_close_relay(struct turn_server *s, struct turn_relay **rp);

void server_allocate(struct turning *t);
void server_refresh(struct turning *t);
void server_reservations_purge(struct turn_server *s, uint32_t now_s);

void server_create_permission(struct turning *t);
void server_channel_bind(struct turning *t);
/* Permissions and channels that the policy no longer allows. */
void server_rejudge(struct allocation *a, void *server);

void server_send_indication(struct turn_server *s, const struct turn_flow *f, const uint8_t *p, size_t n);
void server_channel_data(struct turn_server *s, const struct turn_flow *f, const uint8_t *p, size_t n);

#endif
