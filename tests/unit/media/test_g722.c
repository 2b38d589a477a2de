/* G.722: bit by bit what other makers' codecs give, and how it sounds. */
#include "media/codec.h"
#include "media/g722.h"
#include "testing.h"

#include <math.h>

enum { PAIRS = 32000, WIDE_SECOND = 16000 };

static int16_t pcm[2 * PAIRS], out[2 * PAIRS];
static uint8_t bytes[PAIRS];

static uint32_t hash(const void *p, size_t n)
{
    const uint8_t *b = p;
    uint32_t h = 2166136261u; /* FNV-1a */

    for (size_t i = 0; i < n; i++)
        h = (h ^ b[i]) * 16777619u;
    return h;
}

/* Noise whose loudness goes up and down, and square waves up to full scale. */
static int16_t vector_pcm(unsigned i, uint32_t *r)
{
    *r = *r * 1664525u + 1013904223u;
    if (i / 8000 % 4 == 3)
        return i / (3 + i / 1000 % 40) % 2 ? 32767 : -32768;
    return (int16_t)((int16_t)(*r >> 16) >> i / 2000 % 12);
}

static void vector_bytes(void)
{
    uint32_t r = 1;

    for (unsigned i = 0; i < PAIRS; i++) {
        r = r * 1664525u + 1013904223u;
        bytes[i] = (uint8_t)(r >> 24);
    }
}

/* The hashes were taken of what ffmpeg 5.1 and, of the encoder's, spandsp 0.0.6 made of the same input. */
TEST(every_bit_is_as_the_recommendation_says)
{
    static const uint8_t first[] = {0x92, 0x20, 0x84, 0x20, 0x84, 0x20, 0x87, 0x0a,
                                    0xad, 0x04, 0x31, 0xb5, 0x12, 0xb1, 0x93, 0x09};
    struct g722_enc e;
    struct g722_dec d;
    uint32_t r = 1;

    for (unsigned i = 0; i < 2 * PAIRS; i++)
        pcm[i] = vector_pcm(i, &r);
    g722_enc_init(&e, false);
    g722_enc(&e, bytes, pcm, PAIRS);
    CHECK(!memcmp(bytes, first, sizeof(first)));
    CHECK_EQ_INT(hash(bytes, PAIRS), 0x3a0e07e8u);
    vector_bytes();
    g722_dec_init(&d, false);
    g722_dec(&d, out, bytes, PAIRS);
    CHECK_EQ_INT(hash(out, sizeof(out)), 0xc5d67333u);
}

TEST(however_the_sound_is_cut_it_is_the_same)
{
    struct g722_enc e;
    struct g722_dec d;
    uint64_t r = test_seed();

    vector_bytes();
    g722_dec_init(&d, false);
    for (size_t at = 0, n; at < PAIRS; at += n) {
        n = test_random(&r) % 500;
        n = n > PAIRS - at ? PAIRS - at : n;
        g722_dec(&d, out + 2 * at, bytes + at, n);
    }
    CHECK_EQ_INT(hash(out, sizeof(out)), 0xc5d67333u);
    for (unsigned i = 0, seed = 1; i < 2 * PAIRS; i++)
        pcm[i] = vector_pcm(i, &seed);
    g722_enc_init(&e, false);
    for (size_t at = 0, n; at < PAIRS; at += n) {
        n = test_random(&r) % 500;
        n = n > PAIRS - at ? PAIRS - at : n;
        g722_enc(&e, bytes + at, pcm + 2 * at, n);
    }
    CHECK_EQ_INT(hash(bytes, PAIRS), 0x3a0e07e8u);
}

static void tone(int16_t *to, size_t n, double hz, double rate, double peak)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (int16_t)lrint(peak * sin(2 * M_PI * hz * (double)i / rate));
}

/* Level at hz in dB of a sine of that peak, and the ratio of it to all else in dB. */
static double level(const int16_t *p, size_t n, double hz, double rate, double peak, double *snr)
{
    double re = 0, im = 0, all = 0, part;

    for (size_t i = 0; i < n; i++) {
        re += p[i] * cos(2 * M_PI * hz * (double)i / rate);
        im += p[i] * sin(2 * M_PI * hz * (double)i / rate);
        all += (double)p[i] * p[i];
    }
    part = 2 * (re * re + im * im) / (double)n;
    *snr = 10 * log10(part / (all - part + 1));
    return 10 * log10(part / ((double)n * peak * peak / 2));
}

TEST(sound_up_to_7_khz_comes_through)
{
    static const double hz[] = {300, 1000, 2000, 3400, 5000, 6000, 7000};

    for (size_t i = 0; i < sizeof(hz) / sizeof(hz[0]); i++) {
        struct g722_enc e;
        struct g722_dec d;
        double snr, db;

        g722_enc_init(&e, false);
        g722_dec_init(&d, false);
        tone(pcm, WIDE_SECOND, hz[i], WIDE_SECOND, 8000);
        g722_enc(&e, bytes, pcm, WIDE_SECOND / 2);
        g722_dec(&d, out, bytes, WIDE_SECOND / 2);
        db = level(out + 1600, WIDE_SECOND - 1600, hz[i], WIDE_SECOND, 8000, &snr);
        printf("  %.0f Hz: %.2f dB, SNR %.1f dB\n", hz[i], db, snr);
        CHECK(fabs(db) < 1.5);
        CHECK(snr > (hz[i] < 4000 ? 25 : 12)); /* 6 bits below 4 kHz, 2 above */
    }
}

/* A narrow side and a wide one understand each other, both ways. */
TEST(narrow_and_wide_are_one_codec)
{
    for (int narrow_speaks = 0; narrow_speaks < 2; narrow_speaks++) {
        const double speaks = narrow_speaks ? 8000 : 16000, hears = narrow_speaks ? 16000 : 8000;
        struct g722_enc e;
        struct g722_dec d;
        double snr, db;

        g722_enc_init(&e, narrow_speaks);
        g722_dec_init(&d, !narrow_speaks);
        tone(pcm, (size_t)speaks, 1000, speaks, 8000);
        g722_enc(&e, bytes, pcm, 8000);
        g722_dec(&d, out, bytes, 8000);
        db = level(out + 1600, (size_t)hears - 1600, 1000, hears, 8000, &snr);
        printf("  %s: %.2f dB, SNR %.1f dB\n", narrow_speaks ? "narrow to wide" : "wide to narrow", db, snr);
        CHECK(fabs(db) < 0.5);
        CHECK(snr > 25);
    }
}

/* 20 ms of every 200 are lost: how far what comes out is from what comes out without loss, in dB below it. */
static double damage(unsigned lost_every)
{
    struct codec_dec *whole, *torn;
    struct codec_enc *e;
    uint8_t p[160];
    int16_t a[320], b[320];
    double diff = 1, all = 1;
    size_t n;

    CHECK_OR(!codec_enc_alloc(&e, MEDIA_G722, 0) && !codec_dec_alloc(&whole, MEDIA_G722) &&
                 !codec_dec_alloc(&torn, MEDIA_G722),
             return 0);
    codec_enc_rate(e, CODEC_WIDE);
    codec_dec_rate(whole, CODEC_WIDE);
    codec_dec_rate(torn, CODEC_WIDE);
    for (unsigned i = 0; i < 200; i++) {
        for (size_t k = 0; k < 320;
             k++) { /* a voice of 125 Hz with harmonics, whose loudness goes up and down */
            double t = (i * 320 + (double)k) / 16000;

            a[k] = 0;
            for (int h = 1; h < 30; h++)
                a[k] = (int16_t)(a[k] + 3000.0 / h * (1 + sin(9 * t)) / 2 * sin(2 * M_PI * 125 * h * t));
        }
        CHECK_OR(!codec_enc_frame(e, a, 320, p, sizeof(p), &n) && n == 160, return 0);
        (void)codec_dec_frame(whole, p, n, a, &n);
        if (i % lost_every == lost_every - 1)
            codec_dec_lost(torn, NULL, 0, b, 320);
        else
            (void)codec_dec_frame(torn, p, 160, b, &n);
        for (size_t k = 0; k < 320; k++) {
            diff += (double)(a[k] - b[k]) * (a[k] - b[k]);
            all += (double)a[k] * a[k];
        }
    }
    codec_enc_free(e);
    codec_dec_free(whole);
    codec_dec_free(torn);
    return 10 * log10(all / diff);
}

TEST(a_loss_is_covered_and_soon_over)
{
    double tenth = damage(10), none = damage(1000);

    printf("  every tenth lost: %.1f dB below the sound\n", tenth);
    CHECK(none > 60); /* nothing was lost: nothing differs */
    CHECK(tenth > 12);
}

TEST(silence_stays_silent)
{
    struct g722_enc e;
    struct g722_dec d;

    memset(pcm, 0, sizeof(pcm));
    g722_enc_init(&e, false);
    g722_enc(&e, bytes, pcm, PAIRS);
    g722_dec_init(&d, false);
    g722_dec(&d, out, bytes, PAIRS);
    for (size_t i = 0; i < 2 * PAIRS; i++)
        CHECK(abs(out[i]) < 16);
}
