#include "sip/public.h"

#include "sip/outside.h"
#include "sip/resolver.h"
#include "sip/stack_priv.h"

#include "conf/public.h"
#include "core/clock.h"
#include "core/health.h"
#include "core/log.h"
#include "core/metric.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FAMILIES = 2, TEXT_MAX = 300 };

METRIC_GAUGE(known, "dngate_public_addresses", NULL, "Addresses that public.address means just now");
METRIC_GAUGE(
    unknown, "dngate_public_unknown", NULL,
    "Items of public.address of which no address is known: names, STUN servers that have not answered");
METRIC_GAUGE(moved, "dngate_public_port_moved", NULL,
             "STUN servers that see the browsers' port under another number: NAT does not keep it");
METRIC_COUNTER(changes, "dngate_public_changes_total", NULL,
               "Times that a name of public.address or a STUN server gave other addresses");
METRIC_COUNTER(stun_ok, "dngate_public_stun_total", "result=\"ok\"", "STUN servers outside that were asked");
METRIC_COUNTER(stun_silent, "dngate_public_stun_total", "result=\"silent\"",
               "STUN servers outside that were asked");
METRIC_COUNTER(stun_bad, "dngate_public_stun_total", "result=\"bad\"",
               "STUN servers outside that were asked");

struct item;

/* A STUN server by one address family. */
struct side {
    struct item *item;
    struct outside outside;
    struct addr servers[RESOLVER_ADDRS_MAX];
    size_t count, next; /* of those which to ask next */
    struct addr mapped; /* unset: none yet */
    uint16_t port;      /* from which it was asked */
    bool lost;          /* the last question had no good answer */
};

struct item {
    struct public *owner;
    struct public_item it;
    struct addr v[RESOLVER_ADDRS_MAX]; /* of a name, or the address itself */
    size_t n;
    struct side sides[FAMILIES]; /* of a STUN server: IPv4, IPv6 */
    bool literal, failed;        /* failed: its name could not be looked up the last time */
    uint64_t asked_ms;           /* 0: not yet */
};

struct public
{
    struct sip_stack *st;
    struct item items[PUBLIC_ITEMS_MAX];
    size_t count;
    struct resolver *resolver; /* NULL: there is nothing to look up */
    struct tmr tmr;
};

/* ------------------------------------------------------------------ what is known */

static const struct addr *item_at(const struct item *item, size_t i)
{
    if (!item->it.stun)
        return i < item->n ? &item->v[i] : NULL;
    for (int f = 0; f < FAMILIES; f++)
        if (addr_isset(&item->sides[f].mapped, false) && i-- == 0)
            return &item->sides[f].mapped;
    return NULL;
}

const struct addr *public_at(const struct public *p, size_t i, bool *seen)
{
    for (size_t k = 0; p && k < p->count; k++) {
        const struct addr *a;

        for (size_t n = 0; (a = item_at(&p->items[k], n)); n++) {
            if (i-- > 0)
                continue;
            if (seen)
                *seen = p->items[k].it.stun;
            return a;
        }
    }
    return NULL;
}

static bool in(const struct sip_public *pub, const struct addr *a)
{
    for (size_t i = 0; i < pub->count; i++)
        if (addr_eq_ip(&pub->v[i], a))
            return true;
    return false;
}

static void publish(struct public *p)
{
    struct sip_public pub = {0};
    size_t missing = 0, other = 0;

    for (size_t k = 0; k < p->count; k++) {
        const struct item *item = &p->items[k];
        const struct addr *a;
        size_t n = 0;

        for (; (a = item_at(item, n)); n++) {
            if (pub.count == SIP_PUBLIC_MAX || in(&pub, a) || !sip_stack_has_family(p->st, a))
                continue;
            if (!item->it.stun && !item->literal)
                snprintf(pub.name[pub.count], sizeof(pub.name[0]), "%s", item->it.host);
            pub.v[pub.count++] = *a;
        }
        missing += !n;
        for (int f = 0; f < FAMILIES; f++)
            other += addr_port(&item->sides[f].mapped) != item->sides[f].port;
    }
    metric_set(&known, (int64_t)pub.count);
    metric_set(&unknown, (int64_t)missing);
    metric_set(&moved, (int64_t)other);
    snapshot_store(p->st->public_copy, &pub, sizeof(pub));
}

/* ------------------------------------------------------------------ what is said of it */

static const char *instead(const struct public *p)
{
    return public_at(p, 0, NULL) ? "it is left out" : "the machine's own addresses are given";
}

/* What is wrong with an item, "" = nothing. */
static void trouble(const struct item *item, char *text, size_t sz)
{
    char word[TEXT_MAX], lost[ADDR_STRLEN] = "", ip[ADDR_STRLEN];
    const bool none = !item_at(item, 0);

    *text = '\0';
    public_item_str(&item->it, word, sizeof(word));
    for (int f = 0; f < FAMILIES; f++)
        if (item->sides[f].lost && addr_isset(&item->sides[f].mapped, false))
            addr_ip(&item->sides[f].mapped, lost, sizeof(lost));
    if (none && item->failed)
        snprintf(text, sz, "public.address=%s cannot be resolved: %s", word, instead(item->owner));
    else if (none && (item->sides[0].lost || item->sides[1].lost))
        snprintf(text, sz, "public.address=%s does not answer: %s", word, instead(item->owner));
    else if (none)
        snprintf(text, sz, "public.address=%s has not %s yet", word,
                 item->it.stun ? "answered" : "been resolved");
    else if (*lost)
        snprintf(text, sz, "public.address=%s does not answer any more: %s stays", word,
                 addr_ip(item_at(item, 0), ip, sizeof(ip)));
}

/* "203.0.113.10 by stun:stun.example.net", each that was seen. */
static void seen_text(const struct public *p, char *text, size_t sz)
{
    char word[TEXT_MAX], at[ADDR_STRLEN];
    size_t len = 0;

    *text = '\0';
    for (size_t k = 0; k < p->count; k++)
        for (int f = 0; f < FAMILIES && len < sz; f++) {
            const struct item *item = &p->items[k];

            if (addr_isset(&item->sides[f].mapped, false))
                len += (size_t)snprintf(text + len, sz - len, "%s%s by %s", len ? ", " : "",
                                        addr_str(&item->sides[f].mapped, at, sizeof(at)),
                                        public_item_str(&item->it, word, sizeof(word)));
        }
}

static void tell(struct public *p)
{
    char text[TEXT_MAX + 128] = "";

    for (size_t k = 0; k < p->count && !*text; k++)
        trouble(&p->items[k], text, sizeof(text));
    if (*text) {
        health_set("address", HEALTH_DEGRADED, "%s", text);
    } else {
        seen_text(p, text, sizeof(text));
        health_set("address", HEALTH_UP, "%s", text);
    }
}

/* ------------------------------------------------------------------ asking */

static bool item_asks(const struct item *item)
{
    return !item->literal || item->it.stun;
}

static bool item_due(const struct item *item, uint64_t now_ms)
{
    const uint64_t every = item_at(item, 0) ? resolver_again_ms : resolver_retry_ms;

    if (!item->asked_ms || now_ms >= item->asked_ms + every)
        return true;
    return outside_moved(&item->sides[0].outside) || outside_moved(&item->sides[1].outside);
}

static void ask_h(void *arg)
{
    struct public *p = arg;
    const uint64_t now_ms = clock_ms();
    uint32_t wait_ms = resolver_again_ms;

    for (size_t k = 0; k < p->count; k++) {
        struct item *item = &p->items[k];
        char key[8];

        if (!item_asks(item))
            continue;
        if (item_due(item, now_ms)) {
            item->asked_ms = now_ms;
            snprintf(key, sizeof(key), "%zu", k);
            (void)resolver_ask(p->resolver, key, item->it.host, item->it.port);
        }
        if (!item_at(item, 0) || item->it.stun) /* the network is looked at, too */
            wait_ms = resolver_retry_ms < wait_ms ? resolver_retry_ms : wait_ms;
    }
    tmr_start(&p->tmr, wait_ms, ask_h, p);
}

/* In any order: name servers turn it with each answer, and a call is to be told the same address as the last one. */
static bool same(const struct item *item, const struct addr *v, size_t n)
{
    size_t found = 0;

    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < item->n; k++)
            found += addr_eq_ip(&item->v[k], &v[i]);
    return found == n && n == item->n;
}

static void name_resolved(struct item *item, const struct addr *v, size_t n)
{
    char ip[ADDR_STRLEN];

    if (same(item, v, n))
        return;
    memcpy(item->v, v, n * sizeof(*v));
    item->n = n;
    metric_add(&changes, 1);
    publish(item->owner);
    for (size_t i = 0; i < n; i++)
        log_info("sip", "public.address=%s address=%s resolved", item->it.host,
                 addr_ip(&v[i], ip, sizeof(ip)));
}

static void server_resolved(struct item *item, const struct addr *v, size_t n)
{
    for (int f = 0; f < FAMILIES; f++) {
        struct side *side = &item->sides[f];

        side->count = 0;
        for (size_t i = 0; i < n; i++)
            if (addr_af(&v[i]) == (f ? AF_INET6 : AF_INET) && sip_stack_has_family(item->owner->st, &v[i]))
                side->servers[side->count++] = v[i];
        if (side->count)
            outside_ask(&side->outside, &side->servers[side->next % side->count]);
    }
}

static void resolved_h(const char *key, const char *host, int err, const struct addr *v, size_t n, void *arg)
{
    struct public *p = arg;
    struct item *item = &p->items[strtoul(key, NULL, 10) % PUBLIC_ITEMS_MAX];

    item->failed = err != 0;
    if (err) /* an address that was good stays good while the name server is ill */
        log_warn_limited("sip", "public.address=%s cannot be resolved%s", host,
                         item_at(item, 0) ? ": the last address stays" : "");
    else if (item->it.stun)
        server_resolved(item, v, n);
    else
        name_resolved(item, v, n);
    tell(p);
}

/* One that machines elsewhere may send to, of the family by which it was asked. What a server in our own network says may be private. */
static bool believable(const struct stun_seen *seen)
{
    return !seen->code && addr_af(&seen->mapped) == addr_af(&seen->server) &&
           addr_is_unicast(&seen->mapped) && !addr_is_loopback(&seen->mapped) &&
           !addr_is_linklocal(&seen->mapped) && addr_port(&seen->mapped);
}

static void side_seen(struct side *side, const struct stun_seen *seen)
{
    char word[TEXT_MAX], at[ADDR_STRLEN];

    side->lost = false;
    metric_add(&stun_ok, 1);
    if (addr_eq(&side->mapped, &seen->mapped))
        return;
    public_item_str(&side->item->it, word, sizeof(word));
    addr_str(&seen->mapped, at, sizeof(at));
    if (addr_port(&seen->mapped) == seen->port)
        log_info("sip", "public.address=%s address=%s seen", word, at);
    else
        log_warn(
            "sip",
            "public.address=%s address=%s port=%u the NAT in front gives another port: forward UDP %u to "
            "this machine under its own number",
            word, at, seen->port, seen->port);
    if (!addr_eq_ip(&side->mapped, &seen->mapped))
        metric_add(&changes, 1);
    side->mapped = seen->mapped;
    side->port = seen->port;
    publish(side->item->owner);
}

/* An outside_h. */
static void seen_h(const struct stun_seen *seen, void *arg)
{
    struct side *side = arg;
    char word[TEXT_MAX], at[ADDR_STRLEN];

    if (seen && believable(seen)) {
        side_seen(side, seen);
    } else {
        side->lost = true;
        side->next++; /* of several, another one next time */
        metric_add(seen ? &stun_bad : &stun_silent, 1);
        log_warn_limited("sip", "public.address=%s server=%s %s",
                         public_item_str(&side->item->it, word, sizeof(word)),
                         addr_str(&side->outside.server, at, sizeof(at)),
                         seen ? "gives no address of ours" : "does not answer");
    }
    tell(side->item->owner);
}

/* What the browsers' port heard. */
static void answer_h(void *msg, void *arg)
{
    struct public *p = arg;

    for (size_t k = 0; k < p->count; k++)
        for (int f = 0; f < FAMILIES; f++)
            if (outside_answer(&p->items[k].sides[f].outside, msg))
                return;
}

/* ------------------------------------------------------------------ start and stop */

static void item_init(struct item *item, struct public *p, const struct public_item *it)
{
    item->owner = p;
    item->it = *it;
    item->literal = !addr_parse_ip(&item->v[0], it->host, 0);
    item->n = item->literal && !it->stun;
    for (int f = 0; f < FAMILIES; f++) {
        item->sides[f].item = item;
        outside_init(&item->sides[f].outside, &p->st->cfg.outside, seen_h, &item->sides[f]);
    }
}

int public_alloc(struct public **pp, struct sip_stack *st)
{
    struct public_item v[PUBLIC_ITEMS_MAX];
    size_t n = public_items(v, st->cfg.public_address);
    struct public *p = n ? calloc(1, sizeof(*p)) : NULL;

    if (!p)
        return n ? ENOMEM : 0;
    p->st = st;
    for (; p->count < n; p->count++)
        item_init(&p->items[p->count], p, &v[p->count]);
    publish(p);
    *pp = p;
    return 0;
}

void public_free(struct public *p)
{
    free(p);
}

int public_start(struct public *p)
{
    bool asks = false, stun = false;
    int err;

    for (size_t k = 0; p && k < p->count; k++) {
        asks |= item_asks(&p->items[k]);
        stun |= p->items[k].it.stun;
    }
    if (!asks)
        return 0;
    tell(p);
    err = resolver_alloc(&p->resolver, p->st, "resolver_public", resolved_h, p);
    if (!err && stun && p->st->cfg.outside.askh)
        err = sip_stack_watch(p->st, p->st->cfg.outside.answers, answer_h, p);
    if (!err)
        ask_h(p);
    return err;
}

void public_stop(struct public *p)
{
    if (!p)
        return;
    tmr_cancel(&p->tmr);
    for (size_t k = 0; k < p->count; k++)
        for (int f = 0; f < FAMILIES; f++)
            outside_stop(&p->items[k].sides[f].outside);
    resolver_free(p->resolver);
    p->resolver = NULL;
}
