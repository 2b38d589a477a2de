/* media/path: comfort noise both ways. See path_noise.h. */
#include "media/path_noise.h"

#include "core/metric.h"
#include "media/path_out.h"

#include <math.h>

METRIC_COUNTER(heard, "dngate_media_comfort_noise_total", "from=\"trunk\"",
               "Comfort noise packets (RFC 3389)");
METRIC_COUNTER(told, "dngate_media_comfort_noise_total", "from=\"gateway\"",
               "Comfort noise packets (RFC 3389)");

enum {
    LEVEL_MASK = 0x7f,
    LEVEL_LOUDEST = 30, /* -dBov: what is louder is no comfort */
    LEVEL_OURS = 65,    /* of a quiet room */
    FRAME_US = 20000,
    SLEPT_US = 1000000,
    AFTER_US = 200000, /* without audio: longer than any packet, and than what the network holds back */
    EVERY_US = 1000000
};

void path_noise_set(struct path *p)
{
    const struct media_format *f = media_formats_codec(&p->trunk.formats, MEDIA_CN);

    /* only beside audio of its own clock: among Opus it would be what nobody listed */
    p->to_trunk.noise = f && f->rate == codec_clock_rate(p->trunk.codec) && (p->trunk.dir & MEDIA_SEND);
    p->to_trunk.pt_noise = f ? f->pt : 0;
    if (!(p->trunk.dir & MEDIA_RECV))
        p->down.noise_on = false;
}

/* ---- the trunk's, to the browser ---- */

void path_noise_packet(struct path *p, const struct rtp_hdr *h, uint64_t now_us)
{
    struct path_down *d = &p->down;
    uint8_t level = h->len ? h->payload[0] & LEVEL_MASK : LEVEL_MASK;

    metric_add(&heard, 1);
    if (d->tone_on || d->beep_left || !(p->trunk.dir & MEDIA_RECV))
        return;
    d->noise_level =
        level < LEVEL_LOUDEST ? LEVEL_LOUDEST : level; /* the spectrum behind it is left to the codec */
    if (!d->noise_on)
        d->noise_us = now_us;
    d->noise_on = true;
    path_touched(p);
}

/* White, evenly distributed. */
static void noise_read(struct path_down *d, int16_t *pcm, size_t n)
{
    const double peak = 32768.0 * pow(10.0, -d->noise_level / 20.0) * sqrt(3.0);

    for (size_t i = 0; i < n; i++) {
        d->noise_seed = d->noise_seed * 1664525u + 1013904223u;
        pcm[i] = (int16_t)lrint(peak * ((int32_t)d->noise_seed / 2147483648.0));
    }
}

static void frame_out(struct path *p, uint64_t now_us)
{
    /* as what came before it, so that the encoder goes on as it is */
    const uint32_t rate = p->browser.codec == MEDIA_OPUS && p->down.pcm.rate ? p->down.pcm.rate : CODEC_RATE;
    int16_t pcm[PATH_FRAME_MAX];
    uint8_t *room = path_browser_room(p);

    if (!room || p->to_browser.event_on)
        return;
    noise_read(&p->down, pcm, rate / 50);
    (void)path_browser_own(p, room, pcm, rate, now_us);
}

static void to_browser(struct path *p, uint64_t now_us)
{
    struct path_down *d = &p->down;

    if (!d->noise_on || now_us < d->noise_us)
        return;
    if (p->from_trunk.silent) { /* it is gone, and not only silent */
        d->noise_on = false;
        return;
    }
    d->noise_us += FRAME_US;
    if (now_us > d->noise_us + SLEPT_US) /* no burst */
        d->noise_us = now_us;
    frame_out(p, now_us);
}

/* ---- ours, to the trunk ---- */

static uint64_t due_us(const struct path *p)
{
    const struct rtp_splice *s = &p->to_trunk.splice;
    const uint64_t key_us = p->to_trunk.event_us; /* a digit is no silence */

    if (!p->to_trunk.noise || !p->browser_set || p->rings || !path_trunk_ready(p))
        return UINT64_MAX;
    if (!s->started)
        return 0;
    if (key_us > s->at_us)
        return key_us + AFTER_US;
    return s->at_us + (s->at_us == p->up.noise_us ? EVERY_US : AFTER_US);
}

static void to_trunk(struct path *p, uint64_t now_us)
{
    uint8_t *room;
    struct rtp_hdr out;

    if (now_us < due_us(p) || p->to_trunk.event_on)
        return;
    room = path_trunk_room(p);
    if (!room)
        return;
    rtp_splice_own(&p->to_trunk.splice, 0, now_us, &out);
    out.pt = p->to_trunk.pt_noise;
    out.marker = false;
    room[RTP_HEADER] = LEVEL_OURS;
    p->up.noise_us = now_us;
    path_trunk_send(p, room, &out, 1, now_us);
    metric_add(&told, 1);
}

void path_noise_tick(struct path *p, uint64_t now_us)
{
    to_browser(p, now_us);
    to_trunk(p, now_us);
}

uint64_t path_noise_due_us(const struct path *p)
{
    uint64_t browser = p->down.noise_on ? p->down.noise_us : UINT64_MAX, trunk = due_us(p);

    return browser < trunk ? browser : trunk;
}
