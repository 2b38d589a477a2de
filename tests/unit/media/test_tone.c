/* Tones: level, cadence and continuity. */
#include "media/tone.h"
#include "testing.h"
#include <math.h>

static int16_t pcm[8000 * 6];

TEST(ringback_has_level_and_cadence)
{
    struct tone t;
    double sum = 0, dbm0;

    tone_init(&t, &tone_ringback);
    tone_read(&t, pcm, 8000 * 6);
    for (unsigned i = 0; i < 8000; i++)
        sum += (double)pcm[i] * pcm[i];
    dbm0 = 20 * log10(sqrt(sum / 8000) / (32767 / sqrt(2.0))) + 3.14;
    CHECK(fabs(dbm0 + 19.0) < 0.1);
    for (unsigned i = 8000; i < 40000; i++)
        CHECK_EQ_INT(pcm[i], 0);
    for (unsigned i = 0, zero = 0; i < 8000; i++) { /* it begins again after five seconds */
        zero = pcm[40000 + i] ? 0 : zero + 1;
        CHECK(zero < 10);
    }
}

TEST(pieces_make_the_whole)
{
    static const struct tone_spec us = {{440, 480}, 2000, 4000, -19.0};
    struct tone whole, pieces;
    int16_t piece[160];

    tone_init(&whole, &us);
    tone_init(&pieces, &us);
    tone_read(&whole, pcm, 16000);
    for (unsigned i = 0, n = 0; i < 15800; i += n) {
        n = 1 + i % 160;
        tone_read(&pieces, piece, n);
        CHECK_MEM(piece, pcm + i, n * sizeof(*piece));
    }
}
