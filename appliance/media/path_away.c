/* media/path: what the far end hears while the browser's page is away. See path_away.h. */
#include "media/path_away.h"

#include "media/path_out.h"

enum {
    AFTER_US = 400000, /* without audio: longer than what the network holds back */
    SLEPT_US = 1000000
};

void path_set_away(struct path *p, bool away, uint64_t now_us)
{
    path_touched(p);
    p->away.on = away;
    p->away.us = now_us;
    p->away.sounds = false;
}

static uint64_t begin_us(const struct path *p)
{
    return p->from_browser.heard_us + AFTER_US;
}

/* What the jitter buffer would go on to make up is over. */
static void begin(struct path *p, uint64_t now_us)
{
    jbuf_reset(p->up.jbuf, codec_clock_rate(p->from_browser.codec));
    p->up.pcm.count = 0;
    tone_init(&p->away.tone, &tone_away);
    p->away.sounds = true;
    p->away.us = now_us;
}

static void beep_out(struct path *p, size_t samples, uint64_t now_us)
{
    uint8_t *room = path_trunk_room(p);
    int16_t pcm[PATH_PACKET_MAX];

    tone_read(&p->away.tone, pcm, samples);
    if (room && !p->to_trunk.event_on)
        path_trunk_own(p, room, pcm, samples, CODEC_RATE, now_us);
}

void path_away_tick(struct path *p, uint64_t now_us)
{
    if (!p->away.on || now_us < path_away_due_us(p))
        return;
    if (now_us < begin_us(p)) { /* it is heard again */
        p->away.sounds = false;
        return;
    }
    if (!p->away.sounds)
        begin(p, now_us);
    p->away.us += p->trunk.ptime_ms * 1000;
    if (now_us > p->away.us + SLEPT_US) /* no burst */
        p->away.us = now_us;
    beep_out(p, p->trunk.ptime_ms * (CODEC_RATE / 1000), now_us);
}

uint64_t path_away_due_us(const struct path *p)
{
    if (!p->away.on || !p->trunk_set)
        return UINT64_MAX;
    return p->away.sounds ? p->away.us : begin_us(p);
}
