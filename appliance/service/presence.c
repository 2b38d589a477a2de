#include "service/presence.h"
#include "core/clock.h"
#include "core/guard.h"
#include "sip/registrar.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct question {
    struct presence p; /* v NULL: there was no memory */
    size_t size;
};

static struct dn_presence *entry_add(struct question *q, const char *dn)
{
    struct dn_presence *e;

    if (q->p.count == q->size)
        return NULL;
    e = &q->p.v[q->p.count++];
    snprintf(e->dn, sizeof(e->dn), "%s", dn);
    return e;
}

static bool binding_h(const struct binding *b, void *arg)
{
    struct dn_presence *e = entry_add(arg, b->dn);

    if (!e)
        return true;
    e->state = DN_STATE_READY;
    e->since_ms = b->registered_ms;
    (void)addr_str(&b->peer, e->address, sizeof(e->address));
    snprintf(e->browser, sizeof(e->browser), "%s", b->user_agent);
    return false;
}

static enum dn_state call_means(const struct call_info *ci)
{
    return ci->direction == CDR_INBOUND && !ci->answer_ms ? DN_STATE_RINGING : DN_STATE_ON_CALL;
}

/* It waits for its record alone. */
static bool is_over(const struct call_info *ci)
{
    return !strcmp(ci->state, "ending");
}

static int64_t call_since(const struct call_info *ci)
{
    return ci->answer_ms ? ci->answer_ms : ci->start_ms;
}

static bool call_h(const struct call_info *ci, void *arg)
{
    struct dn_presence *e;

    if (is_over(ci))
        return false;
    e = entry_add(arg, ci->dn);
    if (!e)
        return true;
    e->state = call_means(ci);
    e->since_ms = call_since(ci);
    return false;
}

/* On the signalling thread: it copies, no more. */
static void gather_h(void *value, void *owner)
{
    const struct service_live *live = owner;
    struct question *q = value;

    q->size = registrar_count(live->registrar) + calls_listed(live->calls);
    q->p.v = calloc(q->size + 1, sizeof(*q->p.v));
    if (!q->p.v)
        return;
    registrar_each(live->registrar, binding_h, q);
    calls_each(live->calls, call_h, q);
}

static void drop_h(void *value)
{
    presence_reset(&((struct question *)value)->p);
}

/* Of one DN: what keeps its agent busiest first, and of those the oldest. */
static int by_dn(const void *a, const void *b)
{
    const struct dn_presence *x = a, *y = b;
    const int c = strcmp(x->dn, y->dn);

    if (c)
        return c;
    if (x->state != y->state)
        return x->state > y->state ? -1 : 1;
    return (x->since_ms > y->since_ms) - (x->since_ms < y->since_ms);
}

/* What it calls itself becomes what people call it. */
static void browser_name(char *ua, size_t sz)
{
    char name[128];

    snprintf(ua, sz, "%s", service_browser(ua, name, sizeof(name)));
}

/* One entry for each DN; where it is signed in, only its registration says. */
static void merge(struct presence *p)
{
    size_t n = 0;

    qsort(p->v, p->count, sizeof(*p->v), by_dn);
    for (size_t i = 0; i < p->count; i++) {
        struct dn_presence *kept = n ? &p->v[n - 1] : NULL;

        if (!kept || strcmp(kept->dn, p->v[i].dn)) {
            p->v[n++] = p->v[i];
        } else if (p->v[i].address[0]) {
            memcpy(kept->address, p->v[i].address, sizeof(kept->address));
            memcpy(kept->browser, p->v[i].browser, sizeof(kept->browser));
        }
    }
    p->count = n;
    for (size_t i = 0; i < n; i++)
        browser_name(p->v[i].browser, sizeof(p->v[i].browser));
}

int presence_ask(struct service *sv, struct presence *out)
{
    struct question q = {.size = 0};
    const int err = service_live_ask(sv, gather_h, drop_h, &q, sizeof(q));

    if (err)
        return err;
    if (!q.p.v)
        return service_fail(sv, ENOMEM, "who is signed in cannot be told: %s", strerror(ENOMEM));
    merge(&q.p);
    *out = q.p;
    return 0;
}

void presence_reset(struct presence *p)
{
    free(p->v);
    *p = (struct presence){NULL, 0};
}

static int find_h(const void *key, const void *entry)
{
    return strcmp(key, ((const struct dn_presence *)entry)->dn);
}

const struct dn_presence *presence_find(const struct presence *p, const char *dn)
{
    return p->count ? bsearch(dn, p->v, p->count, sizeof(*p->v), find_h) : NULL;
}

/* ---------------------------------------------------------------- one DN */

struct one {
    char dn[DN_MAX];
    struct service_dn_live live;
    struct addr peer;
};

static bool one_call_h(const struct call_info *ci, void *arg)
{
    struct one *q = arg;

    if (is_over(ci) || strcmp(ci->dn, q->dn))
        return false;
    q->live.calls[q->live.call_count++] = *ci;
    return q->live.call_count == DN_LIVE_CALLS_MAX;
}

static void one_h(void *value, void *owner)
{
    const struct service_live *live = owner;
    struct one *q = value;
    const struct binding *b = registrar_find(live->registrar, q->dn);
    struct service_registration *r = &q->live.registration;

    if (b) {
        q->live.registered = true;
        q->peer = b->peer;
        snprintf(r->dn, sizeof(r->dn), "%s", b->dn);
        snprintf(r->user_agent, sizeof(r->user_agent), "%s", b->user_agent);
        (void)addr_str(&b->peer, r->peer, sizeof(r->peer));
        r->registered_ms = b->registered_ms;
        r->expires_ms = b->expires_ms;
        r->state = dn_state_name(DN_STATE_READY);
        service_upstream_take(&r->upstream, live, b->dn);
    }
    calls_each(live->calls, one_call_h, q);
}

static void one_judge(struct service_dn_live *l)
{
    l->state = l->registered ? DN_STATE_READY : DN_STATE_OFF;
    l->since_ms = l->registered ? l->registration.registered_ms : 0;
    for (size_t i = 0; i < l->call_count; i++) {
        const enum dn_state state = call_means(&l->calls[i]);

        if (state <= l->state)
            continue;
        l->state = state;
        l->since_ms = call_since(&l->calls[i]);
    }
    if (l->registered)
        l->registration.state = dn_state_name(l->state);
}

static bool ban_h(const struct guard_ban *b, void *arg)
{
    struct one *q = arg;

    if (b->prefix == 64) {
        if (addr_af(&q->peer) != AF_INET6 || memcmp(&q->peer.u.in6.sin6_addr, &b->net.u.in6.sin6_addr, 8))
            return false;
    } else if (!addr_eq_ip(&q->peer, &b->net)) {
        return false;
    }
    q->live.banned = true;
    q->live.ban_until_ms = clock_wall_ms() + (int64_t)b->left_s * 1000;
    (void)addr_ip(&b->net, q->live.ban_source, sizeof(q->live.ban_source));
    return true;
}

int service_dn_live(struct service *sv, const char *dn, struct service_dn_live *out)
{
    struct one *q = calloc(1, sizeof(*q));
    int err;

    if (!q)
        return service_fail(sv, ENOMEM, "%s", strerror(ENOMEM));
    snprintf(q->dn, sizeof(q->dn), "%s", dn);
    err = service_live_ask(sv, one_h, NULL, q, sizeof(*q));
    if (!err) {
        one_judge(&q->live);
        if (q->live.registered && sv->guard)
            guard_each(sv->guard, ban_h, q);
        *out = q->live;
    }
    free(q);
    return err;
}
