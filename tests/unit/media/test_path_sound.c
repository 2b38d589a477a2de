/* What is heard, frame by frame, on a clock of the test's own: codecs that change in mid-stream, digits as tones for a side that takes
 * no events. */
#include "fake/browser.h"
#include "fake/mediacall.h"
#include "media/g711.h"
#include "media/path_down.h"
#define TESTING_NO_OOM "threads and sockets: what they wait for would not come"
#include "testing.h"

#include "pathrig.h"

#include <math.h>

enum { FRAME = 160, TALK_HZ = 440 };

struct talker {
    enum media_codec codec;
    uint32_t n; /* frames so far */
    struct codec_enc *opus;
};

static struct mediacall_sink ears;
static struct codec_dec *opus_dec;
static struct talker browser, trunk;

static void hear(const int16_t *pcm, size_t n)
{
    if (ears.pcm_count + n > MEDIACALL_PCM)
        return;
    memcpy(ears.pcm + ears.pcm_count, pcm, n * sizeof(*pcm));
    ears.pcm_count += n;
}

static void browser_h(const struct rtp_hdr *h, uint64_t now_us, void *arg)
{
    int16_t pcm[CODEC_SAMPLES_MAX];
    size_t n;

    (void)now_us;
    (void)arg;
    if (h->pt == RIG_OPUS && !codec_dec_frame(opus_dec, h->payload, h->len, pcm, &n))
        hear(pcm, n);
}

static size_t speak(struct talker *t, uint8_t *payload)
{
    int16_t pcm[FRAME];
    size_t n = FRAME;

    for (size_t i = 0; i < FRAME; i++)
        pcm[i] = (int16_t)(8000 * sin(2 * M_PI * TALK_HZ * (double)(t->n * FRAME + i) / 8000));
    t->n++;
    if (t->codec == MEDIA_OPUS)
        return codec_enc_frame(t->opus, pcm, FRAME, payload, RTP_PAYLOAD_MAX, &n) ? 0 : n;
    if (t->codec == MEDIA_PCMA)
        g711_alaw_enc(payload, pcm, FRAME);
    else
        g711_ulaw_enc(payload, pcm, FRAME);
    return n;
}

static uint8_t pt_of(enum media_codec c)
{
    return c == MEDIA_OPUS ? RIG_OPUS : c == MEDIA_PCMA ? 8 : 0;
}

static void browser_talks(unsigned frames)
{
    uint8_t p[RTP_PAYLOAD_MAX];

    for (; frames; frames--) {
        uint32_t ts = browser.n * codec_clock_rate(browser.codec) / 50;
        size_t n = speak(&browser, p);

        CHECK_EQ_INT(fbrowser_send(rig.browser, pt_of(browser.codec), false, ts, p, n), 0);
        rig_wait(20);
    }
}

static void trunk_talks(unsigned frames)
{
    for (; frames; frames--) {
        uint8_t buf[RTP_PACKET_MAX];
        struct rtp_hdr h = {
            .pt = pt_of(trunk.codec), .seq = (uint16_t)trunk.n, .ts = trunk.n * FRAME, .ssrc = 7};
        struct udp_packet pkt = {.p = buf};

        (void)addr_parse_ip(&pkt.src, "127.0.0.1", udp_port(&rig.trunk));
        pkt.n = rtp_build(buf, &h) + speak(&trunk, buf + RTP_HEADER);
        path_trunk_rtp(rig.path, &pkt, rig.now_us);
        rig_wait(20);
    }
}

static bool up(bool events)
{
    memset(&ears, 0, sizeof(ears));
    browser = trunk = (struct talker){.codec = MEDIA_PCMU};
    rig_wish.no_events = !events;
    rig_wish.rtph = browser_h;
    return !codec_enc_alloc(&browser.opus, MEDIA_OPUS, CODEC_BITRATE) &&
           !codec_dec_alloc(&opus_dec, MEDIA_OPUS) && rig_up(MEDIA_OPUS);
}

static void down(void)
{
    rig_stop();
    codec_enc_free(browser.opus);
    codec_dec_free(opus_dec);
}

/* All that the trunk has heard since the last call, as PCM in ears. */
static void at_trunk(void)
{
    int16_t pcm[FRAME];

    ears.pcm_count = 0;
    for (unsigned i = 0; i < rig.heard_count; i++) {
        g711_ulaw_dec(pcm, rig.heard[i].payload, rig.heard[i].h.len);
        hear(pcm, rig.heard[i].h.len);
    }
    rig.heard_count = 0;
}

static double share(double hz, size_t samples)
{
    double rms;

    return mediacall_tone_share(&ears, hz, samples, &rms);
}

TEST(a_browser_may_switch_to_any_listed_codec)
{
    static const enum media_codec codecs[] = {MEDIA_OPUS, MEDIA_PCMU, MEDIA_OPUS, MEDIA_PCMA};

    CHECK(up(true));
    for (size_t i = 0; i < 4; i++) {
        browser.codec = codecs[i];
        browser_talks(50);
        at_trunk();
        CHECK(ears.pcm_count >= 40 * FRAME); /* the jitter buffer fills anew */
        CHECK(share(TALK_HZ, 30 * FRAME) > 0.98);
    }
    down();
}

TEST(a_trunk_may_switch_to_any_listed_codec)
{
    CHECK(up(true));
    for (int i = 0; i < 4; i++) {
        trunk.codec = i % 2 ? MEDIA_PCMU : MEDIA_PCMA;
        ears.pcm_count = 0;
        trunk_talks(50);
        CHECK_EQ_INT(ears.pcm_count, 50 * FRAME);
        CHECK(share(TALK_HZ, 45 * FRAME) > 0.95);
    }
    down();
}

static struct {
    unsigned key, quiet, talk, other;
} frames;

static double bin(const int16_t *pcm, double hz, double *power)
{
    double re = 0, im = 0;

    *power = 0;
    for (size_t i = 0; i < FRAME; i++) {
        re += pcm[i] * cos(2 * M_PI * hz * (double)i / 8000);
        im += pcm[i] * sin(2 * M_PI * hz * (double)i / 8000);
        *power += (double)pcm[i] * pcm[i];
    }
    return *power > 0 ? 2 * (re * re + im * im) / (FRAME * *power) : 0;
}

/* Frames of a key's two tones, of silence, of speech, and those that begin or end one. */
static void frames_count(double low, double high)
{
    memset(&frames, 0, sizeof(frames));
    for (size_t at = 0; at + FRAME <= ears.pcm_count; at += FRAME) {
        const int16_t *pcm = ears.pcm + at;
        double power, both = bin(pcm, low, &power) + bin(pcm, high, &power);

        if (power / FRAME < 100 * 100)
            frames.quiet++;
        else if (both > 0.85)
            frames.key++;
        else if (bin(pcm, TALK_HZ, &power) > 0.85)
            frames.talk++;
        else
            frames.other++;
    }
}

static void key(enum media_side to, const char *digit)
{
    CHECK(path_dtmf_reserve(rig.path, to, 1));
    path_dtmf_queue(rig.path, to, digit, 100);
}

TEST(a_trunk_without_events_hears_tones_in_place_of_the_audio)
{
    CHECK(up(false));
    key(MEDIA_TRUNK, "5"); /* before anybody has said a word */
    rig_wait(400);
    at_trunk();
    frames_count(770, 1336);
    CHECK_EQ_INT(frames.key, 5);
    CHECK_EQ_INT(frames.quiet, 4); /* 70 ms at least */
    CHECK_EQ_INT(frames.talk + frames.other, 0);
    browser_talks(20);
    at_trunk();
    key(MEDIA_TRUNK, "#");
    browser_talks(30);
    at_trunk();
    frames_count(941, 1477);
    CHECK_EQ_INT(frames.key, 5);
    CHECK_EQ_INT(frames.quiet, 4);
    CHECK(frames.talk >= 20 && frames.other <= 1);
    down();
}

/* Opus spreads a tone's edges over a frame more. */
TEST(a_browser_without_events_hears_tones_in_place_of_the_audio)
{
    CHECK(up(false));
    trunk_talks(20);
    ears.pcm_count = 0;
    key(MEDIA_BROWSER, "d");
    trunk_talks(30);
    frames_count(941, 1633);
    CHECK(frames.key >= 4 && frames.key <= 6);
    CHECK(frames.quiet >= 2 && frames.quiet <= 4);
    CHECK(frames.talk >= 18 && frames.other <= 4);
    down();
}

/* 400 ms in place of the caller's audio, and then that audio. */
TEST(a_beep_comes_before_the_caller)
{
    CHECK(up(true));
    trunk_talks(10);
    for (int ringback = 0; ringback < 2; ringback++) {
        path_set_tone(rig.path, ringback ? MEDIA_TONE_RINGBACK : MEDIA_TONE_NONE, rig.now_us);
        path_set_tone(rig.path, MEDIA_TONE_BEEP, rig.now_us);
        path_set_tone(rig.path, MEDIA_TONE_NONE, rig.now_us); /* does not cut it */
        ears.pcm_count = 0;
        trunk_talks(40);
        frames_count(1000, 3333);
        CHECK(frames.key >= 9 && frames.key <= 13);    /* 120 ms twice */
        CHECK(frames.quiet >= 6 && frames.quiet <= 9); /* 80 ms behind each */
        CHECK(frames.talk >= 17 && frames.talk <= 21);
    }
    down();
}
