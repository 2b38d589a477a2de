/* media/path: browser to trunk. See path.h. */
#include "media/path_up.h"

#include "core/metric.h"
#include "media/g711.h"
#include "media/path_dtmf.h"
#include "media/path_out.h"

#include <string.h>

METRIC_COUNTER(drop_pt, "dngate_media_dropped_total", "from=\"browser\",reason=\"payload_type\"",
               "Media packets dropped");

enum { PLAYOUT_BURST = 8 /* frames caught up with in one tick */ };

int path_up_set(struct path *p)
{
    if (!p->browser_set)
        return 0;
    for (enum media_codec c = MEDIA_OPUS; c <= MEDIA_PCMA; c++) {
        bool may_come = media_formats_codec(&p->browser.formats, c) != NULL;
        int err = may_come && !p->up.dec[c] ? codec_dec_alloc(&p->up.dec[c], c) : 0;

        if (err)
            return err;
    }
    return 0;
}

/* Both sides speak the same G.711, in packets of the length the trunk wants: nothing to decode, nothing to wait for. */
static bool straight(const struct path *p, enum media_codec c, const struct rtp_hdr *h)
{
    return p->trunk_set && c == p->trunk.codec && c != MEDIA_OPUS &&
           h->len == p->trunk.ptime_ms * (CODEC_RATE / 1000);
}

static void relay(struct path *p, const struct rtp_hdr *h, uint64_t now_us)
{
    uint8_t *room = path_trunk_room(p);
    struct rtp_hdr out;

    if (!room || p->to_trunk.event_on || h->len > RTP_PAYLOAD_MAX)
        return;
    (void)rtp_splice_relay(&p->to_trunk.splice, h, now_us, &out);
    out.pt = p->to_trunk.pt;
    memcpy(room + RTP_HEADER, h->payload, h->len);
    path_trunk_send(p, room, &out, h->len, now_us);
}

static void audio(struct path *p, enum media_codec c, const struct rtp_hdr *h, uint64_t now_us)
{
    struct path_in *in = &p->from_browser;

    if (c != in->codec) {
        in->codec = c;
        rtcp_recv_rate(&in->recv, codec_clock_rate(c));
        jbuf_reset(p->up.jbuf, codec_clock_rate(c));
        jbuf_fec(p->up.jbuf, c == MEDIA_OPUS);
        codec_dec_reset(p->up.dec[c]); /* what it decoded last was another time's */
        p->up.pcm_count = 0;
    }
    rtcp_recv_packet(&in->recv, h, now_us);
    if (!straight(p, c, h)) {
        path_touched(p);
        (void)jbuf_put(p->up.jbuf, h, codec_packet_ticks(c, h->payload, h->len),
                       now_us); /* it counts what it refuses */
        return;
    }
    if (jbuf_due_us(p->up.jbuf) != UINT64_MAX) { /* until now we transcoded */
        jbuf_reset(p->up.jbuf, CODEC_RATE);
        p->up.pcm_count = 0;
    }
    relay(p, h, now_us);
}

void path_up_packet(struct path *p, const struct rtp_hdr *h, uint64_t now_us)
{
    const struct media_format *f = media_formats_of(&p->browser.formats, h->pt);

    if (f && f->codec == MEDIA_EVENT) {
        path_dtmf_packet(p, true, h, f->rate, now_us);
    } else if (f && p->up.dec[f->codec] && h->len) {
        audio(p, f->codec, h, now_us);
    } else { /* comfort noise and what was never negotiated */
        rtcp_recv_untimed(&p->from_browser.recv, h);
        metric_add(&drop_pt, 1);
    }
}

/* ---- playout ---- */

static void pcm_append(struct path_up *up, const int16_t *pcm, size_t n)
{
    size_t over = up->pcm_count + n > PATH_PCM_MAX ? up->pcm_count + n - PATH_PCM_MAX : 0;

    if (over) { /* nobody takes it: the trunk is on hold or unknown */
        memmove(up->pcm, up->pcm + over, (up->pcm_count - over) * sizeof(*pcm));
        up->pcm_count -= over;
    }
    memcpy(up->pcm + up->pcm_count, pcm, n * sizeof(*pcm));
    up->pcm_count += n;
}

static void playout(struct path *p, uint64_t now_us)
{
    struct path_up *up = &p->up;
    enum media_codec c = p->from_browser.codec;
    int16_t pcm[CODEC_SAMPLES_MAX];
    struct jbuf_frame f;
    enum jbuf_result res = jbuf_get(up->jbuf, now_us, &f);
    size_t n = (size_t)((uint64_t)f.dur * CODEC_RATE / codec_clock_rate(c));

    if (res == JBUF_WAIT || n > CODEC_SAMPLES_MAX)
        return;
    if (res != JBUF_FRAME)
        codec_dec_lost(up->dec[c], res == JBUF_LOST ? f.payload : NULL, f.len, pcm, n);
    else if (codec_dec_frame(up->dec[c], f.payload, f.len, pcm, &n))
        codec_dec_lost(up->dec[c], NULL, 0, pcm, n);
    jbuf_quiet(up->jbuf, codec_quiet(pcm, n));
    pcm_append(up, pcm, n);
}

static void packet_out(struct path *p, size_t samples, uint64_t now_us)
{
    struct path_up *up = &p->up;
    uint8_t *room = path_trunk_room(p);
    struct rtp_hdr out;

    if (room && !p->to_trunk.event_on) {
        rtp_splice_own(&p->to_trunk.splice, (uint32_t)samples, now_us, &out);
        out.pt = p->to_trunk.pt;
        path_trunk_encode(p, up->pcm, samples, room + RTP_HEADER);
        path_trunk_send(p, room, &out, samples, now_us);
    }
    up->pcm_count -= samples;
    memmove(up->pcm, up->pcm + samples, up->pcm_count * sizeof(*up->pcm));
}

/* Of a packet to the trunk. */
static size_t packet_samples(const struct path *p)
{
    return p->trunk_set ? p->trunk.ptime_ms * (CODEC_RATE / 1000) : PATH_FRAME;
}

uint64_t path_up_due_us(const struct path *p)
{
    uint64_t due_us = jbuf_due_us(p->up.jbuf);

    return p->up.pcm_count >= packet_samples(p) && p->up.next_us < due_us ? p->up.next_us : due_us;
}

void path_up_tick(struct path *p, uint64_t now_us)
{
    struct path_up *up = &p->up;
    size_t samples = packet_samples(p);
    uint64_t gap_us = (uint64_t)samples * 1000000 / CODEC_RATE;

    for (unsigned i = 0; i < PLAYOUT_BURST && jbuf_due_us(up->jbuf) <= now_us; i++) {
        while (up->pcm_count >= samples) /* we are late: no standing delay of it */
            packet_out(p, samples, now_us);
        playout(p, now_us);
    }
    /* The jitter buffer sets the pace; only what a long frame leaves behind waits for its own time. */
    if (up->pcm_count >= samples && now_us >= up->next_us) {
        packet_out(p, samples, now_us);
        up->next_us = up->pcm_count >= samples ? now_us + gap_us : 0;
    }
}
