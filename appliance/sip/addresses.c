/*
 * Which address of ours a peer is told, in Via, Contact and SDP: one that it can reach and that we listen on.
 *
 *   loopback peer   the loopback address that we bound, or 127.0.0.1 / ::1 when we bound all; else what we bound: it is on this machine
 *   any other       public.address; else what we bound, or the one that the kernel takes towards it when we bound all
 *
 * public.address may be a name: it is looked up on a resolver thread, again every minute, and every 5 s until it resolves. Until then
 * the box does without, and says so.
 */
#include "sip/resolver.h"
#include "sip/stack_priv.h"

#include "core/health.h"
#include "core/log.h"

#include <errno.h>
#include <string.h>

static const struct addr *public_for(const struct sip_stack *st, const struct addr *dst)
{
    for (size_t i = 0; i < st->public_count; i++)
        if (addr_af(&st->public_v[i]) == addr_af(dst))
            return &st->public_v[i];
    return NULL;
}

int sip_stack_laddr(const struct sip_stack *st, struct addr *a, const struct addr *dst)
{
    const size_t i = addr_choose(st->laddr, st->laddr_count, dst);
    const struct addr *pub = public_for(st, dst);
    int err = 0;

    if (i == st->laddr_count)
        return ENETUNREACH;
    *a = st->laddr[i];
    if (!addr_is_loopback(dst) && pub)
        *a = *pub;
    else if (addr_is_any(a) && addr_is_loopback(dst))
        err = addr_parse_ip(a, addr_af(dst) == AF_INET6 ? "::1" : "127.0.0.1", 0);
    else if (addr_is_any(a))
        err = addr_source_for(a, dst);
    addr_set_port(a, st->port);
    return err;
}

bool sip_stack_listens(const struct sip_stack *st, const struct addr *a)
{
    for (size_t i = 0; i < st->laddr_count; i++)
        if (addr_eq_ip(&st->laddr[i], a) ||
            (addr_is_any(&st->laddr[i]) && addr_af(&st->laddr[i]) == addr_af(a)))
            return true;
    return false;
}

size_t sip_stack_public(const struct sip_stack *st, struct addr *v, size_t max)
{
    size_t n = 0;

    for (size_t i = 0; i < st->public_count && n < max; i++)
        if (addr_choose(st->laddr, st->laddr_count, &st->public_v[i]) < st->laddr_count)
            v[n++] = st->public_v[i];
    return n;
}

void sip_stack_public_copy(const struct sip_stack *st, struct sip_public *out)
{
    snapshot_load(st->public_copy, out, sizeof(*out));
}

static void publish(struct sip_stack *st)
{
    struct sip_public p = {0};

    p.count = sip_stack_public(st, p.v, SIP_PUBLIC_MAX);
    snapshot_store(st->public_copy, &p, sizeof(p));
}

/* ------------------------------------------------------------------ public.address as a name */

static void ask_h(void *arg)
{
    struct sip_stack *st = arg;

    (void)resolver_ask(st->public_resolver, "", st->cfg.public_address, 0);
    tmr_start(&st->public_tmr, st->public_count ? resolver_again_ms : resolver_retry_ms, ask_h, st);
}

/* In any order: name servers turn it with each answer, and a call is to be told the same address as the last one. */
static bool same(const struct sip_stack *st, const struct addr *v, size_t n)
{
    size_t found = 0;

    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < st->public_count; k++)
            found += addr_eq_ip(&st->public_v[k], &v[i]);
    return found == n && n == st->public_count;
}

static void resolved_h(const char *key, const char *host, int err, const struct addr *v, size_t n, void *arg)
{
    struct sip_stack *st = arg;
    char ip[ADDR_STRLEN];

    (void)key;
    if (err) { /* an address that was good stays good while the name server is ill */
        log_warn_limited("sip", "public.address=%s cannot be resolved%s", host,
                         st->public_count ? ": the last address stays" : "");
        if (!st->public_count)
            health_set("address", HEALTH_DEGRADED,
                       "public.address=%s cannot be resolved: the machine's own addresses are given", host);
        return;
    }
    health_set("address", HEALTH_UP, "%s", "");
    if (same(st, v, n))
        return;
    memcpy(st->public_v, v, n * sizeof(*v));
    st->public_count = n;
    publish(st);
    for (size_t i = 0; i < n; i++)
        log_info("sip", "public.address=%s address=%s resolved", host, addr_ip(&v[i], ip, sizeof(ip)));
    tmr_start(&st->public_tmr, resolver_again_ms, ask_h, st);
}

void addresses_init(struct sip_stack *st)
{
    st->public_count = st->cfg.public_address[0] && !addr_parse_ip(st->public_v, st->cfg.public_address, 0);
    publish(st);
}

int addresses_start(struct sip_stack *st)
{
    int err;

    if (!st->cfg.public_address[0] || st->public_count)
        return 0;
    health_set("address", HEALTH_DEGRADED, "public.address=%s has not been resolved yet",
               st->cfg.public_address);
    err = resolver_alloc(&st->public_resolver, st, "resolver_public", resolved_h, st);
    if (!err)
        ask_h(st);
    return err;
}

void addresses_stop(struct sip_stack *st)
{
    tmr_cancel(&st->public_tmr);
    resolver_free(st->public_resolver);
    st->public_resolver = NULL;
}
