/* bench/sound: see sound.h. */
#include "sound.h"
#include "media/codec.h"
#include "media/g711.h"
#include "media/g722.h"

#include <errno.h>
#include <math.h>
#include <opus/opus.h>
#include <stdlib.h>
#include <string.h>

enum {
    RATE = 48000,
    WIDE_FRAME = RATE / 50,
    WIDE = WIDE_FRAME * SOUND_FRAMES,
    QUIET_LEVEL = 400,
    LOUD_LEVEL = 1500,
    QUIET_SAMPLES = 400 /* silence that must come before an onset */
};

#define TAU 6.283185307179586

struct voice {
    double phase, y[3][2];
    uint32_t noise;
};

/* Pulses of wandering pitch through three wandering formants: about as hard to encode as speech. */
static double voice_sample(struct voice *v, double t)
{
    const double formants[3] = {500 + 250 * sin(4 * t), 1500 + 500 * sin(2.9 * t), 2500 + 200 * sin(5 * t)};
    double pulse = 0, out = 0;

    v->phase += (120 + 30 * sin(2.3 * t) + 10 * sin(9 * t)) / RATE;
    if (v->phase >= 1) {
        v->phase -= 1;
        pulse = 1;
    }
    v->noise = v->noise * 1664525 + 1013904223;
    pulse += 0.01 * ((double)(v->noise >> 16) / 32768.0 - 1);
    for (unsigned f = 0; f < 3; f++) {
        double radius = 0.993, c = 2 * radius * cos(TAU * formants[f] / RATE);
        double y = pulse + c * v->y[f][0] - radius * radius * v->y[f][1];

        v->y[f][1] = v->y[f][0];
        v->y[f][0] = y;
        out += y / (f + 1);
    }
    return out;
}

/* Syllables; the first of each cycle begins at once and loud. */
static double envelope(double in_cycle)
{
    double onset = SOUND_ONSET * 0.02;

    return in_cycle < onset ? 0 : 0.55 + 0.45 * cos(TAU * 4 * (in_cycle - onset));
}

static void make_pcm(int16_t *pcm)
{
    struct voice v = {.phase = 0.999, .noise = 1};

    for (unsigned i = 0; i < WIDE; i++) {
        double t = (double)i / RATE, e = envelope(fmod(t, SOUND_CYCLE * 0.02));
        double s = e > 0 ? 700 * e * voice_sample(&v, t) : 0;

        if (e <= 0) { /* the next syllable begins with a pulse */
            memset(v.y, 0, sizeof(v.y));
            v.phase = 0.999;
        }
        pcm[i] = (int16_t)(s > 30000 ? 30000 : s < -30000 ? -30000 : s);
    }
}

static int make_opus(struct sound *s, const int16_t *pcm, unsigned rate)
{
    int err;
    OpusEncoder *e = opus_encoder_create(RATE, 1, OPUS_APPLICATION_VOIP, &err);
    size_t bytes = 0;

    if (!e)
        return ENOMEM;
    opus_encoder_ctl(e, OPUS_SET_BITRATE(rate == 8000 ? 24000 : 32000));
    if (rate <= 16000)
        opus_encoder_ctl(
            e, OPUS_SET_MAX_BANDWIDTH(rate == 8000 ? OPUS_BANDWIDTH_NARROWBAND : OPUS_BANDWIDTH_WIDEBAND));
    for (unsigned i = 0; i < SOUND_FRAMES; i++) {
        int n = opus_encode(e, pcm + i * WIDE_FRAME, WIDE_FRAME, s->opus[i], SOUND_OPUS_MAX);

        s->opus_len[i] = (uint16_t)(n > 0 ? n : 0);
        bytes += s->opus_len[i];
    }
    opus_encoder_destroy(e);
    s->opus_kbps = (double)bytes * 8 / (SOUND_FRAMES * 0.02) / 1000;
    return 0;
}

/* Every sixth sample of an average over six: the voice has next to nothing above 4 kHz. */
static void make_pcmu(struct sound *s, const int16_t *pcm)
{
    for (unsigned i = 0; i < SOUND_FRAMES; i++) {
        int16_t narrow[SOUND_FRAME];

        for (unsigned k = 0; k < SOUND_FRAME; k++) {
            int sum = 0;

            for (unsigned j = 0; j < 6; j++)
                sum += pcm[i * WIDE_FRAME + k * 6 + j];
            narrow[k] = (int16_t)(sum / 6);
        }
        g711_ulaw_enc(s->pcmu[i], narrow, SOUND_FRAME);
    }
}

static void make_g722(struct sound *s, const int16_t *pcm)
{
    struct g722_enc e;

    g722_enc_init(&e, false);
    for (unsigned i = 0; i < SOUND_FRAMES; i++) {
        int16_t half[2 * SOUND_FRAME];

        for (unsigned k = 0; k < 2 * SOUND_FRAME; k++) {
            const int16_t *at = pcm + i * WIDE_FRAME + k * 3;

            half[k] = (int16_t)((at[0] + at[1] + at[2]) / 3);
        }
        g722_enc(&e, s->g722[i], half, SOUND_FRAME);
    }
}

/* Where a decoder hears the onset: what the codec itself adds is not the gateway's. */
static int find_own_onset(struct sound *s)
{
    struct codec_dec *d;
    struct onset o = {0};
    unsigned found = 0, sum = 0;

    if (codec_dec_alloc(&d, MEDIA_OPUS))
        return ENOMEM;
    for (unsigned i = 0; i < SOUND_FRAMES; i++) {
        int16_t pcm[CODEC_SAMPLES_MAX];
        size_t n;
        int at = codec_dec_frame(d, s->opus[i], s->opus_len[i], pcm, &n) ? -1 : onset_find(&o, pcm, n);

        if (at < 0 || i < SOUND_CYCLE)
            continue;
        sum += (unsigned)at + (i % SOUND_CYCLE - SOUND_ONSET) * SOUND_FRAME;
        found++;
    }
    codec_dec_free(d);
    s->opus_onset = found ? sum / found : 0;
    return found == SOUND_FRAMES / SOUND_CYCLE - 1 ? 0 : EPROTO;
}

int sound_make(struct sound *s, unsigned rate)
{
    int16_t *pcm = malloc(WIDE * sizeof(*pcm));
    int err;

    if (!pcm)
        return ENOMEM;
    g711_init();
    make_pcm(pcm);
    make_pcmu(s, pcm);
    make_g722(s, pcm);
    err = make_opus(s, pcm, rate);
    if (!err)
        err = find_own_onset(s);
    free(pcm);
    return err;
}

int onset_find(struct onset *o, const int16_t *pcm, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int level = pcm[i] < 0 ? -pcm[i] : pcm[i];

        if (level > LOUD_LEVEL && o->quiet >= QUIET_SAMPLES) {
            o->quiet = 0;
            return (int)i;
        }
        if (level < QUIET_LEVEL)
            o->quiet++;
        else if (o->quiet < QUIET_SAMPLES || level > LOUD_LEVEL)
            o->quiet = 0;
    }
    return -1;
}
