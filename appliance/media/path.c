/* media/path: life, commands, time and figures of a path. See path.h. */
#include "media/path.h"

#include "core/clock.h"
#include "core/rnd.h"
#include "media/quality.h"
#include "media/worker.h"

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

int path_alloc(struct media_path **pp, const struct path_init *init, struct udp *rtp, struct udp *rtcp)
{
    struct media_path *p = calloc(1, sizeof(*p));
    struct jbuf_config jcfg = {.clock_rate = 48000, .max_ms = init->jbuf_max_ms};
    int err;

    if (!p) {
        udp_close(rtp);
        udp_close(rtcp);
        return ENOMEM;
    }
    p->id = init->id;
    p->arg = init->cfg->arg;
    p->worker = init->worker;
    p->rtp = *rtp;
    p->rtcp = *rtcp;
    p->rtp_io = (struct path_io){IO_RTP, p};
    p->rtcp_io = (struct path_io){IO_RTCP, p};
    memcpy(p->cname, init->local->cname, sizeof(p->cname));
    in_init(&p->from_browser);
    in_init(&p->from_trunk);
    out_init(&p->to_browser, init->local->ssrc);
    out_init(&p->to_trunk, init->local->trunk_ssrc);
    p->down.complexity = -1;
    p->down.ssrc = rnd_u32();
    err = jbuf_alloc(&p->up.jbuf, &jcfg);
    if (!err)
        err = path_ice_alloc(p, init->cfg, init->local);
    if (err) {
        path_free(p);
        return err;
    }
    *pp = p;
    return 0;
}

void path_free(struct media_path *p)
{
    if (!p)
        return;
    path_secure_close(p);
    ice_free(p->ice);
    jbuf_free(p->up.jbuf);
    for (size_t i = 0; i < sizeof(p->up.dec) / sizeof(*p->up.dec); i++)
        codec_dec_free(p->up.dec[i]);
    codec_enc_free(p->down.enc);
    udp_close(&p->rtp);
    udp_close(&p->rtcp);
    free(p);
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

void path_set_restart(struct media_path *p, const char *ufrag, const char *pwd)
{
    (void)ice_local(p->ice, ufrag, pwd); /* made by us: never too long */
}

void path_set_browser(struct media_path *p, const struct media_browser *b, uint64_t now_us)
{
    p->browser = *b;
    p->failed = false; /* an ICE restart may bring a lost browser back */
    if (!p->browser_set)
        in_wait(&p->from_browser, now_us);
    p->browser_set = true;
    out_rate(&p->to_browser, codec_clock_rate(b->codec));
    p->to_browser.pt = media_formats_codec(&b->formats, b->codec)->pt; /* media_path_browser saw to it */
    path_dtmf_set(&p->to_browser, path_dtmf_way(&b->formats, b->codec), &b->formats, b->codec);
    if (path_up_set(p) || path_down_set(p)) {
        struct media_event ev = {.type = MEDIA_FAILED, .reason = MEDIA_NO_CODEC};

        path_event(p, &ev);
    }
    path_secure_set(p, now_us);
}

void path_set_trunk(struct media_path *p, const struct media_trunk *t, uint64_t now_us)
{
    bool awaited = p->trunk_set && (p->trunk.dir & MEDIA_RECV);

    if (!p->trunk_set || !addr_eq(&p->trunk.rtp, &t->rtp))
        p->trunk_local = (struct addr){0}; /* the way there may be another */
    p->trunk = *t;
    if (p->trunk.ptime_ms < 10 || p->trunk.ptime_ms > 60)
        p->trunk.ptime_ms = 20;
    if (!awaited && (t->dir & MEDIA_RECV))
        in_wait(&p->from_trunk, now_us);
    p->trunk_set = true;
    srclock_set(&p->lock, &t->rtp, &t->signalling);
    p->to_trunk.pt = media_formats_codec(&t->formats, t->codec)->pt;
    path_dtmf_set(&p->to_trunk, path_dtmf_way_trunk(t), &t->formats, t->codec);
    (void)path_up_set(p); /* what can fail was allocated with the browser's codecs */
}

void path_set_hold(struct media_path *p, bool held, uint64_t now_us)
{
    if (p->held && !held) {
        in_wait(&p->from_browser, now_us);
        in_wait(&p->from_trunk, now_us);
    }
    p->held = held;
}

/* ---- time ---- */

static void figures_store(struct media_path *p)
{
    struct media_event ev;

    path_figures(p, &ev);
    snapshot_store(p->figures, &ev, sizeof(ev));
}

void path_figures_load(const struct media_path *p, struct media_event *out)
{
    snapshot_load(p->figures, out, sizeof(*out));
}

/* Signalling's mailbox was full. MEDIA_ENDED is the worker's to tell again. */
static void untold_tell(struct media_path *p)
{
    struct media_event ev = {.type = (enum media_event_type)p->untold.type,
                             .reason = (enum media_reason)p->untold.reason,
                             .addr = p->untold.addr,
                             .path_id = p->id};

    if (p->untold.waits && !worker_event(p->worker, &ev))
        p->untold.waits = false;
}

static void slow_tick(struct media_path *p, uint64_t now_us)
{
    untold_tell(p);
    path_secure_tick(p, now_us);
    path_reports(p, false, now_us);
    path_timeouts(p, now_us);
    if (now_us >= p->figures_us) {
        p->figures_us = now_us + PATH_FIGURES_US;
        figures_store(p);
    }
}

void path_tick(struct media_path *p, uint64_t now_us)
{
    if (p->ended)
        return;
    path_up_tick(p, now_us);
    path_down_tick(p, now_us);
    path_dtmf_tick(p, now_us);
    if (now_us >= p->slow_us) {
        p->slow_us = now_us + PATH_SLOW_US;
        slow_tick(p, now_us);
    }
}

void path_end(struct media_path *p, uint64_t now_us)
{
    p->ended = true;
    path_reports(p, true, now_us);
    path_secure_close(p);
    ice_close(p->ice);
    udp_close(&p->rtp);
    udp_close(&p->rtcp);
}

void path_event(struct media_path *p, struct media_event *ev)
{
    if (ev->type == MEDIA_FAILED) {
        if (p->failed)
            return;
        p->failed = true;
    }
    ev->path_id = p->id;
    untold_tell(p);
    if (!p->untold.waits && !worker_event(p->worker, ev))
        return;
    if (ev->type <= MEDIA_TIMEOUT && ev->type != MEDIA_DTLS_UP &&
        !(p->untold.waits && p->untold.type == MEDIA_TIMEOUT)) {
        p->untold.waits = true; /* in place of an older one: signalling wants to know how it is */
        p->untold.type = (uint8_t)ev->type;
        p->untold.reason = (uint8_t)ev->reason;
        p->untold.addr = ev->addr;
    }
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

void path_figures(const struct media_path *p, struct media_event *out)
{
    struct jbuf_stats js;

    *out = (struct media_event){.type = MEDIA_ENDED, .path_id = p->id};
    jbuf_stats(p->up.jbuf, &js);
    stream_figures(&p->from_browser, js.late + js.overflow, js.target_ms, &out->browser);
    stream_figures(&p->from_trunk, 0, 0, &out->trunk);
    out->rtt_ms = p->from_browser.rtt_ms > 0 ? p->from_browser.rtt_ms : ice_rtt_ms(p->ice);
}
