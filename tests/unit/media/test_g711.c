/* G.711 against the standard's own values and its quantising error. */
#include "media/g711.h"
#include "testing.h"

TEST(known_values)
{
    static const struct {
        int16_t pcm;
        uint8_t ulaw, alaw;
    } v[] = {{0, 0xff, 0xd5},    {-1, 0x7f, 0x55},    {32767, 0x80, 0xaa}, {-32768, 0x00, 0x2a},
             {1000, 0xce, 0xfa}, {-1000, 0x4e, 0x7a}, {8159, 0x9f, 0x8a},  {-8159, 0x1f, 0x0a}};

    g711_init();
    for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
        uint8_t u, a;

        g711_ulaw_enc(&u, &v[i].pcm, 1);
        g711_alaw_enc(&a, &v[i].pcm, 1);
        CHECK_EQ_INT(u, v[i].ulaw);
        CHECK_EQ_INT(a, v[i].alaw);
    }
}

TEST(every_code_survives)
{
    for (unsigned i = 0; i < 256; i++) {
        uint8_t in = (uint8_t)i, u, a;
        int16_t pcm;

        g711_ulaw_dec(&pcm, &in, 1);
        g711_ulaw_enc(&u, &pcm, 1);
        CHECK(u == in || (in == 0x7f && u == 0xff)); /* minus zero */
        g711_alaw_dec(&pcm, &in, 1);
        g711_alaw_enc(&a, &pcm, 1);
        CHECK_EQ_INT(a, in);
    }
}

TEST(error_is_within_half_a_step)
{
    for (int s = -32768; s <= 32767; s++) {
        int16_t pcm = (int16_t)s, back;
        int mag = s < 0 ? -s : s;
        uint8_t c;

        g711_ulaw_enc(&c, &pcm, 1);
        g711_ulaw_dec(&back, &c, 1);
        CHECK(abs(back - s) <= (mag > 32124 ? 644 : (mag + 132) / 32 + 6));
        g711_alaw_enc(&c, &pcm, 1);
        g711_alaw_dec(&back, &c, 1);
        CHECK(abs(back - s) <= (mag < 256 ? 10 : mag / 32 + 10) + (mag > 32256 ? 512 : 0));
    }
}

TEST(laws_convert)
{
    uint8_t u[256], a[256], back[256];
    int16_t x, y, pcm[256];

    for (unsigned i = 0; i < 256; i++)
        u[i] = (uint8_t)i;
    g711_ulaw_dec(pcm, u, 256);
    g711_alaw_enc(a, pcm, 256);
    g711_alaw_dec(pcm, a, 256);
    g711_ulaw_enc(back, pcm, 256);
    for (unsigned i = 0; i < 256; i++) {
        g711_ulaw_dec(&x, &u[i], 1);
        g711_ulaw_dec(&y, &back[i], 1);
        CHECK(abs(x - y) <= abs(x) / 12 + 16);
    }
}
