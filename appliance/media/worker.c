/* media/worker: see worker.h. */
#include "media/worker.h"

#include "core/clock.h"
#include "core/log.h"
#include "core/mbox.h"
#include "core/metric.h"
#include "core/snapshot.h"
#include "media/demux.h"
#include "media/inside.h"
#include "media/path.h"
#include "media/tally.h"
#include "net/poller.h"
#include "net/udp_set.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

METRIC_COUNTER(drop_outside, "dngate_media_dropped_total", "from=\"browser\",reason=\"stun_unasked\"",
               "Media packets dropped");

enum {
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

struct ice_port { /* one socket of it */
    struct poller_watch watch;
    struct worker *worker;
    struct udp *udp;
};

struct worker {
    struct media_config cfg;
    unsigned index;
    pthread_t thread;
    bool running;
    atomic_bool stop;
    atomic_uint paths_taken; /* also those on their way */
    struct mbox *commands;
    struct poller_watch command_watch;
    struct udp_set ice;
    struct ice_port ice_ports[UDP_BINDS_MAX];
    struct udp_queue *browsers; /* what goes out by them */
    struct inside inside;
    struct media_outside outside;
    struct demux *demux;
    struct path_host host;
    struct path *paths[MEDIA_PATHS_MAX];
    size_t path_count;
    struct path_agenda agenda;
    bool closing; /* some of the paths are */
    uint64_t load_at_us, load_cpu_us;
    double load;
    struct tally past; /* of paths that have ended */
    struct tally told; /* what was published last */
    SNAPSHOT(tally, struct tally);
};

/* ---- what paths ask for ---- */

static uint8_t *room_h(const struct addr *dst, void *arg)
{
    struct worker *w = arg;

    return w->inside.end || udp_set_to(&w->ice, dst) ? udp_queue_room(w->browsers) : NULL;
}

static void send_h(size_t n, const struct addr *local, const struct addr *dst, void *arg)
{
    struct worker *w = arg;

    if (!inside_send(&w->inside, udp_queue_room(w->browsers), n, local, dst))
        (void)udp_queue_push(w->browsers, udp_set_to(&w->ice, dst), n, local, dst);
}

static enum media_via via_h(const struct addr *dst, struct addr *from, void *arg)
{
    static const enum media_via vias[] = {[WIRE_NOBODY] = MEDIA_DIRECT,
                                          [WIRE_UDP] = MEDIA_RELAY_UDP,
                                          [WIRE_TCP] = MEDIA_RELAY_TCP,
                                          [WIRE_TLS] = MEDIA_RELAY_TLS};
    const struct worker *w = arg;
    struct wire_behind who;

    *from = *dst;
    if (!inside_behind(&w->inside, dst, &who) || who.transport == WIRE_NOBODY)
        return MEDIA_DIRECT;
    *from = who.addr;
    return vias[who.transport];
}

static void claim_h(struct path *p, enum path_claim what, const struct addr *addr, void *arg)
{
    struct worker *w = arg;

    demux_claim(w->demux, p, what, addr);
}

static int event_h(const struct media_event *ev, void *arg)
{
    struct worker *w = arg;

    return mbox_post(w->cfg.events, ev);
}

/* ---- sockets ---- */

static void ice_ready_h(void *arg)
{
    struct ice_port *port = arg;
    struct worker *w = port->worker;
    uint64_t now_us = clock_us();
    size_t n = UDP_BATCH;

    for (unsigned round = 0; round < ICE_ROUNDS && n == UDP_BATCH; round++) {
        n = udp_read(w->host.reader, port->udp);
        for (size_t i = 0; i < n; i++)
            demux_packet(w->demux, udp_packet(w->host.reader, i), now_us);
    }
}

static void inside_packet_h(struct udp_packet *pkt, void *arg)
{
    struct worker *w = arg;

    demux_packet(w->demux, pkt, clock_us());
}

/* ---- what is no call's ---- */

static void ask(struct worker *w, const struct outside_asked *a)
{
    const struct addr any = {0};
    uint8_t *room = udp_set_to(&w->ice, &a->server) ? udp_queue_room(w->browsers) : NULL;
    size_t n = room ? media_outside_ask(&w->outside, a, room) : 0;

    if (n)
        (void)udp_queue_push(w->browsers, udp_set_to(&w->ice, &a->server), n, &any, &a->server);
}

/* A demux_outside_h. */
static void outside_h(const struct stun_view *m, const struct udp_packet *pkt, void *arg)
{
    struct worker *w = arg;
    struct stun_seen seen;
    uint8_t *room;
    size_t n;

    if (m->cls == STUN_REQUEST) {
        room = room_h(&pkt->src, w);
        n = room ? media_outside_reply(&w->outside, m, &pkt->src, room) : 0;
        if (n)
            send_h(n, &pkt->local, &pkt->src, w);
        else
            metric_add(&drop_outside, 1);
    } else if (media_outside_seen(&w->outside, m, &pkt->src, &seen) && w->cfg.seen) {
        seen.port = worker_ice_port(w);
        (void)mbox_post(w->cfg.seen, &seen); /* full: it is asked again */
    } else {
        metric_add(&drop_outside, 1);
    }
}

/* ---- paths ---- */

static void start(struct worker *w, struct path *p)
{
    w->paths[w->path_count++] = p; /* worker_post() keeps it from being full */
    demux_add(w->demux, p);
    atomic_store(&w->agenda.closing, true); /* it may have been closed before it was here to be seen */
    if (path_start(p, clock_us()))
        log_error("media", "path=%u trunk sockets cannot be watched", path_id(p));
}

static void path_remove(struct worker *w, size_t i)
{
    struct path *p = w->paths[i];

    w->paths[i] = w->paths[--w->path_count];
    demux_remove(w->demux, p);
    tally_add(&w->past, p);
    path_free(p);
    atomic_fetch_sub(&w->paths_taken, 1);
}

/* Before the commands are drained: none of those that come later can mean a path that is closed by now. */
static void closing_look(struct worker *w)
{
    if (!atomic_load_explicit(&w->agenda.closing, memory_order_relaxed))
        return;
    atomic_store(&w->agenda.closing, false);
    for (size_t i = 0; i < w->path_count; i++)
        path_closing_look(w->paths[i]);
    w->closing = true;
}

static void paths_end(struct worker *w, uint64_t now_us)
{
    bool waits = false;

    for (size_t i = w->path_count; i-- > 0 && w->closing;) {
        struct media_event ev;

        if (!path_closing(w->paths[i]))
            continue;
        path_end(w->paths[i], now_us);
        path_figures(w->paths[i], &ev);
        if (event_h(&ev, w))
            waits = true; /* the mailbox is full: tried again in the next round */
        else
            path_remove(w, i);
    }
    w->closing = waits;
}

static void paths_tick(struct worker *w, uint64_t now_us)
{
    uint64_t due_us = POLLER_FOREVER;

    if (now_us < w->agenda.due_us)
        return;
    for (size_t i = 0; i < w->path_count; i++) {
        uint64_t us = path_tick(w->paths[i], now_us);

        due_us = us < due_us ? us : due_us;
    }
    w->agenda.due_us = due_us;
}

static void command_h(void *msg, void *arg)
{
    struct worker *w = arg;
    struct worker_msg *m = msg;
    uint64_t now_us = clock_us();

    switch (m->command) {
    case WORKER_WAKE:
        break;
    case WORKER_START:
        start(w, m->path);
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
        path_set_tone(m->path, m->u.tone, now_us);
        break;
    case WORKER_AWAY:
        path_set_away(m->path, m->u.away, now_us);
        break;
    case WORKER_DTMF:
        path_dtmf_queue(m->path, m->u.dtmf.to, m->u.dtmf.digits, m->u.dtmf.duration_ms);
        break;
    case WORKER_HOLD:
        path_set_hold(m->path, m->u.held, now_us);
        break;
    case WORKER_REACHED:
        inside_reached(&w->inside, m->u.reached->v, m->u.reached->count);
        free(m->u.reached);
        break;
    case WORKER_ASK:
        ask(w, &m->u.ask);
        break;
    case WORKER_RESTART:
        path_set_restart(m->path, m->u.restart.ufrag, m->u.restart.pwd);
        break;
    }
}

static void command_ready_h(void *arg)
{
    struct worker *w = arg;

    (void)mbox_drain(w->commands, command_h, w);
}

/* ---- figures ---- */

static uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static void publish(struct worker *w)
{
    struct tally t = w->past;

    tally_add_sockets(&t, TALLY_BROWSER, &w->ice);
    tally_add_counts(&t, TALLY_BROWSER, &w->inside.in, &w->inside.out);
    for (size_t i = 0; i < w->path_count; i++) {
        tally_add(&t, w->paths[i]);
        tally_add_live(&t, w->paths[i]);
    }
    for (int side = 0; side < TALLY_SIDES; side++) /* a packet that was only late is no loss after all */
        t.lost[side] = max_u64(t.lost[side], w->told.lost[side]);
    t.addresses = demux_addresses(w->demux);
    t.complexity = w->host.complexity;
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
        w->host.complexity = 0;
    else if (w->load >= LOAD_RAISED / 100.0 && w->host.complexity > 1)
        w->host.complexity = 1;
    else if (w->load < LOAD_EASY / 100.0 && w->host.complexity < COMPLEXITY_MAX)
        w->host.complexity++;
    publish(w);
}

static void flush(struct worker *w)
{
    udp_queue_flush(w->host.trunk);
    udp_queue_flush(w->browsers);
}

static void round_do(struct worker *w)
{
    uint64_t now_us;

    closing_look(w);
    poller_handle(w->host.poller);
    inside_read(&w->inside, inside_packet_h, w);
    now_us = clock_us();
    paths_tick(w, now_us);
    paths_end(w, now_us);
    flush(w);
    load_measure(w, now_us);
    if (!w->path_count && w->told.paths)
        publish(w); /* the next round may be long in coming */
}

static void sleep_until(uint64_t us)
{
    struct timespec ts = {.tv_sec = (time_t)(us / 1000000), .tv_nsec = (long)(us % 1000000) * 1000};

    (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

/* For the few that no clock ticks for. */
static uint64_t next_due_us(const struct worker *w)
{
    uint64_t soonest_us = clock_us() + WORKER_TICK_US;

    if (!w->path_count)
        return POLLER_FOREVER;
    return w->agenda.due_us > soonest_us && !w->closing ? w->agenda.due_us : soonest_us;
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
        bool ticks = w->path_count > WORKER_AWAITED;

        if (ticks) {
            now_us = clock_us();
            next_us += tick_us(w);
            if (next_us < now_us || next_us > now_us + tick_us(w))
                next_us = now_us + tick_us(w);
            sleep_until(next_us);
        }
        poller_wait(w->host.poller, ticks || !inside_sleep(&w->inside) ? 0 : next_due_us(w));
        round_do(w);
    }
    for (size_t i = 0; i < w->path_count; i++)
        path_end(w->paths[i], clock_us());
    flush(w);
    while (w->path_count)
        path_remove(w, 0);
    return NULL;
}

/* ---- start and stop ---- */

static int ice_open(struct worker *w)
{
    uint16_t port = w->cfg.ice_port ? (uint16_t)(w->cfg.ice_port + w->index) : 0;
    int err = udp_set_open(&w->ice, w->cfg.bind, w->cfg.bind_count, port, ICE_BUFFER);

    udp_set_tos(&w->ice, w->cfg.tos);
    for (size_t i = 0; i < w->ice.count && !err; i++) {
        struct ice_port *p = &w->ice_ports[i];

        *p = (struct ice_port){{ice_ready_h, p}, w, &w->ice.v[i]};
        err = poller_watch(w->host.poller, p->udp->fd, &p->watch);
    }
    return err;
}

static int host_open(struct worker *w, const struct dtls_identity *identity)
{
    struct path_host *h = &w->host;
    int err;

    *h = (struct path_host){.identity = identity,
                            .agenda = &w->agenda,
                            .rtp_timeout_s = w->cfg.rtp_timeout_s,
                            .complexity = COMPLEXITY_START,
                            .roomh = room_h,
                            .sendh = send_h,
                            .viah = via_h,
                            .claimh = claim_h,
                            .eventh = event_h,
                            .arg = w};
    err = poller_alloc(&h->poller);
    if (!err)
        err = udp_reader_alloc(&h->reader);
    if (!err)
        err = udp_queue_alloc(&h->trunk);
    return err ? err : udp_queue_alloc(&w->browsers);
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
    w->told.complexity = COMPLEXITY_START;
    snapshot_store(w->tally, &w->told, sizeof(w->told));
    snprintf(name, sizeof(name), "media_%u", w->index);
    err = host_open(w, cfg->identity);
    if (!err)
        err = mbox_alloc(&w->commands, name, sizeof(struct worker_msg), COMMANDS_MAX);
    if (!err)
        err = demux_alloc(&w->demux);
    if (!err)
        demux_outside(w->demux, outside_h, w);
    memcpy(w->outside.doctor, w->cfg.doctor, sizeof(w->outside.doctor));
    w->command_watch = (struct poller_watch){command_ready_h, w};
    if (!err)
        err = poller_watch(w->host.poller, mbox_fd(w->commands), &w->command_watch);
    if (!err)
        err = ice_open(w);
    if (!err)
        err = inside_open(&w->inside, w->cfg.wire, worker_ice_port(w), w->host.poller);
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
    else if (m->command == WORKER_REACHED)
        free(m->u.reached);
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
    inside_close(&w->inside);
    demux_free(w->demux);
    udp_reader_free(w->host.reader);
    udp_queue_free(w->host.trunk);
    udp_queue_free(w->browsers);
    udp_set_close(&w->ice);
    poller_free(w->host.poller);
    free(w);
}

uint16_t worker_ice_port(const struct worker *w)
{
    return udp_set_port(&w->ice);
}

const struct path_host *worker_host(const struct worker *w)
{
    return &w->host;
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
