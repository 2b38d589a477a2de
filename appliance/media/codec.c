/* media/codec: see codec.h. */
#include "media/codec.h"
#include "media/g711.h"
#include <errno.h>
#include <opus/opus.h>
#include <stdlib.h>
#include <string.h>

enum {
    OPUS_TICKS = 6, /* RTP clock units per 8 kHz sample */
    ENC_COMPLEXITY = 5,
    PLC_LAG_MIN = 40,  /* pitch of 200 Hz */
    PLC_LAG_MAX = 120, /* and of 66 Hz (G.711 appendix I) */
    PLC_MATCH = 160,   /* samples compared when looking for the pitch */
    PLC_HISTORY = PLC_MATCH + PLC_LAG_MAX,
    PLC_FADE = 480,    /* samples from full level to silence */
    PLC_BLEND = 40,    /* cross-fade back into real audio */
    QUIET_POWER = 8230 /* mean square of -45 dBm0; 0 dBm0 is 3.14 dB below full scale */
};

/* Concealment for G.711: goes on with the last pitch period, fading out (in the manner of G.711 appendix I). */
struct plc {
    int16_t history[PLC_HISTORY]; /* newest last */
    unsigned lag, pos;            /* of the period being repeated */
    unsigned done;                /* samples made up since the last real one */
};

struct codec_dec {
    enum media_codec codec;
    struct plc plc;
    OpusDecoder *opus; /* behind this struct in the same block */
};

struct codec_enc {
    enum media_codec codec;
    int complexity, loss; /* as last set, so that asking again costs nothing */
    OpusEncoder *opus;
};

uint32_t codec_clock_rate(enum media_codec c)
{
    return c == MEDIA_OPUS ? 48000 : CODEC_RATE;
}

size_t codec_packet_samples(enum media_codec c, const uint8_t *p, size_t n)
{
    int samples;

    if (!n || n > INT32_MAX)
        return 0;
    if (c != MEDIA_OPUS)
        return n <= CODEC_SAMPLES_MAX ? n : 0;
    samples = opus_packet_get_nb_samples(p, (opus_int32)n, CODEC_RATE);
    return samples > 0 && samples <= CODEC_SAMPLES_MAX ? (size_t)samples : 0;
}

uint32_t codec_packet_ticks(enum media_codec c, const uint8_t *p, size_t n)
{
    uint32_t samples = (uint32_t)codec_packet_samples(c, p, n);

    return c == MEDIA_OPUS ? samples * OPUS_TICKS : samples;
}

static size_t aligned(size_t n)
{
    return (n + 15) & ~(size_t)15;
}

int codec_dec_alloc(struct codec_dec **dp, enum media_codec c)
{
    size_t head = aligned(sizeof(struct codec_dec));
    struct codec_dec *d;

    if (c != MEDIA_OPUS && c != MEDIA_PCMU && c != MEDIA_PCMA)
        return EINVAL;
    g711_init();
    d = calloc(1, head + (c == MEDIA_OPUS ? (size_t)opus_decoder_get_size(1) : 0));
    if (!d)
        return ENOMEM;
    d->codec = c;
    if (c == MEDIA_OPUS) {
        d->opus = (OpusDecoder *)((char *)d + head);
        if (opus_decoder_init(d->opus, CODEC_RATE, 1) != OPUS_OK) {
            free(d);
            return ENOMEM;
        }
    }
    *dp = d;
    return 0;
}

void codec_dec_free(struct codec_dec *d)
{
    free(d);
}

void codec_dec_reset(struct codec_dec *d)
{
    memset(&d->plc, 0, sizeof(d->plc));
    if (d->opus)
        opus_decoder_ctl(d->opus, OPUS_RESET_STATE);
}

static void plc_remember(struct plc *c, const int16_t *pcm, size_t n)
{
    if (n >= PLC_HISTORY) {
        memcpy(c->history, pcm + n - PLC_HISTORY, sizeof(c->history));
        return;
    }
    memmove(c->history, c->history + n, (PLC_HISTORY - n) * sizeof(*pcm));
    memcpy(c->history + PLC_HISTORY - n, pcm, n * sizeof(*pcm));
}

/* The lag at which the end of the history repeats itself best: highest normalised correlation. */
static unsigned plc_pitch(const struct plc *c)
{
    const int16_t *end = c->history + PLC_HISTORY - PLC_MATCH;
    double best = -1.0;
    unsigned lag = PLC_LAG_MAX;

    for (unsigned l = PLC_LAG_MIN; l <= PLC_LAG_MAX; l++) {
        double cross = 1.0, energy = 1.0;

        for (unsigned i = 0; i < PLC_MATCH; i += 2) {
            double old = end[(int)i - (int)l];

            cross += old * end[i];
            energy += old * old;
        }
        cross = cross > 0 ? cross * cross / energy : 0;
        if (cross > best) {
            best = cross;
            lag = l;
        }
    }
    return lag;
}

static int16_t plc_sample(struct plc *c)
{
    int16_t s = c->history[PLC_HISTORY - c->lag + c->pos];

    c->pos = (c->pos + 1) % c->lag;
    if (c->done >= PLC_FADE)
        return 0;
    s = (int16_t)(s * (int)(PLC_FADE - c->done) / PLC_FADE);
    c->done++;
    return s;
}

static void plc_conceal(struct plc *c, int16_t *pcm, size_t n)
{
    if (!c->done) {
        c->lag = plc_pitch(c);
        c->pos = 0;
    }
    for (size_t i = 0; i < n; i++)
        pcm[i] = plc_sample(c);
}

/* A real frame came: fade from what concealment would have gone on with. */
static void plc_receive(struct plc *c, int16_t *pcm, size_t n)
{
    if (c->done) {
        size_t blend = n < PLC_BLEND ? n : PLC_BLEND;

        for (size_t i = 0; i < blend; i++)
            pcm[i] = (int16_t)((pcm[i] * (int)i + plc_sample(c) * (int)(blend - i)) / (int)blend);
        c->done = 0;
    }
    plc_remember(c, pcm, n);
}

int codec_dec_frame(struct codec_dec *d, const uint8_t *p, size_t n, int16_t *pcm, size_t *samples)
{
    size_t expect = codec_packet_samples(d->codec, p, n);

    if (!expect)
        return EBADMSG;
    if (d->codec == MEDIA_OPUS) {
        int got = opus_decode(d->opus, p, (opus_int32)n, pcm, CODEC_SAMPLES_MAX, 0);

        if (got <= 0)
            return EBADMSG;
        *samples = (size_t)got;
        return 0;
    }
    if (d->codec == MEDIA_PCMU)
        g711_ulaw_dec(pcm, p, n);
    else
        g711_alaw_dec(pcm, p, n);
    plc_receive(&d->plc, pcm, n);
    *samples = n;
    return 0;
}

void codec_dec_lost(struct codec_dec *d, const uint8_t *next, size_t next_len, int16_t *pcm, size_t samples)
{
    int got = 0;

    if (d->codec != MEDIA_OPUS) {
        plc_conceal(&d->plc, pcm, samples);
        return;
    }
    if (next && next_len)
        got = opus_decode(d->opus, next, (opus_int32)next_len, pcm, (int)samples, 1);
    if (got <= 0)
        got = opus_decode(d->opus, NULL, 0, pcm, (int)samples, 0);
    if (got < 0)
        got = 0;
    if ((size_t)got < samples)
        memset(pcm + got, 0, (samples - (size_t)got) * sizeof(*pcm));
}

static int enc_init(struct codec_enc *e, int bitrate)
{
    if (opus_encoder_init(e->opus, CODEC_RATE, 1, OPUS_APPLICATION_VOIP) != OPUS_OK)
        return ENOMEM;
    opus_encoder_ctl(e->opus, OPUS_SET_BITRATE(bitrate > 0 ? bitrate : CODEC_BITRATE));
    opus_encoder_ctl(e->opus, OPUS_SET_SIGNAL(OPUS_SIGNAL_VOICE));
    opus_encoder_ctl(e->opus, OPUS_SET_LSB_DEPTH(14)); /* G.711 has no more to give */
    opus_encoder_ctl(e->opus, OPUS_SET_COMPLEXITY(e->complexity));
    return 0;
}

int codec_enc_alloc(struct codec_enc **ep, enum media_codec c, int bitrate)
{
    size_t head = aligned(sizeof(struct codec_enc));
    struct codec_enc *e;
    int err = 0;

    if (c != MEDIA_OPUS && c != MEDIA_PCMU && c != MEDIA_PCMA)
        return EINVAL;
    g711_init();
    e = calloc(1, head + (c == MEDIA_OPUS ? (size_t)opus_encoder_get_size(1) : 0));
    if (!e)
        return ENOMEM;
    e->codec = c;
    e->complexity = ENC_COMPLEXITY;
    if (c == MEDIA_OPUS) {
        e->opus = (OpusEncoder *)((char *)e + head);
        err = enc_init(e, bitrate);
    }
    if (err)
        free(e);
    else
        *ep = e;
    return err;
}

void codec_enc_free(struct codec_enc *e)
{
    free(e);
}

static bool enc_length_ok(size_t samples)
{
    return samples == CODEC_RATE / 100 || samples == CODEC_RATE / 50 || samples == CODEC_RATE / 25 ||
           samples == CODEC_RATE * 3 / 50;
}

int codec_enc_frame(struct codec_enc *e, const int16_t *pcm, size_t samples, uint8_t *out, size_t cap,
                    size_t *len)
{
    int n;

    if (!enc_length_ok(samples))
        return EINVAL;
    if (e->codec == MEDIA_OPUS) {
        n = opus_encode(e->opus, pcm, (int)samples, out, cap > INT32_MAX ? INT32_MAX : (opus_int32)cap);
        if (n <= 0)
            return EMSGSIZE;
        *len = (size_t)n;
        return 0;
    }
    if (cap < samples)
        return EMSGSIZE;
    if (e->codec == MEDIA_PCMU)
        g711_ulaw_enc(out, pcm, samples);
    else
        g711_alaw_enc(out, pcm, samples);
    *len = samples;
    return 0;
}

void codec_enc_complexity(struct codec_enc *e, int complexity)
{
    complexity = complexity < 0 ? 0 : complexity > 10 ? 10 : complexity;
    if (!e->opus || complexity == e->complexity)
        return;
    e->complexity = complexity;
    opus_encoder_ctl(e->opus, OPUS_SET_COMPLEXITY(complexity));
}

void codec_enc_loss(struct codec_enc *e, int percent)
{
    percent = percent < 0 ? 0 : percent > 100 ? 100 : percent;
    if (!e->opus || percent == e->loss)
        return;
    e->loss = percent;
    opus_encoder_ctl(e->opus, OPUS_SET_PACKET_LOSS_PERC(percent));
    opus_encoder_ctl(e->opus, OPUS_SET_INBAND_FEC(percent > 0 ? 1 : 0));
}

bool codec_quiet(const int16_t *pcm, size_t samples)
{
    int64_t sum = 0;

    for (size_t i = 0; i < samples; i++)
        sum += (int32_t)pcm[i] * pcm[i];
    return sum < (int64_t)samples * QUIET_POWER;
}
