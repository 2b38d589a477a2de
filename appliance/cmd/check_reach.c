/*
 * The doctor goes the ways that browsers go (service/reach), to each address that they are told. What a firewall or a NAT in front does can
 * be seen only as far as this machine's own packets take that way.
 */
#include "cmd/check.h"
#include "conf/conf.h"
#include "conf/public.h"
#include "core/addr.h"
#include "crypto/secret.h"
#include "service/reach.h"
#include "turn/auth.h"
#include "turn/probe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { PATH_LEN = 512, WORD_MAX = 300 };

/* What browsers are told. */
struct told {
    struct addr v[REACH_ADDRS_MAX];
    char name[REACH_ADDRS_MAX][PUBLIC_HOST_LEN]; /* of which it is an address; "" = it is told itself */
    size_t count;
};

static const struct {
    const char *key; /* the setting of its port */
    const char *topic, *what;
} ways[REACH_WAYS] = {
    [REACH_HTTPS] = {"https.port", "HTTPS", "page of ours"},
    [REACH_WSS] = {"https.port", "WSS", "WebSocket of ours"},
    [REACH_WSS_EXTRA] = {"wss.port", "WSS, 2nd port", "WebSocket of ours"},
    [REACH_ICE] = {"ice.port", "audio, UDP", "STUN of ours"},
    [REACH_TURN_UDP] = {"turn.port", "TURN, UDP", "STUN"},
    [REACH_TURN_TCP] = {"turn.port", "TURN, TCP", "STUN"},
    [REACH_TURN_HTTPS] = {"https.port", "TURN, HTTPS", "TLS with STUN"},
    [REACH_TURN_TLS] = {"turns.port", "TURN, TLS", "TLS with STUN"},
};

/* ---------------------------------------------------------------- where browsers are sent */

static void told_add(struct told *t, const struct addr *a, const char *name)
{
    for (size_t i = 0; i < t->count; i++)
        if (addr_eq_ip(&t->v[i], a))
            return;
    if (t->count == REACH_ADDRS_MAX || addr_is_any(a))
        return;
    snprintf(t->name[t->count], sizeof(t->name[0]), "%s", name);
    t->v[t->count++] = *a;
}

int check_outside(const struct public_item *it, int af, struct addr *seen)
{
    struct turn_probe p = {.way = TURN_PROBE_UDP};
    struct turn_probe_found found;
    struct addr v[REACH_ADDRS_MAX];
    size_t n = 0;
    int err = addr_resolve_all(v, REACH_ADDRS_MAX, &n, it->host, it->port);

    for (size_t i = 0; !err && i < n; i++)
        if (addr_af(&v[i]) == af) {
            p.server = v[i];
            err = turn_probe(&p, &found);
            *seen = found.mapped;
            return err;
        }
    return err ? err : EAFNOSUPPORT;
}

static void item_add(struct told *t, const struct public_item *it)
{
    static const int families[] = {AF_INET, AF_INET6};
    struct addr v[REACH_ADDRS_MAX], a;
    size_t n = 0;

    for (size_t f = 0; it->stun && f < 2; f++)
        if (!check_outside(it, families[f], &a))
            told_add(t, &a, "");
    if (it->stun || addr_resolve_all(v, REACH_ADDRS_MAX, &n, it->host, 0))
        return;
    for (size_t i = 0; i < n; i++)
        told_add(t, &v[i], addr_parse_ip(&a, it->host, 0) ? it->host : "");
}

/* public.address; else what is bound, or the machine's addresses. */
static void told_fill(const struct check *ck, struct told *t)
{
    struct public_item items[PUBLIC_ITEMS_MAX];
    char text[CONF_VALUE_MAX], *save = NULL;
    struct addr v[REACH_ADDRS_MAX];
    size_t n = public_items(items, conf_str(ck->conf, "public.address", text, sizeof(text)));

    memset(t, 0, sizeof(*t));
    for (size_t i = 0; i < n; i++)
        item_add(t, &items[i]);
    if (n)
        return; /* check_address has said what is wrong with them */
    conf_str(ck->conf, "bind.address", text, sizeof(text));
    for (char *p = strtok_r(text, ", ", &save); p; p = strtok_r(NULL, ", ", &save))
        if (!addr_parse_ip(&v[0], p, 0))
            told_add(t, &v[0], "");
    n = t->count ? 0 : addr_interfaces(v, REACH_ADDRS_MAX);
    for (size_t i = 0; i < n; i++)
        told_add(t, &v[i], "");
    if (!t->count && !addr_parse_ip(&v[0], "127.0.0.1", 0))
        told_add(t, &v[0], "");
}

/* ---------------------------------------------------------------- the ways */

/* A port that the system chose is known to the server's log only. */
static void config_fill(const struct check *ck, struct reach_config *cfg)
{
    const bool turn = conf_bool(ck->conf, "turn.enabled");
    char path[PATH_LEN];
    struct secret *s;

    memset(cfg, 0, sizeof(*cfg));
    for (unsigned w = 0; w < REACH_WAYS; w++)
        if (w < REACH_TURN_UDP || turn)
            cfg->ports[w] = (uint16_t)conf_int(ck->conf, ways[w].key);
    if (cfg->ports[REACH_TURN_TLS] == cfg->ports[REACH_TURN_HTTPS])
        cfg->ports[REACH_TURN_TLS] = 0;
    cfg->workers = (uint16_t)conf_workers(ck->conf);
    snprintf(path, sizeof(path), "%s/secret.key", ck->dir);
    cfg->keyed = !secret_alloc(&s, path);
    if (!cfg->keyed)
        return;
    secret_derive(s, cfg->turn, TURN_SECRET_LABEL);
    secret_derive(s, cfg->doctor, STUN_DOCTOR_LABEL);
    secret_free(s);
}

static void way_open(struct check *ck, const struct reach_config *cfg, enum reach_way way,
                     const struct reach_found *f)
{
    char at[ADDR_STRLEN], seen[ADDR_STRLEN], relayed[ADDR_STRLEN], ports[WORD_MAX];

    addr_str(&f->at, at, sizeof(at));
    addr_str(&f->mapped, seen, sizeof(seen));
    if (way == REACH_ICE)
        check_say(ck, CHECK_OK, ways[way].topic, "", "%s: answers at %s, seen as %s", at,
                  reach_ports_str(cfg, f, way, ports, sizeof(ports)), seen);
    else if (way < REACH_TURN_UDP)
        check_say(ck, CHECK_OK, ways[way].topic, "", "%s: answers", at);
    else if (addr_isset(&f->relayed, true))
        check_say(ck, CHECK_OK, ways[way].topic, "", "%s: seen as %s, relayed at %s", at, seen,
                  addr_str(&f->relayed, relayed, sizeof(relayed)));
    else
        check_say(ck, CHECK_OK, ways[way].topic, "run this as the server's user to try an allocation, too",
                  "%s: seen as %s", at, seen);
}

static void way_closed(struct check *ck, const struct reach_config *cfg, enum reach_way way,
                       const struct reach_found *f)
{
    char at[ADDR_STRLEN], ports[WORD_MAX], advice[2 * WORD_MAX];

    addr_str(&f->at, at, sizeof(at));
    snprintf(advice, sizeof(advice),
             "open %s towards this machine, and forward it under its own number where NAT is in front "
             "(docs/operations.md)",
             reach_ports_str(cfg, f, way, ports, sizeof(ports)));
    if (f->err == EACCES)
        check_say(ck, CHECK_FAIL, ways[way].topic, "look in its log and at dngate_turn_refused_total",
                  "%s answers, but refuses a relayed address: %u", at, f->code);
    else if (f->err == EPROTO)
        check_say(ck, CHECK_FAIL, ways[way].topic, "something else listens there, or is in between",
                  "%s: no %s answers", at, ways[way].what);
    else
        check_say(ck, CHECK_FAIL, ways[way].topic, advice, "%s: %s", at, strerror(f->err));
}

/* All that only somebody outside could tell, in one finding. */
static void unknown_say(struct check *ck, const struct reach_config *cfg, const struct addr *a,
                        const struct reach_found found[REACH_WAYS])
{
    char ip[ADDR_STRLEN], list[3 * WORD_MAX] = "", ports[WORD_MAX], advice[4 * WORD_MAX];
    size_t len = 0;

    for (unsigned w = 0; w < REACH_WAYS && len < sizeof(list); w++) {
        if (reach_verdict(found, (enum reach_way)w, false) != REACH_UNKNOWN || w == REACH_WSS ||
            w == REACH_TURN_HTTPS) /* the page's port, once */
            continue;
        len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s", len ? "; " : "",
                                reach_ports_str(cfg, &found[w], (enum reach_way)w, ports, sizeof(ports)));
    }
    if (!len)
        return;
    snprintf(advice, sizeof(advice),
             "the router in front may not turn packets round (hairpin NAT), or not forward them: open %s, "
             "forwarded "
             "under the same numbers, and try it from outside, with /selftest.html on a phone's network",
             list);
    check_say(ck, CHECK_WARN, "from outside", advice, "%s: nothing comes back from inside: %s",
              addr_ip(a, ip, sizeof(ip)), list);
}

static void check_told(struct check *ck, const struct reach_config *cfg, const struct addr *a,
                       const char *name)
{
    struct reach_found found[REACH_WAYS];
    const bool ours = reach_ours(a);

    reach_try(cfg, a, name, found);
    for (unsigned w = 0; w < REACH_WAYS; w++) {
        const enum reach_verdict verdict = reach_verdict(found, (enum reach_way)w, ours);

        if (verdict == REACH_OPEN)
            way_open(ck, cfg, (enum reach_way)w, &found[w]);
        else if (verdict == REACH_CLOSED)
            way_closed(ck, cfg, (enum reach_way)w, &found[w]);
    }
    if (!ours)
        unknown_say(ck, cfg, a, found);
}

void check_reach(struct check *ck)
{
    struct reach_config cfg;
    struct told told;

    if (!conf_bool(ck->conf, "turn.enabled"))
        check_say(ck, CHECK_INFO, "STUN and TURN", "",
                  "off: browsers must reach the UDP ports from ice.port (%lld) upwards",
                  (long long)conf_int(ck->conf, "ice.port"));
    if (!ck->running) {
        check_say(ck, CHECK_INFO, "from outside", "", "not tried: the server does not run");
        return;
    }
    config_fill(ck, &cfg);
    if (!cfg.keyed)
        check_say(ck, CHECK_INFO, "audio, UDP", "run this as the server's user",
                  "not tried: DIR/secret.key cannot be read");
    told_fill(ck, &told);
    for (size_t i = 0; i < told.count; i++)
        check_told(ck, &cfg, &told.v[i], told.name[i]);
    explicit_bzero(&cfg, sizeof(cfg));
}
