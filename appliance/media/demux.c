/* media/demux: see demux.h. */
#include "media/demux.h"

#include "core/log.h"
#include "core/metric.h"
#include "core/table.h"
#include "media/tally.h"
#include "stun/stun.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

METRIC_COUNTER(drop_kind, "dngate_media_dropped_total", "from=\"browser\",reason=\"not_media\"",
               "Media packets dropped");
METRIC_COUNTER(drop_stun, "dngate_media_dropped_total", "from=\"browser\",reason=\"stun_malformed\"",
               "Media packets dropped");
METRIC_COUNTER(drop_user, "dngate_media_dropped_total", "from=\"browser\",reason=\"stun_unknown_user\"",
               "Media packets dropped");
METRIC_COUNTER(drop_source, "dngate_media_dropped_total", "from=\"browser\",reason=\"source\"",
               "Media packets dropped");

struct demux {
    struct table *by_addr;               /* claimed or verified source of a browser → path */
    struct path *by_id[MEDIA_PATHS_MAX]; /* by the low bits of the id */
    demux_outside_h *outsideh;
    void *arg;
};

int demux_alloc(struct demux **dp)
{
    struct demux *d = calloc(1, sizeof(*d));
    int err = d ? table_alloc(&d->by_addr, TALLY_ADDRESSES_MAX) : ENOMEM;

    if (err)
        free(d);
    else
        *dp = d;
    return err;
}

void demux_free(struct demux *d)
{
    if (!d)
        return;
    table_free(d->by_addr);
    free(d);
}

void demux_outside(struct demux *d, demux_outside_h *h, void *arg)
{
    d->outsideh = h;
    d->arg = arg;
}

void demux_add(struct demux *d, struct path *p)
{
    d->by_id[path_id(p) % MEDIA_PATHS_MAX] = p;
}

void demux_remove(struct demux *d, struct path *p)
{
    struct path **slot = &d->by_id[path_id(p) % MEDIA_PATHS_MAX];

    if (*slot == p)
        *slot = NULL;
}

size_t demux_addresses(const struct demux *d)
{
    return table_count(d->by_addr);
}

/* ---- addresses ---- */

struct addr_key {
    uint8_t bytes[20];
};

static struct addr_key addr_key(const struct addr *a)
{
    struct addr_key k = {{0}};
    uint16_t port = addr_port(a);

    k.bytes[0] = addr_af(a) == AF_INET6;
    memcpy(k.bytes + 2, &port, sizeof(port));
    if (k.bytes[0])
        memcpy(k.bytes + 4, &a->u.in6.sin6_addr, 16);
    else
        memcpy(k.bytes + 4, &a->u.in.sin_addr, 4);
    return k;
}

static void take(struct demux *d, const struct addr_key *k, struct path *p)
{
    int err;

    (void)table_del(d->by_addr, k, sizeof(*k));
    err = table_put(d->by_addr, k, sizeof(*k), p);
    if (err)
        log_warn_limited("media", "error=\"%s\" a browser's address finds no room in the table",
                         strerror(err));
}

void demux_claim(struct demux *d, struct path *p, enum path_claim what, const struct addr *addr)
{
    struct addr_key k = addr_key(addr);
    const struct path *has = table_get(d->by_addr, &k, sizeof(k));

    if (what == PATH_LEAVE && has == p)
        (void)table_del(d->by_addr, &k, sizeof(k));
    else if ((what == PATH_CLAIM && !has) || (what == PATH_TAKE && has != p))
        take(d, &k, p);
}

/* ---- packets ---- */

static struct path *path_by_id(const struct demux *d, uint32_t id)
{
    struct path *p = d->by_id[id % MEDIA_PATHS_MAX];

    return p && path_id(p) == id ? p : NULL;
}

/* The id at the head of a request's user name. */
static bool id_of_user(const struct stun_view *m, uint32_t *id)
{
    char hex[DEMUX_UFRAG_ID + 1] = "";
    size_t n;
    const uint8_t *user = stun_get(m, STUN_USERNAME, &n);
    char *end;

    if (!user || n <= DEMUX_UFRAG_ID)
        return false;
    memcpy(hex, user, DEMUX_UFRAG_ID);
    *id = (uint32_t)strtoul(hex, &end, 16);
    return !*end;
}

static void stun_in(struct demux *d, const struct udp_packet *pkt, uint64_t now_us)
{
    struct path *p;
    struct stun_view m;
    uint32_t id;

    if (stun_parse(&m, pkt->p, pkt->n)) {
        metric_add(&drop_stun, 1);
        return;
    }
    if (m.cls == STUN_SUCCESS || m.cls == STUN_ERROR)
        memcpy(&id, m.tid, sizeof(id));
    else if (!id_of_user(&m, &id))
        id = UINT32_MAX; /* nobody's: the slot's path has another, or answers no such user name */
    p = path_by_id(d, id);
    if (p)
        path_stun(p, &m, pkt, now_us);
    else if (!id && d->outsideh)
        d->outsideh(&m, pkt, d->arg);
    else
        metric_add(&drop_user, 1);
}

void demux_packet(struct demux *d, struct udp_packet *pkt, uint64_t now_us)
{
    struct addr_key k;
    struct path *p;

    if (!pkt->n)
        return;
    if (pkt->p[0] < 4) {
        stun_in(d, pkt, now_us);
        return;
    }
    if (pkt->p[0] < 20 || (pkt->p[0] > 63 && pkt->p[0] < 128) || pkt->p[0] > 191) {
        metric_add(&drop_kind, 1);
        return;
    }
    k = addr_key(&pkt->src);
    p = table_get(d->by_addr, &k, sizeof(k));
    if (p)
        path_from_browser(p, pkt, now_us);
    else
        metric_add(&drop_source, 1);
}
