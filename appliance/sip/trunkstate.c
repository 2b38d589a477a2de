/*
 * A target's life:
 *
 *   UNKNOWN ─ any answer to OPTIONS but 408 and 503 ─► UP ─ a call got no answer ─► SUSPECT ─ answer ─► UP
 *                          no answer within 4 s, 408, 503: from anywhere to DOWN ─ answer ─► UP
 *
 * A trunk is what the best of its targets is. An UP one is asked every ping_seconds, the others every 3 s. One that is not to be pinged
 * is UP, but for the time that it is SUSPECT.
 */
#include "sip/trunks_priv.h"

#include "core/clock.h"
#include "core/fsm.h"
#include "core/gauges.h"
#include "core/health.h"
#include "core/log.h"
#include "core/metric.h"
#include "core/rnd.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

METRIC_LIMIT(configured, "trunks", TRUNK_PEERS_MAX);
METRIC_GAUGE(trunks_up, "dngate_trunks_up", NULL, "Trunks that answer");
GAUGES(trunk_up, "dngate_trunk_up", "trunk", "1 when the trunk answers, 0 when not or not yet");
GAUGES(trunk_addresses, "dngate_trunk_addresses_up", "trunk", "Addresses of the trunk's name that answer");
GAUGES(trunk_rtt, "dngate_trunk_rtt_seconds", "trunk", "Time from OPTIONS to its answer, last time");
GAUGES(trunk_code, "dngate_trunk_last_code", "trunk",
       "SIP code of the last answer to OPTIONS; 0 when none came");
GAUGES(trunk_since, "dngate_trunk_state_since_timestamp_seconds", "trunk",
       "When the trunk's state last changed, Unix time");
METRIC_COUNTER(trunk_downs, "dngate_trunk_failures_total", NULL, "Times that a trunk went down");
METRIC_COUNTER(pings, "dngate_trunk_pings_total", NULL, "OPTIONS sent to trunks");

/* A trunk is UNKNOWN again when its name leads to an address that was never asked. */
static const struct fsm_state states[] = {
    [TRUNK_UNKNOWN] = {"unknown", FSM(TRUNK_UP) | FSM(TRUNK_SUSPECT) | FSM(TRUNK_DOWN)},
    [TRUNK_UP] = {"up", FSM(TRUNK_UNKNOWN) | FSM(TRUNK_SUSPECT) | FSM(TRUNK_DOWN)},
    [TRUNK_SUSPECT] = {"suspect", FSM(TRUNK_UNKNOWN) | FSM(TRUNK_UP) | FSM(TRUNK_DOWN)},
    [TRUNK_DOWN] = {"down", FSM(TRUNK_UNKNOWN) | FSM(TRUNK_UP)},
};

/* An UP trunk has an address to send to. */
static bool peer_holds(unsigned state, const void *obj)
{
    return state != TRUNK_UP || ((const struct peer *)obj)->target_count;
}

FSM_DEFINE(peer_machine, "trunk", states, peer_holds);
FSM_DEFINE(target_machine, "trunk_address", states, NULL);

static void ping_h(void *arg);

const char *trunk_state_name(enum trunk_state s)
{
    return fsm_name(&peer_machine, s);
}

/* ------------------------------------------------------------------ what is shown */

void trunkstate_health(const struct trunks *t)
{
    const struct peer *down = NULL, *unknown = NULL, *suspect = NULL;
    size_t up = 0;

    for (size_t i = 0; i < t->n; i++) {
        const struct peer *pr = t->peers[i];

        up += pr->p.state == TRUNK_UP;
        if (!down && pr->p.state == TRUNK_DOWN)
            down = pr;
        if (!suspect && pr->p.state == TRUNK_SUSPECT)
            suspect = pr;
        if (!unknown && pr->p.state == TRUNK_UNKNOWN)
            unknown = pr;
    }
    metric_set(&configured, (int64_t)t->n);
    metric_set(&trunks_up, (int64_t)up);
    if (!t->n)
        /* A fresh install is no fault that a restart or a load balancer could mend. */
        health_set("trunk", HEALTH_DEGRADED,
                   "no trunk is configured: dngate trunk add NAME --address HOST:PORT");
    else if (suspect) /* that one call found it silent makes the box no less ready: OPTIONS will tell */
        health_set("trunk", HEALTH_DEGRADED, "trunk %s said nothing to a call", suspect->p.cfg.name);
    else if (!up && unknown)
        health_set("trunk", HEALTH_DOWN, "trunk %s has not answered yet", unknown->p.cfg.name);
    else if (!up)
        health_set("trunk", HEALTH_DOWN, "no trunk answers");
    else if (down)
        health_set("trunk", HEALTH_DEGRADED, "trunk %s does not answer", down->p.cfg.name);
    else
        health_set("trunk", HEALTH_UP, "%s", "");
}

static size_t targets_in(const struct peer *pr, enum trunk_state state)
{
    size_t n = 0;

    for (size_t i = 0; i < pr->target_count; i++)
        n += pr->targets[i]->state == state;
    return n;
}

void trunkstate_show(const struct peer *pr)
{
    const char *name = pr->p.cfg.name;

    gauges_set(&trunk_up, name, pr->p.state == TRUNK_UP);
    gauges_set(&trunk_addresses, name, (double)targets_in(pr, TRUNK_UP));
    gauges_set(&trunk_rtt, name, pr->p.rtt_us / 1e6);
    gauges_set(&trunk_code, name, pr->p.last_code);
    gauges_set(&trunk_since, name, (double)pr->p.since_ms / 1e3);
}

void trunkstate_hide(const struct peer *pr)
{
    gauges_del(&trunk_up, pr->p.cfg.name);
    gauges_del(&trunk_addresses, pr->p.cfg.name);
    gauges_del(&trunk_rtt, pr->p.cfg.name);
    gauges_del(&trunk_code, pr->p.cfg.name);
    gauges_del(&trunk_since, pr->p.cfg.name);
}

/* ------------------------------------------------------------------ state */

static enum trunk_state best_state(const struct peer *pr, enum trunk_state alone)
{
    static const enum trunk_state order[] = {TRUNK_UP, TRUNK_UNKNOWN, TRUNK_SUSPECT};

    if (!pr->target_count)
        return alone;
    for (size_t i = 0; i < ARRAY_SIZE(order); i++)
        if (targets_in(pr, order[i]))
            return order[i];
    return TRUNK_DOWN;
}

/* The address that a call would take first. */
static void addr_update(struct peer *pr)
{
    const struct target *best = pr->target_count ? pr->targets[0] : NULL;

    for (size_t i = 0; i < pr->target_count && best->state != TRUNK_UP; i++)
        if (pr->targets[i]->state == TRUNK_UP)
            best = pr->targets[i];
    if (best)
        pr->p.addr = best->addr;
}

void trunkstate_update(struct peer *pr, enum trunk_state alone, const char *why)
{
    struct trunks *t = pr->trunks;
    char addr[ADDR_STRLEN], label[sizeof(pr->p.cfg.name) + 8];
    bool moved;

    addr_update(pr);
    (void)snprintf(label, sizeof(label), "trunk=%s", pr->p.cfg.name);
    moved = fsm_move(&peer_machine, &pr->p.state, best_state(pr, alone), pr, label);
    if (moved)
        pr->p.since_ms = clock_wall_ms();
    if (moved || (pr->p.state == TRUNK_DOWN && why[0])) {
        (void)snprintf(pr->p.why, sizeof(pr->p.why), "%s", pr->p.state == TRUNK_UP ? "" : why);
    }
    trunkstate_show(pr);
    if (!moved)
        return;
    (void)addr_str(&pr->p.addr, addr, sizeof(addr));
    if (pr->p.state == TRUNK_UP || pr->p.state == TRUNK_UNKNOWN) {
        log_info("trunk", "trunk=%s address=%s code=%u rtt_us=%u %s", pr->p.cfg.name, addr, pr->p.last_code,
                 pr->p.rtt_us, fsm_name(&peer_machine, pr->p.state));
    } else {
        metric_add(&trunk_downs, pr->p.state == TRUNK_DOWN);
        log_warn("trunk", "trunk=%s address=%s code=%u %s: %s", pr->p.cfg.name, addr, pr->p.last_code,
                 fsm_name(&peer_machine, pr->p.state), why);
    }
    trunkstate_health(t);
    for (size_t i = 0; i < t->listener_count; i++)
        t->listeners[i].h(&pr->p, t->listeners[i].arg);
}

void trunkstate_target(struct target *tg, enum trunk_state to, const char *why)
{
    struct peer *pr = tg->peer;
    char addr[ADDR_STRLEN], label[sizeof(pr->p.cfg.name) + sizeof(addr) + 24];

    (void)snprintf(label, sizeof(label), "trunk=%s address=%s", pr->p.cfg.name,
                   addr_str(&tg->addr, addr, sizeof(addr)));
    if (fsm_move(&target_machine, &tg->state, to, tg, label) && pr->target_count > 1)
        log_info("trunk", "%s %s%s%s", label, fsm_name(&target_machine, to), why[0] ? ": " : "", why);
    trunkstate_update(pr, TRUNK_UNKNOWN, why);
}

static void believed_h(void *arg)
{
    struct peer *pr = arg;

    for (size_t i = 0; i < pr->target_count; i++)
        if (pr->targets[i]->state == TRUNK_SUSPECT)
            trunkstate_target(pr->targets[i], TRUNK_UP, "");
}

void trunkstate_probation(struct peer *pr)
{
    tmr_start(&pr->ping, TRUNK_PROBATION_MS, believed_h, pr);
}

/* ------------------------------------------------------------------ OPTIONS */

static bool asking(const struct peer *pr)
{
    for (size_t i = 0; i < pr->target_count; i++)
        if (pr->targets[i]->req)
            return true;
    return false;
}

/* Handshakes that fail cost both sides more than OPTIONS that nobody answers. */
static uint64_t retry_ms(const struct peer *pr, uint64_t ms)
{
    unsigned fails = TRUNK_BACKOFF_MAX;

    for (size_t i = 0; i < pr->target_count; i++)
        if (pr->targets[i]->state != TRUNK_UP && pr->targets[i]->tls_fails < fails)
            fails = pr->targets[i]->tls_fails;
    return (ms << fails) + (fails ? rnd_u32() % ms : 0);
}

static void ping_later(struct peer *pr)
{
    uint64_t ms = (uint64_t)pr->p.cfg.ping_seconds * 1000;

    tmr_cancel(&pr->answer);
    if (targets_in(pr, TRUNK_UP) < pr->target_count)
        tmr_start(&pr->ping, retry_ms(pr, ms && ms < TRUNK_RETRY_MS ? ms : TRUNK_RETRY_MS), ping_h, pr);
    else if (ms)
        tmr_start(&pr->ping, ms, ping_h, pr);
}

static void ping_done(struct target *tg, uint16_t code, const char *why)
{
    struct peer *pr = tg->peer;
    bool alive = code >= 200 && code != 408 && code != 503;

    pr->p.last_code = code;
    if (alive)
        pr->p.rtt_us = tg->rtt_us = (uint32_t)(clock_us() - tg->sent_us);
    if (code)
        tg->tls_fails = 0;
    else if (tg->tls_why[0])
        why = tg->tls_why;
    trunkstate_target(tg, alive ? TRUNK_UP : TRUNK_DOWN, why);
    tg->tls_why[0] = '\0';
    if (!asking(pr))
        ping_later(pr);
}

static void response_h(int err, const struct sip_msg *msg, void *arg)
{
    struct target *tg = arg;

    if (msg && msg->scode < 200)
        return;
    ping_done(tg, msg ? msg->scode : 0, err ? strerror(err) : "it refuses");
}

static void no_answer_h(void *arg)
{
    struct peer *pr = arg;

    for (size_t i = 0; i < pr->target_count; i++) {
        struct target *tg = pr->targets[i];

        if (!tg->req)
            continue;
        tg->req = mem_deref(tg->req);
        ping_done(tg, 0, "no answer to OPTIONS");
    }
}

static int contact_h(enum sip_transp tp, const struct sa *src, const struct sa *dst, struct mbuf *mb,
                     void *arg)
{
    (void)dst;
    (void)arg;
    return mbuf_printf(mb, "Contact: <sip:%J%s>\r\n", src, sip_transp_param(tp));
}

static int ping_send(struct target *tg)
{
    static const char *const transports[] = {
        [TRANSPORT_UDP] = "udp", [TRANSPORT_TCP] = "tcp", [TRANSPORT_TLS] = "tls"};
    const struct peer *pr = tg->peer;
    struct sip *sip = pr->trunks->st->sip;
    struct addr laddr;
    struct sa from, to;
    char uri[128];
    int err;

    err = sip_stack_laddr_by(pr->trunks->st, &laddr, &tg->addr, pr->p.cfg.transport);
    if (err)
        return err;
    transp_sa(&from, &laddr);
    transp_sa(&to, &tg->addr);
    (void)re_snprintf(uri, sizeof(uri), "sip:%J;transport=%s", &to, transports[pr->p.cfg.transport % 3u]);
    metric_add(&pings, 1);
    tg->sent_us = clock_us();
    return sip_requestf(&tg->req, sip, true, "OPTIONS", uri, NULL, NULL, contact_h, response_h, tg,
                        "From: <sip:%J>;tag=%016llx\r\nTo: <%s>\r\nCall-ID: %016llx\r\nCSeq: 1 OPTIONS\r\n"
                        "Accept: application/sdp\r\nUser-Agent: %s\r\nContent-Length: 0\r\n\r\n",
                        &from, rnd_u64(), uri, rnd_u64(), sip->software);
}

void trunkstate_ping(struct peer *pr)
{
    int errs[TRUNK_TARGETS_MAX];

    if (!pr->target_count || asking(pr))
        return;
    tmr_start(&pr->answer, TRUNK_ANSWER_MS, no_answer_h, pr);
    for (size_t i = 0; i < pr->target_count; i++) /* all are under way before the first is judged */
        errs[i] = ping_send(pr->targets[i]);
    for (size_t i = 0; i < pr->target_count; i++)
        if (errs[i])
            ping_done(pr->targets[i], 0, strerror(errs[i]));
}

void trunkstate_ping_soon(struct peer *pr)
{
    if (pr->p.cfg.ping_seconds && !asking(pr))
        tmr_start(&pr->ping, TRUNK_AGAIN_MS + rnd_u32() % TRUNK_AGAIN_MS, ping_h, pr);
}

static void ping_h(void *arg)
{
    trunkstate_ping(arg);
}
