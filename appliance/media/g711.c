/* media/g711: see g711.h. The decoders follow from the definition; the encoders' tables are made from the decoders' ones. */
#include "media/g711.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

enum { ENC_SHIFT = 2, ENC_SIZE = 65536 >> ENC_SHIFT }; /* µ-law needs 14 bits, A-law 13 */

static uint8_t ulaw_code[ENC_SIZE], alaw_code[ENC_SIZE];
static int16_t ulaw_pcm[256], alaw_pcm[256];

/* G.711 table 2a: inverted bits; a chord of 16 steps, biased by 33 (here ×4: 132). */
static int16_t ulaw_value(uint8_t code)
{
    unsigned c = (uint8_t)~code, chord = c >> 4 & 7;
    int mag = (int)(((c & 15u) * 2 + 33) << chord) * 4 - 132;

    return (int16_t)(c & 0x80 ? -mag : mag);
}

/* G.711 table 1a: even bits inverted; the first two chords have steps of one size. */
static int16_t alaw_value(uint8_t code)
{
    unsigned c = code ^ 0x55u, chord = c >> 4 & 7;
    int mag = (int)((c & 15u) * 2 + 1) * 8;

    if (chord)
        mag = (mag + 256) << (chord - 1);
    return (int16_t)(c & 0x80 ? mag : -mag);
}

/* The code whose value is nearest, searched only among those of the sample's sign. */
static uint8_t nearest(const int16_t *values, int sample, uint8_t positive, uint8_t negative)
{
    uint8_t base = sample < 0 ? negative : positive, best = base;
    int distance = 1 << 20;

    for (unsigned i = 0; i < 128; i++) {
        uint8_t code = (uint8_t)((base & 0x80) | i);
        int d = abs(values[code] - sample);

        if (d < distance) {
            distance = d;
            best = code;
        }
    }
    return best;
}

static void make_tables(void)
{
    for (unsigned i = 0; i < 256; i++) {
        ulaw_pcm[i] = ulaw_value((uint8_t)i);
        alaw_pcm[i] = alaw_value((uint8_t)i);
    }
    for (unsigned i = 0; i < ENC_SIZE; i++) {
        int sample = (int16_t)(i << ENC_SHIFT) + (1 << ENC_SHIFT) / 2;

        ulaw_code[i] = nearest(ulaw_pcm, sample, 0x80, 0x00);
        alaw_code[i] = nearest(alaw_pcm, sample, 0x80, 0x00);
    }
}

void g711_init(void)
{
    static atomic_flag busy = ATOMIC_FLAG_INIT;
    static atomic_bool done;

    while (atomic_flag_test_and_set_explicit(&busy, memory_order_acquire))
        ;
    if (!atomic_load_explicit(&done, memory_order_relaxed)) {
        make_tables();
        atomic_store_explicit(&done, true, memory_order_relaxed);
    }
    atomic_flag_clear_explicit(&busy, memory_order_release);
}

void g711_ulaw_enc(uint8_t *out, const int16_t *pcm, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = ulaw_code[(uint16_t)pcm[i] >> ENC_SHIFT];
}

void g711_ulaw_dec(int16_t *pcm, const uint8_t *in, size_t n)
{
    for (size_t i = 0; i < n; i++)
        pcm[i] = ulaw_pcm[in[i]];
}

void g711_alaw_enc(uint8_t *out, const int16_t *pcm, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = alaw_code[(uint16_t)pcm[i] >> ENC_SHIFT];
}

void g711_alaw_dec(int16_t *pcm, const uint8_t *in, size_t n)
{
    for (size_t i = 0; i < n; i++)
        pcm[i] = alaw_pcm[in[i]];
}
