#include "app_reach.h"
#include "app_turn.h"
#include "conf/conf.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/metric.h"
#include "core/thread.h"
#include "media/media.h"
#include "service/network.h"
#include "sip/stack.h"
#include "store/store.h"
#include "turn/auth.h"
#include "web/web.h"
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_MS = 5000, AGAIN_MS = 3600 * 1000, CLOSED_MAX = 400, PORTS_MAX = 300 };

#define REACH_CLOSED_HELP                                                                                    \
    "Addresses of public.address at which this way does not lead here, though packets come back from there"
#define REACH_GAUGE(way)                                                                                     \
    METRIC_GAUGE(closed_##way, "dngate_reach_closed", "way=\"" #way "\"", REACH_CLOSED_HELP)
REACH_GAUGE(https);
REACH_GAUGE(wss);
REACH_GAUGE(wss_extra);
REACH_GAUGE(ice);
REACH_GAUGE(turn_udp);
REACH_GAUGE(turn_tcp);
REACH_GAUGE(turn_https);
REACH_GAUGE(turn_tls);
METRIC_GAUGE(unknown, "dngate_reach_unknown", NULL,
             "Addresses of public.address of which something can be told from outside only");

static struct metric *const closed[REACH_WAYS] = {
    [REACH_HTTPS] = &closed_https,           [REACH_WSS] = &closed_wss,
    [REACH_WSS_EXTRA] = &closed_wss_extra,   [REACH_ICE] = &closed_ice,
    [REACH_TURN_UDP] = &closed_turn_udp,     [REACH_TURN_TCP] = &closed_turn_tcp,
    [REACH_TURN_HTTPS] = &closed_turn_https, [REACH_TURN_TLS] = &closed_turn_tls,
};

struct app_reach {
    struct reach_config cfg;
    const struct sip_stack *stack;
    struct sip_public looked; /* at these the last time */
    uint64_t due_ms;
};

struct job { /* the thread's */
    struct reach_config cfg;
    struct sip_public pub;
    int closed[REACH_WAYS], unknown;
    bool by_hand; /* somebody asked: loopback, too, and no word to the log and the metrics */
};

static atomic_bool busy;

/* --- the thread --- */

static void address_say(struct job *j, const struct addr *a, const struct reach_found found[REACH_WAYS])
{
    const bool ours = reach_ours(a);
    char list[CLOSED_MAX] = "", ports[PORTS_MAX], ip[ADDR_STRLEN];
    bool unclear = false;
    size_t len = 0;

    (void)addr_ip(a, ip, sizeof(ip));
    for (unsigned w = 0; w < REACH_WAYS; w++) {
        const enum reach_verdict verdict = reach_verdict(found, (enum reach_way)w, ours);

        unclear |= verdict == REACH_UNKNOWN;
        if (verdict != REACH_CLOSED)
            continue;
        j->closed[w]++;
        if (len < sizeof(list))
            len +=
                (size_t)snprintf(list + len, sizeof(list) - len, "%s%s (%s)", len ? "; " : "",
                                 reach_ports_str(&j->cfg, &found[w], (enum reach_way)w, ports, sizeof(ports)),
                                 reach_way_name((enum reach_way)w));
    }
    j->unknown += unclear;
    if (*list)
        log_warn("reach", "address=%s closed=\"%s\" open and forward them: browsers are told of them", ip,
                 list);
    if (unclear)
        log_info("reach",
                 "address=%s cannot be tried from inside, as the router in front turns no packets round: "
                 "dngate check says what must be open",
                 ip);
    else if (!*list)
        log_info("reach", "address=%s leads here by every way", ip);
}

static void look_note(struct network_address *to, const struct addr *a, const char *name,
                      const struct reach_found found[REACH_WAYS])
{
    const bool ours = reach_ours(a);

    to->addr = *a;
    (void)snprintf(to->name, sizeof(to->name), "%.60s", name);
    for (unsigned w = 0; w < REACH_WAYS; w++) {
        to->verdict[w] = (uint8_t)reach_verdict(found, (enum reach_way)w, ours);
        to->err[w] = found[w].err;
    }
}

static void *job_main(void *arg)
{
    struct job *j = arg;
    struct reach_found found[REACH_WAYS];
    struct network_look look = {.count = 0};

    for (size_t i = 0; i < j->pub.count; i++) {
        if (addr_is_loopback(&j->pub.v[i]) && !j->by_hand)
            continue;
        reach_try(&j->cfg, &j->pub.v[i], j->pub.name[i], found);
        if (look.count < REACH_ADDRS_MAX)
            look_note(&look.v[look.count++], &j->pub.v[i], j->pub.name[i], found);
        if (!j->by_hand)
            address_say(j, &j->pub.v[i], found);
    }
    look.checked_ms = clock_wall_ms();
    network_found(&look);
    for (unsigned w = 0; w < REACH_WAYS && !j->by_hand; w++)
        metric_set(closed[w], j->closed[w]);
    if (!j->by_hand)
        metric_set(&unknown, j->unknown);
    explicit_bzero(j, sizeof(*j));
    free(j);
    atomic_store(&busy, false);
    return NULL;
}

static int job_start(const struct app_reach *r, const struct sip_public *pub, bool by_hand)
{
    struct job *j = calloc(1, sizeof(*j));
    int err;

    if (!j)
        return ENOMEM;
    j->cfg = r->cfg;
    j->pub = *pub;
    j->by_hand = by_hand;
    atomic_store(&busy, true);
    err = thread_detached("reach", job_main, j);
    if (err) {
        atomic_store(&busy, false);
        explicit_bzero(j, sizeof(*j));
        free(j);
    }
    return err;
}

const char *app_reach_closed(char *buf, size_t sz)
{
    size_t len = 0;

    buf[0] = 0;
    for (unsigned w = 0; w < REACH_WAYS && len < sz; w++)
        if (metric_get(closed[w]) > 0)
            len += (size_t)snprintf(buf + len, sz - len, "%s%s", len ? ", " : "",
                                    reach_way_name((enum reach_way)w));
    return buf;
}

/* --- main thread --- */

static void reach_fill(struct reach_config *r, const struct app_reach_config *cfg)
{
    const uint16_t https = web_port(cfg->web, "https"), turn = app_turn_port(cfg->turn);
    uint16_t ice[MEDIA_WORKERS_MAX];

    *r = (struct reach_config){
        .ports = {[REACH_HTTPS] = https,
                  [REACH_WSS] = https,
                  [REACH_WSS_EXTRA] = web_port(cfg->web, "wss"),
                  [REACH_TURN_UDP] = turn,
                  [REACH_TURN_TCP] = turn,
                  [REACH_TURN_HTTPS] = cfg->turn ? https : 0,
                  [REACH_TURN_TLS] = cfg->turn ? web_port(cfg->web, "turns") : 0},
        .workers = (uint16_t)media_ice_ports(cfg->media, ice, MEDIA_WORKERS_MAX),
        .keyed = true,
    };
    if (conf_int(cfg->conf, "ice.port")) /* else they are not in a row */
        r->ports[REACH_ICE] = ice[0];
    store_key(cfg->store, r->turn, TURN_SECRET_LABEL);
    store_key(cfg->store, r->doctor, STUN_DOCTOR_LABEL);
}

/* Somebody wants to know now, and of the machine's own addresses where public.address is empty. */
static void look_now(void *arg)
{
    struct app_reach *r = arg;
    struct sip_public pub;

    if (atomic_load(&busy)) /* then it is told soon */
        return;
    sip_stack_public_copy(r->stack, &pub);
    if (!pub.count) {
        memset(&pub, 0, sizeof(pub));
        pub.count = addr_interfaces(pub.v, SIP_PUBLIC_MAX);
    }
    (void)job_start(r, &pub, true);
}

static void network_tell(struct app_reach *r, const struct app_reach_config *cfg)
{
    struct network_ports n = {
        .http = web_port(cfg->web, "http"),
        .https = r->cfg.ports[REACH_HTTPS],
        .wss = r->cfg.ports[REACH_WSS_EXTRA],
        .sips = sip_stack_tls_port(cfg->stack),
        .ice = r->cfg.ports[REACH_ICE],
        .workers = r->cfg.workers,
        .turn = cfg->turn ? r->cfg.ports[REACH_TURN_UDP] : (uint16_t)conf_int(cfg->conf, "turn.port"),
        .turns = r->cfg.ports[REACH_TURN_TLS],
        .turn_on = cfg->turn != NULL,
        .look = look_now,
        .arg = r,
    };

    (void)sip_stack_udp_port(cfg->stack, &n.sip);
    network_begin(&n);
}

int app_reach_alloc(struct app_reach **rp, const struct app_reach_config *cfg)
{
    struct app_reach *r = calloc(1, sizeof(*r));

    if (!r)
        return ENOMEM;
    reach_fill(&r->cfg, cfg);
    r->stack = cfg->stack;
    r->due_ms = clock_ms() + FIRST_MS;
    network_tell(r, cfg);
    *rp = r;
    return 0;
}

void app_reach_free(struct app_reach *r)
{
    network_begin(NULL);
    if (r)
        explicit_bzero(r, sizeof(*r));
    free(r);
}

static bool changed(const struct sip_public *a, const struct sip_public *b)
{
    bool same = a->count == b->count;

    for (size_t i = 0; same && i < a->count; i++)
        same = addr_eq_ip(&a->v[i], &b->v[i]);
    return !same;
}

void app_reach_tidy(struct app_reach *r)
{
    struct sip_public pub;

    if (!r || atomic_load(&busy))
        return;
    sip_stack_public_copy(r->stack, &pub);
    if (clock_ms() < r->due_ms && (!r->looked.count || !changed(&pub, &r->looked)))
        return;
    r->looked = pub;
    if (pub.count && job_start(r, &pub, false)) {
        r->due_ms = 0; /* next time */
        return;
    }
    r->due_ms = clock_ms() + (pub.count ? AGAIN_MS : FIRST_MS);
}
