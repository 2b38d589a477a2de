#include "service/network.h"
#include "conf/conf.h"
#include "core/snapshot.h"
#include "service/trunk.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct network_ports ports; /* main thread writes it before there is another */
static bool running;
static SNAPSHOT(last, struct network_look);

void network_begin(const struct network_ports *p)
{
    running = p != NULL;
    if (p)
        ports = *p;
}

void network_found(const struct network_look *l)
{
    snapshot_store(last, l, sizeof(*l));
}

const char *network_state_name(enum reach_verdict v)
{
    static const char *const names[] = {[REACH_OPEN] = "open",
                                        [REACH_CLOSED] = "closed",
                                        [REACH_UNKNOWN] = "unknown",
                                        [REACH_UNTRIED] = "untried"};

    return names[(unsigned)v % (sizeof(names) / sizeof(names[0]))];
}

/* ---------------------------------------------------------------- what was found */

static const char *verdict_words(enum reach_verdict v, int err)
{
    if (v == REACH_OPEN)
        return "leads here";
    if (v == REACH_UNKNOWN)
        return "cannot be tried from inside: the router in front turns no packets round";
    if (err == ECONNREFUSED)
        return "is refused";
    if (err == EPROTO)
        return "leads to something else";
    return "no answer";
}

/* Closed at one address is closed; what nobody can tell is better than untried. */
static void judge(struct network_port *p, const struct network_look *l, int way)
{
    bool any[4] = {false, false, false, false};
    char ip[ADDR_STRLEN];
    size_t len = 0;

    p->state = REACH_UNTRIED;
    for (size_t i = 0; i < l->count; i++) {
        const enum reach_verdict v = (enum reach_verdict)l->v[i].verdict[way];

        any[v % 4] = true;
        if (v != REACH_UNTRIED && len < sizeof(p->detail))
            len +=
                (size_t)snprintf(p->detail + len, sizeof(p->detail) - len, "%s%s: %s", len ? "; " : "",
                                 addr_ip(&l->v[i].addr, ip, sizeof(ip)), verdict_words(v, l->v[i].err[way]));
    }
    if (any[REACH_CLOSED])
        p->state = REACH_CLOSED;
    else if (any[REACH_OPEN])
        p->state = REACH_OPEN;
    else if (any[REACH_UNKNOWN])
        p->state = REACH_UNKNOWN;
}

static void advise(struct network_port *p)
{
    char range[32];
    const char *protocol = !strcmp(p->protocol, "udp") ? "UDP" : "TCP";

    snprintf(range, sizeof(range), p->port_to > p->port ? "%u-%u" : "%u", p->port, p->port_to);
    if (p->needed && !p->listening)
        snprintf(p->advice, sizeof(p->advice),
                 "Nothing listens there: look at the setting %s and at the log.", p->setting);
    else if (p->state == REACH_CLOSED)
        snprintf(p->advice, sizeof(p->advice),
                 "Open %s %s from %s to this machine, and forward it where a router is in front.", protocol,
                 range, p->who);
    else if (p->state == REACH_UNKNOWN)
        snprintf(p->advice, sizeof(p->advice),
                 "Try it from outside: a self-test link goes all ways of browsers.");
}

/* ---------------------------------------------------------------- the plan */

struct plan {
    struct service_network *out;
    const struct network_look *look;
};

static void add(struct plan *pl, struct network_port p, int way)
{
    struct network_port *to = &pl->out->ports[pl->out->count];

    if (pl->out->count == NETWORK_PORTS_MAX || !p.port)
        return;
    *to = p;
    if (!to->port_to)
        to->port_to = to->port;
    to->state = REACH_UNTRIED;
    if (way >= 0)
        judge(to, pl->look, way);
    advise(to);
    pl->out->count++;
}

#define BROWSERS "browsers"
#define SIP_SERVER "SIP Server"
#define PORT(way_, setting_, protocol_, who_, first_, last_, needed_, listening_)                            \
    {                                                                                                        \
        .way = (way_), .setting = (setting_), .protocol = (protocol_), .who = (who_), .port = (first_),      \
        .port_to = (last_), .needed = (needed_), .listening = (listening_)                                   \
    }

static void browsers_plan(struct plan *pl, const struct network_ports *n)
{
    const uint16_t ice_last = (uint16_t)(n->ice + (n->workers ? n->workers - 1 : 0));
    const struct {
        struct network_port p;
        int way;
    } v[] = {
        {PORT("https", "https.port", "tcp", BROWSERS, n->https, 0, true, true), REACH_HTTPS},
        {PORT("wss", "https.port", "tcp", BROWSERS, n->https, 0, true, true), REACH_WSS},
        {PORT("http", "http.port", "tcp", BROWSERS, n->http, 0, false, true), -1},
        {PORT("wss_extra", "wss.port", "tcp", BROWSERS, n->wss, 0, false, true), REACH_WSS_EXTRA},
        {PORT("ice", "ice.port", "udp", BROWSERS, n->ice, ice_last, true, true), REACH_ICE},
        {PORT("turn_udp", "turn.port", "udp", BROWSERS, n->turn, 0, false, n->turn_on), REACH_TURN_UDP},
        {PORT("turn_tcp", "turn.port", "tcp", BROWSERS, n->turn, 0, false, n->turn_on), REACH_TURN_TCP},
        {PORT("turn_https", "https.port", "tcp", BROWSERS, n->turn_on ? n->https : 0, 0, false, true),
         REACH_TURN_HTTPS},
        {PORT("turn_tls", "turns.port", "tcp", BROWSERS, n->turns, 0, false, n->turn_on), REACH_TURN_TLS},
    };

    for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
        add(pl, v[i].p, v[i].way);
}

struct used {
    bool tls, other; /* enabled trunks */
};

static bool used_h(const struct trunk *t, void *arg)
{
    struct used *u = arg;

    u->tls = u->tls || (t->enabled && t->transport == TRUNK_TLS);
    u->other = u->other || (t->enabled && t->transport != TRUNK_TLS);
    return false;
}

/* Which of the two ports trunks use; where there is no trunk yet, the usual one. */
static struct used used(struct service *sv)
{
    struct used u = {false, false};

    (void)service_trunk_each(sv, used_h, &u);
    u.other = u.other || !u.tls;
    return u;
}

static void trunk_plan(struct plan *pl, const struct network_ports *n, const struct conf *c, struct used u)
{
    const uint16_t first = (uint16_t)conf_int(c, "rtp.port_min"), end = (uint16_t)conf_int(c, "rtp.port_max");
    const uint16_t relay = (uint16_t)conf_int(c, "turn.relay_min"),
                   relay_end = (uint16_t)conf_int(c, "turn.relay_max");
    const uint16_t sips = n->sips ? n->sips : (uint16_t)conf_int(c, "sips.port");
    char peers[CONF_VALUE_MAX];
    const bool relays = n->turn_on && conf_str(c, "turn.allow_peers", peers, sizeof(peers))[0];
    const struct network_port v[] = {
        PORT("sip", "sip.port", "udp", SIP_SERVER, n->sip, 0, u.other, true),
        PORT("sip", "sip.port", "tcp", SIP_SERVER, n->sip, 0, false, true),
        PORT("sips", "sips.port", "tcp", SIP_SERVER, u.tls || n->sips ? sips : 0, 0, u.tls, n->sips != 0),
        PORT("rtp", "rtp.port_min", "udp", "phones, media servers and gateways of the site", first, end, true,
             true),
        PORT("turn_relay", "turn.relay_min", "udp", "peers of turn.allow_peers", relays ? relay : 0,
             relay_end, true, true),
    };

    for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
        add(pl, v[i], -1);
}

static void address_add(struct service_network *out, const struct addr *a, const char *why)
{
    if (out->address_count == REACH_ADDRS_MAX)
        return;
    (void)addr_ip(a, out->addresses[out->address_count].address, ADDR_STRLEN);
    out->addresses[out->address_count].ipv6 = addr_af(a) == AF_INET6;
    snprintf(out->addresses[out->address_count++].why, sizeof(out->addresses[0].why), "%s", why);
}

static void addresses(struct service *sv, struct service_network *out, const struct network_look *l)
{
    struct addr v[REACH_ADDRS_MAX];
    char given[CONF_VALUE_MAX], why[160];
    const bool set = conf_str(sv->conf, "public.address", given, sizeof(given))[0] != '\0';

    for (size_t i = 0; i < l->count; i++) {
        if (l->v[i].name[0])
            snprintf(why, sizeof(why), "An address of %s (public.address).", l->v[i].name);
        else
            snprintf(why, sizeof(why), "%s", set ? "By public.address." : "Of an interface of this machine.");
        address_add(out, &l->v[i].addr, why);
    }
    if (out->address_count)
        return;
    for (size_t i = 0, n = addr_interfaces(v, REACH_ADDRS_MAX); i < n; i++)
        address_add(out, &v[i], "Of an interface of this machine.");
}

static int no_server(struct service *sv)
{
    return running ? 0 : service_fail(sv, ENOTCONN, "no server runs here: only it knows which ports it has");
}

int service_network_get(struct service *sv, struct service_network *out)
{
    struct network_look look;
    struct plan pl = {out, &look};
    const int err = no_server(sv);

    if (err)
        return err;
    memset(out, 0, sizeof(*out));
    snapshot_load(last, &look, sizeof(look));
    out->checked_ms = look.checked_ms;
    browsers_plan(&pl, &ports);
    trunk_plan(&pl, &ports, sv->conf, used(sv));
    addresses(sv, out, &look);
    return 0;
}

int service_network_test(struct service *sv)
{
    const int err = no_server(sv);

    if (!err)
        ports.look(ports.arg);
    return err;
}
