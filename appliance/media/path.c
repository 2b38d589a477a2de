/* media/path: life, commands, time and figures of a path. See path.h. */
#include "media/path.h"

#include "core/clock.h"
#include "core/rnd.h"
#include "media/quality.h"
#include "core/log.h"
#include "media/path_away.h"
#include "media/path_dtmf.h"
#include "media/path_down.h"
#include "media/path_echo.h"
#include "media/path_noise.h"
#include "media/path_out.h"
#include "media/path_report.h"
#include "media/path_secure.h"
#include "media/path_state.h"
#include "media/path_up.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void in_init(struct path_in *in)
{
    rtcp_recv_init(&in->recv, CODEC_RATE);
    dtmf_rx_init(&in->events, CODEC_RATE);
}

static void out_init(struct path_out *out, uint32_t ssrc)
{
    rtp_splice_init(&out->splice, ssrc, CODEC_RATE);
    rtcp_send_init(&out->send, ssrc, CODEC_RATE);
    dtmf_tx_init(&out->digits, CODEC_RATE);
}

int path_alloc(struct path **pp, const struct path_init *init)
{
    struct path *p = calloc(1, sizeof(*p));
    struct jbuf_config jcfg = {.clock_rate = 48000, .max_ms = init->jbuf_max_ms};
    int err;

    if (!p) {
        struct udp_set rtp = init->rtp, rtcp = init->rtcp;

        udp_set_close(&rtp);
        udp_set_close(&rtcp);
        return ENOMEM;
    }
    p->id = init->id;
    p->host = init->host;
    p->echo = init->echo;
    p->rtp = init->rtp;
    p->rtcp = init->rtcp;
    memcpy(p->cname, init->local->cname, sizeof(p->cname));
    in_init(&p->from_browser);
    in_init(&p->from_trunk);
    out_init(&p->to_browser, init->local->ssrc);
    out_init(&p->to_trunk, init->local->trunk_ssrc);
    p->down.complexity = p->up.complexity = -1;
    p->down.noise_seed = rnd_u32();
    p->down.ssrc = rnd_u32();
    err = jbuf_alloc(&p->up.jbuf, &jcfg);
    if (!err)
        err = path_ice_alloc(p, init->controlling, init->local);
    if (err) {
        path_free(p);
        return err;
    }
    *pp = p;
    return 0;
}

void path_free(struct path *p)
{
    if (!p)
        return;
    path_secure_close(p);
    ice_free(p->ice);
    jbuf_free(p->up.jbuf);
    for (size_t i = 0; i <= MEDIA_G722; i++) {
        codec_dec_free(p->up.dec[i]);
        codec_enc_free(p->up.enc[i]);
        codec_dec_free(p->down.dec[i]);
    }
    codec_enc_free(p->down.enc);
    free(p->up.pcm.v);
    free(p->down.pcm.v);
    udp_set_close(&p->rtp);
    udp_set_close(&p->rtcp);
    free(p);
}

/* ---- start and end ---- */

static void ready_h(void *arg)
{
    struct path_watch *w = arg;
    struct udp_reader *r = w->path->host->reader;
    uint64_t now_us = clock_us();
    size_t n = udp_read(r, w->udp);

    for (size_t i = 0; i < n; i++) {
        if (w->rtcp)
            path_trunk_rtcp(w->path, udp_packet(r, i), now_us);
        else
            path_trunk_rtp(w->path, udp_packet(r, i), now_us);
    }
}

static int watch(struct path *p, struct udp_set *set, bool rtcp)
{
    int err = 0;

    for (size_t i = 0; i < set->count && !err; i++) {
        struct path_watch *w = &p->watches[2 * i + rtcp];

        *w = (struct path_watch){{ready_h, w}, p, &set->v[i], rtcp};
        err = poller_watch(p->host->poller, set->v[i].fd, &w->watch);
    }
    return err;
}

int path_start(struct path *p, uint64_t now_us)
{
    int err = watch(p, &p->rtp, false);

    path_touched(p);
    p->slow_us = now_us + p->id % 10 * (PATH_SLOW_US / 10); /* spread over the ticks */
    return err ? err : watch(p, &p->rtcp, true);
}

uint32_t path_id(const struct path *p)
{
    return p->id;
}

void path_close(struct path *p)
{
    struct path_agenda *agenda = p->host->agenda; /* outlives the path, which may be gone at once */

    atomic_store(&p->closing, true);
    atomic_store(&agenda->closing, true);
}

void path_closing_look(struct path *p)
{
    p->closing_seen = atomic_load(&p->closing);
}

bool path_closing(const struct path *p)
{
    return p->closing_seen;
}

/* ---- commands ---- */

static void out_rate(struct path_out *out, uint32_t rate)
{
    if (out->splice.rate == rate)
        return;
    rtp_splice_rate(&out->splice, rate);
    out->send.rate = rate;
}

static void in_wait(struct path_in *in, uint64_t now_us)
{
    in->alive_us = now_us;
    in->silent = false;
}

void path_set_restart(struct path *p, const char *ufrag, const char *pwd)
{
    path_touched(p);
    (void)ice_local(p->ice, ufrag, pwd); /* made by us: never too long */
}

/* What both sides together need. */
static void codecs_set(struct path *p)
{
    struct media_event ev = {.type = MEDIA_FAILED, .reason = MEDIA_NO_CODEC};

    if (path_up_set(p) || path_down_set(p))
        path_event(p, &ev);
}

void path_set_browser(struct path *p, const struct media_browser *b, uint64_t now_us)
{
    path_touched(p);
    p->browser = *b;
    p->failed = false; /* an ICE restart may bring a lost browser back */
    if (!p->browser_set)
        in_wait(&p->from_browser, now_us);
    p->browser_set = true;
    out_rate(&p->to_browser, codec_clock_rate(b->codec));
    p->to_browser.pt = media_formats_codec(&b->formats, b->codec)->pt; /* media_path_browser saw to it */
    path_dtmf_set(&p->to_browser, path_dtmf_way(&b->formats, b->codec), &b->formats, b->codec);
    if (!p->echo)
        codecs_set(p);
    path_secure_set(p, now_us);
}

/* Opus has frames of 10, 20, 40 and 60 ms; the others go by bytes. */
static uint32_t ptime_of(const struct media_trunk *t)
{
    if (t->ptime_ms < 10 || t->ptime_ms > 60 || t->ptime_ms % 10)
        return 20;
    return t->codec == MEDIA_OPUS && t->ptime_ms > 20 && t->ptime_ms % 20 ? 20 : t->ptime_ms;
}

void path_set_trunk(struct path *p, const struct media_trunk *t, uint64_t now_us)
{
    bool awaited = p->trunk_set && (p->trunk.dir & MEDIA_RECV);

    path_touched(p);
    if (!p->trunk_set || !addr_eq(&p->trunk.rtp, &t->rtp))
        p->trunk_local = (struct addr){0}; /* the way there may be another */
    p->trunk = *t;
    p->trunk.ptime_ms = ptime_of(t);
    if (!awaited && (t->dir & MEDIA_RECV))
        in_wait(&p->from_trunk, now_us);
    p->trunk_set = true;
    srclock_set(&p->lock, &t->rtp, &t->signalling);
    out_rate(&p->to_trunk, codec_clock_rate(t->codec));
    p->to_trunk.pt = media_formats_codec(&t->formats, t->codec)->pt;
    path_dtmf_set(&p->to_trunk, path_dtmf_way_trunk(t), &t->formats, t->codec);
    path_noise_set(p);
    codecs_set(p);
}

void path_set_hold(struct path *p, bool held, uint64_t now_us)
{
    path_touched(p);
    if (!p->browser_set)
        p->rings = held;
    if (p->rings && !held) {
        p->rings = false;
        path_secure_answered(p, now_us);
    }
    if (p->held && !held) {
        in_wait(&p->from_browser, now_us);
        in_wait(&p->from_trunk, now_us);
    }
    p->held = held;
}

/* ---- time ---- */

static void figures_store(struct path *p)
{
    struct media_event ev;

    path_figures(p, &ev);
    snapshot_store(p->figures, &ev, sizeof(ev));
}

void path_figures_load(const struct path *p, struct media_event *out)
{
    snapshot_load(p->figures, out, sizeof(*out));
}

static void slow_tick(struct path *p, uint64_t now_us)
{
    path_events_retry(p);
    path_secure_tick(p, now_us);
    path_reports(p, false, now_us);
    path_timeouts(p, now_us);
    if (now_us >= p->figures_us) {
        p->figures_us = now_us + PATH_FIGURES_US;
        figures_store(p);
    }
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t path_tick(struct path *p, uint64_t now_us)
{
    if (p->ended)
        return UINT64_MAX;
    if (now_us < p->due_us)
        return p->due_us;
    if (p->echo)
        path_echo_tick(p, now_us);
    else
        path_up_tick(p, now_us);
    path_down_tick(p, now_us);
    path_dtmf_tick(p, now_us);
    path_away_tick(p, now_us);
    path_noise_tick(p, now_us);
    if (now_us >= p->slow_us) {
        slow_tick(p, now_us);
        p->slow_us = now_us + (path_secure_settled(p) ? PATH_SETTLED_US : PATH_SLOW_US);
    }
    p->due_us = sooner(
        sooner(p->echo ? path_echo_due_us(p) : path_up_due_us(p), path_down_due_us(p)),
        sooner(sooner(path_dtmf_due_us(p), path_noise_due_us(p)), sooner(path_away_due_us(p), p->slow_us)));
    return p->due_us;
}

void path_end(struct path *p, uint64_t now_us)
{
    if (p->ended)
        return;
    p->ended = true;
    path_reports(p, true, now_us);
    path_secure_close(p);
    ice_close(p->ice);
    udp_queue_flush(p->host->trunk); /* while its sockets are open */
    udp_set_close(&p->rtp);
    udp_set_close(&p->rtcp);
}

/* ---- figures ---- */

static void stream_figures(const struct path_in *in, uint64_t late, double buffer_ms,
                           struct media_stream_stats *st)
{
    uint64_t expected = rtcp_recv_expected(&in->recv);
    struct quality_input q = {.codec = in->codec, .rtt_ms = in->rtt_ms, .buffer_ms = buffer_ms};

    *st =
        (struct media_stream_stats){.codec = in->codec, .packets = in->recv.packets, .bytes = in->recv.bytes};
    st->lost = rtcp_recv_lost(&in->recv);
    st->dropped = in->dropped + (uint32_t)late;
    st->jitter_ms = rtcp_recv_jitter_ms(&in->recv);
    if (!in->recv.packets)
        return;
    q.loss = expected ? (double)(st->lost + late) / (double)expected : 0;
    q.jitter_ms = st->jitter_ms;
    st->mos = quality_mos(&q);
}

void path_figures(const struct path *p, struct media_event *out)
{
    struct jbuf_stats js;

    *out = (struct media_event){.type = MEDIA_ENDED, .path_id = p->id};
    jbuf_stats(p->up.jbuf, &js);
    stream_figures(&p->from_browser, js.late + js.overflow, js.target_ms, &out->browser);
    stream_figures(&p->from_trunk, 0, 0, &out->trunk);
    out->stranger = p->stranger;
    out->strangers = p->strangers;
    out->rtt_ms = p->from_browser.rtt_ms > 0 ? p->from_browser.rtt_ms : ice_rtt_ms(p->ice);
}
