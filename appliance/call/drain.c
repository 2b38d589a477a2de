#include "call/drain.h"
#include "core/clock.h"
#include "core/fsm.h"
#include "core/health.h"
#include "core/log.h"
#include "sip/registrar.h"
#include "sip/stack.h"
#include <errno.h>
#include <re.h>
#include <stdio.h>
#include <string.h>

enum { TICK_MS = 50 };

enum drain_state { DRAIN_WAITING, DRAIN_FAREWELL, DRAIN_OVER };

static const struct fsm_state states[] = {
    [DRAIN_WAITING] = {"waiting", FSM(DRAIN_FAREWELL)},
    [DRAIN_FAREWELL] = {"farewell", FSM(DRAIN_OVER)},
    [DRAIN_OVER] = {"over", 0},
};

FSM_DEFINE(machine, "drain", states, NULL);

struct drain {
    struct drain_config cfg;
    uint8_t state;   /* enum drain_state */
    uint64_t end_ms; /* of the state */
    struct tmr tmr;
};

static uint32_t seconds_left(const struct drain *d)
{
    uint64_t now = clock_ms();

    return d->end_ms > now ? (uint32_t)((d->end_ms - now + 999) / 1000) : 0;
}

/* --- the pages --- */

static bool tell_h(const struct binding *b, void *arg)
{
    const struct drain *d = arg;
    char json[64];
    int err;

    (void)snprintf(json, sizeof(json), "{\"drain\":{\"seconds\":%u}}", seconds_left(d));
    err = session_message(d->cfg.stack, b, json);

    if (err)
        log_warn_limited("call", "dn=%s error=\"%s\" page not told of the drain", b->dn, strerror(err));
    return false;
}

static void binding_h(enum registrar_event ev, const struct binding *b, void *arg)
{
    struct drain *d = arg;

    if ((ev == REG_ADDED || ev == REG_REPLACED) && d->state == DRAIN_WAITING)
        (void)tell_h(b, d);
}

/* --- the calls --- */

static void waiting(struct drain *d)
{
    const size_t n = calls_count(d->cfg.calls);

    if (n && clock_ms() < d->end_ms)
        return;
    if (n)
        log_warn("call", "calls=%zu time is over: they are ended", n);
    calls_end_all(d->cfg.calls, "Gateway is shutting down");
    (void)fsm_move(&machine, &d->state, DRAIN_FAREWELL, d, "");
    d->end_ms = clock_ms() + DRAIN_FAREWELL_MS;
}

static void farewell(struct drain *d)
{
    if (calls_busy(d->cfg.calls) && clock_ms() < d->end_ms)
        return;
    (void)fsm_move(&machine, &d->state, DRAIN_OVER, d, "");
    d->cfg.done(d->cfg.arg);
}

static void tick_h(void *arg)
{
    struct drain *d = arg;

    if (d->state == DRAIN_WAITING)
        waiting(d);
    if (d->state == DRAIN_FAREWELL)
        farewell(d);
    if (d->state != DRAIN_OVER)
        tmr_start(&d->tmr, TICK_MS, tick_h, d);
}

static void begin(struct drain *d, uint32_t seconds)
{
    const size_t n = calls_count(d->cfg.calls);

    d->end_ms = clock_ms() + (uint64_t)seconds * 1000;
    log_info("call", "calls=%zu seconds=%u draining", n, n ? seconds : 0);
    health_set("drain", HEALTH_DOWN, "stopping: %zu calls have %u s to end", n, seconds);
    if (seconds && n)
        registrar_each(d->cfg.registrar, tell_h, d);
    tick_h(d);
}

static void destructor(void *arg)
{
    struct drain *d = arg;

    tmr_cancel(&d->tmr);
}

int drain_alloc(struct drain **dp, const struct drain_config *cfg)
{
    struct drain *d = mem_zalloc(sizeof(*d), destructor);
    int err;

    if (!d)
        return ENOMEM;
    d->cfg = *cfg;
    err = registrar_listen(cfg->registrar, binding_h, d);
    if (err) {
        mem_deref(d);
        return err;
    }
    calls_drain(cfg->calls, true);
    sip_stack_drain(cfg->stack, true);
    *dp = d;
    begin(d, cfg->seconds);
    return 0;
}

void drain_hurry(struct drain *d, uint32_t seconds)
{
    const uint64_t end_ms = clock_ms() + (uint64_t)seconds * 1000;

    if (d->state == DRAIN_WAITING && end_ms < d->end_ms) {
        log_info("call", "seconds=%u less time to drain", seconds);
        d->end_ms = end_ms;
        tick_h(d);
    }
}

void drain_free(struct drain *d)
{
    mem_deref(d);
}
