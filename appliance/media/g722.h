/*
 * media/g722: ITU-T G.722 in its 64 kbit/s mode: 16 kHz sound in two sub-bands of 8 kHz, each ADPCM; one byte holds 6 bits of the lower and
 * 2 of the higher one. Bit-exact with the recommendation.
 *
 *   16 kHz ── QMF ──┬─ lower band ── ADPCM, 6 bits ─┬─► byte         narrow: 8 kHz sound is the lower band as it is, and the higher
 *                   └─ higher band ─ ADPCM, 2 bits ─┘                one is silent; so no filter of ours stands between G.711 and G.722
 *
 * Plain structs, nothing is allocated. Owner: the media worker of the path.
 */
#ifndef MEDIA_G722_H
#define MEDIA_G722_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { G722_ZEROS = 6, G722_TAPS = 12, G722_SILENCE = 0xfa /* of both bands, about */ };

struct g722_band {   /* one sub-band's ADPCM, the same on both sides: clause 3.6 */
    int32_t det, nb; /* the quantizer's scale, and its logarithm */
    int32_t s, sz;   /* the predictor's estimate, and the part of its zeros */
    int32_t a[2], r[2],
        p[2]; /* its two poles: coefficients, reconstructed signal, partial reconstruction; newest first */
    int32_t b[G722_ZEROS], d[G722_ZEROS]; /* its six zeros: coefficients, quantized differences */
};

struct g722_enc {
    struct g722_band low, high;
    int16_t x[2][G722_TAPS -
                 1]; /* what the filter still needs of the samples before: even and odd ones, newest last */
    bool narrow;
};

struct g722_dec {
    struct g722_band low, high;
    int16_t x[2][G722_TAPS - 1]; /* the same of sum and difference of the bands */
    bool narrow;
};

void g722_enc_init(struct g722_enc *e, bool narrow);
void g722_dec_init(struct g722_dec *d, bool narrow);
/* n bytes out of 2n samples, or n narrow ones. */
void g722_enc(struct g722_enc *e, uint8_t *out, const int16_t *pcm, size_t n);
void g722_dec(struct g722_dec *d, int16_t *pcm, const uint8_t *in, size_t n);
/* The decoder goes on as if these n bytes' worth of samples, made up for a packet that was lost, had been coded: so its scale and predictor
 * are near those of the sender when the next packet comes. */
void g722_dec_follow(struct g722_dec *d, const int16_t *pcm, size_t n);

#endif
