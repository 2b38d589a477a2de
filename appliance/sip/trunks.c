#include "sip/trunks_priv.h"
#include "sip/trunktls.h"

#include "core/clock.h"
#include "core/log.h"
#include "core/metric.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

METRIC_COUNTER(silences, "dngate_trunk_silences_total", NULL,
               "Calls to which an address of a trunk said nothing at all");
METRIC_COUNTER(rests, "dngate_trunk_rests_total", NULL,
               "Times that a trunk asked for a rest (503, Retry-After)");

static struct peer *peer_find(const struct trunks *t, const char *name)
{
    for (size_t i = 0; i < t->n; i++)
        if (!strcmp(t->peers[i]->p.cfg.name, name))
            return t->peers[i];
    return NULL;
}

static struct peer *peer_by_id(const struct trunks *t, uint32_t id)
{
    for (size_t i = 0; i < t->n; i++)
        if (t->peers[i]->p.id == id)
            return t->peers[i];
    return NULL;
}

/* ------------------------------------------------------------------ targets */

static void target_free(struct target *tg)
{
    mem_deref(tg->req);
    free(tg);
}

static struct target *target_take(struct peer *pr, const struct addr *a)
{
    for (size_t i = 0; i < pr->target_count; i++) {
        struct target *tg = pr->targets[i];

        if (!tg || !addr_eq(&tg->addr, a))
            continue;
        pr->targets[i] = NULL;
        return tg;
    }
    return NULL;
}

/* A trunk that works is believed to work at a new address, too, until OPTIONS tell. */
static struct target *target_new(struct peer *pr, const struct addr *a)
{
    struct target *tg = calloc(1, sizeof(*tg));

    if (!tg)
        return NULL;
    tg->addr = *a;
    tg->peer = pr;
    tg->state = TRUNK_UNKNOWN;
    if (!pr->p.cfg.ping_seconds || (pr->target_count && pr->p.state == TRUNK_UP))
        tg->state = TRUNK_UP;
    return tg;
}

/* Makes v the peer's addresses; those that stay keep their state. True when there are new ones. */
static bool targets_set(struct peer *pr, const struct addr *v, size_t n)
{
    struct target *now[TRUNK_TARGETS_MAX];
    size_t count = 0;
    bool fresh = false;

    for (size_t i = 0; i < n && i < TRUNK_TARGETS_MAX; i++) {
        struct target *tg = target_take(pr, &v[i]);

        fresh |= !tg;
        if (!tg)
            tg = target_new(pr, &v[i]);
        if (tg)
            now[count++] = tg;
    }
    for (size_t i = 0; i < pr->target_count; i++)
        if (pr->targets[i])
            target_free(pr->targets[i]);
    memcpy(pr->targets, now, count * sizeof(now[0]));
    pr->target_count = count;
    return fresh;
}

/* Once the addresses are known, and again when they changed. */
static void located(struct peer *pr, const struct addr *v, size_t n)
{
    bool fresh = targets_set(pr, v, n);

    trunkstate_update(pr, TRUNK_UNKNOWN, "");
    if (fresh && pr->p.cfg.ping_seconds)
        trunkstate_ping(pr);
}

/* ------------------------------------------------------------------ names */

/* A trunk that is down may have moved: its name is asked for as often as one that is not known. */
static void resolve_h(void *arg)
{
    struct peer *pr = arg;
    const bool lost = !pr->target_count || pr->p.state == TRUNK_DOWN;

    if (lost || clock_ms() >= pr->asked_ms + resolver_again_ms) {
        pr->asked_ms = clock_ms();
        (void)resolver_ask(pr->trunks->resolver, pr->p.cfg.name, pr->p.cfg.host, pr->p.cfg.port);
    }
    tmr_start(&pr->resolve, MIN(resolver_again_ms, resolver_retry_ms), resolve_h, pr);
}

/* Name servers give the addresses in another order each time; that is no change. */
static bool same_targets(const struct peer *pr, const struct addr *v, size_t n)
{
    size_t found = 0;

    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < pr->target_count; k++)
            found += addr_eq(&pr->targets[k]->addr, &v[i]);
    return found == n && n == pr->target_count;
}

static void resolved_h(const char *key, const char *host, int err, const struct addr *v, size_t n, void *arg)
{
    struct peer *pr = peer_find(arg, key);
    char str[ADDR_STRLEN];

    if (!pr || strcmp(pr->p.cfg.host, host))
        return;
    if (err) { /* addresses that were good stay good while the name server is ill */
        log_warn_limited("trunk", "trunk=%s host=%s the name cannot be resolved", key, host);
        trunkstate_update(pr, TRUNK_DOWN, "its name cannot be resolved");
        return;
    }
    if (same_targets(pr, v, n))
        return;
    for (size_t i = 0; i < n; i++)
        log_info("trunk", "trunk=%s host=%s address=%s resolved", key, host,
                 addr_str(&v[i], str, sizeof(str)));
    located(pr, v, n);
}

static int locate(struct peer *pr)
{
    struct trunks *t = pr->trunks;
    struct addr a;
    int err = 0;

    if (!addr_parse_ip(&a, pr->p.cfg.host, pr->p.cfg.port)) {
        located(pr, &a, 1);
        return 0;
    }
    if (!t->resolver)
        err = resolver_alloc(&t->resolver, t->st, "resolver", resolved_h, t);
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
    for (size_t i = 0; i < pr->target_count; i++)
        target_free(pr->targets[i]);
    trunktls_forget(pr);
    explicit_bzero(pr, sizeof(*pr));
    free(pr);
}

static bool same_place(const struct trunk_config *a, const struct trunk_config *b)
{
    return !strcmp(a->host, b->host) && a->port == b->port && a->transport == b->transport &&
           !a->ping_seconds == !b->ping_seconds && !strcmp(a->tls_ca, b->tls_ca) &&
           !strcmp(a->tls_name, b->tls_name) && !strcmp(a->tls_cert, b->tls_cert);
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
    pr->p.id = ++t->last_id;
    pr->p.state = TRUNK_UNKNOWN;
    pr->p.since_ms = clock_wall_ms();
    return pr;
}

/* One that goes on under other terms speaks TLS by them; one that is removed keeps its connections for the calls that it has. */
static bool replaced(const struct peer *old, struct peer *const *now, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!strcmp(old->p.cfg.name, now[i]->p.cfg.name))
            return true;
    return false;
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
        if (!t->peers[i])
            continue;
        trunkstate_hide(t->peers[i]);
        if (replaced(t->peers[i], now, n))
            transp_tls_drop(t->st->sip, t->peers[i]->p.id);
        peer_free(t->peers[i]);
    }
    if (n)
        memcpy(t->peers, now, n * sizeof(now[0]));
    t->n = n;
    for (size_t i = 0; i < n; i++)
        trunkstate_show(t->peers[i]);
    qsort(t->peers, n, sizeof(t->peers[0]), compare);
    trunkstate_health(t);
    for (size_t i = 0; i < fresh_count; i++)
        err |= locate(fresh[i]);
    return err;
}

/* ------------------------------------------------------------------ who may speak */

/* The trunk of this very address, else one at its IP: a peer may send from any port. */
static bool match_h(const struct addr *src, char *name, size_t sz, void *arg)
{
    const struct trunks *t = arg;
    const struct peer *found = NULL;

    for (size_t i = 0; i < t->n; i++) {
        const struct peer *pr = t->peers[i];

        for (size_t k = 0; k < pr->target_count; k++) {
            const struct addr *a = &pr->targets[k]->addr;

            if (!addr_eq_ip(a, src))
                continue;
            if (!found || addr_eq(a, src))
                found = pr;
            if (addr_eq(a, src))
                goto out;
        }
    }

out:
    if (found && name)
        (void)snprintf(name, sz, "%s", found->p.cfg.name);
    return found != NULL;
}

static bool name_h(uint32_t id, char *name, size_t sz, void *arg)
{
    const struct peer *pr = peer_by_id(arg, id);

    if (pr)
        (void)snprintf(name, sz, "%s", pr->p.cfg.name);
    return pr != NULL;
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
    sip_stack_match(st, match_h, name_h, t);
    trunktls_start(t);
    trunkstate_health(t);
    *tp = t;
    return 0;
}

void trunks_free(struct trunks *t)
{
    if (!t)
        return;
    sip_stack_match(t->st, NULL, NULL, NULL);
    for (size_t i = 0; i < t->n; i++) {
        trunkstate_hide(t->peers[i]);
        peer_free(t->peers[i]);
    }
    trunktls_stop(t);
    resolver_free(t->resolver);
    free(t);
}

/* ------------------------------------------------------------------ what calls ask */

enum { RANK_GOOD, RANK_RESTS, RANK_SUSPECT, RANKS };

static bool has_rank(const struct peer *pr, const struct target *tg, int rank)
{
    if (tg->state == TRUNK_SUSPECT)
        return rank == RANK_SUSPECT;
    return rank == (pr->rests_until_ms > clock_ms() ? RANK_RESTS : RANK_GOOD);
}

/* Those of one trunk: what answers before what was not heard of yet. */
static size_t choose(const struct peer *pr, int rank, struct trunk_target *v, size_t max)
{
    static const enum trunk_state order[] = {TRUNK_UP, TRUNK_UNKNOWN, TRUNK_SUSPECT};
    size_t n = 0;

    for (size_t s = 0; s < ARRAY_SIZE(order); s++)
        for (size_t i = 0; i < pr->target_count && n < max; i++)
            if (pr->targets[i]->state == order[s] && has_rank(pr, pr->targets[i], rank))
                v[n++] = (struct trunk_target){pr->p.id, pr->targets[i]->addr};
    return n;
}

size_t trunks_targets(const struct trunks *t, struct trunk_target *v, size_t max)
{
    size_t n = 0;

    for (int rank = 0; rank < RANKS; rank++)
        for (size_t i = 0; i < t->n; i++)
            n += choose(t->peers[i], rank, v + n, max - n);
    return n;
}

const struct trunk_peer *trunks_by_id(const struct trunks *t, uint32_t id)
{
    const struct peer *pr = peer_by_id(t, id);

    return pr ? &pr->p : NULL;
}

const struct trunk_peer *trunks_find(const struct trunks *t, const char *name)
{
    const struct peer *pr = peer_find(t, name);

    return pr ? &pr->p : NULL;
}

void trunks_each(const struct trunks *t, trunks_each_h *h, void *arg)
{
    for (size_t i = 0; i < t->n; i++)
        if (h(&t->peers[i]->p, arg))
            return;
}

size_t trunk_peer_addresses(const struct trunk_peer *p, struct trunk_address v[static TRUNK_TARGETS_MAX])
{
    const struct peer *pr = (const struct peer *)p; /* its first member */

    for (size_t i = 0; i < pr->target_count; i++)
        v[i] = (struct trunk_address){pr->targets[i]->addr, (enum trunk_state)pr->targets[i]->state,
                                      pr->targets[i]->rtt_us};
    return pr->target_count;
}

void trunks_silent(struct trunks *t, const struct trunk_target *target)
{
    struct peer *pr = peer_by_id(t, target->trunk);

    metric_add(&silences, 1);
    for (size_t i = 0; pr && i < pr->target_count; i++) {
        struct target *tg = pr->targets[i];

        if (!addr_eq(&tg->addr, &target->addr) || tg->state == TRUNK_DOWN || tg->state == TRUNK_SUSPECT)
            continue;
        trunkstate_target(tg, TRUNK_SUSPECT, tg->tls_why[0] ? tg->tls_why : "a call got no answer");
        tg->tls_why[0] = '\0';
        if (pr->p.cfg.ping_seconds)
            trunkstate_ping(pr);
        else
            trunkstate_probation(pr);
        return;
    }
}

void trunks_rest(struct trunks *t, uint32_t id, uint32_t seconds)
{
    struct peer *pr = peer_by_id(t, id);

    if (!pr || !seconds)
        return;
    if (seconds > TRUNK_REST_MAX_S)
        seconds = TRUNK_REST_MAX_S;
    pr->rests_until_ms = clock_ms() + (uint64_t)seconds * 1000;
    metric_add(&rests, 1);
    log_warn_limited("trunk", "trunk=%s seconds=%u asks for a rest (503): tried after the others",
                     pr->p.cfg.name, seconds);
}

int trunks_listen(struct trunks *t, trunks_state_h *h, void *arg)
{
    if (t->listener_count == TRUNK_LISTENERS_MAX)
        return ENOSPC;
    t->listeners[t->listener_count].h = h;
    t->listeners[t->listener_count++].arg = arg;
    return 0;
}
