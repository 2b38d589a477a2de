/* media/tone: see tone.h. */
#include "media/tone.h"
#include <math.h>

enum { RATE = 8000 };

/* A sine of 0 dBm0 peaks 3.14 dB below G.711 µ-law's full scale (G.711 table 6; A-law: 3.14, µ-law: 3.17). */
#define DBM0_PEAK_DB (-3.14)

const struct tone_spec tone_beep = {{1000, 0}, 120, 80, -16.0};
const struct tone_spec tone_ringback = {{425, 0}, 1000, 4000, -19.0};
const struct tone_spec tone_away = {{425, 0}, 200, 4800, -25.0};

#define KEY(low, high)                                                                                       \
    {                                                                                                        \
        {(low), (high)}, 1000, 0, -6.0                                                                       \
    }
const struct tone_spec tone_dtmf[16] = {
    KEY(941, 1336),                                                 /* 0 */
    KEY(697, 1209), KEY(697, 1336), KEY(697, 1477),                 /* 1 2 3 */
    KEY(770, 1209), KEY(770, 1336), KEY(770, 1477),                 /* 4 5 6 */
    KEY(852, 1209), KEY(852, 1336), KEY(852, 1477),                 /* 7 8 9 */
    KEY(941, 1209), KEY(941, 1477),                                 /* * # */
    KEY(697, 1633), KEY(770, 1633), KEY(852, 1633), KEY(941, 1633), /* A B C D */
};
#undef KEY

void tone_init(struct tone *t, const struct tone_spec *spec)
{
    unsigned parts = spec->hz[1] ? 2 : 1;

    *t = (struct tone){.spec = spec};
    t->amp = 32767.0 * pow(10.0, (spec->dbm0 + DBM0_PEAK_DB - (parts == 2 ? 10.0 * log10(2.0) : 0.0)) / 20.0);
    for (unsigned i = 0; i < parts; i++)
        t->step[i] = (uint32_t)((double)spec->hz[i] * 4294967296.0 / RATE);
}

static int16_t tone_sample(struct tone *t)
{
    double v = 0.0;

    for (unsigned i = 0; i < 2 && t->step[i]; i++) {
        v += sin((double)t->phase[i] * (2.0 * 3.14159265358979323846 / 4294967296.0));
        t->phase[i] += t->step[i];
    }
    return (int16_t)lrint(v * t->amp);
}

void tone_read(struct tone *t, int16_t *pcm, size_t n)
{
    uint32_t on = t->spec->on_ms * (RATE / 1000u), period = on + t->spec->off_ms * (RATE / 1000u);

    for (size_t i = 0; i < n; i++) {
        pcm[i] = t->pos < on ? tone_sample(t) : 0;
        if (++t->pos >= period)
            t->pos = 0;
    }
}
