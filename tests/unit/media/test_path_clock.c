/* What a path makes of its browser's packets, counted one by one: on a clock of the test's own no machine is too slow. */
#include "fake/browser.h"
#include "media/tally.h"
#define TESTING_NO_OOM "threads and sockets: what they wait for would not come"
#include "testing.h"

#include "pathrig.h"

#include <math.h>

enum { FRAMES = 200 };

static unsigned digits_at_trunk(char *digits, unsigned *ms)
{
    unsigned n = 0;

    *ms = 0;
    for (unsigned i = 0; i < rig.heard_count; i++) {
        const struct rig_heard *p = &rig.heard[i];

        if (p->h.pt != RIG_TRUNK_EVENT)
            continue;
        if (p->h.marker)
            digits[n++] = dtmf_digit(p->payload[0]);
        if (p->payload[1] & 0x80)
            *ms = (unsigned)(p->payload[2] << 8 | p->payload[3]) / 8;
    }
    digits[n] = 0;
    return n;
}

/* The first `packets` of a press of 120 ms, one each 20 ms, whose end is told three times: eight are all. */
static void press(uint8_t event, uint32_t ts, unsigned packets)
{
    for (unsigned i = 1; i <= packets; i++) {
        unsigned units = (i < 6 ? i : 6) * 160;
        uint8_t ev[4] = {event, (uint8_t)(i < 6 ? 10 : 0x8a), (uint8_t)(units >> 8), (uint8_t)units};

        CHECK_EQ_INT(fbrowser_send(rig.browser, RIG_EVENT, i == 1, ts, ev, sizeof(ev)), 0);
        rig_wait(20);
    }
}

TEST(a_press_goes_to_the_trunk_once_and_as_long)
{
    char digits[16];
    unsigned ms;

    CHECK(rig_up(MEDIA_PCMU));
    press(5, 99000, 8);
    rig_wait(1000);
    CHECK_EQ_INT(digits_at_trunk(digits, &ms), 1);
    CHECK_STR(digits, "5");
    CHECK_EQ_INT(ms, 120);
    CHECK_EQ_INT(rig.digits, 1);
    rig_stop();
}

/* Not at key-up: whoever waits for a tone hears it begin with the first packet, and never more of it than was pressed. */
TEST(a_press_goes_to_the_trunk_while_it_lasts)
{
    char digits[16];
    unsigned ms, said = 0;

    CHECK(rig_up(MEDIA_PCMU));
    press(5, 99000, 3);
    CHECK_EQ_INT(digits_at_trunk(digits, &ms), 1);
    CHECK_EQ_INT(ms, 0); /* no end yet */
    for (unsigned i = 0; i < rig.heard_count; i++)
        if (rig.heard[i].h.pt == RIG_TRUNK_EVENT)
            said = (unsigned)(rig.heard[i].payload[2] << 8 | rig.heard[i].payload[3]) / 8;
    CHECK(said >= 20 && said <= 60);
    rig_wait(1000); /* its end is lost */
    CHECK_EQ_INT(digits_at_trunk(digits, &ms), 1);
    CHECK_EQ_INT(ms, 60);
    rig_stop();
}

/* Fast fingers, bad air: the end of the first press is lost, the next one begins 70 ms later. And one whose end never comes. */
TEST(a_press_whose_end_is_lost_is_one_press)
{
    char digits[16];
    unsigned ms;

    CHECK(rig_up(MEDIA_PCMU));
    press(5, 99000, 3);
    rig_wait(50);
    press(6, 99000 + 130 * 8, 8);
    rig_wait(1000);
    press(7, 199000, 4);
    rig_wait(1000);
    CHECK_EQ_INT(digits_at_trunk(digits, &ms), 3);
    CHECK_STR(digits, "567");
    CHECK_EQ_INT(ms, 80);
    CHECK_EQ_INT(rig.digits, 3);
    rig_stop();
}

/* Each with its own number in it. */
TEST(the_same_g711_arrives_whole_and_in_order)
{
    uint8_t frame[RIG_FRAME];

    CHECK(rig_up(MEDIA_PCMU));
    for (unsigned i = 0; i < FRAMES; i++) {
        memset(frame, (int)i, sizeof(frame));
        CHECK_EQ_INT(fbrowser_send(rig.browser, 0, i == 0, i * RIG_FRAME, frame, sizeof(frame)), 0);
        rig_wait(20);
    }
    CHECK_EQ_INT(rig.heard_count, FRAMES);
    for (unsigned i = 0; i < FRAMES; i++) {
        const struct rig_heard *p = &rig.heard[i], *first = &rig.heard[0];

        CHECK_EQ_INT(p->payload[0], i);
        CHECK_EQ_INT(p->h.len, RIG_FRAME);
        CHECK_EQ_INT((uint16_t)(p->h.seq - first->h.seq), i);
        CHECK_EQ_INT(p->h.ts - first->h.ts, i * RIG_FRAME);
    }
    rig_stop();
}

/* A tone in Opus of which every 25th packet is lost: those frames and no others are made up, each packet leaves in its time. */
TEST(what_is_lost_is_made_up_and_no_more)
{
    struct codec_enc *enc;
    struct tally t = {0};
    struct media_event ev;
    unsigned lost = 0;

    CHECK_EQ_INT(codec_enc_alloc(&enc, MEDIA_OPUS, CODEC_BITRATE), 0);
    CHECK(rig_up(MEDIA_OPUS));
    for (unsigned i = 0; i < FRAMES; i++) {
        int16_t pcm[RIG_FRAME];
        uint8_t p[RTP_PAYLOAD_MAX];
        size_t n;

        for (unsigned k = 0; k < RIG_FRAME; k++)
            pcm[k] = (int16_t)(8000 * sin(2 * M_PI * 440 * (i * RIG_FRAME + k) / 8000));
        CHECK_EQ_INT(codec_enc_frame(enc, pcm, RIG_FRAME, p, sizeof(p), &n), 0);
        if (i % 25 == 12) {
            fbrowser_skip(rig.browser);
            lost++;
        } else {
            CHECK_EQ_INT(fbrowser_send(rig.browser, RIG_OPUS, i == 0, i * 960, p, n), 0);
        }
        rig_wait(20);
    }
    tally_add(&t, rig.path);
    path_figures(rig.path, &ev);
    CHECK(t.concealed + t.filled == lost ||
          t.concealed + t.filled == lost + 1); /* the delay may grow by one */
    CHECK_EQ_INT(t.late + t.duplicate + t.overflow, 0);
    CHECK_EQ_INT(ev.browser.lost, lost);
    CHECK_EQ_INT(ev.browser.packets, FRAMES - lost);
    CHECK(ev.browser.mos > 3.5 && ev.browser.mos < 4.3); /* 4 % loss is heard, and does not ruin it */
    for (unsigned i = 1; i < rig.heard_count; i++) {
        CHECK_EQ_INT((uint16_t)(rig.heard[i].h.seq - rig.heard[0].h.seq), i);
        CHECK_EQ_INT(rig.heard[i].h.ts - rig.heard[0].h.ts, i * RIG_FRAME);
    }
    CHECK(rig.heard_count >= FRAMES - 10); /* the rest is still in the jitter buffer */
    rig_stop();
    codec_enc_free(enc);
}
