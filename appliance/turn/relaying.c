/* turn/relaying: data from clients to peers and back (RFC 8656 11 and 12). Nothing here allocates. */
#include "turn/state.h"

#include "core/rnd.h"

#include <string.h>

enum {
    DATA_INDICATION_HEAD = STUN_HDR_LEN + 24 /* XOR-PEER-ADDRESS */ + 4 /* DATA */,
    DATA_MOST = 65535 - DATA_INDICATION_HEAD - 3
};

static size_t padded(size_t n)
{
    return (n + 3) & ~(size_t)3;
}

/* Whether the user's bandwidth has room for it. */
static bool afford(struct turn_server *s, struct allocation *a, size_t n)
{
    if (quota_spend(s->quota, a->share, n, s->now_us))
        return true;
    s->figures.dropped_rate++;
    return false;
}

static void count_own(struct turn_server *s, bool own, size_t n)
{
    s->figures.own += own;
    s->figures.own_bytes += own ? n : 0;
}

/* ---------------------------------------------------------------- from the client */

static void to_peer(struct turn_server *s, struct allocation *a, const struct addr *peer, bool own,
                    const uint8_t *p, size_t n, bool df)
{
    struct turn_relay *r = a->relay[relay_index(addr_af(peer))];

    if (!r) { /* its family was given up by a Refresh */
        s->figures.dropped_permission++;
        return;
    }
    if (!afford(s, a, n))
        return;
    s->figures.to_peer++;
    s->figures.to_peer_bytes += n;
    count_own(s, own, n);
    s->host.peer_send(s->arg, r, peer, own, p, n, df);
}

void server_channel_data(struct turn_server *s, const struct turn_flow *f, const uint8_t *p, size_t n)
{
    uint16_t number = (uint16_t)(p[0] << 8 | p[1]);
    size_t len = (size_t)(p[2] << 8 | p[3]);
    struct allocation *a;
    const struct channel *c;

    if (len > n - TURN_CHANNEL_HEAD) {
        s->figures.malformed++;
        return;
    }
    a = allocation_find(s->allocations, f);
    c = a ? channel_by_number(&a->channels, number, server_now_s(s)) : NULL;
    /* A channel lasts longer than its permission, without which nothing comes back either. */
    if (!c || !permission_find(&a->permissions, &c->peer, server_now_s(s))) {
        s->figures.dropped_permission++;
        return;
    }
    to_peer(s, a, &c->peer, c->own, p + TURN_CHANNEL_HEAD, len, false);
}

/* What the peer of a datagram is: its address has a permission, its port is judged where ports matter. */
static enum turn_peer kind_of(struct turn_server *s, const struct permission *perm, const struct addr *peer)
{
    if (perm->kinds == TURN_PEER_FOREIGN && addr_port(peer))
        return TURN_PEER_FOREIGN;
    return turn_policy_peer(s->policy, peer);
}

static bool has_unknown(const struct stun_view *v)
{
    static const uint16_t turns[] = {TURN_XOR_PEER_ADDRESS, TURN_ATTR_DATA, TURN_DONT_FRAGMENT};
    uint16_t unknown[STUN_UNKNOWN_MAX];
    size_t n = stun_unknown(v, unknown), known = 0;

    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < sizeof(turns) / sizeof(*turns); k++)
            known += unknown[i] == turns[k];
    return known < n;
}

void server_send_indication(struct turn_server *s, const struct turn_flow *f, const uint8_t *p, size_t n)
{
    const struct permission *perm;
    struct allocation *a;
    struct stun_view v;
    struct addr xored, peer;
    const uint8_t *data;
    enum turn_peer kind;
    size_t len, none;

    if (stun_parse(&v, p, n) || has_unknown(&v) || !stun_get_xaddr(&v, TURN_XOR_PEER_ADDRESS, &xored) ||
        !(data = stun_get(&v, TURN_ATTR_DATA, &len))) {
        s->figures.malformed++;
        return;
    }
    addr_set_sockaddr(&peer, &xored.u.sa); /* one spelling */
    a = allocation_find(s->allocations, f);
    perm = a ? permission_find(&a->permissions, &peer, server_now_s(s)) : NULL;
    if (!perm) {
        s->figures.dropped_permission++;
        return;
    }
    kind = kind_of(s, perm, &peer);
    if (kind == TURN_PEER_REFUSED) {
        s->figures.refused_peer++;
        return;
    }
    to_peer(s, a, &peer, kind == TURN_PEER_OWN, data, len, stun_get(&v, TURN_DONT_FRAGMENT, &none) != NULL);
}

/* ---------------------------------------------------------------- from the peer */

static bool push_channel(struct turn_server *s, const struct turn_flow *f, uint16_t number, const uint8_t *p,
                         size_t n)
{
    size_t len = TURN_CHANNEL_HEAD + (turn_flow_is_stream(f) ? padded(n) : n);
    uint8_t *to = s->host.room(s->arg, f, len);

    if (!to)
        return false;
    to[0] = (uint8_t)(number >> 8);
    to[1] = (uint8_t)number;
    to[2] = (uint8_t)(n >> 8);
    to[3] = (uint8_t)n;
    if (n)
        memcpy(to + TURN_CHANNEL_HEAD, p, n);
    memset(to + TURN_CHANNEL_HEAD + n, 0, len - TURN_CHANNEL_HEAD - n);
    s->host.push(s->arg, f, len);
    return true;
}

/* Randomness by the block: a system call per packet would be its greatest cost. */
static const uint8_t *fresh_tid(struct turn_server *s)
{
    if (s->random_used + STUN_TID_LEN > sizeof(s->random)) {
        rnd_bytes(s->random, sizeof(s->random));
        s->random_used = 0;
    }
    s->random_used += STUN_TID_LEN;
    return s->random + s->random_used - STUN_TID_LEN;
}

static bool push_indication(struct turn_server *s, const struct turn_flow *f, const struct addr *peer,
                            const uint8_t *p, size_t n)
{
    size_t len = DATA_INDICATION_HEAD + padded(n);
    uint8_t *to = s->host.room(s->arg, f, len);
    struct stun_writer w;

    if (!to)
        return false;
    stun_begin(&w, to, len, TURN_DATA, STUN_INDICATION, fresh_tid(s));
    stun_put_xaddr(&w, TURN_XOR_PEER_ADDRESS, peer);
    stun_put(&w, TURN_ATTR_DATA, p, n);
    if (stun_end(&w, &len))
        return false;
    s->host.push(s->arg, f, len);
    return true;
}

void turn_server_from_peer(struct turn_server *s, struct turn_relay *r, const struct addr *peer, bool own,
                           const uint8_t *p, size_t n, uint64_t now_us)
{
    struct allocation *a = r->owner;
    const struct permission *perm;
    const struct channel *c;
    bool pushed;

    s->now_us = now_us;
    perm = a && n <= DATA_MOST ? permission_find(&a->permissions, peer, server_now_s(s)) : NULL;
    if (!perm) {
        s->figures.dropped_permission++;
        return;
    }
    /* whoever writes a worker's address on a datagram of the network is not that worker */
    if (kind_of(s, perm, peer) != (own ? TURN_PEER_OWN : TURN_PEER_FOREIGN)) {
        s->figures.refused_peer++;
        return;
    }
    if (own)
        a->own_s = server_now_s(s);
    if (!afford(s, a, n))
        return;
    c = channel_by_peer(&a->channels, peer, server_now_s(s));
    pushed = c ? push_channel(s, &a->flow, c->number, p, n) : push_indication(s, &a->flow, peer, p, n);
    if (!pushed) {
        s->figures.dropped_room++;
        return;
    }
    s->figures.to_client++;
    s->figures.to_client_bytes += n;
    count_own(s, own, n);
}
