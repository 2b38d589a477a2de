/* media/media: the signalling thread's side: handles, ids, ports, and commands to the workers. See media.h. */
#include "media/media.h"

#include "core/buf.h"
#include "core/log.h"
#include "core/metric.h"
#include "core/rnd.h"
#include "crypto/dtls.h"
#include "crypto/srtp.h"
#include "media/g711.h"
#include "media/path.h"
#include "media/tally.h"
#include "media/worker.h"
#include "net/ports.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ID_SLOT_BITS = 12, UFRAG_RANDOM = 8, PWD_LEN = 24, CNAME_LEN = 16, DIGITS_MAX = 32 };

_Static_assert(MEDIA_PATHS_MAX == 1 << ID_SLOT_BITS, "the slot is the low bits of a path's id");

struct media_path { /* what signalling holds of it */
    uint32_t id;
    struct media *media;
    struct worker *worker;
    struct path *path; /* the worker's */
    bool echo;
    enum media_dtmf_way ways[MEDIA_SIDES]; /* as last told to the worker */
};

struct media {
    struct media_config cfg;
    struct dtls_identity *identity;
    struct worker *workers[MEDIA_WORKERS_MAX];
    struct media_path *slots[MEDIA_PATHS_MAX];
    uint32_t last_slot, generation;
    atomic_size_t path_count, pair_count; /* for /metrics, too */
    bool srtp_ready, collecting;
};

const char *media_reason_name(enum media_reason r)
{
    static const char *const names[MEDIA_REASONS] = {
        [MEDIA_NO_ICE] = "ice",
        [MEDIA_NO_DTLS] = "dtls",
        [MEDIA_WRONG_PEER] = "fingerprint",
        [MEDIA_CONSENT_LOST] = "consent",
        [MEDIA_NO_CODEC] = "codec",
        [MEDIA_TRUNK_SILENT] = "trunk",
        [MEDIA_BROWSER_SILENT] = "browser",
    };

    return r < MEDIA_REASONS ? names[r] : "";
}

const char *media_cand_name(enum media_cand_type t)
{
    static const char *const names[MEDIA_CAND_TYPES] = {[MEDIA_CAND_HOST] = "host",
                                                        [MEDIA_CAND_SRFLX] = "srflx",
                                                        [MEDIA_CAND_PRFLX] = "prflx",
                                                        [MEDIA_CAND_RELAY] = "relay"};

    return t < MEDIA_CAND_TYPES ? names[t] : "";
}

static size_t port_pairs(const struct media_config *cfg)
{
    size_t pairs = cfg->rtp_max ? ports_pairs(cfg->rtp_min, cfg->rtp_max) : MEDIA_PATHS_MAX; /* 0: any free */

    return pairs < MEDIA_PATHS_MAX ? pairs : MEDIA_PATHS_MAX;
}

static void collect_h(struct buf *out, void *arg)
{
    struct media *m = arg;
    struct tally sum = {0};

    metric_limit(out, "media_paths", atomic_load(&m->path_count), MEDIA_PATHS_MAX);
    metric_limit(out, "rtp_port_pairs", atomic_load(&m->pair_count), port_pairs(&m->cfg));
    for (unsigned i = 0; i < m->cfg.workers; i++) {
        struct tally t;
        double cpu_seconds;

        worker_tally(m->workers[i], &t, &cpu_seconds);
        tally_render_worker(out, i, &t, cpu_seconds);
        tally_merge(&sum, &t);
    }
    tally_render(out, &sum);
}

void media_totals(const struct media *m, struct media_totals *out)
{
    struct tally sum = {0};

    memset(out, 0, sizeof(*out));
    for (unsigned i = 0; i < m->cfg.workers; i++) {
        struct tally t;
        double cpu_seconds;

        worker_tally(m->workers[i], &t, &cpu_seconds);
        tally_merge(&sum, &t);
    }
    for (int side = 0; side < TALLY_SIDES; side++) {
        out->bytes += sum.in[side].bytes + sum.out[side].bytes;
        out->expected += sum.expected[side];
        out->lost += sum.lost[side];
        out->heard += sum.live[side].paths;
        out->mos_sum += sum.live[side].mos_sum;
        out->jitter_ms_sum += sum.live[side].jitter_ms_sum;
    }
}

/* ---- start and stop ---- */

static bool config_ok(const struct media_config *cfg)
{
    return cfg->workers >= 1 && cfg->workers <= MEDIA_WORKERS_MAX && cfg->bind_count >= 1 &&
           cfg->bind_count <= UDP_BINDS_MAX && cfg->events && cfg->rtp_min <= cfg->rtp_max;
}

static int workers_start(struct media *m, char *why, size_t whysz)
{
    for (unsigned i = 0; i < m->cfg.workers; i++) {
        struct worker_config wcfg = {.media = &m->cfg, .index = i, .identity = m->identity};
        int err = worker_alloc(&m->workers[i], &wcfg, why, whysz);

        if (err)
            return err;
        log_info("media", "listening proto=ice port=%u worker=%u", worker_ice_port(m->workers[i]), i);
    }
    return 0;
}

static int reached_post(struct worker *w, const struct addr *at, size_t count)
{
    struct worker_msg msg = {.command = WORKER_REACHED, .u.reached = calloc(1, sizeof(*msg.u.reached))};
    int err = msg.u.reached ? 0 : ENOMEM;

    for (size_t i = 0; !err && i < count && i < MEDIA_REACHED_MAX; i++)
        msg.u.reached->v[msg.u.reached->count++] = at[i];
    if (!err)
        err = worker_post(w, &msg);
    if (err)
        free(msg.u.reached);
    return err;
}

int media_reached(struct media *m, const struct addr *at, size_t count)
{
    int err = 0;

    for (unsigned i = 0; i < m->cfg.workers && !err; i++)
        err = reached_post(m->workers[i], at, count);
    return err;
}

int media_ask_outside(struct media *m, const struct addr *server, const uint8_t tid[STUN_SEEN_TID])
{
    struct worker_msg msg = {.command = WORKER_ASK, .u.ask = {.server = *server}};

    memcpy(msg.u.ask.tid, tid, STUN_SEEN_TID);
    return worker_post(m->workers[0], &msg);
}

size_t media_ice_ports(const struct media *m, uint16_t *v, size_t max)
{
    size_t n = 0;

    for (; n < m->cfg.workers && n < max; n++)
        v[n] = worker_ice_port(m->workers[n]);
    return n;
}

int media_start(struct media **mp, const struct media_config *cfg, char *why, size_t whysz)
{
    struct media *m;
    int err;

    snprintf(why, whysz, "media: wrong configuration");
    if (!config_ok(cfg))
        return EINVAL;
    m = calloc(1, sizeof(*m));
    if (!m)
        return ENOMEM;
    snprintf(why, whysz, "media: out of memory");
    m->cfg = *cfg;
    g711_init();
    err = srtpctx_global_init();
    m->srtp_ready = !err;
    if (!err)
        err = dtls_identity_alloc(&m->identity);
    if (!err)
        err = workers_start(m, why, whysz);
    if (!err)
        err = metric_collector(collect_h, m);
    m->collecting = !err;
    if (err) {
        media_stop(m);
        return err;
    }
    *why = 0;
    *mp = m;
    return 0;
}

void media_stop(struct media *m)
{
    if (!m)
        return;
    if (m->collecting)
        metric_collector_remove(collect_h, m);
    for (size_t i = 0; i < MEDIA_WORKERS_MAX; i++)
        worker_free(m->workers[i]);
    for (size_t i = 0; i < MEDIA_PATHS_MAX; i++)
        free(m->slots[i]);
    dtls_identity_free(m->identity);
    if (m->srtp_ready)
        srtpctx_global_close();
    free(m);
}

/* ---- paths ---- */

/* A thread that ticks costs as much for one call as for ten: the next one is not woken before the last has WORKER_FILL. Then all get
 * the same. */
static struct worker *worker_choose(const struct media *m)
{
    struct worker *best = m->workers[0];

    for (unsigned i = 0; i < m->cfg.workers; i++) {
        if (worker_load(m->workers[i]) < WORKER_FILL)
            return m->workers[i];
        if (worker_load(m->workers[i]) < worker_load(best))
            best = m->workers[i];
    }
    return best;
}

/* A free slot, taken round the table so that an id comes back late. */
static int id_take(struct media *m, uint32_t *id)
{
    for (uint32_t i = 1; i <= MEDIA_PATHS_MAX; i++) {
        uint32_t slot = (m->last_slot + i) % MEDIA_PATHS_MAX;

        if (m->slots[slot])
            continue;
        m->last_slot = slot;
        do
            *id = ++m->generation << ID_SLOT_BITS | slot;
        while (!*id || *id == UINT32_MAX); /* media/outside's, and nobody's */
        return 0;
    }
    return ENOSPC;
}

static void credentials(struct media_local *l, uint32_t id)
{
    int n = snprintf(l->ice_ufrag, sizeof(l->ice_ufrag), "%08x", id);

    rnd_str(l->ice_ufrag + n, sizeof(l->ice_ufrag) - (size_t)n, UFRAG_RANDOM);
    rnd_str(l->ice_pwd, sizeof(l->ice_pwd), PWD_LEN);
}

static void local_fill(const struct media *m, const struct worker *w, uint32_t id, const struct udp_set *rtp,
                       struct media_local *l)
{
    *l = (struct media_local){
        .fingerprint = dtls_identity_fingerprint(m->identity),
        .ice_port = worker_ice_port(w),
        .ssrc = rnd_u32(),
        .trunk_ssrc = rnd_u32(),
        .rtp_port = rtp->count ? udp_set_port(rtp) : 0,
    };
    credentials(l, id);
    rnd_str(l->cname, sizeof(l->cname), CNAME_LEN);
}

static int trunk_ports(const struct media_config *c, struct udp_set *rtp, struct udp_set *rtcp)
{
    int err = ports_open(rtp, rtcp, c->bind, c->bind_count, c->rtp_min, c->rtp_max);

    if (err)
        return err;
    udp_set_tos(rtp, c->tos);
    udp_set_tos(rtcp, c->tos);
    return 0;
}

bool media_has_family(const struct media *m, int af)
{
    for (size_t i = 0; i < m->cfg.bind_count; i++)
        if (addr_af(&m->cfg.bind[i]) == af)
            return true;
    return false;
}

/* The worker's half, and its place there. */
static int path_open(struct media_path *h, bool controlling, bool echo, struct media_local *local)
{
    const struct media *m = h->media;
    struct path_init init = {.id = h->id,
                             .host = worker_host(h->worker),
                             .jbuf_max_ms = m->cfg.jbuf_max_ms,
                             .controlling = controlling,
                             .echo = echo,
                             .local = local};
    struct worker_msg msg = {.command = WORKER_START};
    int err = echo ? 0 : trunk_ports(&m->cfg, &init.rtp, &init.rtcp);

    if (err)
        return err;
    local_fill(m, h->worker, h->id, &init.rtp, local);
    err = path_alloc(&msg.path, &init);
    if (err)
        return err;
    err = worker_post(h->worker, &msg);
    if (err)
        path_free(msg.path);
    h->path = msg.path;
    return err;
}

static int create(struct media_path **pp, struct media *m, bool controlling, bool echo,
                  struct media_local *local)
{
    struct media_path *h = calloc(1, sizeof(*h));
    int err = h ? id_take(m, &h->id) : ENOMEM;

    if (!err) {
        h->media = m;
        h->worker = worker_choose(m);
        h->echo = echo;
        err = path_open(h, controlling, echo, local);
    }
    if (err) {
        free(h);
        return err;
    }
    m->slots[h->id % MEDIA_PATHS_MAX] = h;
    atomic_fetch_add(&m->path_count, 1);
    if (!echo)
        atomic_fetch_add(&m->pair_count, 1);
    *pp = h;
    return 0;
}

int media_path_create(struct media_path **pp, struct media *m, bool controlling, struct media_local *local)
{
    return create(pp, m, controlling, false, local);
}

int media_path_create_echo(struct media_path **pp, struct media *m, struct media_local *local)
{
    return create(pp, m, false, true, local);
}

uint32_t media_path_id(const struct media_path *p)
{
    return p->id;
}

/* ---- commands ---- */

int media_path_browser(struct media_path *p, const struct media_browser *b)
{
    struct worker_msg msg = {.command = WORKER_BROWSER, .path = p->path};
    int err;

    if (!media_formats_codec(&b->formats, b->codec))
        return EINVAL;
    msg.u.browser = malloc(sizeof(*b));
    if (!msg.u.browser)
        return ENOMEM;
    *msg.u.browser = *b;
    err = worker_post(p->worker, &msg);
    if (err)
        free(msg.u.browser);
    else
        p->ways[MEDIA_BROWSER] = path_dtmf_way(&b->formats, b->codec);
    return err;
}

int media_path_ice_restart(struct media_path *p, struct media_local *local)
{
    struct worker_msg msg = {.command = WORKER_RESTART, .path = p->path};

    credentials(local, p->id);
    snprintf(msg.u.restart.ufrag, sizeof(msg.u.restart.ufrag), "%s", local->ice_ufrag);
    snprintf(msg.u.restart.pwd, sizeof(msg.u.restart.pwd), "%s", local->ice_pwd);
    return worker_post(p->worker, &msg);
}

int media_path_trunk(struct media_path *p, const struct media_trunk *t)
{
    struct worker_msg msg = {.command = WORKER_TRUNK, .path = p->path, .u.trunk = *t};

    int err;

    if (t->codec == MEDIA_NONE || t->codec > MEDIA_G722 || !media_formats_codec(&t->formats, t->codec))
        return EINVAL;
    err = worker_post(p->worker, &msg);
    if (!err)
        p->ways[MEDIA_TRUNK] = path_dtmf_way_trunk(t);
    return err;
}

int media_path_tone(struct media_path *p, enum media_tone tone)
{
    struct worker_msg msg = {.command = WORKER_TONE, .path = p->path, .u.tone = tone};

    return worker_post(p->worker, &msg);
}

int media_path_away(struct media_path *p, bool away)
{
    struct worker_msg msg = {.command = WORKER_AWAY, .path = p->path, .u.away = away};

    return worker_post(p->worker, &msg);
}

enum media_dtmf_way media_path_dtmf_way(const struct media_path *p, enum media_side to)
{
    return p->ways[to];
}

int media_path_dtmf(struct media_path *p, enum media_side to, const char *digits, unsigned duration_ms)
{
    struct worker_msg msg = {.command = WORKER_DTMF, .path = p->path, .u.dtmf = {to, "", duration_ms}};
    size_t n = strlen(digits);
    int err;

    if (!n || n > DIGITS_MAX || strspn(digits, "0123456789*#ABCDabcd") != n)
        return EINVAL;
    if (p->ways[to] == MEDIA_DTMF_NONE)
        return ENOTSUP;
    if (!path_dtmf_reserve(p->path, to, (unsigned)n))
        return ENOSPC;
    memcpy(msg.u.dtmf.digits, digits, n);
    err = worker_post(p->worker, &msg);
    if (err)
        path_dtmf_release(p->path, to, (unsigned)n);
    return err;
}

int media_path_hold(struct media_path *p, bool held)
{
    struct worker_msg msg = {.command = WORKER_HOLD, .path = p->path, .u.held = held};

    return worker_post(p->worker, &msg);
}

void media_path_close(struct media_path *p)
{
    struct worker_msg wake = {.command = WORKER_WAKE};
    struct media *m = p->media;

    m->slots[p->id % MEDIA_PATHS_MAX] = NULL;
    atomic_fetch_sub(&m->path_count, 1);
    if (!p->echo)
        atomic_fetch_sub(&m->pair_count, 1);
    path_close(p->path); /* the worker looks in every round; it is its own from here on */
    (void)worker_post(p->worker, &wake);
    free(p);
}

int media_path_stats(const struct media_path *p, struct media_event *out)
{
    path_figures_load(p->path, out);
    return out->path_id == p->id ? 0 : ENOENT; /* nothing was stored yet */
}
