/* turn/relay: see relay.h. */
#include "turn/relay.h"

#include "core/clock.h"
#include "core/log.h"
#include "core/mbox.h"
#include "core/snapshot.h"
#include "crypto/tls.h"
#include "net/poller.h"
#include "net/udp_set.h"
#include "net/wire.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    COMMANDS_MAX = 1024,
    UDP_BUFFER = 4 << 20,
    UDP_ROUNDS = 8,  /* batches of one socket before the others get their turn */
    PORT_TRIES = 16, /* to find one that is free for UDP and TCP, where any will do */
    TICK_US = 500000,
    RATE_US = 100000, /* what comes is counted for so long before it is decided how to wait */
};

struct door { /* one UDP socket of turn.port */
    struct poller_watch watch;
    struct relay *relay;
    struct udp *udp;
    struct addr local; /* where packets that do not say it arrived */
};

struct relay {
    pthread_t thread;
    bool running;
    atomic_bool stop;
    struct poller *poller;
    struct mbox *commands;
    struct poller_watch command_watch, wire_watch;
    struct udp_set udp;
    struct door doors[UDP_BINDS_MAX];
    struct udp_reader *reader;
    struct udp_queue *queue; /* of all doors */
    struct wire_end *wire;
    struct relayeds *relayed;
    struct turn_server *server;
    struct streams *streams;
    uint64_t now_us, tick_us;
    bool idle;       /* nothing can be due */
    unsigned nap_us; /* 0: waits until something comes */
    uint64_t rate_us, rate_seen;
    SNAPSHOT(figures, struct relay_figures);
};

/* ---- what the server asks for ---- */

static uint8_t *room_h(void *arg, const struct turn_flow *f, size_t n)
{
    struct relay *r = arg;

    if (turn_flow_is_stream(f))
        return streams_room(r->streams, f, n);
    return n <= UDP_PACKET_MAX ? udp_queue_room(r->queue) : NULL;
}

static void push_h(void *arg, const struct turn_flow *f, size_t n)
{
    struct relay *r = arg;
    struct door *d = f->via;

    if (turn_flow_is_stream(f))
        streams_push(r->streams, f, n);
    else
        (void)udp_queue_push(r->queue, d->udp, n, &f->local, &f->client);
}

static int open_h(void *arg, int af, enum turn_port port, struct turn_relay **rp, struct turn_relay **next)
{
    struct relay *r = arg;

    return relayed_open(r->relayed, af, port, rp, next);
}

static void close_h(void *arg, struct turn_relay *relay)
{
    struct relay *r = arg;

    relayed_close(r->relayed, relay);
}

static void given_h(void *arg, struct turn_relay *relay, const struct turn_flow *f)
{
    struct relay *r = arg;

    relayed_given(r->relayed, relay, f);
}

static int foreign_h(void *arg, struct turn_relay *relay)
{
    struct relay *r = arg;

    return relayed_foreign(r->relayed, relay);
}

static void send_h(void *arg, struct turn_relay *relay, const struct addr *peer, bool own, const uint8_t *p,
                   size_t n, bool df)
{
    struct relay *r = arg;

    relayed_send(r->relayed, relay, peer, own, p, n, df);
}

static const struct turn_host host = {room_h, push_h, open_h, close_h, given_h, foreign_h, send_h};

static void peer_h(struct turn_relay *relay, const struct addr *peer, bool own, const uint8_t *p, size_t n,
                   void *arg)
{
    struct relay *r = arg;

    turn_server_from_peer(r->server, relay, peer, own, p, n, r->now_us);
}

/* ---- clients by UDP ---- */

static void door_ready_h(void *arg)
{
    struct door *d = arg;
    struct relay *r = d->relay;
    struct turn_flow f = {.proto = TURN_UDP, .via = d};
    size_t n = UDP_BATCH;

    for (unsigned round = 0; round < UDP_ROUNDS && n == UDP_BATCH; round++) {
        n = udp_read(r->reader, d->udp);
        for (size_t i = 0; i < n; i++) {
            const struct udp_packet *p = udp_packet(r->reader, i);

            f.client = p->src;
            f.local = d->local;
            if (addr_isset(&p->local, false)) {
                f.local = p->local;
                addr_set_port(&f.local, addr_port(&d->local));
            }
            if (p->n)
                turn_server_recv(r->server, &f, p->p, p->n, r->now_us);
        }
    }
}

/* ---- commands ---- */

static void tick(struct relay *r);

static int rules_set(struct relay *r, const struct turn_rules *rules)
{
    int err = turn_server_set_policy(r->server, rules);

    if (!err)
        relayed_set_foreign(r->relayed, rules->allow_n > 0 || rules->loopback);
    return err;
}

static void user_set(struct relay *r, const struct relay_msg *m)
{
    struct turn_auth *auth = turn_server_auth(r->server);
    int err;

    if (m->command == RELAY_LEARN)
        err = turn_auth_learn(auth, m->u.user.name);
    else
        err = turn_auth_set_user(auth, m->u.user.name, m->u.user.gone ? NULL : m->u.user.password);
    if (err)
        log_warn_limited("turn", "error=\"%s\" a user of TURN could not be taken over", strerror(err));
}

static void command_h(void *msg, void *arg)
{
    struct relay_msg *m = msg;
    struct relay *r = arg;
    int err = 0;

    switch (m->command) {
    case RELAY_WAKE:
        break;
    case RELAY_ADOPT:
        streams_adopt(r->streams, &m->u.in, r->now_us);
        break;
    case RELAY_RULES:
        err = rules_set(r, m->u.rules);
        free(m->u.rules);
        break;
    case RELAY_TOLD:
        relayed_tell(r->relayed, m->u.told.v, m->u.told.count);
        break;
    case RELAY_LIMITS:
        turn_server_set_limits(r->server, &m->u.limits);
        break;
    case RELAY_REVOKE:
        tick(r);         /* what was given out in this very second is of after it, and in no earlier one */
        r->idle = false; /* the round goes on, and may yet bring what will be due */
        if (!turn_server_revoke(r->server, m->u.revoked.names, m->u.revoked.count))
            log_warn_limited(
                "turn", "more DNs were disabled, removed or given passwords within hours than are kept: some "
                        "credentials of before stay good until they end");
        free(m->u.revoked.names);
        break;
    case RELAY_USER:
    case RELAY_LEARN:
        user_set(r, m);
        explicit_bzero(m, sizeof(*m));
        break;
    }
    if (err)
        log_error("turn", "error=\"%s\" who may be reached through TURN stays as it was", strerror(err));
}

static void command_ready_h(void *arg)
{
    struct relay *r = arg;

    (void)mbox_drain(r->commands, command_h, r);
}

static void command_drop_h(void *msg, void *arg)
{
    struct relay_msg *m = msg;

    (void)arg;
    if (m->command == RELAY_ADOPT) {
        tls_free(m->u.in.tls);
        close(m->u.in.fd);
        free(m->u.in.early);
        if (m->u.in.goneh)
            m->u.in.goneh(m->u.in.arg, &m->u.in.client);
    } else if (m->command == RELAY_RULES) {
        free(m->u.rules);
    } else if (m->command == RELAY_REVOKE) {
        free(m->u.revoked.names);
    } else if (m->command == RELAY_USER) {
        explicit_bzero(&m->u.user, sizeof(m->u.user));
    }
}

/* ---- figures ---- */

static void publish(struct relay *r, struct relay_figures *f)
{
    turn_server_figures(r->server, &f->server);
    streams_counts(r->streams, &f->streams);
    relayed_counts(r->relayed, &f->relayed);
    for (size_t i = 0; i < r->udp.count; i++) {
        f->udp_in += r->udp.v[i].in.packets;
        f->udp_in_bytes += r->udp.v[i].in.bytes;
        f->udp_out += r->udp.v[i].out.packets;
        f->udp_out_bytes += r->udp.v[i].out.bytes;
    }
    snapshot_store(r->figures, f, sizeof(*f));
}

void relay_figures(const struct relay *r, struct relay_figures *f, double *cpu_seconds)
{
    struct timespec ts = {0};
    clockid_t clock;

    snapshot_load(r->figures, f, sizeof(*f));
    if (!pthread_getcpuclockid(r->thread, &clock))
        (void)clock_gettime(clock, &ts);
    *cpu_seconds = (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* ---- the loop ---- */

static void tick(struct relay *r)
{
    struct relay_figures f = {0};

    turn_server_tick(r->server, r->now_us, clock_wall_ms() / 1000);
    r->tick_us = r->now_us + TICK_US;
    publish(r, &f);
    r->idle = !f.relayed.open && streams_due_us(r->streams) == POLLER_FOREVER;
}

/* came: something did, so that figures change. */
static void round_do(struct relay *r, bool came)
{
    r->now_us = clock_us();
    streams_now(r->streams, r->now_us);
    if (r->now_us >= r->tick_us)
        tick(r);
    r->idle = r->idle && !came;
    poller_handle(r->poller);
    relayed_wire_read(r->relayed);
    relayed_round(r->relayed);
    streams_round(r->streams, r->now_us);
    udp_queue_flush(r->queue);
}

static uint64_t packets_in(const struct relay *r)
{
    struct streams_count streams;
    struct relayed_count relayed;
    uint64_t n;

    streams_counts(r->streams, &streams);
    relayed_counts(r->relayed, &relayed);
    n = streams.in[TURN_TCP] + streams.in[TURN_TLS] + relayed.in + relayed.own_in;
    for (size_t i = 0; i < r->udp.count; i++)
        n += r->udp.v[i].in.packets;
    return n;
}

static void rate_measure(struct relay *r)
{
    uint64_t us = r->now_us - r->rate_us, seen, scaled;

    if (us < RATE_US)
        return;
    seen = packets_in(r);
    scaled = (seen - r->rate_seen) * 1000000;
    r->nap_us = scaled > RELAY_LONG_NAP_RATE * us ? RELAY_LONG_NAP_US
                : scaled > RELAY_NAP_RATE * us    ? RELAY_NAP_US
                                                  : 0;
    r->rate_us = r->now_us;
    r->rate_seen = seen;
}

static void nap(const struct relay *r)
{
    uint64_t us = r->now_us + r->nap_us;
    struct timespec ts = {.tv_sec = (time_t)(us / 1000000), .tv_nsec = (long)(us % 1000000) * 1000};

    (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

static uint64_t due_us(const struct relay *r)
{
    uint64_t us = streams_due_us(r->streams);

    if (!r->idle && r->tick_us < us)
        us = r->tick_us;
    return r->wire && !wire_sleep(r->wire) ? 0 : us;
}

static void *relay_main(void *arg)
{
    struct relay *r = arg;

    while (!atomic_load(&r->stop)) {
        uint64_t us = r->nap_us ? 0 : due_us(r);

        if (r->nap_us)
            nap(r);
        poller_wait(r->poller, us);
        round_do(r, r->nap_us || clock_us() < us);
        rate_measure(r);
    }
    return NULL;
}

/* ---- start and stop ---- */

static int doors_open(struct relay *r, const struct turn_setup *s)
{
    int err = 0;

    udp_set_tos(&r->udp, s->tos);
    for (size_t i = 0; i < r->udp.count && !err; i++) {
        struct door *d = &r->doors[i];

        d->watch = (struct poller_watch){door_ready_h, d};
        d->relay = r;
        d->udp = &r->udp.v[i];
        d->local = s->bind[i];
        addr_set_port(&d->local, udp_port(d->udp));
        err = poller_watch(r->poller, d->udp->fd, &d->watch);
    }
    return err;
}

/* turn.port for both UDP and TCP. */
static int port_open(struct relay *r, const struct turn_setup *s, const char **proto)
{
    int err = EADDRINUSE;

    for (unsigned i = 0; err == EADDRINUSE && i < (s->port ? 1 : PORT_TRIES); i++) {
        *proto = "UDP";
        err = udp_set_open(&r->udp, s->bind, s->bind_count, s->port, UDP_BUFFER);
        if (err)
            break;
        *proto = "TCP";
        err = streams_listen(r->streams, s->bind, s->bind_count, udp_set_port(&r->udp));
        if (err) {
            udp_set_close(&r->udp);
            r->udp = (struct udp_set){0};
        }
    }
    return err ? err : doors_open(r, s);
}

static int end_open(struct relay *r, const struct turn_setup *s)
{
    struct addr told[TURN_FAMILIES];
    int err;

    if (!s->wire)
        return 0;
    for (size_t i = 0; i < s->relayed_count; i++)
        told[i] = s->relayed[i].told;
    err = wire_open(&r->wire, s->wire, told, s->relayed_count);
    if (err)
        return err;
    return poller_watch(r->poller, wire_fd(r->wire), &r->wire_watch);
}

static void wire_ready_h(void *arg)
{
    struct relay *r = arg;

    wire_woken(r->wire); /* every round reads it anyway */
}

static int server_open(struct relay *r, const struct turn_setup *s)
{
    const struct relayed_config cfg = {
        .setup = s, .poller = r->poller, .reader = r->reader, .wire = r->wire, .h = peer_h, .arg = r};
    int err = relayed_alloc(&r->relayed, &cfg);

    if (!err)
        err = turn_server_alloc(&r->server, &s->server, &host, r);
    if (!err)
        err = rules_set(r, &s->rules);
    if (!err)
        err = streams_alloc(&r->streams, r->poller, r->server);
    return err;
}

static int thread_start(struct relay *r)
{
    sigset_t all, old;
    int err;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old); /* signals belong to the main thread */
    err = pthread_create(&r->thread, NULL, relay_main, r);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (err)
        return err;
    r->running = true;
    (void)pthread_setname_np(r->thread, "turn");
    return 0;
}

static int relay_open(struct relay *r, const struct turn_setup *s, const char **what)
{
    int err = poller_alloc(&r->poller);

    if (!err)
        err = mbox_alloc(&r->commands, "turn", sizeof(struct relay_msg), COMMANDS_MAX);
    if (!err)
        err = udp_reader_alloc(&r->reader);
    if (!err)
        err = udp_queue_alloc(&r->queue);
    r->command_watch = (struct poller_watch){command_ready_h, r};
    r->wire_watch = (struct poller_watch){wire_ready_h, r};
    if (!err)
        err = poller_watch(r->poller, mbox_fd(r->commands), &r->command_watch);
    if (!err)
        err = end_open(r, s);
    if (!err)
        err = server_open(r, s);
    if (err)
        return err;
    err = port_open(r, s, what);
    if (err)
        return err;
    *what = "thread";
    r->now_us = clock_us();
    tick(r);
    return thread_start(r);
}

int relay_alloc(struct relay **rp, const struct turn_setup *s, char *why, size_t whysz)
{
    struct relay *r = calloc(1, sizeof(*r));
    const char *what = "set-up";
    int err;

    if (!r)
        return ENOMEM;
    err = relay_open(r, s, &what);
    if (err) {
        snprintf(why, whysz, "TURN: %s, port %u (turn.port): %s", what, (unsigned)s->port, strerror(err));
        relay_free(r);
        return err;
    }
    *rp = r;
    return 0;
}

void relay_free(struct relay *r)
{
    struct relay_msg wake = {.command = RELAY_WAKE};

    if (!r)
        return;
    if (r->running) {
        atomic_store(&r->stop, true);
        (void)relay_post(r, &wake); /* a full mailbox has woken it already */
        pthread_join(r->thread, NULL);
    }
    streams_free(r->streams);
    turn_server_free(r->server);
    relayed_free(r->relayed);
    mbox_free(r->commands, command_drop_h, r);
    wire_close(r->wire);
    udp_queue_free(r->queue);
    udp_set_close(&r->udp);
    udp_reader_free(r->reader);
    poller_free(r->poller);
    free(r);
}

uint16_t relay_port(const struct relay *r)
{
    return udp_set_port(&r->udp);
}

int relay_post(struct relay *r, const struct relay_msg *msg)
{
    return mbox_post(r->commands, msg);
}
