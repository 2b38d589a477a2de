/*
 * Who may speak SIP to us, besides browsers: the trunks' addresses, and those of dialogs that run: a trunk that is removed, changed
 * or resolved anew in the middle of a call still gets its BYE through, in both directions. And by TLS, from wherever it comes, who has shown
 * the certificate of a trunk.
 */
#include "sip/stack_priv.h"

#include "core/log.h"
#include "core/metric.h"
#include "core/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

METRIC_LIMIT(held_used, "sip_held_addresses", SIP_HELD_MAX);

METRIC_COUNTER(
    unheld, "dngate_sip_unheld_total", NULL,
    "Addresses of running calls that found no room: a BYE from there is dropped once its trunk is gone");

struct held {
    uint32_t refs;
};

struct held_key { /* an IP address as bytes */
    uint8_t ip[16];
    int af;
};

static struct held_key key_of(const struct addr *a)
{
    struct held_key k;

    memset(&k, 0, sizeof(k));
    k.af = addr_af(a);
    if (k.af == AF_INET)
        memcpy(k.ip, &a->u.in.sin_addr, sizeof(a->u.in.sin_addr));
    else if (k.af == AF_INET6)
        memcpy(k.ip, &a->u.in6.sin6_addr, sizeof(a->u.in6.sin6_addr));
    return k;
}

static bool is_held(const struct sip_stack *st, const struct addr *a)
{
    const struct held_key k = key_of(a);

    return table_get(st->held, &k, sizeof(k)) != NULL;
}

int admit_init(struct sip_stack *st)
{
    return table_alloc(&st->held, SIP_HELD_MAX);
}

static bool free_h(void *val, void *arg)
{
    (void)arg;
    free(val);
    return false;
}

void admit_close(struct sip_stack *st)
{
    if (st->held)
        (void)table_each(st->held, free_h, NULL);
    table_free(st->held);
    st->held = NULL;
    metric_set(&held_used, 0);
}

static int held_new(struct sip_stack *st, const struct addr *a, struct held **hp)
{
    const struct held_key k = key_of(a);
    struct held *h = calloc(1, sizeof(*h));
    int err = h ? table_put(st->held, &k, sizeof(k), h) : ENOMEM;
    char ip[ADDR_STRLEN];

    if (!err) {
        *hp = h;
        return 0;
    }
    free(h);
    metric_add(&unheld, 1);
    log_warn_limited(
        "sip", "limit=%d address=%s error=\"%s\" a running call's address is not admitted beside the trunks",
        SIP_HELD_MAX, addr_ip(a, ip, sizeof(ip)), strerror(err));
    return err;
}

int sip_stack_hold(struct sip_stack *st, const struct addr *a)
{
    const struct held_key k = key_of(a);
    struct held *h = table_get(st->held, &k, sizeof(k));
    int err = h ? 0 : held_new(st, a, &h);

    if (err)
        return err;
    h->refs++;
    metric_set(&held_used, (int64_t)table_count(st->held));
    return 0;
}

void sip_stack_release(struct sip_stack *st, const struct addr *a)
{
    const struct held_key k = key_of(a);
    struct held *h = table_get(st->held, &k, sizeof(k));

    if (!h || --h->refs)
        return;
    free(table_del(st->held, &k, sizeof(k)));
    metric_set(&held_used, (int64_t)table_count(st->held));
}

void sip_stack_match(struct sip_stack *st, sip_trunk_match_h *h, sip_trunk_name_h *nameh, void *arg)
{
    st->matchh = h;
    st->nameh = nameh;
    st->match_arg = arg;
}

void sip_stack_tls(struct sip_stack *st, const struct transp_tls *tls)
{
    st->edge.tls = tls ? *tls : (struct transp_tls){.openh = NULL};
}

bool admit_h(const struct addr *src, void *arg)
{
    struct sip_stack *st = arg;

    return (st->matchh && st->matchh(src, NULL, 0, st->match_arg)) || is_held(st, src);
}

/* Whose certificate the connection of this message has shown. */
static bool shown(const struct sip_stack *st, const struct sip_msg *msg, char *name, size_t sz)
{
    const struct sip_conn *c = msg->sock;

    return msg->tp == SIP_TRANSP_TLS && c->trunk && st->nameh && st->nameh(c->trunk, name, sz, st->match_arg);
}

int sip_stack_origin(const struct sip_stack *st, const struct sip_msg *msg, struct sip_origin *o)
{
    memset(o, 0, sizeof(*o));
    transp_addr(&o->peer, &msg->src);
    if (msg->tp == SIP_TRANSP_WS) {
        o->source = SIP_FROM_AGENT;
        o->ws_conn = ((const struct sip_conn *)msg->sock)->id;
        return 0;
    }
    o->source = SIP_FROM_TRUNK;
    if (st->matchh && st->matchh(&o->peer, o->trunk, sizeof(o->trunk), st->match_arg))
        return 0;
    if (shown(st, msg, o->trunk, sizeof(o->trunk)))
        return 0;
    return is_held(st, &o->peer) ? 0 : ENOENT;
}
