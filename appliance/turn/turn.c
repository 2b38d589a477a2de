/* turn/turn: see turn.h. */
#include "turn/turn.h"

#include "core/metric.h"
#include "net/udp_set.h"
#include "turn/relay.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct turn {
    struct relay *relay;
    _Atomic uint32_t allocations_max;
};

/* ---- figures ---- */

struct figure {
    const char *name, *labels, *help;
    enum metric_type type;
    size_t at;  /* in struct relay_figures */
    bool small; /* uint32_t, else uint64_t */
};

#define NOW(name_, labels_, field, help_)                                                                    \
    {                                                                                                        \
        "dngate_turn_" name_, labels_, help_, METRIC_TYPE_GAUGE, offsetof(struct relay_figures, field), true \
    }
#define TOTAL(name_, labels_, field, help_)                                                                  \
    {                                                                                                        \
        "dngate_turn_" name_ "_total", labels_, help_, METRIC_TYPE_COUNTER,                                  \
            offsetof(struct relay_figures, field), false                                                     \
    }

static const char ended[] = "TURN allocations by what became of them",
                  refused[] = "What TURN refused, by reason",
                  dropped[] = "Datagrams and messages that TURN dropped, by reason",
                  packets[] = "Datagrams, STUN messages and ChannelData exchanged with TURN's clients",
                  bytes[] = "Bytes exchanged with TURN's clients, without UDP's, TCP's and TLS's own",
                  relayed[] = "Datagrams relayed, by direction",
                  relayed_bytes[] = "Payload relayed, by direction",
                  foreign[] = "Datagrams exchanged with peers that are not ours",
                  streams[] = "Connections to TURN that are open",
                  opened[] = "Connections to TURN since the start",
                  cut[] = "Connections to TURN that were refused or cut off, by reason";

static const struct figure figures[] = {
    NOW("allocations", NULL, server.allocations, "TURN allocations that are alive"),
    NOW("permissions", NULL, server.permissions, "Permissions of TURN allocations"),
    NOW("channels", NULL, server.channels, "Channels of TURN allocations"),
    NOW("users", NULL, server.users, "Users that have a TURN allocation"),
    TOTAL("allocations", "event=\"made\"", server.allocated, ended),
    TOTAL("allocations", "event=\"expired\"", server.expired, ended),
    TOTAL("allocations", "event=\"closed\"", server.closed, ended),
    TOTAL("allocations", "event=\"revoked\"", server.revoked, ended),
    TOTAL("bindings", NULL, server.binding, "STUN Binding requests answered"),
    TOTAL("challenges", NULL, server.challenged,
          "Requests told to come back with credentials or a new nonce (401, 438)"),
    TOTAL("refused", "reason=\"credentials\"", server.unauthorized, refused),
    TOTAL("refused", "reason=\"guessing\"", server.unread, refused),
    TOTAL("refused", "reason=\"peer\"", server.refused_peer, refused),
    TOTAL("refused", "reason=\"quota\"", server.refused_quota, refused),
    TOTAL("refused", "reason=\"capacity\"", server.refused_capacity, refused),
    TOTAL("refused", "reason=\"flood\"", server.silenced, refused),
    TOTAL("refused", "reason=\"malformed\"", server.malformed, refused),
    TOTAL("relayed_packets", "direction=\"to_peer\"", server.to_peer, relayed),
    TOTAL("relayed_packets", "direction=\"to_client\"", server.to_client, relayed),
    TOTAL("relayed_bytes", "direction=\"to_peer\"", server.to_peer_bytes, relayed_bytes),
    TOTAL("relayed_bytes", "direction=\"to_client\"", server.to_client_bytes, relayed_bytes),
    TOTAL("own_packets", NULL, server.own,
          "Of the datagrams relayed: with our own media workers, inside the process"),
    TOTAL("own_bytes", NULL, server.own_bytes, "Of the payload relayed: with our own media workers"),
    TOTAL("foreign_packets", "direction=\"in\"", relayed.in, foreign),
    TOTAL("foreign_packets", "direction=\"out\"", relayed.out, foreign),
    TOTAL("client_packets", "transport=\"udp\",direction=\"in\"", udp_in, packets),
    TOTAL("client_packets", "transport=\"udp\",direction=\"out\"", udp_out, packets),
    TOTAL("client_packets", "transport=\"tcp\",direction=\"in\"", streams.in[TURN_TCP], packets),
    TOTAL("client_packets", "transport=\"tcp\",direction=\"out\"", streams.out[TURN_TCP], packets),
    TOTAL("client_packets", "transport=\"tls\",direction=\"in\"", streams.in[TURN_TLS], packets),
    TOTAL("client_packets", "transport=\"tls\",direction=\"out\"", streams.out[TURN_TLS], packets),
    TOTAL("client_bytes", "transport=\"udp\",direction=\"in\"", udp_in_bytes, bytes),
    TOTAL("client_bytes", "transport=\"udp\",direction=\"out\"", udp_out_bytes, bytes),
    TOTAL("client_bytes", "transport=\"tcp\",direction=\"in\"", streams.in_bytes[TURN_TCP], bytes),
    TOTAL("client_bytes", "transport=\"tcp\",direction=\"out\"", streams.out_bytes[TURN_TCP], bytes),
    TOTAL("client_bytes", "transport=\"tls\",direction=\"in\"", streams.in_bytes[TURN_TLS], bytes),
    TOTAL("client_bytes", "transport=\"tls\",direction=\"out\"", streams.out_bytes[TURN_TLS], bytes),
    TOTAL("dropped", "reason=\"rate\"", server.dropped_rate, dropped),
    TOTAL("dropped", "reason=\"room\"", server.dropped_room, dropped),
    TOTAL("dropped", "reason=\"permission\"", server.dropped_permission, dropped),
    TOTAL("dropped", "reason=\"slow_reader\"", streams.dropped, dropped),
    TOTAL("dropped", "reason=\"unsent\"", relayed.unsent, dropped),
    TOTAL("dropped", "reason=\"no_worker\"", relayed.own_lost, dropped),
    NOW("streams", "transport=\"tcp\"", streams.now[TURN_TCP], streams),
    NOW("streams", "transport=\"tls\"", streams.now[TURN_TLS], streams),
    TOTAL("streams", "transport=\"tcp\"", streams.opened[TURN_TCP], opened),
    TOTAL("streams", "transport=\"tls\"", streams.opened[TURN_TLS], opened),
    TOTAL("streams_cut", "reason=\"limit\"", streams.refused, cut),
    TOTAL("streams_cut", "reason=\"silent\"", streams.timeouts, cut),
    TOTAL("streams_cut", "reason=\"slow_reader\"", streams.slow, cut),
    TOTAL("streams_cut", "reason=\"not_turn\"", streams.garbage, cut),
    NOW("relay_sockets", NULL, relayed.sockets, "UDP sockets open for peers that are not ours"),
};

static double value_of(const struct figure *row, const struct relay_figures *f)
{
    const void *p = (const uint8_t *)f + row->at;

    return row->small ? (double)*(const uint32_t *)p : (double)*(const uint64_t *)p;
}

static void collect_h(struct buf *out, void *arg)
{
    const struct turn *t = arg;
    struct relay_figures f;
    double cpu_seconds;

    relay_figures(t->relay, &f, &cpu_seconds);
    for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
        const struct figure *row = &figures[i];

        metric_sample(out, row->type, row->name, row->labels, value_of(row, &f), row->help);
    }
    metric_sample(out, METRIC_TYPE_COUNTER, "dngate_turn_cpu_seconds_total", NULL, cpu_seconds,
                  "CPU time of the thread that serves STUN and TURN");
    metric_limit(out, "turn_allocations", f.server.allocations, t->allocations_max);
    metric_limit(out, "turn_relay_ports", f.relayed.open, f.relayed.open_max);
    metric_limit(out, "turn_streams", f.streams.now[TURN_TCP] + f.streams.now[TURN_TLS], STREAMS_MAX);
    metric_limit(out, "turn_strangers", f.streams.strangers, STREAMS_STRANGERS_MAX);
}

void turn_totals(const struct turn *t, struct turn_totals *out)
{
    struct relay_figures f;
    double cpu_seconds;

    memset(out, 0, sizeof(*out));
    if (!t)
        return;
    relay_figures(t->relay, &f, &cpu_seconds);
    out->allocations = f.server.allocations;
    out->bytes = f.udp_in_bytes + f.udp_out_bytes;
    for (int way = TURN_TCP; way <= TURN_TLS; way++)
        out->bytes += f.streams.in_bytes[way] + f.streams.out_bytes[way];
}

/* ---- start and stop ---- */

int turn_start(struct turn **tp, const struct turn_setup *setup, char *why, size_t whysz)
{
    struct turn *t;
    int err;

    if (!setup->bind_count || setup->bind_count > UDP_BINDS_MAX || setup->relayed_count > TURN_FAMILIES) {
        snprintf(why, whysz, "TURN: no address to listen at, or too many");
        return EINVAL;
    }
    t = calloc(1, sizeof(*t));
    if (!t)
        return ENOMEM;
    t->allocations_max = setup->server.limits.allocations;
    err = relay_alloc(&t->relay, setup, why, whysz);
    if (!err)
        err = metric_collector(collect_h, t);
    if (err)
        turn_stop(t);
    else
        *tp = t;
    return err;
}

void turn_stop(struct turn *t)
{
    if (!t)
        return;
    metric_collector_remove(collect_h, t);
    relay_free(t->relay);
    free(t);
}

uint16_t turn_port(const struct turn *t)
{
    return relay_port(t->relay);
}

/* ---- what travels to the thread ---- */

int turn_adopt(struct turn *t, const struct turn_stream_in *in)
{
    const struct relay_msg m = {.command = RELAY_ADOPT, .u.in = *in};

    return relay_post(t->relay, &m);
}

/* In one block, so that who takes it has one thing to free. */
static struct turn_rules *rules_copy(const struct turn_rules *rules)
{
    size_t own = rules->own_n * sizeof(*rules->own), box = rules->box_n * sizeof(*rules->box),
           allow = rules->allow_n * sizeof(*rules->allow);
    struct turn_rules *copy = malloc(sizeof(*copy) + own + box + allow);
    uint8_t *p = (uint8_t *)(copy + 1);

    if (!copy)
        return NULL;
    *copy = *rules;
    if (own)
        copy->own = memcpy(p, rules->own, own);
    if (box)
        copy->box = memcpy(p + own, rules->box, box);
    if (allow)
        copy->allow = memcpy(p + own + box, rules->allow, allow);
    return copy;
}

int turn_set_rules(struct turn *t, const struct turn_rules *rules)
{
    struct relay_msg m = {.command = RELAY_RULES, .u.rules = rules_copy(rules)};
    int err = m.u.rules ? relay_post(t->relay, &m) : ENOMEM;

    if (err)
        free(m.u.rules);
    return err;
}

int turn_set_told(struct turn *t, const struct addr *told, size_t count)
{
    struct relay_msg m = {.command = RELAY_TOLD, .u.told.count = count};

    if (count > TURN_FAMILIES)
        return EINVAL;
    memcpy(m.u.told.v, told, count * sizeof(*told));
    return relay_post(t->relay, &m);
}

int turn_set_limits(struct turn *t, const struct turn_limits *limits)
{
    const struct relay_msg m = {.command = RELAY_LIMITS, .u.limits = *limits};
    int err = relay_post(t->relay, &m);

    if (!err)
        t->allocations_max = limits->allocations;
    return err;
}

static int user_post(struct turn *t, enum relay_command command, const char *name, const char *password)
{
    struct relay_msg m = {.command = command, .u.user.gone = !password};
    int err;

    if (strlen(name) >= sizeof(m.u.user.name) || (password && strlen(password) >= sizeof(m.u.user.password)))
        return EINVAL;
    memcpy(m.u.user.name, name, strlen(name) + 1);
    if (password)
        memcpy(m.u.user.password, password, strlen(password) + 1);
    err = relay_post(t->relay, &m);
    explicit_bzero(&m, sizeof(m));
    return err;
}

int turn_set_user(struct turn *t, const char *name, const char *password)
{
    return user_post(t, RELAY_USER, name, password);
}

int turn_learn(struct turn *t, const char *name)
{
    return user_post(t, RELAY_LEARN, name, NULL);
}

int turn_revoke(struct turn *t, const char *users, size_t count)
{
    struct relay_msg m = {.command = RELAY_REVOKE, .u.revoked.count = count};
    size_t n = 0;
    int err;

    for (size_t i = 0; i < count; i++)
        n += strlen(users + n) + 1;
    m.u.revoked.names = malloc(n + 1);
    if (!m.u.revoked.names)
        return ENOMEM;
    memcpy(m.u.revoked.names, users, n);
    err = relay_post(t->relay, &m);
    if (err)
        free(m.u.revoked.names);
    return err;
}
