/*
 * media/quality: see quality.h. R = R0 - Id - Ie_eff (ITU-T G.107; A = 0), with
 *   Id     the common two-line fit of G.107's delay impairment,
 *   Ie_eff = Ie + (95 - Ie) · Ppl / (Ppl + Bpl), random loss (G.113 appendix I for G.711 with concealment; Opus: our
 *            own estimate for 24-32 kbit/s with in-band FEC; G.113 has none).
 */
#include "media/quality.h"

#define R0 93.2

static double delay_ms(const struct quality_input *in)
{
    double packet = in->codec == MEDIA_OPUS ? 20.0 + 6.5 : 20.0; /* one frame, and Opus' look-ahead */
    double buffer = in->buffer_ms > 0.0 ? in->buffer_ms : 2.0 * in->jitter_ms;

    return in->rtt_ms / 2.0 + packet + buffer;
}

static double delay_impairment(double ms)
{
    return 0.024 * ms + (ms > 177.3 ? 0.11 * (ms - 177.3) : 0.0);
}

static double loss_impairment(enum media_codec codec, double loss)
{
    double ie = codec == MEDIA_OPUS ? 5.0 : 0.0, bpl = codec == MEDIA_OPUS ? 20.0 : 10.0;
    double ppl = 100.0 * (loss < 0.0 ? 0.0 : loss > 1.0 ? 1.0 : loss);

    return ie + (95.0 - ie) * ppl / (ppl + bpl);
}

double quality_r(const struct quality_input *in)
{
    double r = R0 - delay_impairment(delay_ms(in)) - loss_impairment(in->codec, in->loss);

    return r < 0.0 ? 0.0 : r;
}

double quality_mos(const struct quality_input *in)
{
    double r = quality_r(in), mos = 1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6;

    return mos < 1.0 ? 1.0 : mos > 4.5 ? 4.5 : mos;
}
