/* media/worker: see worker.h. */
#include "media/worker.h"

#include "core/clock.h"
#include "core/log.h"
#include "core/mbox.h"
#include "core/metric.h"
#include "core/snapshot.h"
#include "core/table.h"
#include "media/path.h"
#include "media/tally.h"
#include "media/udp.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

METRIC_COUNTER(drop_kind, "dngate_media_dropped_total", "from=\"browser\",reason=\"not_media\"",
               "Media packets dropped");
METRIC_COUNTER(drop_stun, "dngate_media_dropped_total", "from=\"browser\",reason=\"stun_malformed\"",
               "Media packets dropped");
METRIC_COUNTER(drop_user, "dngate_media_dropped_total", "from=\"browser\",reason=\"stun_unknown_user\"",
               "Media packets dropped");
METRIC_COUNTER(drop_source, "dngate_media_dropped_total", "from=\"browser\",reason=\"source\"",
               "Media packets dropped");

enum {
    EVENTS_MAX = 64,
    COMMANDS_MAX = 4096,
    ICE_BUFFER = 4 << 20,
    ICE_ROUNDS = 8, /* batches of one socket before the others get their turn */
    LOAD_US = 1000000,
    COMPLEXITY_START = 2,
    COMPLEXITY_MAX = 3,
    LOAD_EASY = 10, /* percent of a core; far enough below the next that a step up does not lead there */
    LOAD_RAISED = 18,
    LOAD_HIGH = 40,
};

struct worker {
    struct media_config cfg;
    unsigned index;
    const struct dtls_identity *identity;
    pthread_t thread;
    bool running;
    atomic_bool stop;
    atomic_uint paths_taken; /* also those on their way */
    int epoll;
    struct mbox *commands;
    struct path_io command_io, ice_io[2];
    struct udp ice[2];
    struct udp_queue *queue[2];
    size_t ice_count;
    struct udp_reader *reader;
    struct table *by_addr;                     /* verified source of a browser → path */
    struct media_path *by_id[MEDIA_PATHS_MAX]; /* by the low bits of the id */
    struct media_path *paths[MEDIA_PATHS_MAX];
    size_t path_count;
    int complexity;
    uint64_t load_at_us, load_cpu_us;
    double load;
    struct tally past; /* of paths that have ended */
    struct tally told; /* what was published last */
    SNAPSHOT(tally, struct tally);
};

/* ---- services for paths ---- */

const struct dtls_identity *worker_identity(const struct worker *w)
{
    return w->identity;
}

uint32_t worker_rtp_timeout_s(const struct worker *w)
{
    return w->cfg.rtp_timeout_s;
}

int worker_complexity(const struct worker *w)
{
    return w->complexity;
}

struct udp_queue *worker_queue(struct worker *w, const struct addr *dst)
{
    for (size_t i = 0; i < w->ice_count; i++)
        if (w->ice_count == 1 || w->ice[i].in6 == (addr_af(dst) == AF_INET6))
            return w->queue[i];
    return NULL;
}

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

void worker_addr_claim(struct worker *w, const struct addr *addr, struct media_path *p)
{
    struct addr_key k = addr_key(addr);

    if (!table_get(w->by_addr, &k, sizeof(k)))
        worker_addr_take(w, addr, p);
}

void worker_addr_take(struct worker *w, const struct addr *addr, struct media_path *p)
{
    struct addr_key k = addr_key(addr);
    struct media_path *was = table_get(w->by_addr, &k, sizeof(k));
    int err;

    if (was == p)
        return;
    if (was)
        (void)table_del(w->by_addr, &k, sizeof(k));
    err = table_put(w->by_addr, &k, sizeof(k), p);
    if (err)
        log_warn_limited("media", "error=\"%s\" a browser's address finds no room in the table",
                         strerror(err));
}

void worker_addr_del(struct worker *w, const struct addr *addr, struct media_path *p)
{
    struct addr_key k = addr_key(addr);

    if (table_get(w->by_addr, &k, sizeof(k)) == p)
        (void)table_del(w->by_addr, &k, sizeof(k));
}

int worker_event(struct worker *w, const struct media_event *ev)
{
    return mbox_post(w->cfg.events, ev);
}

/* ---- demux ---- */

static struct media_path *path_by_id(const struct worker *w, uint32_t id)
{
    struct media_path *p = w->by_id[id % MEDIA_PATHS_MAX];

    return p && p->id == id ? p : NULL;
}

static struct media_path *path_by_user(const struct worker *w, const struct stun_view *m)
{
    char hex[WORKER_UFRAG_ID + 1] = "";
    size_t n;
    const uint8_t *user = stun_get(m, STUN_USERNAME, &n);
    char *end;
    uint32_t id;

    if (!user || n <= WORKER_UFRAG_ID)
        return NULL;
    memcpy(hex, user, WORKER_UFRAG_ID);
    id = (uint32_t)strtoul(hex, &end, 16);
    return *end ? NULL : path_by_id(w, id);
}

static void stun_in(struct worker *w, const struct udp_packet *pkt, uint64_t now_us)
{
    struct media_path *p;
    struct stun_view m;
    uint32_t id;

    if (stun_parse(&m, pkt->p, pkt->n)) {
        metric_add(&drop_stun, 1);
        return;
    }
    memcpy(&id, m.tid, sizeof(id));
    p = m.cls == STUN_REQUEST || m.cls == STUN_INDICATION ? path_by_user(w, &m) : path_by_id(w, id);
    if (p)
        path_stun(p, &m, pkt, now_us);
    else
        metric_add(&drop_user, 1);
}

static void ice_in(struct worker *w, struct udp_packet *pkt, uint64_t now_us)
{
    struct addr_key k;
    struct media_path *p;

    if (!pkt->n)
        return;
    if (pkt->p[0] < 4) {
        stun_in(w, pkt, now_us);
        return;
    }
    if (pkt->p[0] < 20 || (pkt->p[0] > 63 && pkt->p[0] < 128) || pkt->p[0] > 191) {
        metric_add(&drop_kind, 1);
        return;
    }
    k = addr_key(&pkt->src);
    p = table_get(w->by_addr, &k, sizeof(k));
    if (p)
        path_from_browser(p, pkt, now_us);
    else
        metric_add(&drop_source, 1);
}

static void ice_ready(struct worker *w, struct udp *u, uint64_t now_us)
{
    size_t n = UDP_BATCH;

    for (unsigned round = 0; round < ICE_ROUNDS && n == UDP_BATCH; round++) {
        n = udp_read(w->reader, u);
        for (size_t i = 0; i < n; i++)
            ice_in(w, udp_packet(w->reader, i), now_us);
    }
}

static void trunk_ready(struct worker *w, struct media_path *p, bool rtcp, uint64_t now_us)
{
    size_t n = udp_read(w->reader, rtcp ? &p->rtcp : &p->rtp);

    for (size_t i = 0; i < n; i++) {
        if (rtcp)
            path_trunk_rtcp(p, udp_packet(w->reader, i), now_us);
        else
            path_trunk_rtp(p, udp_packet(w->reader, i), now_us);
    }
}

/* ---- paths ---- */

static int watch(struct worker *w, int fd, struct path_io *io)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = io};

    return epoll_ctl(w->epoll, EPOLL_CTL_ADD, fd, &ev) < 0 ? errno : 0;
}

static void path_start(struct worker *w, struct media_path *p)
{
    uint64_t now_us = clock_us();

    p->slow_us = now_us + p->id % 10 * (PATH_SLOW_US / 10); /* spread over the ticks */
    w->paths[w->path_count++] = p;                          /* worker_post() keeps it from being full */
    w->by_id[p->id % MEDIA_PATHS_MAX] = p;
    if (watch(w, p->rtp.fd, &p->rtp_io) || watch(w, p->rtcp.fd, &p->rtcp_io))
        log_error("media", "path=%u trunk sockets cannot be watched", p->id);
}

static void path_remove(struct worker *w, size_t i)
{
    struct media_path *p = w->paths[i];

    w->paths[i] = w->paths[--w->path_count];
    if (w->by_id[p->id % MEDIA_PATHS_MAX] == p)
        w->by_id[p->id % MEDIA_PATHS_MAX] = NULL;
    tally_add(&w->past, p);
    path_free(p);
    atomic_fetch_sub(&w->paths_taken, 1);
}

/* Ends those that were closed before the commands were drained: none of the commands can mean them any more. */
static void paths_end(struct worker *w, uint64_t now_us)
{
    for (size_t i = w->path_count; i-- > 0;) {
        struct media_path *p = w->paths[i];
        struct media_event ev;

        if (!p->closing_seen)
            continue;
        if (!p->ended)
            path_end(p, now_us);
        path_figures(p, &ev);
        if (!worker_event(w, &ev)) /* else the mailbox is full: tried again at the next tick */
            path_remove(w, i);
    }
}

static void command_h(void *msg, void *arg)
{
    struct worker_msg *m = msg;
    uint64_t now_us = clock_us();

    switch (m->command) {
    case WORKER_WAKE:
        break;
    case WORKER_START:
        path_start(arg, m->path);
        break;
    case WORKER_BROWSER:
        path_set_browser(m->path, m->u.browser, now_us);
        explicit_bzero(m->u.browser, sizeof(*m->u.browser));
        free(m->u.browser);
        break;
    case WORKER_TRUNK:
        path_set_trunk(m->path, &m->u.trunk, now_us);
        break;
    case WORKER_TONE:
        path_down_tone(m->path, m->u.tone, now_us);
        break;
    case WORKER_DTMF:
        path_dtmf_queue(m->path, m->u.dtmf.to, m->u.dtmf.digits, m->u.dtmf.duration_ms);
        break;
    case WORKER_HOLD:
        path_set_hold(m->path, m->u.held, now_us);
        break;
    case WORKER_RESTART:
        path_set_restart(m->path, m->u.restart.ufrag, m->u.restart.pwd);
        break;
    }
}

/* ---- figures ---- */

static uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static void publish(struct worker *w)
{
    struct tally t = w->past;

    for (size_t i = 0; i < w->ice_count; i++) {
        t.in[TALLY_BROWSER].packets += w->ice[i].in.packets;
        t.in[TALLY_BROWSER].bytes += w->ice[i].in.bytes;
        t.out[TALLY_BROWSER].packets += w->ice[i].out.packets;
        t.out[TALLY_BROWSER].bytes += w->ice[i].out.bytes;
    }
    for (size_t i = 0; i < w->path_count; i++) {
        tally_add(&t, w->paths[i]);
        tally_add_live(&t, w->paths[i]);
    }
    for (int side = 0; side < TALLY_SIDES; side++) /* a packet that was only late is no loss after all */
        t.lost[side] = max_u64(t.lost[side], w->told.lost[side]);
    t.addresses = table_count(w->by_addr);
    t.complexity = w->complexity;
    t.load = w->path_count ? w->load : 0;
    w->told = t;
    snapshot_store(w->tally, &t, sizeof(t));
}

void worker_tally(const struct worker *w, struct tally *t, double *cpu_seconds)
{
    struct timespec ts = {0};
    clockid_t clock;

    snapshot_load(w->tally, t, sizeof(*t));
    if (!pthread_getcpuclockid(w->thread, &clock))
        (void)clock_gettime(clock, &ts);
    *cpu_seconds = (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* ---- the loop ---- */

static void load_measure(struct worker *w, uint64_t now_us)
{
    uint64_t cpu_us;

    if (now_us - w->load_at_us < LOAD_US)
        return;
    cpu_us = clock_cpu_us();
    w->load = (double)(cpu_us - w->load_cpu_us) / (double)(now_us - w->load_at_us);
    w->load_at_us = now_us;
    w->load_cpu_us = cpu_us;
    if (w->load >= LOAD_HIGH / 100.0)
        w->complexity = 0;
    else if (w->load >= LOAD_RAISED / 100.0 && w->complexity > 1)
        w->complexity = 1;
    else if (w->load < LOAD_EASY / 100.0 && w->complexity < COMPLEXITY_MAX)
        w->complexity++;
    publish(w);
}

static void events_handle(struct worker *w, const struct epoll_event *evs, int n, uint64_t now_us)
{
    for (int i = 0; i < n; i++) {
        struct path_io *io = evs[i].data.ptr;

        switch (io->kind) {
        case IO_COMMANDS: /* drained every round anyway */
            break;
        case IO_ICE:
            ice_ready(w, io->owner, now_us);
            break;
        case IO_RTP:
        case IO_RTCP:
            trunk_ready(w, io->owner, io->kind == IO_RTCP, now_us);
            break;
        }
    }
}

static void round_do(struct worker *w)
{
    struct epoll_event evs[EVENTS_MAX];
    int n = epoll_wait(w->epoll, evs, EVENTS_MAX, w->path_count ? 0 : -1);
    uint64_t now_us = clock_us();

    for (size_t i = 0; i < w->path_count; i++)
        w->paths[i]->closing_seen = atomic_load(&w->paths[i]->closing);
    (void)mbox_drain(w->commands, command_h, w);
    events_handle(w, evs, n, now_us);
    now_us = clock_us(); /* commands may have made the clock of a path newer than ours */
    for (size_t i = 0; i < w->path_count; i++)
        path_tick(w->paths[i], now_us);
    paths_end(w, now_us);
    for (size_t i = 0; i < w->ice_count; i++)
        udp_queue_flush(w->queue[i]);
    load_measure(w, now_us);
    if (!w->path_count && w->told.paths)
        publish(w); /* the next round may be long in coming */
}

static void sleep_until(uint64_t us)
{
    struct timespec ts = {.tv_sec = (time_t)(us / 1000000), .tv_nsec = (long)(us % 1000000) * 1000};

    (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

/* A few calls do not pay for a fine clock. */
static uint64_t tick_us(const struct worker *w)
{
    return w->path_count < WORKER_FEW ? WORKER_TICK_FEW_US : WORKER_TICK_US;
}

static void *worker_main(void *arg)
{
    struct worker *w = arg;
    uint64_t next_us = clock_us(), now_us;

    while (!atomic_load(&w->stop)) {
        round_do(w);
        if (!w->path_count)
            continue;
        now_us = clock_us();
        next_us += tick_us(w);
        if (next_us < now_us || next_us > now_us + tick_us(w))
            next_us = now_us + tick_us(w);
        sleep_until(next_us);
    }
    for (size_t i = 0; i < w->path_count; i++)
        path_end(w->paths[i], clock_us());
    for (size_t i = 0; i < w->ice_count; i++)
        udp_queue_flush(w->queue[i]);
    while (w->path_count)
        path_remove(w, 0);
    return NULL;
}

/* ---- start and stop ---- */

static bool bind_is_dual(const struct media_config *cfg)
{
    return cfg->bind_count == 2 && addr_is_any(&cfg->bind[0]) && addr_is_any(&cfg->bind[1]);
}

static int bind_ice(struct worker *w)
{
    uint16_t port = w->cfg.ice_port ? (uint16_t)(w->cfg.ice_port + w->index) : 0;
    bool dual = bind_is_dual(&w->cfg);
    size_t count = dual ? 1 : w->cfg.bind_count;

    for (size_t i = 0; i < count; i++) {
        struct addr a = w->cfg.bind[i];
        int err;

        addr_set_port(&a, port);
        err = udp_bind(&w->ice[i], &a, dual, ICE_BUFFER);
        if (!err) {
            w->ice_count++;
            err = udp_queue_alloc(&w->queue[i], &w->ice[i]);
        }
        if (err)
            return err;
        udp_tos(&w->ice[i], w->cfg.tos);
        port = udp_port(&w->ice[i]); /* the second address gets the same */
        w->ice_io[i] = (struct path_io){IO_ICE, &w->ice[i]};
        err = watch(w, w->ice[i].fd, &w->ice_io[i]);
        if (err)
            return err;
    }
    return w->ice_count ? 0 : EINVAL;
}

static int thread_start(struct worker *w)
{
    char name[16];
    sigset_t all, old;
    int err;

    snprintf(name, sizeof(name), "media/%u", w->index);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old); /* signals belong to the main thread */
    err = pthread_create(&w->thread, NULL, worker_main, w);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (err)
        return err;
    w->running = true;
    (void)pthread_setname_np(w->thread, name);
    return 0;
}

int worker_alloc(struct worker **wp, const struct worker_config *cfg, char *why, size_t whysz)
{
    struct worker *w = calloc(1, sizeof(*w));
    char name[16];
    int err;

    if (!w)
        return ENOMEM;
    w->cfg = *cfg->media;
    w->index = cfg->index;
    w->identity = cfg->identity;
    w->complexity = w->told.complexity = COMPLEXITY_START;
    snapshot_store(w->tally, &w->told, sizeof(w->told));
    w->ice[0].fd = w->ice[1].fd = -1;
    w->epoll = epoll_create1(EPOLL_CLOEXEC);
    snprintf(name, sizeof(name), "media_%u", w->index);
    err = w->epoll < 0 ? errno : mbox_alloc(&w->commands, name, sizeof(struct worker_msg), COMMANDS_MAX);
    if (!err)
        err = udp_reader_alloc(&w->reader);
    if (!err)
        err = table_alloc(&w->by_addr, TALLY_ADDRESSES_MAX);
    w->command_io = (struct path_io){IO_COMMANDS, w};
    if (!err)
        err = watch(w, mbox_fd(w->commands), &w->command_io);
    if (!err)
        err = bind_ice(w);
    if (!err)
        err = thread_start(w);
    if (err) {
        unsigned port = cfg->media->ice_port ? cfg->media->ice_port + cfg->index : 0;

        snprintf(why, whysz, "media worker %u: UDP port %u (ice.port): %s", cfg->index, port, strerror(err));
        worker_free(w);
        return err;
    }
    *wp = w;
    return 0;
}

static void command_drop_h(void *msg, void *arg)
{
    struct worker_msg *m = msg;

    (void)arg;
    if (m->command == WORKER_START)
        path_free(m->path);
    else if (m->command == WORKER_BROWSER)
        free(m->u.browser);
}

void worker_free(struct worker *w)
{
    struct worker_msg wake = {.command = WORKER_WAKE};

    if (!w)
        return;
    if (w->running) {
        atomic_store(&w->stop, true);
        (void)worker_post(w, &wake); /* a full mailbox has woken it already */
        pthread_join(w->thread, NULL);
    }
    mbox_free(w->commands, command_drop_h, w);
    table_free(w->by_addr);
    udp_reader_free(w->reader);
    for (size_t i = 0; i < 2; i++) {
        udp_queue_free(w->queue[i]);
        udp_close(&w->ice[i]);
    }
    if (w->epoll >= 0)
        close(w->epoll);
    free(w);
}

uint16_t worker_ice_port(const struct worker *w)
{
    return udp_port(&w->ice[0]);
}

unsigned worker_load(const struct worker *w)
{
    return atomic_load(&w->paths_taken);
}

int worker_post(struct worker *w, const struct worker_msg *msg)
{
    int err;

    /* Those that were closed but have not ended yet still have their place in the worker's table. */
    if (msg->command == WORKER_START && worker_load(w) >= MEDIA_PATHS_MAX)
        return ENOBUFS;
    if (msg->command == WORKER_START)
        atomic_fetch_add(&w->paths_taken, 1);
    err = mbox_post(w->commands, msg);
    if (err && msg->command == WORKER_START)
        atomic_fetch_sub(&w->paths_taken, 1);
    return err;
}
