/* Trunks that speak G.722 or Opus: sound above 4 kHz, packets of any length, Opus straight through; and comfort noise. */
#include "fake/browser.h"
#include "media/path_down.h"
#define TESTING_NO_OOM "threads and sockets: what they wait for would not come"
#include "testing.h"

#include "pathrig.h"

#include <math.h>

enum {
    WIDE_HZ = 5500,
    TRUNK_OPUS = 107,
    TRUNK_EVENT = 96,
    CN = 13,
    PEAK = 8000,
    EARS_MAX = 16000 * 4,
    OUT_MAX = 256,
};

static struct {
    struct codec_dec *dec;
    int16_t pcm[EARS_MAX];
    size_t count;
    unsigned packets, gaps, events;
    struct rtp_hdr last;
    uint32_t ssrc, first_ts;
    uint32_t sum; /* of all payloads */
} ears;

static struct talker {
    enum media_codec codec;
    struct codec_enc *enc;
    uint32_t rate, n, ts; /* packets so far, and the next one's timestamp */
    uint16_t seq;
    uint32_t ssrc;
    double hz;
    uint32_t sum;
} browser, trunk;

static uint32_t sum_of(uint32_t sum, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sum = sum * 31 + p[i];
    return sum;
}

static void browser_h(const struct rtp_hdr *h, uint64_t now_us, void *arg)
{
    int16_t pcm[CODEC_WIDE_MAX];
    size_t n;

    (void)now_us;
    (void)arg;
    if (h->pt == RIG_EVENT) {
        ears.events++;
        return;
    }
    if (ears.packets && (uint16_t)(ears.last.seq + 1) != h->seq)
        ears.gaps++;
    if (!ears.packets)
        ears.first_ts = h->ts;
    ears.packets++;
    ears.last = *h;
    ears.ssrc = h->ssrc;
    ears.sum = sum_of(ears.sum, h->payload, h->len);
    if (codec_dec_frame(ears.dec, h->payload, h->len, pcm, &n) || ears.count + n > EARS_MAX)
        return;
    memcpy(ears.pcm + ears.count, pcm, n * sizeof(*pcm));
    ears.count += n;
}

static void talker_open(struct talker *t, enum media_codec c, double hz)
{
    *t = (struct talker){.codec = c,
                         .hz = hz,
                         .rate = codec_pcm_rate(c, MEDIA_OPUS),
                         .ts = 1000,
                         .seq = 77,
                         .ssrc = t->ssrc + 7};
    CHECK_OR(!codec_enc_alloc(&t->enc, c, 0), abort());
    codec_enc_rate(t->enc, t->rate);
}

static size_t speak(struct talker *t, unsigned ms, uint8_t *p)
{
    int16_t pcm[CODEC_WIDE_MAX];
    size_t samples = ms * t->rate / 1000, n = 0;

    for (size_t i = 0; i < samples; i++)
        pcm[i] = (int16_t)(PEAK * sin(2 * M_PI * t->hz * (double)(t->n++) / t->rate));
    CHECK_OR(!codec_enc_frame(t->enc, pcm, samples, p, RTP_PAYLOAD_MAX, &n), return 0);
    t->sum = sum_of(t->sum, p, n);
    return n;
}

static void trunk_packet(uint8_t pt, uint32_t ts, const uint8_t *p, size_t n)
{
    uint8_t buf[RTP_PACKET_MAX];
    struct rtp_hdr h = {.pt = pt, .seq = trunk.seq++, .ts = ts, .ssrc = trunk.ssrc};
    struct udp_packet pkt = {.p = buf};

    (void)addr_parse_ip(&pkt.src, "127.0.0.1", udp_port(&rig.trunk));
    pkt.n = rtp_build(buf, &h) + n;
    memcpy(buf + RTP_HEADER, p, n);
    path_trunk_rtp(rig.path, &pkt, rig.now_us);
}

static uint8_t trunk_pt(enum media_codec c)
{
    return c == MEDIA_OPUS ? TRUNK_OPUS : c == MEDIA_G722 ? 9 : c == MEDIA_PCMA ? 8 : 0;
}

static void trunk_talks(unsigned ms, unsigned ptime)
{
    uint8_t p[RTP_PAYLOAD_MAX];

    for (unsigned at = 0; at < ms; at += ptime) {
        size_t n = speak(&trunk, ptime, p);

        trunk_packet(trunk_pt(trunk.codec), trunk.ts, p, n);
        trunk.ts += ptime * codec_clock_rate(trunk.codec) / 1000;
        rig_wait(ptime);
    }
}

static void browser_talks(unsigned ms)
{
    uint8_t p[RTP_PAYLOAD_MAX];

    for (unsigned at = 0; at < ms; at += 20) {
        size_t n = speak(&browser, 20, p);

        CHECK_EQ_INT(
            fbrowser_send(rig.browser, browser.codec == MEDIA_OPUS ? RIG_OPUS : 0, false, browser.ts, p, n),
            0);
        browser.ts += codec_clock_rate(browser.codec) / 50;
        rig_wait(20);
    }
}

static struct media_trunk described(enum media_codec c, uint32_t ptime)
{
    struct media_trunk t = {.codec = c, .ptime_ms = ptime, .dir = MEDIA_SENDRECV};

    (void)media_formats_add(&t.formats, trunk_pt(c), c, codec_clock_rate(c));
    (void)media_formats_add(&t.formats, TRUNK_EVENT, MEDIA_EVENT, codec_clock_rate(c));
    return t;
}

static bool up(const struct media_trunk *t, enum media_codec codec, double trunk_hz, double browser_hz)
{
    memset(&ears, 0, sizeof(ears));
    rig_wish.rtph = browser_h;
    rig_wish.trunk = t;
    talker_open(&trunk, t->codec, trunk_hz);
    talker_open(&browser, codec, browser_hz);
    CHECK_OR(!codec_dec_alloc(&ears.dec, codec), return false);
    codec_dec_rate(ears.dec, browser.rate);
    return rig_up(codec);
}

static void down(void)
{
    rig_stop();
    codec_enc_free(trunk.enc);
    codec_enc_free(browser.enc);
    codec_dec_free(ears.dec);
}

/* Level at hz, in dB of the talkers' own. */
static double db_at(const int16_t *p, size_t n, double hz, double rate)
{
    double re = 0, im = 0;

    for (size_t i = 0; i < n; i++) {
        re += p[i] * cos(2 * M_PI * hz * (double)i / rate);
        im += p[i] * sin(2 * M_PI * hz * (double)i / rate);
    }
    return 10 * log10(4 * (re * re + im * im + 1) / ((double)n * (double)n * PEAK * PEAK));
}

static double browser_hears(double hz)
{
    const size_t n = browser.rate / 2; /* the newest half second */

    return ears.count < n ? -100 : db_at(ears.pcm + ears.count - n, n, hz, browser.rate);
}

/* What the trunk has heard, decoded; each packet so long, one behind the other. */
static double trunk_hears(double hz, unsigned ptime)
{
    static int16_t pcm[EARS_MAX];
    struct codec_dec *d;
    size_t count = 0, n;
    const size_t want = trunk.rate / 2;

    CHECK_OR(!codec_dec_alloc(&d, trunk.codec), return -100);
    codec_dec_rate(d, trunk.rate);
    for (unsigned i = 0; i < rig.heard_count; i++) {
        const struct rtp_hdr *h = &rig.heard[i].h;

        CHECK_OR(h->pt == trunk_pt(trunk.codec), return -100);
        CHECK_OR(!i || (uint16_t)(h->seq - rig.heard[i - 1].h.seq) == 1, return -100);
        CHECK_OR(!i || h->ts - rig.heard[i - 1].h.ts == ptime * codec_clock_rate(trunk.codec) / 1000,
                 return -100);
        CHECK_OR(count + CODEC_WIDE_MAX < EARS_MAX &&
                     !codec_dec_frame(d, h->payload, h->len, pcm + count, &n),
                 return -100);
        CHECK_OR(n == ptime * trunk.rate / 1000, return -100);
        count += n;
    }
    codec_dec_free(d);
    return count < want ? -100 : db_at(pcm + count - want, want, hz, trunk.rate);
}

TEST(g722_is_wideband_both_ways_in_packets_of_any_length)
{
    static const uint32_t ptimes[] = {10, 20, 30, 40, 50, 60};

    for (size_t i = 0; i < sizeof(ptimes) / sizeof(ptimes[0]); i++) {
        struct media_trunk t = described(MEDIA_G722, ptimes[i]);
        double to_browser, to_trunk;

        CHECK(up(&t, MEDIA_OPUS, WIDE_HZ, WIDE_HZ));
        trunk_talks(1200, ptimes[i]);
        CHECK_EQ_INT(ears.gaps, 0);
        CHECK_EQ_INT(ears.packets, 60);
        CHECK_EQ_INT(ears.last.ts - ears.first_ts, 59 * 960);
        to_browser = browser_hears(WIDE_HZ);
        browser_talks(1200);
        to_trunk = trunk_hears(WIDE_HZ, ptimes[i]);
        printf("  %u ms: %u Hz to the browser %.1f dB, to the trunk %.1f dB\n", ptimes[i], WIDE_HZ,
               to_browser, to_trunk);
        CHECK(fabs(to_browser) < 2 && fabs(to_trunk) < 2);
        down();
    }
}

TEST(a_g711_browser_and_a_trunk_of_g722_or_opus_understand_each_other)
{
    static const enum media_codec codecs[] = {MEDIA_G722, MEDIA_OPUS};

    for (size_t i = 0; i < 2; i++) {
        for (uint32_t ptime = 20; ptime <= 60; ptime += 40) {
            struct media_trunk t = described(codecs[i], ptime);

            CHECK(up(&t, MEDIA_PCMU, 1000, 1200));
            trunk_talks(1200, ptime);
            CHECK_EQ_INT(ears.gaps, 0);
            CHECK(fabs(browser_hears(1000)) < 1.5);
            browser_talks(1200);
            CHECK(fabs(trunk_hears(1200, ptime)) < 1.5);
            down();
        }
    }
}

TEST(opus_goes_straight_through_byte_by_byte)
{
    struct media_trunk t = described(MEDIA_OPUS, 20);
    uint32_t sum = 0;

    CHECK(up(&t, MEDIA_OPUS, WIDE_HZ, WIDE_HZ));
    trunk_talks(1000, 20);
    CHECK_EQ_INT(ears.packets, 50);
    CHECK_EQ_INT(ears.gaps, 0);
    CHECK_EQ_INT(ears.sum, trunk.sum);
    CHECK_EQ_INT(ears.last.pt, RIG_OPUS);
    CHECK_EQ_INT(ears.last.ts - ears.first_ts, 49 * 960);
    browser_talks(1000);
    CHECK_EQ_INT(rig.heard_count, 50);
    for (unsigned i = 0; i < rig.heard_count; i++)
        sum = sum_of(sum, rig.heard[i].payload, rig.heard[i].h.len);
    CHECK_EQ_INT(sum, browser.sum);
    CHECK_EQ_INT(rig.heard[49].h.ts - rig.heard[0].h.ts, 49 * 960);
    CHECK_EQ_INT(rig.heard[0].h.pt, TRUNK_OPUS);
    down();
}

static void trunk_presses(uint32_t ts, uint8_t event)
{
    for (unsigned i = 0; i < 8; i++) {
        uint8_t p[4] = {event, (uint8_t)(i > 4 ? 0x80 : 0), 0, 0};
        uint16_t len = (uint16_t)((i > 4 ? 5 : i + 1) * codec_clock_rate(trunk.codec) / 50);

        p[2] = (uint8_t)(len >> 8);
        p[3] = (uint8_t)len;
        trunk_packet(TRUNK_EVENT, ts, p, sizeof(p));
        rig_wait(20);
    }
}

TEST(keys_pass_beside_opus_and_g722_under_the_number_that_the_trunk_chose)
{
    static const enum media_codec codecs[] = {MEDIA_OPUS, MEDIA_G722};

    for (size_t i = 0; i < 2; i++) {
        struct media_trunk t = described(codecs[i], 20);
        unsigned events = 0;

        CHECK(up(&t, MEDIA_OPUS, 1000, 1000));
        trunk_talks(100, 20);
        trunk_presses(trunk.ts, 5);
        rig_wait(300);
        CHECK_EQ_INT(rig.digits, 1);
        CHECK(ears.events >= 5);
        CHECK(path_dtmf_reserve(rig.path, MEDIA_TRUNK, 1));
        path_dtmf_queue(rig.path, MEDIA_TRUNK, "7", 100);
        rig_wait(400);
        for (unsigned k = 0; k < rig.heard_count; k++)
            events += rig.heard[k].h.pt == TRUNK_EVENT && rig.heard[k].payload[0] == 7;
        CHECK(events >= 5);
        down();
    }
}

TEST(a_key_for_a_trunk_without_events_is_tones_in_its_own_codec)
{
    static const enum media_codec codecs[] = {MEDIA_OPUS, MEDIA_G722};

    for (size_t i = 0; i < 2; i++) {
        struct media_trunk t = described(codecs[i], 20);
        int16_t pcm[EARS_MAX / 8];
        struct codec_dec *d;
        size_t count = 0, n;

        t.formats.count = 1;
        CHECK(up(&t, MEDIA_OPUS, 1000, 1000));
        browser_talks(200);
        rig.heard_count = 0;
        CHECK(path_dtmf_reserve(rig.path, MEDIA_TRUNK, 1));
        path_dtmf_queue(rig.path, MEDIA_TRUNK, "5", 300);
        rig_wait(260);
        CHECK(rig.heard_count >= 10);
        CHECK_EQ_INT(codec_dec_alloc(&d, codecs[i]), 0);
        for (unsigned k = 0; k < 10; k++) {
            CHECK_EQ_INT(rig.heard[k].h.pt, trunk_pt(codecs[i]));
            CHECK_EQ_INT(codec_dec_frame(d, rig.heard[k].h.payload, rig.heard[k].h.len, pcm + count, &n), 0);
            count += n;
        }
        CHECK_EQ_INT(count, 10 * RIG_FRAME);
        CHECK(db_at(pcm + 800, 800, 770, 8000) > -6 && db_at(pcm + 800, 800, 1336, 8000) > -6);
        codec_dec_free(d);
        rig_wait(300);
        down();
    }
}

TEST(the_trunk_may_change_its_codec_and_the_browser_notices_nothing)
{
    static const enum media_codec codecs[] = {MEDIA_PCMU, MEDIA_G722, MEDIA_OPUS,
                                              MEDIA_PCMA, MEDIA_OPUS, MEDIA_G722};
    struct media_trunk t = described(MEDIA_PCMU, 20);
    uint32_t ssrc;

    CHECK(up(&t, MEDIA_OPUS, 1000, 1000));
    trunk_talks(200, 20);
    ssrc = ears.ssrc;
    for (size_t i = 0; i < sizeof(codecs) / sizeof(codecs[0]); i++) {
        t = described(codecs[i], 20);
        (void)addr_parse_ip(&t.rtp, "127.0.0.1", udp_port(&rig.trunk));
        path_set_trunk(rig.path, &t, rig.now_us);
        codec_enc_free(trunk.enc);
        talker_open(&trunk, codecs[i], 1000);
        trunk_talks(1000, 20);
        CHECK_EQ_INT(ears.ssrc, ssrc);
        CHECK_EQ_INT(ears.gaps, 0);
        CHECK(fabs(browser_hears(1000)) < 2);
        rig.heard_count = 0;
        browser_talks(1000);
        CHECK(rig.heard_count >= 45 && rig.heard_count <= 51);
        CHECK_EQ_INT(rig.heard[45].h.pt, trunk_pt(codecs[i]));
        ears.count = 0;
    }
    CHECK(ears.packets >= 300);
    down();
}

static double newest_rms(size_t n)
{
    double sum = 0;

    for (size_t i = ears.count - n; i < ears.count; i++)
        sum += (double)ears.pcm[i] * ears.pcm[i];
    return sqrt(sum / (double)n);
}

TEST(the_trunks_comfort_noise_is_heard_as_noise_of_its_level_until_it_speaks)
{
    static const enum media_codec codecs[] = {MEDIA_PCMU, MEDIA_G722, MEDIA_OPUS};
    static const uint8_t noise[] = {40, 100, 90}, loud[] = {0};

    for (size_t i = 0; i < 3; i++) {
        struct media_trunk t = described(codecs[i], 20);
        double db;

        CHECK(up(&t, MEDIA_OPUS, 1000, 1000));
        trunk_talks(200, 20);
        ears.count = ears.packets = ears.gaps = 0;
        trunk_packet(CN, trunk.ts, noise, sizeof(noise));
        rig_wait(1000);
        CHECK(ears.packets >= 49 && ears.packets <= 51);
        CHECK_EQ_INT(ears.gaps, 0);
        db = 20 * log10(newest_rms(browser.rate / 2) / 32768);
        printf("  %s: told -40 dBov, heard %.1f\n", media_codec_name(codecs[i]), db);
        CHECK(fabs(db + 40) < 4);
        trunk_packet(CN, trunk.ts + 8000, loud, sizeof(loud)); /* full scale is no comfort */
        rig_wait(1000);
        CHECK(20 * log10(newest_rms(browser.rate / 2) / 32768) < -26);
        trunk.ts += 2 * codec_clock_rate(codecs[i]);
        ears.packets = 0;
        trunk_talks(1000, 20);
        CHECK_EQ_INT(ears.packets, 50);
        CHECK(fabs(browser_hears(1000)) < 2);
        trunk_packet(CN, trunk.ts, noise, 0); /* an empty one: silence */
        path_set_tone(rig.path, MEDIA_TONE_RINGBACK, rig.now_us);
        ears.packets = 0;
        rig_wait(400);
        CHECK(ears.packets >= 19 && ears.packets <= 21); /* the tone alone */
        down();
    }
}

TEST(a_trunk_that_lists_comfort_noise_is_told_of_silence)
{
    for (int lists = 0; lists < 2; lists++) {
        struct media_trunk t = described(MEDIA_PCMA, 20);
        unsigned told = 0, audio = 0;

        if (lists)
            (void)media_formats_add(&t.formats, CN, MEDIA_CN, 8000);
        CHECK(up(&t, MEDIA_OPUS, 1000, 1000));
        browser_talks(400);
        rig.heard_count = 0;
        rig_wait(3000); /* the browser sends nothing: DTX */
        for (unsigned i = 0; i < rig.heard_count; i++) {
            told += rig.heard[i].h.pt == CN;
            audio += rig.heard[i].h.pt == 8;
            CHECK(rig.heard[i].h.pt != CN || (rig.heard[i].h.len == 1 && rig.heard[i].payload[0] <= 127 &&
                                              rig.heard[i].payload[0] >= 40 && !rig.heard[i].h.marker));
        }
        CHECK_EQ_INT(told, lists ? 3 : 0);
        CHECK(lists ? audio < 30 : audio > 100);
        rig.heard_count = 0;
        browser_talks(400);
        CHECK(rig.heard_count >= 15);
        CHECK_EQ_INT(rig.heard[rig.heard_count - 1].h.pt, 8);
        down();
    }
}

static unsigned noise_told(void)
{
    unsigned told = 0;

    for (unsigned i = 0; i < rig.heard_count; i++)
        told += rig.heard[i].h.pt == CN;
    return told;
}

/* Its clock is another than that of Opus, and our answer does not list it there. */
TEST(comfort_noise_is_not_sent_among_opus)
{
    struct media_trunk t = described(MEDIA_OPUS, 20);

    (void)media_formats_add(&t.formats, CN, MEDIA_CN, 8000);
    CHECK(up(&t, MEDIA_OPUS, 1000, 1000));
    browser_talks(400);
    rig_wait(1500);
    CHECK_EQ_INT(noise_told(), 0);
    CHECK(rig.heard_count >= 18);
    down();
}

TEST(a_long_key_is_no_silence)
{
    struct media_trunk t = described(MEDIA_PCMA, 20);

    (void)media_formats_add(&t.formats, CN, MEDIA_CN, 8000);
    CHECK(up(&t, MEDIA_OPUS, 1000, 1000));
    browser_talks(400);
    rig.heard_count = 0;
    CHECK(path_dtmf_reserve(rig.path, MEDIA_TRUNK, 1));
    path_dtmf_queue(rig.path, MEDIA_TRUNK, "5", 600);
    browser_talks(1000);
    CHECK_EQ_INT(noise_told(), 0);
    CHECK(rig.heard_count >= 40);
    down();
}
