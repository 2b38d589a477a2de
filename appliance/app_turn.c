#include "app_turn.h"
#include "admin/iceservers.h"
#include "conf/conf.h"
#include "core/health.h"
#include "core/log.h"
#include "media/media.h"
#include "net/wire.h"
#include "sip/stack.h"
#include "store/store.h"
#include "turn/turn.h"
#include "web/web.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ADDRS_MAX = 256, NETS_MAX = 64, SECRET_LEN = 32, ITEM_MAX = ADDR_STRLEN + 4, BYTES_OF_KBIT = 125 };

enum { RULES = 1, TOLD = 2, LIMITS = 4 }; /* what the server may be owed */

/* What this machine is known by. */
struct known {
    struct addr v[ADDRS_MAX];
    size_t own; /* of these are our media at, and come first; at most WIRE_ADDRS_MAX */
    size_t count;
};

struct app_turn {
    struct app_turn_config cfg;
    struct addr bind[2];
    struct turn *turn;
    struct known known;
    unsigned owed; /* changes that are to be told */
    uint8_t secret[SECRET_LEN];
};

/* What the server's rules are made of, while they are. */
struct rules {
    struct addr own[WIRE_ADDRS_MAX * MEDIA_WORKERS_MAX];
    struct turn_net allow[NETS_MAX];
    struct turn_rules rules;
};

/* --- addresses --- */

static bool listened(const struct app_turn *t, const struct addr *a)
{
    for (size_t i = 0; i < t->cfg.bind_count; i++)
        if (addr_eq_ip(&t->bind[i], a) || (addr_is_any(&t->bind[i]) && addr_af(&t->bind[i]) == addr_af(a)))
            return true;
    return false;
}

static void known_add(struct known *k, const struct addr *a, size_t max)
{
    for (size_t i = 0; i < k->count; i++)
        if (addr_eq_ip(&k->v[i], a))
            return;
    if (k->count == max)
        return;
    k->v[k->count] = *a;
    addr_set_port(&k->v[k->count++], 0);
}

/* Those of public.address first, then the machine's. */
static void known_fill(const struct app_turn *t, struct known *k)
{
    struct addr v[ADDRS_MAX];
    struct sip_public pub;
    size_t n;

    memset(k, 0, sizeof(*k));
    sip_stack_public_copy(t->cfg.stack, &pub);
    for (size_t i = 0; i < pub.count; i++)
        known_add(k, &pub.v[i], WIRE_ADDRS_MAX);
    n = addr_interfaces(v, ADDRS_MAX);
    for (size_t i = 0; i < n; i++)
        if (listened(t, &v[i]))
            known_add(k, &v[i], WIRE_ADDRS_MAX);
    k->own = k->count;
    for (size_t i = 0; i < n; i++)
        known_add(k, &v[i], ADDRS_MAX);
}

static bool known_same(const struct known *a, const struct known *b)
{
    bool same = a->count == b->count && a->own == b->own;

    for (size_t i = 0; same && i < a->count; i++)
        same = addr_eq_ip(&a->v[i], &b->v[i]);
    return same;
}

/* For each family that we listen on: what clients are told, the first that we are known by. */
static size_t relayed_fill(const struct app_turn *t, struct turn_relayed *v)
{
    size_t n = 0;

    for (size_t i = 0; i < t->cfg.bind_count && n < TURN_FAMILIES; i++) {
        const struct addr *bind = &t->bind[i];
        struct addr told = *bind;

        if (n && addr_af(&v[0].bound) == addr_af(bind))
            continue;
        if (addr_is_any(&told)) /* a machine without a network */
            (void)addr_parse_ip(&told, addr_af(bind) == AF_INET6 ? "::1" : "127.0.0.1", 0);
        for (size_t k = t->known.own; k-- > 0;)
            if (addr_af(&t->known.v[k]) == addr_af(bind) && !addr_is_loopback(bind))
                told = t->known.v[k];
        v[n++] = (struct turn_relayed){.told = told, .bound = *bind};
    }
    return n;
}

/* --- rules --- */

static size_t nets_read(const struct conf *c, struct turn_net *v)
{
    char text[CONF_VALUE_MAX], *save = NULL;
    size_t n = 0;

    (void)conf_str(c, "turn.allow_peers", text, sizeof(text));
    for (char *p = strtok_r(text, ", ", &save); p && n < NETS_MAX; p = strtok_r(NULL, ", ", &save))
        if (!turn_net_parse(&v[n], p))
            n++;
    return n;
}

static struct rules *rules_make(const struct app_turn *t)
{
    struct rules *r = calloc(1, sizeof(*r));
    uint16_t ports[MEDIA_WORKERS_MAX];
    size_t workers, n = 0;

    if (!r)
        return NULL;
    workers = media_ice_ports(t->cfg.media, ports, MEDIA_WORKERS_MAX);
    for (size_t i = 0; i < t->known.own; i++)
        for (size_t k = 0; k < workers; k++) {
            r->own[n] = t->known.v[i];
            addr_set_port(&r->own[n++], ports[k]);
        }
    r->rules = (struct turn_rules){
        .own = r->own,
        .own_n = n,
        .box = t->known.v,
        .box_n = t->known.count,
        .allow = r->allow,
        .allow_n = nets_read(t->cfg.conf, r->allow),
        .loopback = conf_bool(t->cfg.conf, "turn.allow_loopback_peers"),
    };
    return r;
}

static bool rules_tell(const struct app_turn *t)
{
    struct rules *r = rules_make(t);
    int err = r ? turn_set_rules(t->turn, &r->rules) : ENOMEM;

    if (!err)
        err = media_reached(t->cfg.media, t->known.v, t->known.own);
    if (err)
        log_error("turn", "error=\"%s\" new addresses or peers are not in use yet", strerror(err));
    free(r);
    return !err;
}

static bool told_tell(const struct app_turn *t)
{
    struct turn_relayed v[TURN_FAMILIES];
    struct addr told[TURN_FAMILIES];
    size_t n = relayed_fill(t, v);
    int err;

    for (size_t i = 0; i < n; i++)
        told[i] = v[i].told;
    err = turn_set_told(t->turn, told, n);
    if (err)
        log_error("turn", "error=\"%s\" new addresses are not told yet", strerror(err));
    return !err;
}

/* --- limits --- */

static uint32_t setting(const struct app_turn *t, const char *key)
{
    return (uint32_t)conf_int(t->cfg.conf, key);
}

static struct turn_limits limits_of(const struct app_turn *t)
{
    return (struct turn_limits){
        .allocations = setting(t, "turn.allocations"),
        .allocations_per_user = setting(t, "turn.user_allocations"),
        .allocations_per_source = setting(t, "turn.source_allocations"),
        .bytes_per_second = setting(t, "turn.user_kbps") * BYTES_OF_KBIT,
        .challenges_per_second = setting(t, "turn.source_requests"),
        .bindings_per_second = setting(t, "turn.source_requests"),
    };
}

static bool limits_tell(const struct app_turn *t)
{
    const struct turn_limits limits = limits_of(t);
    int err = turn_set_limits(t->turn, &limits);

    if (err)
        log_error("turn", "error=\"%s\" new limits are not in use yet", strerror(err));
    return !err;
}

/* --- changes --- */

/* Tells the server what it is owed; what it could not take stays so until the next app_turn_tidy. */
static void pay(struct app_turn *t)
{
    static const struct {
        unsigned what;
        bool (*tell)(const struct app_turn *t);
    } debts[] = {{RULES, rules_tell}, {TOLD, told_tell}, {LIMITS, limits_tell}};

    for (size_t i = 0; i < sizeof(debts) / sizeof(*debts); i++)
        if (t->owed & debts[i].what && debts[i].tell(t))
            t->owed &= ~debts[i].what;
}

void app_turn_tidy(struct app_turn *t)
{
    struct known k;

    if (!t || !t->turn)
        return;
    known_fill(t, &k);
    if (!known_same(&k, &t->known)) {
        t->known = k;
        t->owed |= RULES | TOLD;
    }
    pay(t);
}

/* MAIN thread, which makes the changes. */
static void setting_h(const char *key, void *arg)
{
    struct app_turn *t = arg;

    if (strncmp(key, "turn.", 5))
        return;
    t->owed |= strncmp(key, "turn.allow_", 11) ? LIMITS : RULES;
    pay(t);
}

/* --- users --- */

static int user_set(const struct app_turn *t, char *item)
{
    char *colon = strchr(item, ':');

    if (!colon)
        return EINVAL;
    *colon = '\0';
    return turn_set_user(t->turn, item, colon + 1);
}

static int users_set(const struct app_turn *t, char *why, size_t whysz)
{
    char text[CONF_VALUE_MAX], *save = NULL;
    int err = 0;

    (void)conf_str(t->cfg.conf, "turn.user", text, sizeof(text));
    for (char *p = strtok_r(text, ", ", &save); p && !err; p = strtok_r(NULL, ", ", &save))
        err = user_set(t, p);
    explicit_bzero(text, sizeof(text));
    if (err)
        (void)snprintf(why, whysz, "turn.user: %s", strerror(err));
    return err;
}

/* --- start and stop --- */

static int server_start(struct app_turn *t, char *why, size_t whysz)
{
    const struct conf *c = t->cfg.conf;
    char realm[TURN_REALM_MAX + 1];
    struct rules *r = rules_make(t);
    struct turn_setup s = {
        .server = {.realm = conf_str(c, "turn.realm", realm, sizeof(realm)),
                   .secret = t->secret,
                   .secret_len = sizeof(t->secret),
                   .limits = limits_of(t)},
        .bind = t->bind,
        .bind_count = t->cfg.bind_count,
        .port = (uint16_t)conf_int(c, "turn.port"),
        .relay_min = (uint16_t)conf_int(c, "turn.relay_min"),
        .relay_max = (uint16_t)conf_int(c, "turn.relay_max"),
        .tos = (uint8_t)conf_int(c, "media.tos"),
        .wire = t->cfg.wire,
    };
    int err = ENOMEM;

    if (r) {
        s.rules = r->rules;
        s.relayed_count = relayed_fill(t, s.relayed);
        err = turn_start(&t->turn, &s, why, whysz);
    }
    free(r);
    return err;
}

int app_turn_start(struct app_turn **tp, const struct app_turn_config *cfg, char *why, size_t whysz)
{
    struct app_turn *t;
    int err;

    if (!conf_bool(cfg->conf, "turn.enabled"))
        return 0;
    t = calloc(1, sizeof(*t));
    if (!t)
        return ENOMEM;
    t->cfg = *cfg;
    memcpy(t->bind, cfg->bind, cfg->bind_count * sizeof(*t->bind));
    store_key(cfg->store, t->secret, TURN_SECRET_LABEL);
    known_fill(t, &t->known);
    err = server_start(t, why, whysz);
    if (!err)
        err = media_reached(cfg->media, t->known.v, t->known.own);
    if (!err)
        err = users_set(t, why, whysz);
    if (!err)
        err = conf_listen(cfg->conf, setting_h, t);
    if (err) {
        app_turn_stop(t);
        if (err != EADDRINUSE || conf_source(cfg->conf, "turn.port") != CONF_DEFAULT)
            return err;
        log_error("turn",
                  "%s: there is no TURN server; turn.port names another port, turn.enabled=no does without",
                  why);
        health_set("turn", HEALTH_DEGRADED, "%s", why);
        why[0] = '\0';
        return 0;
    }
    log_info("turn", "listening proto=turn port=%u", turn_port(t->turn));
    health_set("turn", HEALTH_UP, "%s", "");
    *tp = t;
    return 0;
}

void app_turn_stop(struct app_turn *t)
{
    if (!t)
        return;
    turn_stop(t->turn);
    explicit_bzero(t, sizeof(*t));
    free(t);
}

/* --- who comes and asks --- */

int app_turn_stream(const struct web_stream *s, void *arg)
{
    const struct app_turn *t = arg;
    const struct turn_stream_in in = {
        .fd = s->fd,
        .tls = s->tls,
        .client = s->peer,
        .local = s->local,
        .early = s->early,
        .early_n = s->early_len,
        .goneh = s->overh,
        .arg = s->over_arg,
    };

    return turn_adopt(t->turn, &in);
}

uint16_t app_turn_port(const struct app_turn *t)
{
    return t ? turn_port(t->turn) : 0;
}

void app_turn_access(const struct app_turn *t, struct iceservers *out)
{
    if (!t)
        return;
    out->turn = t->turn;
    out->port = turn_port(t->turn);
    out->stack = t->cfg.stack;
    memcpy(out->secret, t->secret, sizeof(out->secret));
}

struct turn *app_turn_server(const struct app_turn *t)
{
    return t ? t->turn : NULL;
}
