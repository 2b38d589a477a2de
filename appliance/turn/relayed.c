/* turn/relayed: see relayed.h. */
#include "turn/relayed.h"

#include "net/poller.h"
#include "net/udp.h"
#include "net/wire.h"
#include "turn/portpool.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

enum {
    WIRE_BATCH = 64,
    WIRE_ROUNDS = 8,
    TRIES = 16,        /* to find a port that no other program has */
    SOCKET_ROUNDS = 4, /* batches of one socket before the others get their turn */
};

struct relayed {
    struct turn_relay relay; /* first: the server's handle */
    struct relayeds *all;
    const struct turn_relayed *at;
    struct udp udp;
    struct poller_watch watch;
    bool df; /* how the socket is set */
    struct relayed *next_gone;
};

struct relayeds {
    struct relayed_config cfg;
    struct turn_relayed at[TURN_FAMILIES];
    size_t at_count;
    uint16_t min;
    uint8_t tos;
    bool foreign;                        /* are allowed */
    struct addr reached[WIRE_ADDRS_MAX]; /* what is told, and was before; the latest first */
    size_t reached_count;
    struct portpool *ports;
    struct relayed **by_port; /* from min on */
    struct relayed *gone;
    struct relayed_count count;
};

static struct relayed *relayed_of(struct turn_relay *r)
{
    return (struct relayed *)r;
}

/* ---- ports ---- */

static struct turn_relayed *at_family(struct relayeds *s, int af)
{
    for (size_t i = 0; i < s->at_count; i++)
        if (addr_af(&s->at[i].told) == af)
            return &s->at[i];
    return NULL;
}

/* The poller may have it among those that are ready: relayed_round() frees it. */
static void relayed_drop(struct relayeds *s, struct relayed *r)
{
    uint16_t port = addr_port(&r->relay.addr);

    if (r->udp.fd >= 0)
        s->count.sockets--;
    udp_close(&r->udp);
    s->by_port[port - s->min] = NULL;
    if (s->cfg.wire)
        wire_release(s->cfg.wire, port);
    portpool_give(s->ports, port);
    r->next_gone = s->gone;
    s->gone = r;
}

void relayed_round(struct relayeds *s)
{
    while (s->gone) {
        struct relayed *r = s->gone;

        s->gone = r->next_gone;
        free(r);
    }
}

/* ---- foreign peers ---- */

static void ready_h(void *arg)
{
    struct relayed *r = arg;
    const struct relayed_config *cfg = &r->all->cfg;
    struct relayed_count *count = &r->all->count;
    size_t n = r->udp.fd < 0 ? 0 : UDP_BATCH; /* closed since it was found ready */

    for (unsigned round = 0; round < SOCKET_ROUNDS && n == UDP_BATCH; round++) {
        n = udp_read(cfg->reader, &r->udp);
        for (size_t i = 0; i < n; i++) {
            const struct udp_packet *p = udp_packet(cfg->reader, i);

            count->in++;
            count->in_bytes += p->n;
            if (p->n) /* else it is longer than what we relay */
                cfg->h(&r->relay, &p->src, false, p->p, p->n, cfg->arg);
        }
    }
}

/* Routers may cut what we relay unless its client asked otherwise (RFC 8656 14.9). */
static void set_df(struct relayed *r, bool df)
{
    int v4 = df ? IP_PMTUDISC_DO : IP_PMTUDISC_DONT, v6 = df ? IPV6_PMTUDISC_DO : IPV6_PMTUDISC_DONT;

    if (r->udp.in6)
        (void)setsockopt(r->udp.fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &v6, sizeof(v6));
    else
        (void)setsockopt(r->udp.fd, IPPROTO_IP, IP_MTU_DISCOVER, &v4, sizeof(v4));
    r->df = df;
}

int relayed_foreign(struct relayeds *s, struct turn_relay *relay)
{
    struct relayed *r = relayed_of(relay);
    struct addr at = r->at->bound;
    int err;

    if (r->udp.fd >= 0)
        return 0;
    addr_set_port(&at, addr_port(&relay->addr));
    err = udp_bind(&r->udp, &at, false, 0);
    if (err)
        return err;
    r->watch = (struct poller_watch){ready_h, r};
    err = poller_watch(s->cfg.poller, r->udp.fd, &r->watch);
    if (err) {
        udp_close(&r->udp);
        return err;
    }
    udp_tos(&r->udp, s->tos);
    set_df(r, false);
    s->count.sockets++;
    return 0;
}

void relayed_send(struct relayeds *s, struct turn_relay *relay, const struct addr *peer, bool own,
                  const uint8_t *p, size_t n, bool df)
{
    struct relayed *r = relayed_of(relay);

    if (own) {
        if (!s->cfg.wire || !wire_send(s->cfg.wire, &relay->addr, peer, p, n))
            s->count.own_lost++;
        return;
    }
    if (r->udp.fd < 0)
        return;
    if (df != r->df)
        set_df(r, df);
    if (udp_transmit(&r->udp, p, n, NULL, peer)) {
        s->count.unsent++;
        return;
    }
    s->count.out++;
    s->count.out_bytes += n;
}

/* ---- addresses ---- */

/* port is taken, and given back on error: ENOMEM, EADDRINUSE. */
static int relayed_make(struct relayeds *s, const struct turn_relayed *at, uint16_t port,
                        struct turn_relay **rp)
{
    struct relayed *r = calloc(1, sizeof(*r));
    int err = r ? 0 : ENOMEM;

    if (!err && s->cfg.wire)
        err = wire_claim(s->cfg.wire, port);
    if (err) {
        free(r);
        portpool_give(s->ports, port);
        return err;
    }
    r->relay.addr = at->told;
    addr_set_port(&r->relay.addr, port);
    r->all = s;
    r->at = at;
    r->udp.fd = -1;
    s->by_port[port - s->min] = r;
    if (s->foreign && relayed_foreign(s, &r->relay) == EADDRINUSE) {
        relayed_drop(s, r);
        return EADDRINUSE;
    }
    *rp = &r->relay;
    return 0;
}

static int open_once(struct relayeds *s, const struct turn_relayed *at, enum turn_port want,
                     struct turn_relay **rp, struct turn_relay **next)
{
    static const enum portpool_want wants[] = {[TURN_PORT_ANY] = PORTPOOL_ANY,
                                               [TURN_PORT_EVEN] = PORTPOOL_EVEN,
                                               [TURN_PORT_RESERVE] = PORTPOOL_PAIR};
    uint16_t port;
    int err = portpool_take(s->ports, wants[want], &port);

    if (err)
        return err;
    err = relayed_make(s, at, port, rp);
    if (want != TURN_PORT_RESERVE)
        return err;
    if (err) {
        portpool_give(s->ports, (uint16_t)(port + 1));
        return err;
    }
    err = relayed_make(s, at, (uint16_t)(port + 1), next);
    if (err)
        relayed_drop(s, relayed_of(*rp));
    return err;
}

int relayed_open(struct relayeds *s, int af, enum turn_port want, struct turn_relay **rp,
                 struct turn_relay **next)
{
    const struct turn_relayed *at = at_family(s, af);
    int err = at ? EADDRINUSE : EAFNOSUPPORT;

    for (unsigned i = 0; i < TRIES && err == EADDRINUSE; i++)
        err = open_once(s, at, want, rp, next);
    return err;
}

void relayed_close(struct relayeds *s, struct turn_relay *r)
{
    relayed_drop(s, relayed_of(r));
}

/* Peers of ours may ask whom they talk to. */
void relayed_given(struct relayeds *s, const struct turn_relay *r, const struct turn_flow *f)
{
    static const enum wire_transport by[] = {
        [TURN_UDP] = WIRE_UDP, [TURN_TCP] = WIRE_TCP, [TURN_TLS] = WIRE_TLS};
    const struct wire_behind who = {by[f->proto], f->client};

    if (s->cfg.wire)
        wire_stands_for(s->cfg.wire, addr_port(&r->addr), &who);
}

/* From now on the wire leads there; the address that was told longest ago makes room. */
static void reached_add(struct relayeds *s, const struct addr *a)
{
    size_t i = 0;

    while (i < s->reached_count && !addr_eq_ip(&s->reached[i], a))
        i++;
    if (i == s->reached_count && i < WIRE_ADDRS_MAX)
        s->reached_count++;
    for (i = i < WIRE_ADDRS_MAX ? i : WIRE_ADDRS_MAX - 1; i > 0; i--)
        s->reached[i] = s->reached[i - 1];
    s->reached[0] = *a;
}

void relayed_tell(struct relayeds *s, const struct addr *told, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct turn_relayed *at = at_family(s, addr_af(&told[i]));

        if (!at)
            continue;
        at->told = told[i];
        reached_add(s, &told[i]);
    }
    if (s->cfg.wire)
        wire_move(s->cfg.wire, s->reached, s->reached_count);
}

void relayed_set_foreign(struct relayeds *s, bool allowed)
{
    s->foreign = allowed;
}

/* ---- peers of ours ---- */

void relayed_wire_read(struct relayeds *s)
{
    struct wire_packet v[WIRE_BATCH];
    size_t n = s->cfg.wire ? WIRE_BATCH : 0;

    for (unsigned round = 0; round < WIRE_ROUNDS && n == WIRE_BATCH; round++) {
        n = wire_read(s->cfg.wire, v, WIRE_BATCH);
        s->count.own_in += n;
        for (size_t i = 0; i < n; i++) {
            size_t at = (size_t)(addr_port(&v[i].dst) - s->min); /* below min it is far above the last */
            struct relayed *r = at < portpool_size(s->ports) ? s->by_port[at] : NULL;

            if (r && addr_eq(&r->relay.addr, &v[i].dst)) /* else it has been closed meanwhile */
                s->cfg.h(&r->relay, &v[i].src, true, v[i].p, v[i].n, s->cfg.arg);
        }
    }
}

/* ---- start and stop ---- */

void relayed_counts(const struct relayeds *s, struct relayed_count *out)
{
    *out = s->count;
    out->open = portpool_taken(s->ports);
    out->open_max = portpool_size(s->ports);
}

int relayed_alloc(struct relayeds **sp, const struct relayed_config *cfg)
{
    struct relayeds *s = calloc(1, sizeof(*s));
    int err;

    if (!s)
        return ENOMEM;
    s->cfg = *cfg;
    s->at_count = cfg->setup->relayed_count < TURN_FAMILIES ? cfg->setup->relayed_count : TURN_FAMILIES;
    for (size_t i = 0; i < s->at_count; i++) {
        s->at[i] = cfg->setup->relayed[i];
        reached_add(s, &s->at[i].told);
    }
    s->min = cfg->setup->relay_min;
    s->tos = cfg->setup->tos;
    err = portpool_alloc(&s->ports, s->min, cfg->setup->relay_max);
    if (!err) {
        s->by_port = calloc(portpool_size(s->ports), sizeof(*s->by_port));
        err = s->by_port ? 0 : ENOMEM;
    }
    if (err)
        relayed_free(s);
    else
        *sp = s;
    return err;
}

void relayed_free(struct relayeds *s)
{
    if (!s)
        return;
    relayed_round(s);
    portpool_free(s->ports);
    free(s->by_port);
    free(s);
}
