#include "service/reach_priv.h"

#include "core/clock.h"
#include "turn/auth.h"
#include "turn/probe.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { INTERFACES_MAX = 32, CREDENTIALS_S = 60, STACK_SIZE = 512 * 1024 };

static const struct {
    const char *name, *transport;
} ways[REACH_WAYS] = {
    [REACH_HTTPS] = {"https", "TCP"},           [REACH_WSS] = {"wss", "TCP"},
    [REACH_WSS_EXTRA] = {"wss_extra", "TCP"},   [REACH_ICE] = {"ice", "UDP"},
    [REACH_TURN_UDP] = {"turn_udp", "UDP"},     [REACH_TURN_TCP] = {"turn_tcp", "TCP"},
    [REACH_TURN_HTTPS] = {"turn_https", "TCP"}, [REACH_TURN_TLS] = {"turn_tls", "TCP"},
};

const char *reach_way_name(enum reach_way way)
{
    return ways[way].name;
}

bool reach_way_udp(enum reach_way way)
{
    return ways[way].transport[0] == 'U';
}

/* ------------------------------------------------------------------ one way */

struct attempt {
    const struct reach_config *cfg;
    const char *host;
    enum reach_way way;
    struct reach_found *f;
    pthread_t thread;
    bool runs;
};

/* Each way has a user of its own, so that they do not take each other's quota. */
static void turn_try(const struct attempt *a)
{
    char name[TURN_NAME_MAX + 1], user[32], password[TURN_REST_PASSWORD_LEN];
    struct turn_probe p = {.server = a->f->at};
    struct turn_probe_found found;

    p.way = a->way == REACH_TURN_UDP   ? TURN_PROBE_UDP
            : a->way == REACH_TURN_TCP ? TURN_PROBE_TCP
                                       : TURN_PROBE_TLS;
    snprintf(user, sizeof(user), "check-%s", ways[a->way].name);
    if (a->cfg->keyed && !turn_rest_name(name, sizeof(name), clock_wall_ms() / 1000 + CREDENTIALS_S, user)) {
        turn_rest_password(password, a->cfg->turn, sizeof(a->cfg->turn), name);
        p.name = name;
        p.password = password;
    }
    a->f->err = turn_probe(&p, &found);
    a->f->mapped = found.mapped;
    a->f->relayed = found.relayed;
    a->f->code = found.code;
    explicit_bzero(password, sizeof(password));
}

static void *try_main(void *arg)
{
    struct attempt *a = arg;

    switch (a->way) {
    case REACH_HTTPS:
        a->f->err = reach_http(&a->f->at, a->host, false);
        break;
    case REACH_WSS:
    case REACH_WSS_EXTRA:
        a->f->err = reach_http(&a->f->at, a->host, true);
        break;
    case REACH_ICE:
        reach_ice(a->cfg, a->f);
        break;
    default:
        turn_try(a);
        break;
    }
    return NULL;
}

static void try_start(struct attempt *a)
{
    pthread_attr_t attr;

    (void)pthread_attr_init(&attr);
    (void)pthread_attr_setstacksize(&attr, STACK_SIZE);
    a->runs = !pthread_create(&a->thread, &attr, try_main, a);
    (void)pthread_attr_destroy(&attr);
    if (a->runs)
        (void)pthread_setname_np(a->thread, "reach");
    else
        (void)try_main(a); /* one after the other, then */
}

void reach_try(const struct reach_config *cfg, const struct addr *to, const char *host,
               struct reach_found found[REACH_WAYS])
{
    struct attempt v[REACH_WAYS];

    memset(found, 0, REACH_WAYS * sizeof(*found));
    for (unsigned w = 0; w < REACH_WAYS; w++) {
        struct reach_found *f = &found[w];

        v[w] = (struct attempt){.cfg = cfg, .host = host, .way = (enum reach_way)w, .f = f};
        f->tried = cfg->ports[w] && (w != REACH_ICE || cfg->keyed);
        if (!f->tried)
            continue;
        f->at = *to;
        addr_set_port(&f->at, cfg->ports[w]);
        try_start(&v[w]);
    }
    for (unsigned w = 0; w < REACH_WAYS; w++)
        if (v[w].runs)
            (void)pthread_join(v[w].thread, NULL);
}

/* ------------------------------------------------------------------ what it means */

/* Something came back: an answer, or the wrong one. */
static bool heard(const struct reach_found *f)
{
    return f->tried && (!f->err || f->err == EACCES || f->err == EPROTO || addr_isset(&f->mapped, true));
}

enum reach_verdict reach_verdict(const struct reach_found found[REACH_WAYS], enum reach_way way, bool ours)
{
    bool any = ours;

    if (!found[way].tried)
        return REACH_UNTRIED;
    if (!found[way].err)
        return REACH_OPEN;
    for (unsigned w = 0; w < REACH_WAYS; w++)
        any = any || (reach_way_udp((enum reach_way)w) == reach_way_udp(way) && heard(&found[w]));
    return any ? REACH_CLOSED : REACH_UNKNOWN;
}

const char *reach_ports_str(const struct reach_config *cfg, const struct reach_found *f, enum reach_way way,
                            char *buf, size_t sz)
{
    const unsigned first = cfg->ports[way], count = way == REACH_ICE ? cfg->workers : 1;
    int n = snprintf(buf, sz, "%s", ways[way].transport);
    const char *sep = " ";

    for (unsigned i = 0; i < count && n > 0 && (size_t)n < sz; i++) {
        if (way == REACH_ICE && f->silent && !(f->silent >> i & 1))
            continue;
        n += snprintf(buf + n, sz - (size_t)n, "%s%u", sep, first + i);
        sep = ", ";
    }
    return buf;
}

bool reach_ours(const struct addr *a)
{
    struct addr v[INTERFACES_MAX];
    size_t n = addr_interfaces(v, INTERFACES_MAX);

    for (size_t i = 0; i < n; i++)
        if (addr_eq_ip(&v[i], a))
            return true;
    return addr_is_loopback(a);
}
