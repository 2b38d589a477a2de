/* media/path: trunk to browser. No buffer here: the browser has one. See path.h. */
#include "media/path_down.h"

#include "core/metric.h"
#include "media/g711.h"
#include "media/path_dtmf.h"
#include "media/path_out.h"

#include <string.h>

METRIC_COUNTER(drop_source, "dngate_media_dropped_total", "from=\"trunk\",reason=\"source\"",
               "Media packets dropped");
METRIC_COUNTER(drop_form, "dngate_media_dropped_total", "from=\"trunk\",reason=\"malformed\"",
               "Media packets dropped");
METRIC_COUNTER(drop_pt, "dngate_media_dropped_total", "from=\"trunk\",reason=\"payload_type\"",
               "Media packets dropped");

enum {
    JUMP = CODEC_RATE, /* samples: a larger step of the timestamp is another stream */
    PT_PCMU = 0,       /* static types: RFC 3551 */
    PT_PCMA = 8,
    COMPLEXITY_START = 2,
};

int path_down_set(struct path *p)
{
    struct path_down *d = &p->down;

    if (p->browser.codec != MEDIA_OPUS || d->enc)
        return 0;
    d->complexity = COMPLEXITY_START;
    int err = codec_enc_alloc(&d->enc, MEDIA_OPUS, CODEC_BITRATE);

    if (!err)
        codec_enc_complexity(d->enc, d->complexity);
    return err;
}

/* One frame of the trunk's audio; its place in time, gaps included, is that of the trunk's timestamps. */
static void frame_out(struct path *p, const int16_t *pcm, uint32_t ts, uint64_t now_us)
{
    struct path_down *d = &p->down;
    uint32_t factor = p->to_browser.splice.rate / CODEC_RATE;
    struct rtp_hdr in = {.seq = d->seq, .ts = ts * factor, .ssrc = d->ssrc, .pt = p->to_browser.pt}, out;
    uint8_t *room = path_browser_room(p);
    size_t n;

    d->seq++;
    if (!room || p->to_browser.event_on)
        return;
    n = path_browser_encode(p, pcm, room + RTP_HEADER);
    if (!n)
        return;
    (void)rtp_splice_relay(&p->to_browser.splice, &in, now_us, &out);
    path_browser_send(p, room, &out, n, now_us);
}

static void frames_out(struct path *p, uint64_t now_us)
{
    struct path_down *d = &p->down;
    size_t done = 0;

    for (; d->pcm_count - done >= PATH_FRAME; done += PATH_FRAME) {
        frame_out(p, d->pcm + done, d->head_ts, now_us);
        d->head_ts += PATH_FRAME;
    }
    d->pcm_count -= done;
    memmove(d->pcm, d->pcm + done, d->pcm_count * sizeof(*d->pcm));
}

/* How many frames were lost before h, which comes `gap` samples later than expected. A pause of who speaks takes time and no
 * sequence numbers (RFC 3550 5.1, RFC 3551 4.1): the browser must not count it as loss. */
static uint16_t frames_lost(const struct path_down *d, const struct rtp_hdr *h, int32_t gap)
{
    int packets = rtp_seq_diff(h->seq, d->next_seq);
    int32_t samples = packets * (int32_t)h->len;

    if (packets <= 0)
        return 0;
    if (samples > gap)
        samples = gap;
    return (uint16_t)(samples < PATH_FRAME ? 1 : samples / PATH_FRAME);
}

/* Where h stands in the trunk's stream. False: too late, its place has been sent. */
static bool place(struct path_down *d, const struct rtp_hdr *h)
{
    int32_t gap = rtp_ts_diff(h->ts, d->next_ts);

    if (!d->started || h->ssrc != d->in_ssrc || gap > JUMP || gap < -JUMP) {
        d->started = true;
        d->in_ssrc = h->ssrc;
        d->next_seq = h->seq;
        d->ssrc++; /* a new stream for rtp_splice as well */
    } else if (gap < 0) {
        return false;
    } else if (gap > 0) {
        d->seq = (uint16_t)(d->seq + frames_lost(d, h, gap));
    } else {
        return true;
    }
    d->pcm_count = 0;
    d->head_ts = h->ts;
    return true;
}

static void transcode(struct path *p, enum media_codec c, const struct rtp_hdr *h, uint64_t now_us)
{
    struct path_down *d = &p->down;

    if (h->len > CODEC_SAMPLES_MAX || !place(d, h)) {
        p->from_trunk.dropped++;
        return;
    }
    if (c == MEDIA_PCMA)
        g711_alaw_dec(d->pcm + d->pcm_count, h->payload, h->len);
    else
        g711_ulaw_dec(d->pcm + d->pcm_count, h->payload, h->len);
    d->pcm_count += h->len;
    d->next_ts = h->ts + (uint32_t)h->len;
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

static void audio(struct path *p, enum media_codec c, const struct rtp_hdr *h, uint64_t now_us)
{
    p->from_trunk.codec = c;
    if (p->down.tone_on || !(p->trunk.dir & MEDIA_RECV) || !h->len)
        return;
    if (c == p->browser.codec)
        relay(p, h, now_us);
    else
        transcode(p, c, h, now_us);
}

/* Trunks send G.711 under its static numbers whatever the answer says. */
static enum media_codec codec_of(const struct media_format *f, uint8_t pt)
{
    if (f)
        return f->codec;
    return pt == PT_PCMU ? MEDIA_PCMU : pt == PT_PCMA ? MEDIA_PCMA : MEDIA_NONE;
}

static void accepted(struct path *p, const struct rtp_hdr *h, uint64_t now_us)
{
    const struct media_format *f = media_formats_of(&p->trunk.formats, h->pt);
    enum media_codec c = codec_of(f, h->pt);

    p->from_trunk.alive_us = now_us;
    if (c == MEDIA_EVENT) {
        path_dtmf_packet(p, false, h, f->rate, now_us);
    } else if (c != MEDIA_NONE) {
        rtcp_recv_packet(&p->from_trunk.recv, h, now_us);
        audio(p, c, h, now_us);
    } else { /* comfort noise and what was never negotiated */
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
    p->down.tone_on = tone == MEDIA_TONE_RINGBACK;
    p->down.started = false;
    p->down.tone_us = now_us;
    if (p->down.tone_on)
        tone_init(&p->down.tone, &tone_ringback);
}

static void tone_out(struct path *p, uint64_t now_us)
{
    int16_t pcm[PATH_FRAME];
    uint8_t *room = path_browser_room(p);
    struct rtp_hdr out;
    size_t n;

    tone_read(&p->down.tone, pcm, PATH_FRAME);
    if (!room || p->to_browser.event_on)
        return;
    n = path_browser_encode(p, pcm, room + RTP_HEADER);
    if (!n)
        return;
    rtp_splice_own(&p->to_browser.splice, p->to_browser.splice.rate / 50, now_us, &out);
    out.pt = p->to_browser.pt;
    path_browser_send(p, room, &out, n, now_us);
}

void path_down_tick(struct path *p, uint64_t now_us)
{
    if (!p->down.tone_on || now_us < p->down.tone_us)
        return;
    p->down.tone_us += PATH_SLOW_US;
    if (now_us > p->down.tone_us + PATH_FIGURES_US) /* slept: no burst */
        p->down.tone_us = now_us;
    tone_out(p, now_us);
}

uint64_t path_down_due_us(const struct path *p)
{
    return p->down.tone_on ? p->down.tone_us : UINT64_MAX;
}
