/* media/codec: see codec.h. */
#include "media/codec.h"
#include "media/g711.h"
#include "media/g722.h"
#include <errno.h>
#include <opus/opus.h>
#include <stdlib.h>
#include <string.h>

enum {
    OPUS_TICKS = 6, /* RTP clock units per 8 kHz sample */
    ENC_COMPLEXITY = 5,
    /* at 8 kHz; at 16 kHz twice as many */
    PLC_LAG_MIN = 40,  /* pitch of 200 Hz */
    PLC_LAG_MAX = 120, /* and of 66 Hz (G.711 appendix I) */
    PLC_MATCH = 160,   /* samples compared when looking for the pitch */
    PLC_HISTORY = PLC_MATCH + PLC_LAG_MAX,
    PLC_FADE = 480,    /* samples from full level to silence */
    PLC_BLEND = 40,    /* cross-fade back into real audio */
    QUIET_POWER = 8230 /* mean square of -45 dBm0; 0 dBm0 is 3.14 dB below full scale */
};

/* Concealment for G.711 and G.722: goes on with the last pitch period, fading out (in the manner of G.711 appendix I). */
struct plc {
    unsigned wide;     /* 1 at 8 kHz, 2 at 16 kHz */
    unsigned lag, pos; /* of the period being repeated */
    unsigned done;     /* samples made up since the last real one */
    int16_t *history;  /* newest last */
};

/* What a codec needs lies behind the struct in the same block. */
struct codec_dec {
    enum media_codec codec;
    uint32_t rate;
    OpusDecoder *opus;
    struct g722_dec *g722;
    struct plc plc;
};

struct codec_enc {
    enum media_codec codec;
    uint32_t rate;
    int bitrate, complexity, loss; /* as last set, so that asking again costs nothing */
    OpusEncoder *opus;
    struct g722_enc *g722;
};

uint32_t codec_clock_rate(enum media_codec c)
{
    return c == MEDIA_OPUS ? 48000 : CODEC_RATE;
}

static bool has_wide(enum media_codec c)
{
    return c == MEDIA_OPUS || c == MEDIA_G722;
}

uint32_t codec_pcm_rate(enum media_codec from, enum media_codec to)
{
    return has_wide(from) && has_wide(to) ? CODEC_WIDE : CODEC_RATE;
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

static bool known(enum media_codec c)
{
    return has_wide(c) || c == MEDIA_PCMU || c == MEDIA_PCMA;
}

static size_t dec_size(enum media_codec c)
{
    if (c == MEDIA_OPUS)
        return (size_t)opus_decoder_get_size(1);
    return c == MEDIA_G722 ? aligned(sizeof(struct g722_dec)) + 2 * PLC_HISTORY * sizeof(int16_t)
                           : PLC_HISTORY * sizeof(int16_t);
}

static int dec_init(struct codec_dec *d)
{
    const bool wide = d->rate == CODEC_WIDE;

    if (d->opus)
        return opus_decoder_init(d->opus, (opus_int32)d->rate, 1) == OPUS_OK ? 0 : ENOMEM;
    if (d->g722)
        g722_dec_init(d->g722, !wide);
    d->plc = (struct plc){.wide = wide ? 2 : 1, .history = d->plc.history};
    memset(d->plc.history, 0, d->plc.wide * PLC_HISTORY * sizeof(int16_t));
    return 0;
}

int codec_dec_alloc(struct codec_dec **dp, enum media_codec c)
{
    size_t head = aligned(sizeof(struct codec_dec));
    struct codec_dec *d;
    int err;

    if (!known(c))
        return EINVAL;
    g711_init();
    d = calloc(1, head + dec_size(c));
    if (!d)
        return ENOMEM;
    d->codec = c;
    d->rate = CODEC_RATE;
    if (c == MEDIA_OPUS)
        d->opus = (OpusDecoder *)((char *)d + head);
    else if (c == MEDIA_G722)
        d->g722 = (struct g722_dec *)((char *)d + head);
    d->plc.history = (int16_t *)((char *)d + head + (d->g722 ? aligned(sizeof(*d->g722)) : 0));
    err = dec_init(d);
    if (err)
        free(d);
    else
        *dp = d;
    return err;
}

void codec_dec_free(struct codec_dec *d)
{
    free(d);
}

void codec_dec_reset(struct codec_dec *d)
{
    if (d->opus)
        opus_decoder_ctl(d->opus, OPUS_RESET_STATE);
    else
        (void)dec_init(d);
}

void codec_dec_rate(struct codec_dec *d, uint32_t rate)
{
    if (rate == d->rate || !has_wide(d->codec))
        return;
    d->rate = rate;
    if (!d->g722) {
        (void)dec_init(d); /* a rate that it knows */
        return;
    }
    d->g722->narrow = rate == CODEC_RATE; /* its bands go on as they are */
    d->plc = (struct plc){.wide = rate / CODEC_RATE, .history = d->plc.history};
    memset(d->plc.history, 0, d->plc.wide * PLC_HISTORY * sizeof(int16_t));
}

static void plc_remember(struct plc *c, const int16_t *pcm, size_t n)
{
    const size_t size = PLC_HISTORY * c->wide;

    if (n >= size) {
        memcpy(c->history, pcm + n - size, size * sizeof(*pcm));
        return;
    }
    memmove(c->history, c->history + n, (size - n) * sizeof(*pcm));
    memcpy(c->history + size - n, pcm, n * sizeof(*pcm));
}

/* The lag at which the end of the history repeats itself best: highest normalised correlation. */
static unsigned plc_pitch(const struct plc *c)
{
    const unsigned match = PLC_MATCH * c->wide, step = 2 * c->wide;
    const int16_t *end = c->history + PLC_LAG_MAX * c->wide;
    double best = -1.0;
    unsigned lag = PLC_LAG_MAX * c->wide;

    for (unsigned l = PLC_LAG_MIN * c->wide; l <= PLC_LAG_MAX * c->wide; l++) {
        double cross = 1.0, energy = 1.0;

        for (unsigned i = 0; i < match; i += step) {
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
    const unsigned fade = PLC_FADE * c->wide;
    int16_t s = c->history[PLC_HISTORY * c->wide - c->lag + c->pos];

    c->pos = (c->pos + 1) % c->lag;
    if (c->done >= fade)
        return 0;
    s = (int16_t)(s * (int)(fade - c->done) / (int)fade);
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
        size_t most = PLC_BLEND * c->wide, blend = n < most ? n : most;

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
        int got = opus_decode(d->opus, p, (opus_int32)n, pcm, (int)(d->rate * 3 / 25), 0); /* 120 ms */

        if (got <= 0)
            return EBADMSG;
        *samples = (size_t)got;
        return 0;
    }
    if (d->codec == MEDIA_PCMU)
        g711_ulaw_dec(pcm, p, n);
    else if (d->codec == MEDIA_PCMA)
        g711_alaw_dec(pcm, p, n);
    else
        g722_dec(d->g722, pcm, p, n);
    *samples = n * d->plc.wide;
    plc_receive(&d->plc, pcm, *samples);
    return 0;
}

void codec_dec_lost(struct codec_dec *d, const uint8_t *next, size_t next_len, int16_t *pcm, size_t samples)
{
    int got = 0;

    if (d->codec != MEDIA_OPUS) {
        plc_conceal(&d->plc, pcm, samples);
        if (d->g722)
            g722_dec_follow(d->g722, pcm, samples / d->plc.wide);
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

static int enc_init(struct codec_enc *e)
{
    const bool wide = e->rate == CODEC_WIDE;

    if (e->g722)
        g722_enc_init(e->g722, !wide);
    if (!e->opus)
        return 0;
    if (opus_encoder_init(e->opus, (opus_int32)e->rate, 1, OPUS_APPLICATION_VOIP) != OPUS_OK)
        return ENOMEM;
    opus_encoder_ctl(e->opus, OPUS_SET_BITRATE(e->bitrate > 0 ? e->bitrate
                                               : wide         ? CODEC_WIDE_BITRATE
                                                              : CODEC_BITRATE));
    opus_encoder_ctl(e->opus, OPUS_SET_SIGNAL(OPUS_SIGNAL_VOICE));
    opus_encoder_ctl(e->opus, OPUS_SET_LSB_DEPTH(14)); /* G.711 and G.722 have no more to give */
    opus_encoder_ctl(e->opus, OPUS_SET_COMPLEXITY(e->complexity));
    if (e->loss) {
        opus_encoder_ctl(e->opus, OPUS_SET_PACKET_LOSS_PERC(e->loss));
        opus_encoder_ctl(e->opus, OPUS_SET_INBAND_FEC(1));
    }
    return 0;
}

static size_t enc_size(enum media_codec c)
{
    return c == MEDIA_OPUS ? (size_t)opus_encoder_get_size(1) : c == MEDIA_G722 ? sizeof(struct g722_enc) : 0;
}

int codec_enc_alloc(struct codec_enc **ep, enum media_codec c, int bitrate)
{
    size_t head = aligned(sizeof(struct codec_enc));
    struct codec_enc *e;
    int err;

    if (!known(c))
        return EINVAL;
    g711_init();
    e = calloc(1, head + enc_size(c));
    if (!e)
        return ENOMEM;
    e->codec = c;
    e->rate = CODEC_RATE;
    e->bitrate = bitrate;
    e->complexity = ENC_COMPLEXITY;
    if (c == MEDIA_OPUS)
        e->opus = (OpusEncoder *)((char *)e + head);
    else if (c == MEDIA_G722)
        e->g722 = (struct g722_enc *)((char *)e + head);
    err = enc_init(e);
    if (err)
        free(e);
    else
        *ep = e;
    return err;
}

void codec_enc_rate(struct codec_enc *e, uint32_t rate)
{
    if (rate == e->rate || !has_wide(e->codec))
        return;
    e->rate = rate;
    if (e->g722)
        e->g722->narrow = rate == CODEC_RATE; /* its bands go on as they are */
    else
        (void)enc_init(e); /* a rate that it knows */
}

void codec_enc_free(struct codec_enc *e)
{
    free(e);
}

static bool enc_length_ok(const struct codec_enc *e, size_t samples)
{
    const size_t tens = samples / (e->rate / 100);

    if (samples % (e->rate / 100) || !tens || tens > 6)
        return false;
    return e->codec != MEDIA_OPUS || (tens != 3 && tens != 5);
}

int codec_enc_frame(struct codec_enc *e, const int16_t *pcm, size_t samples, uint8_t *out, size_t cap,
                    size_t *len)
{
    const size_t bytes = samples * CODEC_RATE / e->rate; /* but for Opus */
    int n;

    if (!enc_length_ok(e, samples))
        return EINVAL;
    if (e->codec == MEDIA_OPUS) {
        n = opus_encode(e->opus, pcm, (int)samples, out, cap > INT32_MAX ? INT32_MAX : (opus_int32)cap);
        if (n <= 0)
            return EMSGSIZE;
        *len = (size_t)n;
        return 0;
    }
    if (cap < bytes)
        return EMSGSIZE;
    if (e->codec == MEDIA_PCMU)
        g711_ulaw_enc(out, pcm, bytes);
    else if (e->codec == MEDIA_PCMA)
        g711_alaw_enc(out, pcm, bytes);
    else
        g722_enc(e->g722, out, pcm, bytes);
    *len = bytes;
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
