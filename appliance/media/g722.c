/* media/g722: see g722.h. Names of values and blocks are those of the recommendation, clauses 3 to 5 and 6.2 (fixed-point arithmetic). */
#include "media/g722.h"
#include <string.h>

enum {
    CHUNK = 80,   /* pairs of samples, or bytes, filtered at a time */
    LOW_DET = 32, /* scales to begin with */
    HIGH_DET = 8,
    LOW_NB_MAX = 18432,
    HIGH_NB_MAX = 22528,
    LOW_SHIFT = 8, /* of the scale out of its logarithm */
    HIGH_SHIFT = 10,
    HIGH_LEVEL = 564, /* the one decision level of the higher band */
    A1_LIMIT = 15360, /* of the poles, so that they are stable */
    A2_LIMIT = 12288,
    OUT_MAX = 16383, /* of a reconstructed sub-band */
};

/* ---- tables ---- */

/* Decision levels of the lower band's quantizer, and the code of each interval for positive and for negative differences. */
static const int16_t q6[30] = {0,    35,   72,   110,  150,  190,  233,  276,  323,  370,
                               422,  473,  530,  587,  650,  714,  786,  858,  940,  1023,
                               1121, 1219, 1339, 1458, 1612, 1765, 1980, 2195, 2557, 2919};
static const uint8_t code_plus[31] = {0,  61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49, 48, 47,
                                      46, 45, 44, 43, 42, 41, 40, 39, 38, 37, 36, 35, 34, 33, 32};
static const uint8_t code_minus[31] = {0,  63, 62, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19,
                                       18, 17, 16, 15, 14, 13, 12, 11, 10, 9,  8,  7,  6,  5,  4};
/* Quantized differences by code: the lower band's four bits, that steer it, and its six, that are heard; the higher band's two. */
static const int16_t qm4[16] = {0,     -20456, -12896, -8968, -6288, -4240, -2584, -1200,
                                20456, 12896,  8968,   6288,  4240,  2584,  1200,  0};
static const int16_t qm6[64] = {
    -136,  -136,  -136,  -136,  -24808, -21904, -19008, -16704, -14984, -13512, -12280, -11192, -10232,
    -9360, -8576, -7856, -7192, -6576,  -6000,  -5456,  -4944,  -4464,  -4008,  -3576,  -3168,  -2776,
    -2400, -2032, -1688, -1360, -1040,  -728,   24808,  21904,  19008,  16704,  14984,  13512,  12280,
    11192, 10232, 9360,  8576,  7856,   7192,   6576,   6000,   5456,   4944,   4464,   4008,   3576,
    3168,  2776,  2400,  2032,  1688,   1360,   1040,   728,    432,    136,    -432,   -136};
static const int16_t qm2[4] = {-7408, -1616, 7408, 1616};
/* How the logarithm of the scale moves, by code. */
static const int16_t wl[16] = {-60,  3042, 1198, 538, 334, 172, 58,  -30,
                               3042, 1198, 538,  334, 172, 58,  -30, -60};
static const int16_t wh[4] = {798, -214, 798, -214};
/* 2048 · 2^(i/32) */
static const int16_t ilb[32] = {2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543,
                                2599, 2656, 2714, 2774, 2834, 2896, 2960, 3025, 3091, 3158, 3228,
                                3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008};
/* The filter's first half; the second is its mirror image. */
static const int16_t qmf[G722_TAPS] = {3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11};
static const int16_t qmf_mirror[G722_TAPS] = {-11, 53, -156, 362, -805, 3876, 951, -210, 32, 12, -11, 3};

/* ---- one band ---- */

static inline int32_t clamp(int32_t v, int32_t min, int32_t max)
{
    return v < min ? min : v > max ? max : v;
}

static inline int32_t sat(int32_t v)
{
    return clamp(v, INT16_MIN, INT16_MAX);
}

static inline bool unlike(int32_t a, int32_t b) /* in sign */
{
    return (a ^ b) < 0;
}

/* LOGSCL, SCALEL and their like of the higher band. */
static inline void scale(struct g722_band *v, int32_t w, int32_t max, int shift)
{
    int down;

    v->nb = clamp((v->nb * 127 >> 7) + w, 0, max);
    down = shift - (v->nb >> 11);
    v->det = (down < 0 ? ilb[v->nb >> 6 & 31] << -down : ilb[v->nb >> 6 & 31] >> down) << 2;
}

/* UPPOL2, UPPOL1: the poles follow the signs of the newest partial reconstructions. */
static inline void poles(struct g722_band *v, int32_t p)
{
    int32_t step = sat(v->a[0] * 4), a1, a2;

    step = unlike(p, v->p[0]) ? step : -step;
    step = step > INT16_MAX ? INT16_MAX : step;
    a2 = (unlike(p, v->p[1]) ? -128 : 128) + (step >> 7) + (v->a[1] * 32512 >> 15);
    a2 = clamp(a2, -A2_LIMIT, A2_LIMIT);
    a1 = sat((unlike(p, v->p[0]) ? -192 : 192) + (v->a[0] * 32640 >> 15));
    v->a[0] = clamp(a1, a2 - A1_LIMIT, A1_LIMIT - a2);
    v->a[1] = a2;
    v->p[1] = v->p[0];
    v->p[0] = p;
}

/* UPZERO, DELAYA and FILTEZ: the zeros follow the signs of the differences. */
static inline void zeros(struct g722_band *v, int32_t d)
{
    int32_t step = d ? 128 : 0, sum = 0, older = d;

    for (int i = 0; i < G722_ZEROS; i++) {
        int32_t was = v->d[i], b = v->b[i];

        b = sat((b * 32640 >> 15) + (unlike(was, d) ? -step : step));
        sum += b * sat(older * 2) >> 15;
        v->b[i] = b;
        v->d[i] = older;
        older = was;
    }
    v->sz = sat(sum);
}

/* Block 4: what is predicted for the next sample, after this quantized difference. */
static inline void predict(struct g722_band *v, int32_t d)
{
    int32_t r = sat(v->s + d), p = sat(v->sz + d), sp;

    poles(v, p);
    zeros(v, d);
    v->r[1] = v->r[0];
    v->r[0] = r;
    sp = (v->a[0] * sat(v->r[0] * 2) >> 15) + (v->a[1] * sat(v->r[1] * 2) >> 15);
    v->s = sat(sat(sp) + v->sz);
}

static inline void low_next(struct g722_band *v, unsigned code)
{
    int32_t d = v->det * qm4[code >> 2] >> 15;

    scale(v, wl[code >> 2], LOW_NB_MAX, LOW_SHIFT);
    predict(v, d);
}

static inline void high_next(struct g722_band *v, unsigned code)
{
    int32_t d = v->det * qm2[code] >> 15;

    scale(v, wh[code], HIGH_NB_MAX, HIGH_SHIFT);
    predict(v, d);
}

/* QUANTL: the interval is found by halving. */
static inline unsigned low_code(const struct g722_band *v, int32_t x)
{
    int32_t e = sat(x - v->s), mag = e < 0 ? ~e : e;
    unsigned from = 0, to = 29; /* the last decision level that is not above it */

    while (from < to) {
        unsigned mid = (from + to + 1) / 2;

        if (mag >= q6[mid] * v->det >> 12)
            from = mid;
        else
            to = mid - 1;
    }
    return e < 0 ? code_minus[from + 1] : code_plus[from + 1];
}

static inline unsigned high_code(const struct g722_band *v, int32_t x)
{
    int32_t e = sat(x - v->s), mag = e < 0 ? ~e : e;
    bool far = mag >= HIGH_LEVEL * v->det >> 12;

    return e < 0 ? !far : far ? 2 : 3;
}

static uint8_t code_of(struct g722_band *low, struct g722_band *high, int32_t xl, int32_t xh)
{
    unsigned il = low_code(low, xl), ih = high_code(high, xh);

    low_next(low, il);
    high_next(high, ih);
    return (uint8_t)(ih << 6 | il);
}

static void bands_init(struct g722_band *low, struct g722_band *high)
{
    *low = (struct g722_band){.det = LOW_DET};
    *high = (struct g722_band){.det = HIGH_DET};
}

/* ---- the filter ---- */

static inline int32_t fir(const int16_t *x, const int16_t *h)
{
    int32_t sum = 0;

    for (int i = 0; i < G722_TAPS; i++)
        sum += x[i] * h[i];
    return sum;
}

/* A chunk of two interleaved phases behind what is left of those before. */
struct phases {
    int16_t x[2][G722_TAPS - 1 + CHUNK];
};

static void phases_begin(struct phases *f, int16_t left[2][G722_TAPS - 1])
{
    for (int k = 0; k < 2; k++)
        memcpy(f->x[k], left[k], sizeof(left[k]));
}

static void phases_end(const struct phases *f, int16_t left[2][G722_TAPS - 1], size_t n)
{
    for (int k = 0; k < 2; k++)
        memcpy(left[k], f->x[k] + n, sizeof(left[k]));
}

/* ---- encoder ---- */

void g722_enc_init(struct g722_enc *e, bool narrow)
{
    memset(e, 0, sizeof(*e));
    bands_init(&e->low, &e->high);
    e->narrow = narrow;
}

static void enc_chunk(struct g722_enc *e, uint8_t *out, const int16_t *pcm, size_t n)
{
    struct phases f;

    phases_begin(&f, e->x);
    for (size_t i = 0; i < n; i++) {
        f.x[0][G722_TAPS - 1 + i] = pcm[2 * i];
        f.x[1][G722_TAPS - 1 + i] = pcm[2 * i + 1];
    }
    for (size_t i = 0; i < n; i++) {
        int32_t even = fir(f.x[0] + i, qmf), odd = fir(f.x[1] + i, qmf_mirror);

        out[i] = code_of(&e->low, &e->high, (odd + even) >> 14, (odd - even) >> 14);
    }
    phases_end(&f, e->x, n);
}

void g722_enc(struct g722_enc *e, uint8_t *out, const int16_t *pcm, size_t n)
{
    if (e->narrow) {
        for (size_t i = 0; i < n; i++)
            out[i] = code_of(&e->low, &e->high, pcm[i] >> 1, 0);
        return;
    }
    for (size_t at = 0; at < n; at += CHUNK)
        enc_chunk(e, out + at, pcm + 2 * at, n - at < CHUNK ? n - at : CHUNK);
}

/* ---- decoder ---- */

void g722_dec_init(struct g722_dec *d, bool narrow)
{
    memset(d, 0, sizeof(*d));
    bands_init(&d->low, &d->high);
    d->narrow = narrow;
}

static inline int32_t heard(int32_t v)
{
    return clamp(v, -OUT_MAX - 1, OUT_MAX);
}

static inline int32_t low_out(struct g722_band *v, unsigned code)
{
    int32_t r = heard(v->s + (v->det * qm6[code] >> 15));

    low_next(v, code);
    return r;
}

static inline int32_t high_out(struct g722_band *v, unsigned code)
{
    int32_t r = heard(v->s + (v->det * qm2[code] >> 15));

    high_next(v, code);
    return r;
}

static void dec_chunk(struct g722_dec *d, int16_t *pcm, const uint8_t *in, size_t n)
{
    struct phases f;

    phases_begin(&f, d->x);
    for (size_t i = 0; i < n; i++) {
        int32_t low = low_out(&d->low, in[i] & 0x3f), high = high_out(&d->high, in[i] >> 6);

        f.x[0][G722_TAPS - 1 + i] = (int16_t)(low + high);
        f.x[1][G722_TAPS - 1 + i] = (int16_t)(low - high);
    }
    for (size_t i = 0; i < n; i++) {
        pcm[2 * i] = (int16_t)sat(fir(f.x[1] + i, qmf_mirror) >> 11);
        pcm[2 * i + 1] = (int16_t)sat(fir(f.x[0] + i, qmf) >> 11);
    }
    phases_end(&f, d->x, n);
}

void g722_dec(struct g722_dec *d, int16_t *pcm, const uint8_t *in, size_t n)
{
    if (d->narrow) {
        for (size_t i = 0; i < n; i++) {
            pcm[i] = (int16_t)sat(low_out(&d->low, in[i] & 0x3f) * 2);
            high_next(&d->high, in[i] >> 6);
        }
        return;
    }
    for (size_t at = 0; at < n; at += CHUNK)
        dec_chunk(d, pcm + 2 * at, in + at, n - at < CHUNK ? n - at : CHUNK);
}

void g722_dec_follow(struct g722_dec *d, const int16_t *pcm, size_t n)
{
    struct g722_enc e = {.low = d->low, .high = d->high, .narrow = d->narrow};
    uint8_t code[CHUNK];

    for (size_t at = 0; at < n; at += CHUNK) {
        size_t part = n - at < CHUNK ? n - at : CHUNK;

        g722_enc(&e, code, pcm + (d->narrow ? at : 2 * at), part);
    }
    d->low = e.low;
    d->high = e.high;
}
