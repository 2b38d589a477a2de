#include "lab/labrtp.h"
#include "core/clock.h"
#include "core/rnd.h"
#include "media/g711.h"
#include <math.h>
#include <re.h>
#include <string.h>

enum {
    FRAME_SAMPLES = 160, /* 20 ms at 8 kHz */
    FRAME_US = 20000,
    RTP_HEADER = 12,
    PACKET_MAX = 1500,
};

struct labrtp {
    struct udp_sock *us;
    struct sa laddr, remote;
    enum labrtp_mode mode;
    bool paused;
    uint8_t pt;
    uint16_t seq;
    uint32_t ts, ssrc;
    uint64_t sample; /* position in what is played */
    uint64_t next_us;
    struct tmr tmr;
};

/* The melody: a rising chime of three notes, a falling pair, a pause; 3.2 s in all. */
static const struct {
    uint16_t hz, ms;
} melody[] = {
    {523, 300}, {659, 300}, {784, 400}, {0, 200},   {1047, 300},
    {784, 300}, {0, 200},   {659, 300}, {523, 500}, {0, 400},
};

static const double amplitude = 8000.0; /* about -12 dBm0 */

static uint64_t melody_samples(void)
{
    uint64_t n = 0;

    for (size_t i = 0; i < ARRAY_SIZE(melody); i++)
        n += melody[i].ms * 8u;

    return n;
}

static int16_t melody_at(uint64_t pos)
{
    for (size_t i = 0; i < ARRAY_SIZE(melody); i++) {

        const uint64_t len = melody[i].ms * 8u;

        if (pos >= len) {
            pos -= len;
            continue;
        }
        if (!melody[i].hz)
            return 0;

        /* 5 ms ramps, so that notes don't click */
        const uint64_t edge = pos < len - pos ? pos : len - pos;
        const double gain = edge < 40 ? (double)edge / 40.0 : 1.0;

        return (int16_t)(gain * amplitude * sin(2.0 * M_PI * melody[i].hz * (double)pos / 8000.0));
    }
    return 0;
}

static int16_t sample_at(const struct labrtp *l, uint64_t pos)
{
    if (l->mode == LABRTP_BEEP)
        return (int16_t)(pos < 4000 ? amplitude * sin(2.0 * M_PI * 880.0 * (double)pos / 8000.0) : 0);

    return melody_at(pos % melody_samples());
}

static void rtp_write(struct labrtp *l, struct mbuf *mb, const uint8_t *payload)
{
    (void)mbuf_write_u8(mb, 0x80);
    (void)mbuf_write_u8(mb, (uint8_t)(l->sample ? l->pt : (l->pt | 0x80)));
    (void)mbuf_write_u16(mb, htons(l->seq++));
    (void)mbuf_write_u32(mb, htonl(l->ts));
    (void)mbuf_write_u32(mb, htonl(l->ssrc));
    (void)mbuf_write_mem(mb, payload, FRAME_SAMPLES);
    mb->pos = 0;
}

static void frame_send(struct labrtp *l)
{
    uint8_t payload[FRAME_SAMPLES];
    int16_t pcm[FRAME_SAMPLES];
    struct mbuf *mb;

    for (size_t i = 0; i < FRAME_SAMPLES; i++)
        pcm[i] = sample_at(l, l->sample + i);

    if (l->pt == 8)
        g711_alaw_enc(payload, pcm, FRAME_SAMPLES);
    else
        g711_ulaw_enc(payload, pcm, FRAME_SAMPLES);

    mb = mbuf_alloc(RTP_HEADER + FRAME_SAMPLES);
    if (!mb)
        return;

    rtp_write(l, mb, payload);
    if (!l->paused)
        (void)udp_send(l->us, &l->remote, mb);
    mem_deref(mb);

    l->sample += FRAME_SAMPLES;
    l->ts += FRAME_SAMPLES;
}

static void tick_h(void *arg)
{
    struct labrtp *l = arg;
    const uint64_t now = clock_us();

    while (l->next_us <= now) {
        l->next_us += FRAME_US;
        frame_send(l);
    }

    if (l->mode == LABRTP_MELODY_ECHO && l->sample >= melody_samples()) {
        l->mode = LABRTP_ECHO;
        return;
    }

    tmr_start(&l->tmr, (l->next_us - now) / 1000 + 1, tick_h,
              l); /* at once by then, when sending took long */
}

/* Echo keeps the caller's sequence and timestamps, so that loss and jitter come back as they were. */
static void recv_h(const struct sa *src, struct mbuf *mb, void *arg)
{
    struct labrtp *l = arg;
    uint8_t *p = mbuf_buf(mb);
    const size_t len = mbuf_get_left(mb);
    (void)src;

    if (l->mode != LABRTP_ECHO || l->paused || len < RTP_HEADER || len > PACKET_MAX || (p[0] >> 6) != 2)
        return;

    const uint32_t ssrc = htonl(l->ssrc);
    memcpy(p + 8, &ssrc, sizeof(ssrc));

    const size_t pos = mb->pos;
    (void)udp_send(l->us, &l->remote, mb);
    mb->pos = pos;
}

static void destructor(void *arg)
{
    struct labrtp *l = arg;

    tmr_cancel(&l->tmr);
    mem_deref(l->us);
}

int labrtp_alloc(struct labrtp **lp, const struct sa *laddr)
{
    struct labrtp *l;
    struct sa any;
    int err;

    l = mem_zalloc(sizeof(*l), destructor);
    if (!l)
        return ENOMEM;

    g711_init();
    tmr_init(&l->tmr);
    l->ssrc = rnd_u32();
    l->seq = (uint16_t)rnd_u32();

    any = *laddr;
    sa_set_port(&any, 0);

    err = udp_listen(&l->us, &any, recv_h, l);
    if (err)
        goto out;

    err = udp_local_get(l->us, &l->laddr);

out:
    if (err)
        mem_deref(l);
    else
        *lp = l;

    return err;
}

uint16_t labrtp_port(const struct labrtp *l)
{
    return sa_port(&l->laddr);
}

void labrtp_start(struct labrtp *l, const struct sa *remote, uint8_t pt, enum labrtp_mode mode)
{
    l->remote = *remote;
    l->pt = pt;

    if (l->mode == mode)
        return;

    l->mode = mode;
    l->sample = 0;
    tmr_cancel(&l->tmr);

    if (mode == LABRTP_SILENT || mode == LABRTP_ECHO)
        return;

    l->next_us = clock_us();
    tick_h(l);
}

void labrtp_pause(struct labrtp *l, bool paused)
{
    l->paused = paused;
}
