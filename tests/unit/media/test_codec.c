/* Transcoding: what goes in as sound comes out as the same sound; losses are covered. */
/* SLOW */
#include "media/codec.h"
#include "testing.h"
#include <errno.h>
#include <math.h>

enum { SECONDS = 6, TOTAL = CODEC_RATE * SECONDS, FRAME = 160, LAG_MAX = 400 };

static int16_t speech[TOTAL], heard[TOTAL + 4 * CODEC_SAMPLES_MAX];

static double level(const int16_t *pcm, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += (double)pcm[i] * pcm[i];
    return sqrt(sum / (double)n);
}

/* Voiced sounds of wandering pitch under a syllable's envelope, with three formants. */
static void make_speech(void)
{
    double phase = 0, y[3][2] = {{0}};
    uint64_t r = 12345;

    for (unsigned i = 0; i < TOTAL; i++) {
        double t = (double)i / CODEC_RATE, pitch = 120 + 30 * sin(2.3 * t) + 10 * sin(9 * t), out = 0;
        double envelope = 0.5 - 0.5 * cos(6.2831853 * 3.1 * t), pulse = 0;
        const double formants[3] = {500 + 250 * sin(4 * t), 1500 + 500 * sin(2.9 * t),
                                    2500 + 200 * sin(5 * t)};

        phase += pitch / CODEC_RATE;
        if (phase >= 1) {
            phase -= 1;
            pulse = 1;
        }
        pulse += 0.02 * ((double)(test_random(&r) % 2001) / 1000.0 - 1);
        for (unsigned f = 0; f < 3; f++) {
            double radius = 0.96, c = 2 * radius * cos(6.2831853 * formants[f] / CODEC_RATE);
            double v = pulse + c * y[f][0] - radius * radius * y[f][1];

            y[f][1] = y[f][0];
            y[f][0] = v;
            out += v / (f + 1);
        }
        speech[i] = (int16_t)(3000 * envelope * out > 32000 ? 32000 : 3000 * envelope * out);
    }
}

/* The best normalised correlation over all delays up to LAG_MAX; *lag is that delay. */
static double correlation(const int16_t *a, const int16_t *b, size_t n, unsigned *lag)
{
    double best = 0;

    for (unsigned l = 0; l < LAG_MAX; l++) {
        double cross = 0, ea = 0, eb = 0;

        for (size_t i = 0; i + l < n; i++) {
            cross += (double)a[i] * b[i + l];
            ea += (double)a[i] * a[i];
            eb += (double)b[i + l] * b[i + l];
        }
        cross /= sqrt(ea * eb) + 1;
        if (cross > best) {
            best = cross;
            *lag = l;
        }
    }
    return best;
}

/* Encodes and decodes the speech; frames for which lost() says so never arrive. how: 0 concealed, 1 with FEC, 2 as silence */
static double pass(enum media_codec c, unsigned samples, bool (*lost)(unsigned), int how, unsigned *lag,
                   size_t *bytes)
{
    struct codec_enc *e;
    struct codec_dec *d;
    uint8_t packet[2][1500];
    size_t len[2] = {0}, n, at = 0;

    CHECK_OR(!codec_enc_alloc(&e, c, 0) && !codec_dec_alloc(&d, c), return 0);
    if (how == 1)
        codec_enc_loss(e, 15);
    *bytes = 0;
    for (unsigned i = 0; i <= TOTAL / samples; i++) { /* the decoder runs one packet behind the encoder */
        unsigned now = i & 1, before = now ^ 1;

        if (i < TOTAL / samples) {
            if (codec_enc_frame(e, speech + i * samples, samples, packet[now], sizeof(packet[now]),
                                &len[now]))
                break;
            *bytes += len[now];
        }
        if (!i)
            continue;
        n = samples;
        if (!lost || !lost(i - 1))
            codec_dec_frame(d, packet[before], len[before], heard + at, &n);
        else if (how == 2)
            memset(heard + at, 0, samples * sizeof(*heard));
        else
            codec_dec_lost(d, how == 1 && !lost(i) ? packet[now] : NULL, len[now], heard + at, samples);
        at += n;
    }
    codec_enc_free(e);
    codec_dec_free(d);
    return at == TOTAL ? correlation(speech, heard, TOTAL, lag) : 0;
}

static bool every_tenth(unsigned i)
{
    return i % 10 == 5;
}

TEST(opus_keeps_the_voice)
{
    static const unsigned frames[] = {80, 160, 320, 480};

    make_speech();
    for (unsigned i = 0; i < 4; i++) {
        unsigned lag = 0;
        size_t bytes;
        double r = pass(MEDIA_OPUS, frames[i], NULL, 0, &lag, &bytes);

        printf("  %u ms: correlation %.3f, delay %.1f ms, %.1f kbit/s, level %.0f of %.0f\n", frames[i] / 8,
               r, lag / 8.0, (double)bytes * 8 / SECONDS / 1000, level(heard, TOTAL), level(speech, TOTAL));
        CHECK(r > 0.85);
        CHECK(lag <= 8 * 12);
        CHECK(bytes < 40000 / 8 * SECONDS);
        CHECK(fabs(20 * log10(level(heard, TOTAL) / level(speech, TOTAL))) < 1.5);
    }
}

TEST(g711_keeps_the_voice)
{
    unsigned lag = 99;
    size_t bytes;

    make_speech();
    CHECK(pass(MEDIA_PCMU, FRAME, NULL, 0, &lag, &bytes) > 0.999);
    CHECK_EQ_INT(lag, 0);
    CHECK_EQ_INT(bytes, TOTAL);
    CHECK(pass(MEDIA_PCMA, FRAME, NULL, 0, &lag, &bytes) > 0.999);
}

TEST(concealment_beats_silence_and_fec_beats_both)
{
    unsigned lag;
    size_t bytes;
    double silence, plc, fec, g711, g711_silence;

    make_speech();
    silence = pass(MEDIA_OPUS, FRAME, every_tenth, 2, &lag, &bytes);
    plc = pass(MEDIA_OPUS, FRAME, every_tenth, 0, &lag, &bytes);
    fec = pass(MEDIA_OPUS, FRAME, every_tenth, 1, &lag, &bytes);
    g711_silence = pass(MEDIA_PCMU, FRAME, every_tenth, 2, &lag, &bytes);
    g711 = pass(MEDIA_PCMU, FRAME, every_tenth, 0, &lag, &bytes);
    printf("  10 %% lost: Opus silence %.3f, concealed %.3f, FEC %.3f; G.711 silence %.3f, concealed %.3f\n",
           silence, plc, fec, g711_silence, g711);
    CHECK(fec > plc + 0.005);
    CHECK(fec > silence + 0.005);
    CHECK(g711 > g711_silence);
}

TEST(long_losses_fade_away)
{
    static const enum media_codec codecs[] = {MEDIA_OPUS, MEDIA_PCMU};

    make_speech();
    for (unsigned k = 0; k < 2; k++) {
        struct codec_enc *e;
        struct codec_dec *d;
        uint8_t packet[1500];
        int16_t pcm[CODEC_SAMPLES_MAX];
        size_t len, n;
        double loud = 0;

        CHECK_EQ_INT(codec_enc_alloc(&e, codecs[k], 0), 0);
        CHECK_EQ_INT(codec_dec_alloc(&d, codecs[k]), 0);
        for (unsigned i = 0; i < 58; i++) { /* up to the height of a syllable */
            CHECK_EQ_INT(codec_enc_frame(e, speech + i * FRAME, FRAME, packet, sizeof(packet), &len), 0);
            CHECK_EQ_INT(codec_dec_frame(d, packet, len, pcm, &n), 0);
            loud = level(pcm, n);
        }
        CHECK(loud > 300);
        for (unsigned i = 0; i < 25; i++)
            codec_dec_lost(d, NULL, 0, pcm, FRAME);
        CHECK(codec_quiet(pcm, FRAME));
        codec_enc_free(e);
        codec_dec_free(d);
    }
}

TEST(rubbish_is_refused_and_concealed)
{
    struct codec_dec *d;
    uint64_t r = test_seed();
    int16_t pcm[CODEC_SAMPLES_MAX];
    uint8_t p[300];
    size_t n;

    CHECK_EQ_INT(codec_dec_alloc(&d, MEDIA_NONE), EINVAL);
    CHECK_EQ_INT(codec_dec_alloc(&d, MEDIA_OPUS), 0);
    CHECK_EQ_INT(codec_packet_samples(MEDIA_OPUS, p, 0), 0);
    CHECK_EQ_INT(codec_packet_samples(MEDIA_PCMU, p, 160), 160);
    CHECK_EQ_INT(codec_packet_samples(MEDIA_PCMU, p, CODEC_SAMPLES_MAX + 1), 0);
    for (unsigned i = 0; i < 20000; i++) {
        size_t len = test_random(&r) % sizeof(p);

        for (size_t k = 0; k < len; k++)
            p[k] = (uint8_t)test_random(&r);
        n = 0;
        if (codec_dec_frame(d, p, len, pcm, &n))
            codec_dec_lost(d, p, len, pcm, FRAME);
        else
            CHECK(n && n == codec_packet_samples(MEDIA_OPUS, p, len) &&
                  codec_packet_ticks(MEDIA_OPUS, p, len) == n * 6);
    }
    codec_dec_free(d);
}

TEST(encoder_limits)
{
    struct codec_enc *e;
    uint8_t p[1500];
    size_t len;

    CHECK_EQ_INT(codec_enc_alloc(&e, MEDIA_PCMA, 0), 0);
    CHECK_EQ_INT(codec_enc_frame(e, speech, 100, p, sizeof(p), &len), EINVAL);
    CHECK_EQ_INT(codec_enc_frame(e, speech, 160, p, 100, &len), EMSGSIZE);
    codec_enc_free(e);
    CHECK_EQ_INT(codec_enc_alloc(&e, MEDIA_OPUS, 0), 0);
    codec_enc_complexity(e, 99);
    codec_enc_loss(e, -3);
    CHECK_EQ_INT(codec_enc_frame(e, speech, 160, p, 1, &len),
                 0); /* one byte: a frame of silence, still Opus */
    CHECK_EQ_INT(codec_enc_frame(e, speech, 161, p, sizeof(p), &len), EINVAL);
    codec_enc_free(e);
}

TEST(quiet_is_below_minus_45_dbm0)
{
    int16_t pcm[FRAME];

    for (unsigned k = 0; k < 2; k++) {
        double peak = 32767 * pow(10, ((k ? -43.0 : -47.0) - 3.14) / 20);

        for (unsigned i = 0; i < FRAME; i++)
            pcm[i] = (int16_t)lrint(peak * sin(i * 6.2831853 / 20));
        CHECK(codec_quiet(pcm, FRAME) == (k == 0));
    }
}
