/* The E-model: where it must start, and that it falls with everything bad. */
#include "media/quality.h"
#include "testing.h"

static double mos(enum media_codec c, double loss, double rtt)
{
    struct quality_input in = {.codec = c, .loss = loss, .rtt_ms = rtt};

    return quality_mos(&in);
}

TEST(perfect_networks)
{
    CHECK(mos(MEDIA_PCMU, 0, 0) > 4.35 && mos(MEDIA_PCMU, 0, 0) <= 4.5);
    CHECK(mos(MEDIA_OPUS, 0, 20) > 4.2 && mos(MEDIA_OPUS, 0, 20) < 4.45);
}

TEST(falls_with_loss_and_delay)
{
    double last = 5;

    for (unsigned i = 0; i <= 100; i++) {
        double m = mos(MEDIA_PCMU, i / 100.0, 50);

        CHECK(m >= 1.0 && m <= last);
        last = m;
    }
    last = 5;
    for (unsigned ms = 0; ms < 5000; ms += 50) {
        double m = mos(MEDIA_OPUS, 0, ms);

        CHECK(m >= 1.0 && m <= last);
        last = m;
    }
}

TEST(opus_stands_more_loss)
{
    CHECK(mos(MEDIA_OPUS, 0.05, 40) > mos(MEDIA_PCMU, 0.05, 40));
    CHECK(mos(MEDIA_PCMU, 0.05, 40) < 3.6);
    CHECK(mos(MEDIA_PCMU, 0.3, 40) < 2.0);
    CHECK(mos(MEDIA_PCMU, 7, -40) >= 1.0); /* nonsense in, no nonsense out */
}
