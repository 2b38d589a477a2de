/* media/path: trunk to browser. No buffer here: the browser has one. See path.h. */
#include "media/path_down.h"

#include "core/metric.h"
#include "media/g711.h"
#include "media/path_dtmf.h"
#include "media/path_noise.h"
#include "media/path_out.h"

#include <errno.h>
#include <string.h>

METRIC_COUNTER(drop_source, "dngate_media_dropped_total", "from=\"trunk\",reason=\"source\"",
               "Media packets dropped");
METRIC_COUNTER(drop_form, "dngate_media_dropped_total", "from=\"trunk\",reason=\"malformed\"",
               "Media packets dropped");
METRIC_COUNTER(drop_pt, "dngate_media_dropped_total", "from=\"trunk\",reason=\"payload_type\"",
               "Media packets dropped");

enum {
    PT_PCMU = 0, /* static types: RFC 3551 */
    PT_PCMA = 8,
    PT_G722 = 9,
    PT_CN = 13,
    COMPLEXITY_START = 2,
    BEEP_FRAMES = 20,
};

static int encoder(struct path *p)
{
    struct path_down *d = &p->down;
    int err;

    if (p->browser.codec != MEDIA_OPUS || d->enc)
        return 0;
    d->complexity = COMPLEXITY_START;
    err = codec_enc_alloc(&d->enc, MEDIA_OPUS, 0);
    if (!err)
        codec_enc_complexity(d->enc, d->complexity);
    return err;
}

static bool tone_plays(const struct path *p)
{
    return p->down.tone_on || p->down.beep_left;
}

/* G.711 is decoded by table; of the others we may need a decoder. */
static int decoder(struct path *p, enum media_codec c)
{
    struct path_down *d = &p->down;

    if (c == p->browser.codec || d->dec[c] || !media_formats_codec(&p->trunk.formats, c))
        return 0;
    return codec_dec_alloc(&d->dec[c], c);
}

int path_down_set(struct path *p)
{
    int err = p->browser_set ? encoder(p) : 0;

    if (!err && p->browser_set)
        err = path_pcm_room(&p->down.pcm, CODEC_RATE);
    if (err || !p->browser_set || !p->trunk_set)
        return err;
    err = decoder(p, MEDIA_OPUS);
    if (!err)
        err = decoder(p, MEDIA_G722);
    if (!err && p->down.dec[MEDIA_G722])
        err = path_pcm_room(&p->down.pcm, codec_pcm_rate(MEDIA_G722, p->browser.codec));
    return err;
}

/* So many ticks of one clock in those of another. */
static uint32_t scaled(size_t n, uint32_t from, uint32_t to)
{
    return (uint32_t)((uint64_t)n * to / from);
}

/* One frame of the trunk's audio; its place in time, gaps included, is that of the trunk's timestamps. */
static void frame_out(struct path *p, const int16_t *pcm, uint64_t now_us)
{
    struct path_down *d = &p->down;
    struct rtp_hdr in = {.seq = d->seq, .ts = d->head_ts, .ssrc = d->ssrc, .pt = p->to_browser.pt}, out;
    uint8_t *room = path_browser_room(p);
    size_t n;

    d->seq++;
    d->head_ts += p->to_browser.splice.rate / 50;
    if (!room || p->to_browser.event_on)
        return;
    n = path_browser_encode(p, pcm, d->pcm.rate, room + RTP_HEADER);
    if (!n)
        return;
    (void)rtp_splice_relay(&p->to_browser.splice, &in, now_us, &out);
    path_browser_send(p, room, &out, n, now_us);
}

static void frames_out(struct path *p, uint64_t now_us)
{
    struct path_pcm *pcm = &p->down.pcm;
    size_t done = 0, frame = pcm->rate / 50;

    for (; pcm->count - done >= frame; done += frame)
        frame_out(p, pcm->v + done, now_us);
    path_pcm_drop(pcm, done);
}

/* How many frames were lost before h, which comes `gap` ticks later than expected. A pause of who speaks takes time and no
 * sequence numbers (RFC 3550 5.1, RFC 3551 4.1): the browser must not count it as loss. */
static uint16_t frames_lost(const struct path_down *d, const struct rtp_hdr *h, uint32_t ticks, int32_t gap)
{
    int packets = rtp_seq_diff(h->seq, d->next_seq);
    int64_t lost = (int64_t)packets * ticks;
    const int32_t frame = (int32_t)(d->clock / 50);

    if (packets <= 0)
        return 0;
    if (lost > gap)
        lost = gap;
    return (uint16_t)(lost < frame ? 1 : lost / frame);
}

/* What of a frame is left over is not heard, but takes its time. */
static void pcm_forget(struct path *p)
{
    struct path_down *d = &p->down;

    d->head_ts += scaled(d->pcm.count, d->pcm.rate, p->to_browser.splice.rate);
    d->pcm.count = 0;
}

/* Where h, so many ticks long, stands in the trunk's stream. False: too late, its place has been sent. A step of more than a second is
 * another stream. */
static bool place(struct path *p, const struct rtp_hdr *h, uint32_t ticks)
{
    struct path_down *d = &p->down;
    int32_t gap = rtp_ts_diff(h->ts, d->next_ts), jump = (int32_t)d->clock;

    if (!d->started || h->ssrc != d->in_ssrc || gap > jump || gap < -jump) {
        d->started = true;
        d->in_ssrc = h->ssrc;
        d->next_seq = h->seq;
        d->ssrc++; /* a new stream for rtp_splice as well */
        d->pcm.count = 0;
    } else if (gap < 0) {
        return false;
    } else if (gap > 0) {
        d->seq = (uint16_t)(d->seq + frames_lost(d, h, ticks, gap));
        pcm_forget(p);
        d->head_ts += scaled((size_t)gap, d->clock, p->to_browser.splice.rate);
    }
    return true;
}

/* EBADMSG, ENOMEM. */
static int decode(struct path *p, enum media_codec c, const struct rtp_hdr *h)
{
    struct path_pcm *to = &p->down.pcm;
    uint32_t rate = codec_pcm_rate(c, p->browser.codec);
    size_t n = h->len;
    int err = 0;

    if (to->room < to->count + rate / 1000 * JBUF_DUR_MAX_MS)
        return ENOMEM; /* MEDIA_FAILED was told */
    if (rate != to->rate) {
        pcm_forget(p);
        path_pcm_rate(to, rate);
    }
    if (c == MEDIA_PCMA) {
        g711_alaw_dec(to->v + to->count, h->payload, n);
    } else if (c == MEDIA_PCMU) {
        g711_ulaw_dec(to->v + to->count, h->payload, n);
    } else {
        codec_dec_rate(p->down.dec[c], rate);
        err = codec_dec_frame(p->down.dec[c], h->payload, h->len, to->v + to->count, &n);
    }
    to->count += err ? 0 : n;
    return err;
}

static void transcode(struct path *p, enum media_codec c, const struct rtp_hdr *h, uint64_t now_us)
{
    uint32_t ticks = codec_packet_ticks(c, h->payload, h->len);

    if (!ticks || !place(p, h, ticks) || decode(p, c, h)) {
        p->from_trunk.dropped++;
        return;
    }
    p->down.next_ts = h->ts + ticks;
    frames_out(p, now_us);
}

static void relay(struct path *p, const struct rtp_hdr *h, uint64_t now_us)
{
    uint8_t *room = path_browser_room(p);
    struct rtp_hdr out;

    if (!room || p->to_browser.event_on || h->len > RTP_PAYLOAD_MAX)
        return;
    (void)rtp_splice_relay(&p->to_browser.splice, h, now_us, &out);
    out.pt = p->to_browser.pt;
    memcpy(room + RTP_HEADER, h->payload, h->len);
    path_browser_send(p, room, &out, h->len, now_us);
}

static void codec_changed(struct path *p, enum media_codec c)
{
    p->from_trunk.codec = c;
    if (p->down.clock == codec_clock_rate(c))
        return;
    p->down.clock = codec_clock_rate(c);
    p->down.started = false;
    rtcp_recv_rate(&p->from_trunk.recv, p->down.clock);
}

static void audio(struct path *p, enum media_codec c, const struct rtp_hdr *h, uint64_t now_us)
{
    if (tone_plays(p) || !(p->trunk.dir & MEDIA_RECV) || !h->len || !p->browser_set)
        return;
    p->down.noise_on = false;
    if (c == p->browser.codec)
        relay(p, h, now_us);
    else
        transcode(p, c, h, now_us);
}

static bool decodable(const struct path *p, enum media_codec c)
{
    return c == MEDIA_PCMU || c == MEDIA_PCMA || c == p->browser.codec || p->down.dec[c];
}

/* Trunks send what has a static number under that, whatever the answer says. */
static enum media_codec codec_of(const struct path *p, const struct media_format *f, uint8_t pt)
{
    enum media_codec c = f               ? f->codec
                         : pt == PT_PCMU ? MEDIA_PCMU
                         : pt == PT_PCMA ? MEDIA_PCMA
                         : pt == PT_G722 ? MEDIA_G722
                         : pt == PT_CN   ? MEDIA_CN
                                         : MEDIA_NONE;

    return c > MEDIA_G722 || !p->browser_set || decodable(p, c) ? c : MEDIA_NONE;
}

static void accepted(struct path *p, const struct rtp_hdr *h, uint64_t now_us)
{
    const struct media_format *f = media_formats_of(&p->trunk.formats, h->pt);
    enum media_codec c = codec_of(p, f, h->pt);

    p->from_trunk.alive_us = now_us;
    if (c == MEDIA_EVENT) {
        path_dtmf_packet(p, false, h, f->rate, now_us);
    } else if (c == MEDIA_CN) {
        rtcp_recv_untimed(&p->from_trunk.recv, h);
        path_noise_packet(p, h, now_us);
    } else if (c != MEDIA_NONE) {
        codec_changed(p, c);
        rtcp_recv_packet(&p->from_trunk.recv, h, now_us);
        audio(p, c, h, now_us);
    } else { /* what was never negotiated */
        rtcp_recv_untimed(&p->from_trunk.recv, h);
        metric_add(&drop_pt, 1);
    }
    if (rtp_seq_diff(h->seq, p->down.next_seq) >= 0)
        p->down.next_seq = (uint16_t)(h->seq + 1);
}

void path_trunk_rtp(struct path *p, const struct udp_packet *pkt, uint64_t now_us)
{
    struct media_event ev = {.type = MEDIA_TRUNK_LATCHED, .addr = pkt->src};
    struct rtp_hdr h;

    if (p->ended || !p->trunk_set || rtp_parse(&h, pkt->p, pkt->n)) {
        metric_add(&drop_form, 1);
        return;
    }
    switch (srclock_rtp(&p->lock, &pkt->src, h.ssrc, h.seq)) {
    case SRCLOCK_DROP:
        p->from_trunk.dropped++;
        p->strangers++;
        p->stranger = pkt->src;
        metric_add(&drop_source, 1);
        return;
    case SRCLOCK_LATCHED:
        path_event(p, &ev);
        break;
    case SRCLOCK_PASS:
        break;
    }
    p->trunk_local = pkt->local;
    accepted(p, &h, now_us);
}

/* ---- tone ---- */

void path_set_tone(struct path *p, enum media_tone tone, uint64_t now_us)
{
    path_touched(p);
    if (tone == MEDIA_TONE_BEEP)
        p->down.beep_left = BEEP_FRAMES;
    else
        p->down.tone_on = tone == MEDIA_TONE_RINGBACK;
    p->down.started = false;
    p->down.noise_on = false;
    p->down.tone_us = now_us;
    if (tone == MEDIA_TONE_BEEP)
        tone_init(&p->down.tone, &tone_beep);
    else if (p->down.tone_on && !p->down.beep_left)
        tone_init(&p->down.tone, &tone_ringback);
}

/* A frame of the beep is out; behind the last one goes on what was there before. */
static void beeped(struct path_down *d)
{
    if (--d->beep_left)
        return;
    d->started = false;
    if (d->tone_on)
        tone_init(&d->tone, &tone_ringback);
}

static void tone_out(struct path *p, uint64_t now_us)
{
    int16_t pcm[CODEC_RATE / 50];
    uint8_t *room = path_browser_room(p);

    if (p->down.beep_left && !room) /* nobody hears it yet */
        return;
    tone_read(&p->down.tone, pcm, CODEC_RATE / 50);
    if (!room || p->to_browser.event_on)
        return;
    if (path_browser_own(p, room, pcm, CODEC_RATE, now_us) && p->down.beep_left)
        beeped(&p->down);
}

void path_down_tick(struct path *p, uint64_t now_us)
{
    if (!tone_plays(p) || now_us < p->down.tone_us)
        return;
    p->down.tone_us += PATH_SLOW_US;
    if (now_us > p->down.tone_us + PATH_FIGURES_US) /* slept: no burst */
        p->down.tone_us = now_us;
    tone_out(p, now_us);
}

uint64_t path_down_due_us(const struct path *p)
{
    return tone_plays(p) ? p->down.tone_us : UINT64_MAX;
}
