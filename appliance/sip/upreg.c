/* sip/upreg: all DNs: who is signed in, where they register, and what is done each second. */
#include "sip/upreg_priv.h"

#include "core/clock.h"
#include "core/log.h"
#include "core/metric.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

METRIC_LIMIT(used, "upstream_registrations", SIP_WS_CONNS_MAX);
METRIC_COUNTER(dropped, "dngate_upstream_stale_total", NULL,
               "Un-registrations that were dropped because the DN had signed in again");

/* ------------------------------------------------------------------ places */

struct upreg_place *upreg_place_ref(struct upreg_place *p)
{
    p->refs++;
    return p;
}

void upreg_place_deref(struct upreg *u, struct upreg_place *p)
{
    if (!p || --p->refs)
        return;
    if (p->held)
        sip_stack_release(u->cfg.stack, &p->addr);
    explicit_bzero(p, sizeof(*p));
    free(p);
}

struct choice {
    const struct trunk_peer *first, *best;
};

static bool choose_h(const struct trunk_peer *p, void *arg)
{
    struct choice *c = arg;

    if (!p->cfg.registers || !addr_port(&p->addr))
        return false;
    c->first = c->first ? c->first : p;
    if (p->state != TRUNK_DOWN)
        c->best = p;
    return c->best != NULL;
}

/*
 * Where DNs register: at the first trunk that registers and is not down, at the target that a call would take first. NULL: nowhere.
 * The one place that knows: who wants several, or another order, changes this.
 */
static const struct trunk_peer *place_choose(const struct upreg *u)
{
    struct choice c = {NULL, NULL};

    trunks_each(u->cfg.trunks, choose_h, &c);
    return c.best ? c.best : c.first;
}

static void place_update(struct upreg_place *p, const struct trunk_config *cfg)
{
    (void)snprintf(p->host, sizeof(p->host), "%s", cfg->host);
    (void)snprintf(p->username, sizeof(p->username), "%s", cfg->username);
    (void)snprintf(p->password, sizeof(p->password), "%s", cfg->password);
}

static struct upreg_place *place_new(struct upreg *u, const struct trunk_peer *peer, const struct addr *self)
{
    struct upreg_place *p = calloc(1, sizeof(*p));

    if (!p)
        return NULL;
    p->refs = 1;
    p->addr = peer->addr;
    p->self = *self;
    p->transport = peer->cfg.transport;
    p->held = !sip_stack_hold(u->cfg.stack, &p->addr);
    (void)snprintf(p->trunk, sizeof(p->trunk), "%s", peer->cfg.name);
    place_update(p, &peer->cfg);
    return p;
}

static bool place_is(const struct upreg_place *p, const struct trunk_peer *peer)
{
    return p && peer && !strcmp(p->trunk, peer->cfg.name) && addr_eq(&p->addr, &peer->addr) &&
           p->transport == peer->cfg.transport;
}

struct again {
    const struct upreg_place *at;
    uint64_t since_ms;
};

static bool again_h(void *val, void *arg)
{
    const struct again *a = arg;
    struct upreg_dn *e = val;

    if (e->at == a->at && e->state != UPREG_LEAVING && (!e->confirmed_ms || e->confirmed_ms <= a->since_ms))
        upregdn_register(e, UPREG_LINE_AGAIN);
    return false;
}

/* It may have forgotten whom it confirmed before. */
static void place_again(struct upreg *u, const struct upreg_place *p, uint64_t since_ms, const char *why)
{
    struct again a = {p, since_ms};

    log_info("upstream", "trunk=%s dns=%zu %s: registered again", p->trunk, table_count(u->dns), why);
    (void)table_each(u->dns, again_h, &a);
}

void upreg_answered(struct upreg *u, struct upreg_place *p)
{
    const uint64_t since = p->broken_ms;

    p->silent = 0;
    p->broken_ms = 0;
    if (since)
        place_again(u, p, since, "answers again");
}

void upreg_silent(struct upreg_place *p)
{
    p->silent += p->silent < UPREG_SILENT_MAX;
    if (p->silent == UPREG_SILENT_MAX && !p->broken_ms)
        p->broken_ms = clock_ms();
}

/* The same place: has it gone down, or come back, or do we have another address for it? */
static void place_look(struct upreg *u, struct upreg_place *p, const struct trunk_peer *peer,
                       const struct addr *self)
{
    const bool was_down = p->down;

    place_update(p, &peer->cfg);
    p->down = peer->state == TRUNK_DOWN;
    if (p->down && !p->broken_ms)
        p->broken_ms = clock_ms();
    if (!addr_eq(&p->self, self)) {
        p->self = *self;
        place_again(u, p, clock_ms(), "our address has changed");
    } else if (was_down && !p->down) {
        upreg_answered(u, p);
    }
}

static bool gather_h(const struct binding *b, void *arg);

/* Another place, or none: whoever is registered at one that is a trunk no more is un-registered there first, by the next tick. */
static void place_switch(struct upreg *u, const struct trunk_peer *peer, const struct addr *self)
{
    struct upreg_place *was = u->place;
    const struct trunk_peer *there = was ? trunks_find(u->cfg.trunks, was->trunk) : NULL;

    u->place = peer ? place_new(u, peer, self) : NULL;
    if (u->place)
        u->place->down = peer->state == TRUNK_DOWN;
    if (was)
        was->gone = !there || !there->cfg.registers || was->transport != there->cfg.transport ||
                    strcmp(was->host, there->cfg.host) != 0;
    if (u->place)
        log_info("upstream", "trunk=%s DNs register here", u->place->trunk);
    else
        log_info("upstream", "DNs register nowhere");
    upreg_place_deref(u, was);
    if (u->place)
        registrar_each(u->cfg.registrar, gather_h, u);
}

static void look(struct upreg *u)
{
    const struct trunk_peer *peer = u->stopping ? NULL : place_choose(u);
    struct addr self;

    if (u->stopping)
        return;
    if (peer && sip_stack_laddr_by(u->cfg.stack, &self, &peer->addr, peer->cfg.transport))
        peer = NULL;
    if (place_is(u->place, peer))
        place_look(u, u->place, peer, &self);
    else if (peer || u->place)
        place_switch(u, peer, &self);
}

/* ------------------------------------------------------------------ turns */

static void pump_h(void *arg);

static void pump_start(struct upreg *u, uint32_t ms)
{
    if (!tmr_isrunning(&u->pump))
        tmr_start(&u->pump, ms, pump_h, u);
}

static void pump_h(void *arg)
{
    struct upreg *u = arg;
    struct upreg_dn *e;

    while ((e = upregpace_take(&u->pace, clock_us())))
        upregdn_send(e);
    if (upregpace_waiting(&u->pace))
        pump_start(u, upregpace_wait_ms(&u->pace, clock_us()));
}

void upreg_queue(struct upreg_dn *e, enum upregpace_line line, bool first)
{
    upregpace_put(&e->u->pace, &e->le, e, line, first);
    pump_start(e->u, 0); /* not from within whatever told us */
}

/* ------------------------------------------------------------------ who is signed in */

static uint64_t sequence(struct upreg *u)
{
    const uint64_t now = (uint64_t)clock_wall_ms() * 1000;

    u->last_seq = now > u->last_seq ? now : u->last_seq + 1;
    return u->last_seq;
}

static struct upreg_dn *find(const struct upreg *u, const char *dn)
{
    return table_get(u->dns, dn, strlen(dn));
}

/* Whoever is registered, or about to be, is left alone. */
static void signed_in(struct upreg *u, const struct binding *b, uint64_t seq)
{
    struct upreg_dn *e = find(u, b->dn);

    /* With no place now, whoever is known is wanted all the same: a sign-out of before counts no more. */
    if (u->stopping || (!e && !u->place))
        return;
    if (!e)
        e = upregdn_new(u, b->dn);
    if (!e) {
        log_error("upstream", "dn=%s not registered at SIP Server: no memory", b->dn);
        return;
    }
    e->seq = seq;
    e->gone_ms = 0;
    if (e->state != UPREG_REGISTERED && e->state != UPREG_REFRESHING && e->state != UPREG_REGISTERING)
        upregdn_register(e, UPREG_LINE_NOW);
    metric_set(&used, (int64_t)table_count(u->dns));
}

/* Who signed in while nothing registered. */
static bool gather_h(const struct binding *b, void *arg)
{
    struct upreg *u = arg;

    if (!find(u, b->dn))
        signed_in(u, b, (uint64_t)b->registered_ms * 1000);
    return false;
}

static void signed_out(struct upreg *u, const struct binding *b, bool at_once)
{
    struct upreg_dn *e = find(u, b->dn);

    if (!e)
        return;
    e->gone_ms = clock_ms() + (at_once ? 0 : u->cfg.unregister_ms);
    if (at_once && !u->cfg.busy(b->dn, u->cfg.arg))
        (void)upreg_leave(u, b->dn, e->seq);
}

static void binding_h(enum registrar_event ev, const struct binding *b, void *arg)
{
    struct upreg *u = arg;

    switch (ev) {

    case REG_ADDED:
    case REG_REPLACED:
        signed_in(u, b, sequence(u));
        break;

    case REG_EXPIRED:
    case REG_CONN_LOST:
        signed_out(u, b, false);
        break;

    case REG_REMOVED:
        signed_out(u, b, true);
        break;

    case REG_REFRESHED:
    case REG_RETURNED:
        break;
    }
}

bool upreg_leave(struct upreg *u, const char *dn, uint64_t seq)
{
    struct upreg_dn *e = find(u, dn);

    if (!e || seq != e->seq) {
        metric_add(&dropped, e != NULL);
        return false;
    }
    if (e->state == UPREG_LEAVING && e->leave_seq == seq)
        return true;
    e->gone_ms = e->gone_ms ? e->gone_ms : clock_ms();
    upregdn_leave(e);
    return true;
}

static bool recheck_h(void *val, void *arg)
{
    struct upreg_dn *e = val;

    (void)arg;
    if (e->state == UPREG_REFUSED && (e->code == 401 || e->code == 407 || e->code == 403)) {
        e->tries = 0;
        upregdn_register(e, UPREG_LINE_NOW);
    }
    return false;
}

void upreg_recheck(struct upreg *u, const char *dn)
{
    struct upreg_dn *e = dn[0] ? find(u, dn) : NULL;

    if (e)
        (void)recheck_h(e, u);
    else if (!dn[0])
        (void)table_each(u->dns, recheck_h, u);
}

/* ------------------------------------------------------------------ each second */

static bool tick_dn_h(void *val, void *arg)
{
    struct upreg_dn *e = val;
    struct upreg *u = arg;
    const uint64_t now = clock_ms();

    if (e->gone_ms && now >= e->gone_ms && e->state != UPREG_LEAVING) {
        if (u->cfg.busy(e->dn, u->cfg.arg))
            return false;
        (void)upreg_leave(u, e->dn, e->seq);
    } else if (e->at != u->place && e->at && e->at->gone && !e->req && e->state != UPREG_LEAVING) {
        upregdn_leave(e);
    } else if (e->at != u->place && u->place && !e->req && e->state != UPREG_LEAVING) {
        upregdn_register(e, UPREG_LINE_AGAIN);
    } else if (e->due_ms && now >= e->due_ms) {
        upregdn_due(e);
    }
    return false;
}

static void over(struct upreg *u)
{
    void (*done)(void *arg) = u->done;

    u->done = NULL;
    if (table_count(u->dns))
        log_warn("upstream", "dns=%zu are still registered: the time is over", table_count(u->dns));
    done(u->done_arg);
}

static void tick_h(void *arg)
{
    struct upreg *u = arg;

    if (u->cfg.settings)
        u->cfg.settings(&u->pace.rate, &u->cfg.unregister_ms, u->cfg.arg);
    look(u);
    (void)table_each(u->dns, tick_dn_h, u);
    metric_set(&used, (int64_t)table_count(u->dns));
    if (u->done && (!table_count(u->dns) || clock_ms() >= u->done_ms))
        over(u);
    tmr_start(&u->tick, u->done && u->cfg.tick_ms > UPREG_END_TICK_MS ? UPREG_END_TICK_MS : u->cfg.tick_ms,
              tick_h, u);
}

static void trunk_h(const struct trunk_peer *p, void *arg)
{
    (void)p;
    look(arg);
}

void upreg_retarget(struct upreg *u)
{
    look(u);
    tmr_start(&u->tick, 0, tick_h, u);
}

/* ------------------------------------------------------------------ begin and end */

static bool leave_h(void *val, void *arg)
{
    const struct upreg_dn *e = val;

    (void)upreg_leave(arg, e->dn, e->seq);
    return false;
}

void upreg_leave_all(struct upreg *u, uint32_t ms, void (*done)(void *arg), void *arg)
{
    u->stopping = true;
    u->done = done;
    u->done_arg = arg;
    u->done_ms = clock_ms() + ms;
    if (table_count(u->dns))
        log_info("upstream", "dns=%zu are un-registered", table_count(u->dns));
    (void)table_each(u->dns, leave_h, u);
    tmr_start(&u->tick, 0, tick_h, u);
}

void upreg_hurry(struct upreg *u)
{
    u->done_ms = 0;
    tmr_start(&u->tick, 0, tick_h, u);
}

int upreg_alloc(struct upreg **up, const struct upreg_config *cfg)
{
    struct upreg *u = calloc(1, sizeof(*u));
    int err;

    if (!u)
        return ENOMEM;
    u->cfg = *cfg;
    u->cfg.answer_ms = cfg->answer_ms ? cfg->answer_ms : UPREG_ANSWER_MS;
    u->cfg.retry_ms = cfg->retry_ms ? cfg->retry_ms : UPREG_RETRY_MIN_MS;
    u->cfg.ask_ms = cfg->ask_ms ? cfg->ask_ms : UPREG_ASK_MIN_MS;
    u->cfg.tick_ms = cfg->tick_ms ? cfg->tick_ms : UPREG_TICK_MS;
    upregpace_init(&u->pace, cfg->rate, clock_us());
    err = table_alloc(&u->dns, SIP_WS_CONNS_MAX);
    if (!err)
        err = registrar_listen(cfg->registrar, binding_h, u);
    if (!err)
        err = trunks_listen(cfg->trunks, trunk_h, u);
    if (err) {
        table_free(u->dns);
        free(u);
        return err;
    }
    tick_h(u);
    *up = u;
    return 0;
}

static bool free_h(void *val, void *arg)
{
    (void)arg;
    upregdn_free(val);
    return false;
}

void upreg_free(struct upreg *u)
{
    if (!u)
        return;
    tmr_cancel(&u->tick);
    tmr_cancel(&u->pump);
    (void)table_each(u->dns, free_h, NULL);
    table_free(u->dns);
    upreg_place_deref(u, u->place);
    metric_set(&used, 0);
    explicit_bzero(u, sizeof(*u));
    free(u);
}

/* ------------------------------------------------------------------ what others ask */

int upreg_get(const struct upreg *u, const char *dn, struct upreg_info *out)
{
    const struct upreg_dn *e = find(u, dn);

    if (e)
        upregdn_info(e, out);
    return e ? 0 : ENOENT;
}

static bool refused_h(void *val, void *arg)
{
    (void)arg;
    return ((const struct upreg_dn *)val)->state == UPREG_REFUSED;
}

void upreg_counts(const struct upreg *u, struct upreg_counts *out)
{
    const struct upreg_dn *e = u->in[UPREG_REFUSED] ? table_each(u->dns, refused_h, NULL) : NULL;
    struct upreg_info info;

    memset(out, 0, sizeof(*out));
    memcpy(out->in, u->in, sizeof(out->in));
    out->changes = u->changes;
    if (!e)
        return;
    upregdn_info(e, &info);
    out->code = info.code;
    (void)snprintf(out->dn, sizeof(out->dn), "%s", e->dn);
    (void)snprintf(out->text, sizeof(out->text), "%s", info.text);
}
