/*
 * A trunk's life:  UNKNOWN ─ any answer but 408/503 ─► UP ─ no answer within 4 s, 408, 503, suspected ─► DOWN ─ answer ─► UP
 * An UP one is asked every ping_seconds, the others every 3 s. One that is not to be pinged is UP until a call finds it dead.
 */
#include "sip/trunks.h"
#include "sip/resolver.h"
#include "sip/stack_priv.h"

#include "core/clock.h"
#include "core/gauges.h"
#include "core/health.h"
#include "core/log.h"
#include "core/metric.h"
#include "core/rnd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TRUNK_PEERS_MAX = 128,
    TRUNK_LISTENERS_MAX = 4,
    TRUNK_ANSWER_MS = 4000,
    TRUNK_PROBATION_MS = 30000,
    TRUNK_RETRY_MS = 3000,
    TRUNK_RESOLVE_MS = 60000,
    TRUNK_RESOLVE_RETRY_MS = 5000,
};

METRIC_LIMIT(configured, "trunks", TRUNK_PEERS_MAX);
METRIC_GAUGE(trunks_up, "dngate_trunks_up", NULL, "Trunks that answer");
GAUGES(trunk_up, "dngate_trunk_up", "trunk", "1 when the trunk answers, 0 when not or not yet");
GAUGES(trunk_rtt, "dngate_trunk_rtt_seconds", "trunk", "Time from OPTIONS to its answer, last time");
GAUGES(trunk_code, "dngate_trunk_last_code", "trunk",
       "SIP code of the last answer to OPTIONS; 0 when none came");
GAUGES(trunk_since, "dngate_trunk_state_since_timestamp_seconds", "trunk",
       "When the trunk went up or down, Unix time");
METRIC_COUNTER(trunk_downs, "dngate_trunk_failures_total", NULL, "Times that a trunk went down");
METRIC_COUNTER(pings, "dngate_trunk_pings_total", NULL, "OPTIONS sent to trunks");

enum transport { TRANSPORT_UDP, TRANSPORT_TCP, TRANSPORT_TLS };

struct peer {
    struct trunk_peer p;
    struct trunks *trunks;
    bool resolved;
    struct tmr ping, answer, resolve;
    struct sip_request *req;
    uint64_t sent_us;
};

struct trunks {
    struct sip_stack *st;
    struct resolver *resolver;           /* made when the first name comes */
    struct peer *peers[TRUNK_PEERS_MAX]; /* in order of priority, then name */
    size_t n;
    struct {
        trunks_state_h *h;
        void *arg;
    } listeners[TRUNK_LISTENERS_MAX];
    size_t listener_count;
};

static void ping_h(void *arg);

static bool usable(const struct peer *pr)
{
    return pr->resolved && pr->p.cfg.transport != TRANSPORT_TLS;
}

/* ------------------------------------------------------------------ state */

static void report_health(const struct trunks *t)
{
    const struct peer *down = NULL, *unknown = NULL;
    size_t up = 0;

    for (size_t i = 0; i < t->n; i++) {
        up += t->peers[i]->p.state == TRUNK_UP;
        if (t->peers[i]->p.state == TRUNK_DOWN && !down)
            down = t->peers[i];
        if (t->peers[i]->p.state == TRUNK_UNKNOWN && !unknown)
            unknown = t->peers[i];
    }
    metric_set(&configured, (int64_t)t->n);
    metric_set(&trunks_up, (int64_t)up);
    if (!t->n)
        /* A fresh install is no fault that a restart or a load balancer could mend. */
        health_set("trunk", HEALTH_DEGRADED,
                   "no trunk is configured: dngate trunk add NAME --address HOST:PORT");
    else if (!up && unknown)
        health_set("trunk", HEALTH_DOWN, "trunk %s has not answered yet", unknown->p.cfg.name);
    else if (!up)
        health_set("trunk", HEALTH_DOWN, "no trunk answers");
    else if (down)
        health_set("trunk", HEALTH_DEGRADED, "trunk %s does not answer", down->p.cfg.name);
    else
        health_set("trunk", HEALTH_UP, "%s", "");
}

static void metrics_tell(const struct peer *pr)
{
    const char *name = pr->p.cfg.name;

    gauges_set(&trunk_up, name, pr->p.state == TRUNK_UP);
    gauges_set(&trunk_rtt, name, pr->p.rtt_us / 1e6);
    gauges_set(&trunk_code, name, pr->p.last_code);
    gauges_set(&trunk_since, name, (double)pr->p.since_ms / 1e3);
}

static void metrics_forget(const struct peer *pr)
{
    gauges_del(&trunk_up, pr->p.cfg.name);
    gauges_del(&trunk_rtt, pr->p.cfg.name);
    gauges_del(&trunk_code, pr->p.cfg.name);
    gauges_del(&trunk_since, pr->p.cfg.name);
}

static void state_set(struct peer *pr, enum trunk_state state, uint16_t code, const char *why)
{
    struct trunks *t = pr->trunks;
    bool same = pr->p.state == state;
    char addr[ADDR_STRLEN];

    pr->p.last_code = code;
    pr->p.state = state;
    if (!same)
        pr->p.since_ms = clock_wall_ms();
    metrics_tell(pr);
    if (same)
        return;
    if (state == TRUNK_DOWN)
        metric_add(&trunk_downs, 1);
    (void)addr_str(&pr->p.addr, addr, sizeof(addr));
    if (state == TRUNK_UP)
        log_info("trunk", "trunk=%s address=%s code=%u rtt_us=%u up", pr->p.cfg.name, addr, code,
                 pr->p.rtt_us);
    else
        log_warn("trunk", "trunk=%s address=%s code=%u down: %s", pr->p.cfg.name, addr, code, why);
    report_health(t);
    for (size_t i = 0; i < t->listener_count; i++)
        t->listeners[i].h(&pr->p, t->listeners[i].arg);
}

/* ------------------------------------------------------------------ OPTIONS */

static void ping_later(struct peer *pr)
{
    uint64_t ms = (uint64_t)pr->p.cfg.ping_seconds * 1000;

    if (pr->p.state != TRUNK_UP)
        tmr_start(&pr->ping, ms && ms < TRUNK_RETRY_MS ? ms : TRUNK_RETRY_MS, ping_h, pr);
    else if (ms)
        tmr_start(&pr->ping, ms, ping_h, pr);
}

static void ping_done(struct peer *pr, uint16_t code, const char *why)
{
    bool alive = code >= 200 && code != 408 && code != 503;

    tmr_cancel(&pr->answer);
    if (alive)
        pr->p.rtt_us = (uint32_t)(clock_us() - pr->sent_us);
    state_set(pr, alive ? TRUNK_UP : TRUNK_DOWN, code, why);
    ping_later(pr);
}

static void response_h(int err, const struct sip_msg *msg, void *arg)
{
    struct peer *pr = arg;

    if (msg && msg->scode < 200)
        return;
    ping_done(pr, msg ? msg->scode : 0, err ? strerror(err) : "it refuses");
}

static void no_answer_h(void *arg)
{
    struct peer *pr = arg;

    pr->req = mem_deref(pr->req);
    ping_done(pr, 0, "no answer to OPTIONS");
}

static int contact_h(enum sip_transp tp, const struct sa *src, const struct sa *dst, struct mbuf *mb,
                     void *arg)
{
    (void)dst;
    (void)arg;
    return mbuf_printf(mb, "Contact: <sip:%J%s>\r\n", src, sip_transp_param(tp));
}

static int ping_send(struct peer *pr)
{
    struct sip *sip = pr->trunks->st->sip;
    struct addr laddr;
    struct sa from, to;
    char uri[128];
    int err;

    err = sip_stack_laddr(pr->trunks->st, &laddr, &pr->p.addr);
    if (err)
        return err;
    transp_sa(&from, &laddr);
    transp_sa(&to, &pr->p.addr);
    (void)re_snprintf(uri, sizeof(uri), "sip:%J;transport=%s", &to,
                      pr->p.cfg.transport == TRANSPORT_TCP ? "tcp" : "udp");
    metric_add(&pings, 1);
    pr->sent_us = clock_us();
    return sip_requestf(&pr->req, sip, true, "OPTIONS", uri, NULL, NULL, contact_h, response_h, pr,
                        "From: <sip:%J>;tag=%016llx\r\nTo: <%s>\r\nCall-ID: %016llx\r\nCSeq: 1 OPTIONS\r\n"
                        "Accept: application/sdp\r\nUser-Agent: %s\r\nContent-Length: 0\r\n\r\n",
                        &from, rnd_u64(), uri, rnd_u64(), sip->software);
}

static void ping_h(void *arg)
{
    struct peer *pr = arg;
    int err;

    if (pr->req || !usable(pr))
        return;
    tmr_start(&pr->answer, TRUNK_ANSWER_MS, no_answer_h, pr);
    err = ping_send(pr);
    if (err)
        ping_done(pr, 0, strerror(err));
}

/* Once the address is known, and again when it changed. */
static void begin(struct peer *pr)
{
    if (pr->p.cfg.transport == TRANSPORT_TLS) {
        state_set(pr, TRUNK_DOWN, 0, "transport tls is not supported by this version");
    } else if (!pr->p.cfg.ping_seconds) {
        state_set(pr, TRUNK_UP, 0, "");
    } else {
        pr->req = mem_deref(pr->req);
        ping_h(pr);
    }
}

/* ------------------------------------------------------------------ names */

static struct peer *peer_find(const struct trunks *t, const char *name)
{
    for (size_t i = 0; i < t->n; i++)
        if (!strcmp(t->peers[i]->p.cfg.name, name))
            return t->peers[i];
    return NULL;
}

static void resolve_h(void *arg)
{
    struct peer *pr = arg;

    (void)resolver_ask(pr->trunks->resolver, pr->p.cfg.name, pr->p.cfg.host, pr->p.cfg.port);
    tmr_start(&pr->resolve, pr->resolved ? TRUNK_RESOLVE_MS : TRUNK_RESOLVE_RETRY_MS, resolve_h, pr);
}

static void resolved_h(const char *key, const char *host, int err, const struct addr *addr, void *arg)
{
    struct peer *pr = peer_find(arg, key);
    char str[ADDR_STRLEN];

    if (!pr || strcmp(pr->p.cfg.host, host))
        return;
    if (err) { /* an address that was good stays good while the name server is ill */
        log_warn_limited("trunk", "trunk=%s host=%s the name cannot be resolved", key, host);
        if (!pr->resolved)
            state_set(pr, TRUNK_DOWN, 0, "its name cannot be resolved");
        return;
    }
    if (pr->resolved && addr_eq(&pr->p.addr, addr))
        return;
    pr->p.addr = *addr;
    pr->resolved = true;
    tmr_start(&pr->resolve, TRUNK_RESOLVE_MS, resolve_h, pr);
    log_info("trunk", "trunk=%s host=%s address=%s resolved", key, host, addr_str(addr, str, sizeof(str)));
    begin(pr);
}

static int locate(struct peer *pr)
{
    struct trunks *t = pr->trunks;
    int err = 0;

    if (!addr_parse_ip(&pr->p.addr, pr->p.cfg.host, pr->p.cfg.port)) {
        pr->resolved = true;
        begin(pr);
        return 0;
    }
    if (!t->resolver)
        err = resolver_alloc(&t->resolver, t->st, resolved_h, t);
    if (!err)
        resolve_h(pr);
    return err;
}

/* ------------------------------------------------------------------ configuration */

static void peer_free(struct peer *pr)
{
    if (!pr)
        return;
    tmr_cancel(&pr->ping);
    tmr_cancel(&pr->answer);
    tmr_cancel(&pr->resolve);
    mem_deref(pr->req);
    explicit_bzero(pr, sizeof(*pr));
    free(pr);
}

static bool same_place(const struct trunk_config *a, const struct trunk_config *b)
{
    return !strcmp(a->host, b->host) && a->port == b->port && a->transport == b->transport &&
           !a->ping_seconds == !b->ping_seconds;
}

static int compare(const void *a, const void *b)
{
    const struct trunk_config *x = &(*(struct peer *const *)a)->p.cfg,
                              *y = &(*(struct peer *const *)b)->p.cfg;

    if (x->priority != y->priority)
        return x->priority < y->priority ? -1 : 1;
    return strcmp(x->name, y->name);
}

/* The old one of this name and place keeps its state; its slot in the old list is emptied. */
static struct peer *peer_keep(struct trunks *t, const struct trunk_config *cfg)
{
    for (size_t i = 0; i < t->n; i++) {
        struct peer *pr = t->peers[i];

        if (!pr || strcmp(pr->p.cfg.name, cfg->name) || !same_place(&pr->p.cfg, cfg))
            continue;
        t->peers[i] = NULL;
        pr->p.cfg = *cfg;
        return pr;
    }
    return NULL;
}

static struct peer *peer_new(struct trunks *t, const struct trunk_config *cfg)
{
    struct peer *pr = calloc(1, sizeof(*pr));

    if (!pr)
        return NULL;
    pr->trunks = t;
    pr->p.cfg = *cfg;
    pr->p.cfg.port =
        sip_transp_port(cfg->transport == TRANSPORT_TLS ? SIP_TRANSP_TLS : SIP_TRANSP_UDP, cfg->port);
    pr->p.since_ms = clock_wall_ms();
    return pr;
}

int trunks_set(struct trunks *t, const struct trunk_config *v, size_t n)
{
    struct peer *now[TRUNK_PEERS_MAX], *fresh[TRUNK_PEERS_MAX];
    size_t fresh_count = 0;
    int err = 0;

    if (n > TRUNK_PEERS_MAX)
        return E2BIG;
    for (size_t i = 0; i < n; i++) { /* all memory first, so that a failure changes nothing */
        fresh[i] = peer_new(t, &v[i]);
        if (!fresh[i]) {
            while (i--)
                peer_free(fresh[i]);
            return ENOMEM;
        }
    }
    for (size_t i = 0; i < n; i++) {
        now[i] = peer_keep(t, &fresh[i]->p.cfg);
        if (now[i])
            peer_free(fresh[i]);
        else
            now[i] = fresh[fresh_count++] = fresh[i];
    }
    for (size_t i = 0; i < t->n; i++) {
        if (t->peers[i])
            metrics_forget(t->peers[i]);
        peer_free(t->peers[i]);
    }
    if (n)
        memcpy(t->peers, now, n * sizeof(now[0]));
    t->n = n;
    for (size_t i = 0; i < n; i++)
        metrics_tell(t->peers[i]);
    qsort(t->peers, n, sizeof(t->peers[0]), compare);
    report_health(t);
    for (size_t i = 0; i < fresh_count; i++)
        err |= locate(fresh[i]);
    return err;
}

static bool match_h(const struct addr *src, char *name, size_t sz, void *arg)
{
    const struct trunks *t = arg;
    const struct peer *found = NULL;

    for (size_t i = 0; i < t->n; i++) {
        const struct peer *pr = t->peers[i];

        if (!pr->resolved || !addr_eq_ip(&pr->p.addr, src))
            continue;
        if (!found || addr_eq(&pr->p.addr, src))
            found = pr;
        if (addr_eq(&pr->p.addr, src))
            break;
    }
    if (found && name)
        (void)snprintf(name, sz, "%s", found->p.cfg.name);
    return found != NULL;
}

int trunks_alloc(struct trunks **tp, struct sip_stack *st)
{
    struct trunks *t;

    if (!tp || !st)
        return EINVAL;
    t = calloc(1, sizeof(*t));
    if (!t)
        return ENOMEM;
    t->st = st;
    sip_stack_match(st, match_h, t);
    report_health(t);
    *tp = t;
    return 0;
}

void trunks_free(struct trunks *t)
{
    if (!t)
        return;
    sip_stack_match(t->st, NULL, NULL);
    for (size_t i = 0; i < t->n; i++) {
        metrics_forget(t->peers[i]);
        peer_free(t->peers[i]);
    }
    resolver_free(t->resolver);
    free(t);
}

/* ------------------------------------------------------------------ what calls ask */

/* Without pings only a call can show that it is back. */
static bool last_resort(const struct peer *pr)
{
    return pr->p.state == TRUNK_DOWN && !pr->p.cfg.ping_seconds;
}

const struct trunk_peer *trunks_choose(const struct trunks *t, size_t i)
{
    for (size_t k = 0; k < t->n; k++)
        if (usable(t->peers[k]) && t->peers[k]->p.state != TRUNK_DOWN && !i--)
            return &t->peers[k]->p;
    for (size_t k = 0; k < t->n; k++)
        if (usable(t->peers[k]) && last_resort(t->peers[k]) && !i--)
            return &t->peers[k]->p;
    return NULL;
}

const struct trunk_peer *trunks_find(const struct trunks *t, const char *name)
{
    const struct peer *pr = peer_find(t, name);

    return pr ? &pr->p : NULL;
}

void trunks_each(const struct trunks *t, trunks_h *h, void *arg)
{
    for (size_t i = 0; i < t->n; i++)
        if (h(&t->peers[i]->p, arg))
            return;
}

static void believed_h(void *arg)
{
    state_set(arg, TRUNK_UP, 0, "");
}

void trunks_suspect(struct trunks *t, const char *name)
{
    struct peer *pr = peer_find(t, name);

    if (!pr || !usable(pr) || pr->p.state == TRUNK_DOWN)
        return;
    state_set(pr, TRUNK_DOWN, 0, "a call got no answer");
    if (pr->p.cfg.ping_seconds)
        ping_h(pr);
    else
        tmr_start(&pr->ping, TRUNK_PROBATION_MS, believed_h, pr);
}

int trunks_listen(struct trunks *t, trunks_state_h *h, void *arg)
{
    if (t->listener_count == TRUNK_LISTENERS_MAX)
        return ENOSPC;
    t->listeners[t->listener_count].h = h;
    t->listeners[t->listener_count++].arg = arg;
    return 0;
}
