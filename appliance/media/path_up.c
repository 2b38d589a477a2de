/* media/path: browser to trunk. See path.h. */
#include "media/path_up.h"

#include "core/metric.h"
#include "media/g711.h"
#include "media/path_dtmf.h"
#include "media/path_out.h"

#include <string.h>

METRIC_COUNTER(drop_pt, "dngate_media_dropped_total", "from=\"browser\",reason=\"payload_type\"",
               "Media packets dropped");

enum {
    PLAYOUT_BURST = 8,       /* frames caught up with in one tick */
    SILENT_AFTER_US = 200000 /* of nothing to decode: whoever takes comfort noise gets that */
};

/* Opus from a browser to a trunk that has it needs none: path_trunk_encode() makes one should anything else come. */
static int encoder(struct path *p)
{
    const enum media_codec c = p->trunk.codec;
    bool wanted = c == MEDIA_G722 || (c == MEDIA_OPUS && p->browser_set && p->browser.codec != MEDIA_OPUS);

    return wanted && !p->up.enc[c] ? codec_enc_alloc(&p->up.enc[c], c, 0) : 0;
}

int path_up_set(struct path *p)
{
    int err = encoder(p);

    if (!p->browser_set)
        return err;
    for (enum media_codec c = MEDIA_OPUS; c <= MEDIA_G722 && !err; c++) {
        if (!media_formats_codec(&p->browser.formats, c))
            continue;
        if (!p->up.dec[c])
            err = codec_dec_alloc(&p->up.dec[c], c);
        if (!err)
            err = path_pcm_room(&p->up.pcm, codec_pcm_rate(c, p->trunk.codec));
    }
    return err;
}

/* Both sides speak the same, in packets of the length the trunk wants: nothing to decode, nothing to wait for. Opus has its own length. */
static bool straight(const struct path *p, enum media_codec c, const struct rtp_hdr *h)
{
    return p->trunk_set && c == p->trunk.codec &&
           (c == MEDIA_OPUS || h->len == p->trunk.ptime_ms * (CODEC_RATE / 1000));
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
        p->up.pcm.count = 0;
    }
    in->heard_us = now_us;
    rtcp_recv_packet(&in->recv, h, now_us);
    if (!straight(p, c, h)) {
        path_touched(p);
        (void)jbuf_put(p->up.jbuf, h, codec_packet_ticks(c, h->payload, h->len),
                       now_us); /* it counts what it refuses */
        return;
    }
    if (jbuf_due_us(p->up.jbuf) != UINT64_MAX) { /* until now we transcoded */
        jbuf_reset(p->up.jbuf, codec_clock_rate(c));
        p->up.pcm.count = 0;
    }
    relay(p, h, now_us);
}

void path_up_packet(struct path *p, const struct rtp_hdr *h, uint64_t now_us)
{
    const struct media_format *f = media_formats_of(&p->browser.formats, h->pt);

    if (f && f->codec == MEDIA_EVENT) {
        path_dtmf_packet(p, true, h, f->rate, now_us);
    } else if (f && f->codec <= MEDIA_G722 && p->up.dec[f->codec] && h->len) {
        audio(p, f->codec, h, now_us);
    } else { /* comfort noise and what was never negotiated */
        rtcp_recv_untimed(&p->from_browser.recv, h);
        metric_add(&drop_pt, 1);
    }
}

/* ---- playout ---- */

static void pcm_append(struct path_pcm *to, const int16_t *pcm, size_t n)
{
    size_t over = to->count + n > to->room ? to->count + n - to->room : 0;

    if (n > to->room)
        return;
    if (over) /* nobody takes it: the trunk is on hold or unknown */
        path_pcm_drop(to, over);
    memcpy(to->v + to->count, pcm, n * sizeof(*pcm));
    to->count += n;
}

/* Whether there has been nothing to decode for so long that the trunk had better be told so than be sent what we make up. */
static bool silent(struct path *p, enum jbuf_result res, uint64_t now_us)
{
    if (res != JBUF_EMPTY || !p->to_trunk.noise) {
        p->up.silent_us = 0;
        return false;
    }
    if (!p->up.silent_us)
        p->up.silent_us = now_us;
    return now_us - p->up.silent_us >= SILENT_AFTER_US;
}

static void playout(struct path *p, uint64_t now_us)
{
    struct path_up *up = &p->up;
    enum media_codec c = p->from_browser.codec;
    uint32_t rate = codec_pcm_rate(c, p->trunk.codec);
    int16_t pcm[CODEC_WIDE_MAX];
    struct jbuf_frame f;
    enum jbuf_result res = jbuf_get(up->jbuf, now_us, &f);
    size_t n = (size_t)((uint64_t)f.dur * rate / codec_clock_rate(c));

    if (res == JBUF_WAIT || n > rate / 1000 * JBUF_DUR_MAX_MS)
        return;
    path_pcm_rate(&up->pcm, rate);
    codec_dec_rate(up->dec[c], rate);
    if (silent(p, res, now_us)) {
        up->pcm.count = 0;
        return;
    }
    if (res != JBUF_FRAME)
        codec_dec_lost(up->dec[c], res == JBUF_LOST ? f.payload : NULL, f.len, pcm, n);
    else if (codec_dec_frame(up->dec[c], f.payload, f.len, pcm, &n))
        codec_dec_lost(up->dec[c], NULL, 0, pcm, n);
    jbuf_quiet(up->jbuf, codec_quiet(pcm, n));
    pcm_append(&up->pcm, pcm, n);
}

static void packet_out(struct path *p, size_t samples, uint64_t now_us)
{
    struct path_pcm *pcm = &p->up.pcm;
    uint8_t *room = path_trunk_room(p);

    if (room && !p->to_trunk.event_on)
        path_trunk_own(p, room, pcm->v, samples, pcm->rate, now_us);
    path_pcm_drop(pcm, samples);
}

/* Of a packet to the trunk. */
static size_t packet_samples(const struct path *p)
{
    return (p->trunk_set ? p->trunk.ptime_ms : 20) * (p->up.pcm.rate / 1000);
}

uint64_t path_up_due_us(const struct path *p)
{
    uint64_t due_us = jbuf_due_us(p->up.jbuf);

    return p->up.pcm.count && p->up.pcm.count >= packet_samples(p) && p->up.next_us < due_us ? p->up.next_us
                                                                                             : due_us;
}

void path_up_tick(struct path *p, uint64_t now_us)
{
    struct path_up *up = &p->up;

    for (unsigned i = 0; i < PLAYOUT_BURST && jbuf_due_us(up->jbuf) <= now_us; i++) {
        while (up->pcm.count && up->pcm.count >= packet_samples(p)) /* we are late: no standing delay of it */
            packet_out(p, packet_samples(p), now_us);
        playout(p, now_us);
    }
    /* The jitter buffer sets the pace; only what a long frame leaves behind waits for its own time. */
    if (up->pcm.count && up->pcm.count >= packet_samples(p) && now_us >= up->next_us) {
        size_t samples = packet_samples(p);
        uint64_t gap_us = (uint64_t)samples * 1000000 / up->pcm.rate;

        packet_out(p, samples, now_us);
        up->next_us = up->pcm.count >= samples ? now_us + gap_us : 0;
    }
}
