/* A call through a path, end to end on loopback: audio, digits, holds. */
/* TSAN */
/* SLOW */
#include "metrics.h"
#include "fake/mediacall.h"
#include "media/g711.h"
#include "media/jbuf.h"
#include "media/quality.h"
#define TESTING_NO_OOM "threads and sockets: what they wait for would not come"
#include "testing.h"

#include <math.h>

static struct mediacall call;

enum { SECOND = 8000, FRAME = 160 };

/* Share of a second's energy that is not the tone (measured in pieces of 50 ms), or 1 when the level is wrong (the fakes' is 8000 peak). */
static double spoilt(const struct mediacall_sink *s, double hz)
{
    double rms, share = mediacall_tone_share(s, hz, SECOND, &rms);

    return rms > 4000 && rms < 7500 ? 1 - share : 1;
}

static bool hears(const struct mediacall_sink *s, double hz)
{
    return spoilt(s, hz) < 0.1;
}

/* Frames that the jitter buffer had to make up because packets came late; as of a second ago. */
static double made_up(void)
{
    return metric_value("dngate_jitter_buffer_made_frames_total{reason=\"lost\"}") +
           metric_value("dngate_jitter_buffer_made_frames_total{reason=\"silent\"}");
}

static bool two_seconds_both_ways(struct mediacall *c)
{
    return c->at_browser.pcm_count > 2 * SECOND && c->at_trunk.pcm_count > 2 * SECOND;
}

/* Towards the browser nothing is made up; towards the trunk what a pause of the machine makes late may spoil its own 50 ms and the
 * next, and nothing else. */
static void talk_both_ways(const struct mediacall_config *cfg)
{
    double trunk;

    CHECK_EQ_INT(mediacall_start(&call, cfg), 0);
    CHECK(mediacall_run(&call, mediacall_up, 8000));
    call.browser_talks = call.trunk_talks = true;
    CHECK(mediacall_run(&call, two_seconds_both_ways, 15000));
    trunk = spoilt(&call.at_trunk, 440);
    CHECK(hears(&call.at_browser, 1000));
    (void)mediacall_run(&call, NULL, 1100); /* until the figures of that second are there */
    CHECK(trunk < 0.1 + 0.1 * made_up());
    CHECK_EQ_INT(call.at_trunk.ssrcs, 1);
    CHECK_EQ_INT(call.at_trunk.last.ssrc, call.local.trunk_ssrc);
    CHECK_EQ_INT(call.at_trunk.gaps, 0);
    CHECK_EQ_INT(call.at_browser.ssrcs, 1);
    CHECK_EQ_INT(call.at_browser.last.ssrc, call.local.ssrc);
    CHECK_EQ_INT(call.at_browser.gaps, 0);
}

TEST(opus_call_carries_audio_both_ways_when_the_browser_offers)
{
    struct mediacall_config cfg = {.browser = MEDIA_OPUS, .trunk = MEDIA_PCMU};

    talk_both_ways(&cfg);
    mediacall_stop(&call);
}

TEST(opus_call_carries_audio_both_ways_when_we_offer)
{
    struct mediacall_config cfg = {.browser = MEDIA_OPUS, .trunk = MEDIA_PCMA, .we_offer = true};

    talk_both_ways(&cfg);
    mediacall_stop(&call);
}

TEST(ulaw_browser_to_alaw_trunk)
{
    struct mediacall_config cfg = {.browser = MEDIA_PCMU, .trunk = MEDIA_PCMA};

    talk_both_ways(&cfg);
    mediacall_stop(&call);
}

TEST(the_same_g711_goes_straight_through)
{
    struct mediacall_config cfg = {.browser = MEDIA_PCMU, .trunk = MEDIA_PCMU};

    talk_both_ways(&cfg);
    mediacall_stop(&call);
}

static bool all_counted(struct mediacall *c)
{
    struct media_event ev;

    return !media_path_stats(c->path, &ev) && ev.browser.packets == c->browser_n &&
           ev.trunk.packets == c->trunk_n;
}

/* What the counted figures give: nothing was lost. */
static double mos_of(const struct media_stream_stats *st, double rtt_ms, double buffer_ms)
{
    struct quality_input q = {.codec = st->codec,
                              .loss = (double)st->dropped / (double)st->packets,
                              .rtt_ms = rtt_ms,
                              .jitter_ms = st->jitter_ms,
                              .buffer_ms = buffer_ms};

    return quality_mos(&q);
}

TEST(the_end_reports_what_was_heard)
{
    struct mediacall_config cfg = {.browser = MEDIA_OPUS, .trunk = MEDIA_PCMU};
    const struct media_event *ev;
    struct media_event running;

    talk_both_ways(&cfg);
    CHECK_EQ_INT(media_path_stats(call.path, &running), 0);
    CHECK(running.trunk.packets > 50); /* figures of up to a second ago */
    call.browser_talks = call.trunk_talks = false;
    CHECK(mediacall_run(&call, all_counted, 8000));
    media_path_close(call.path);
    CHECK(mediacall_run(&call, mediacall_ended, 8000));
    ev = mediacall_event(&call, MEDIA_ENDED);
    CHECK_EQ_INT(ev->browser.codec, MEDIA_OPUS);
    CHECK_EQ_INT(ev->trunk.codec, MEDIA_PCMU);
    CHECK_EQ_INT(ev->browser.packets, call.browser_n);
    CHECK_EQ_INT(ev->trunk.packets, call.trunk_n);
    CHECK_EQ_INT(ev->trunk.bytes, call.trunk_n * 160);
    CHECK_EQ_INT(ev->trunk.lost + ev->browser.lost + ev->trunk.dropped, 0);
    CHECK(fabs(ev->trunk.mos - mos_of(&ev->trunk, 0, 0)) < 0.01); /* no buffer: from its jitter */
    CHECK(ev->browser.mos <= mos_of(&ev->browser, 0, JBUF_MIN_MS) + 0.01);
    CHECK(ev->browser.mos >= mos_of(&ev->browser, ev->rtt_ms, JBUF_MAX_MS) - 0.01);
    mediacall_stop(&call);
}

static bool both_reported(struct mediacall *c)
{
    return c->trunk_rtcp > 0 && fbrowser_counts(c->browser)->rtcp > 0;
}

TEST(both_sides_get_rtcp)
{
    struct mediacall_config cfg = {.browser = MEDIA_PCMU, .trunk = MEDIA_PCMU};

    CHECK_EQ_INT(mediacall_start(&call, &cfg), 0);
    CHECK(mediacall_run(&call, mediacall_up, 8000));
    call.browser_talks = call.trunk_talks = true;
    CHECK(mediacall_run(&call, both_reported, 15000));
    CHECK_EQ_INT(fbrowser_counts(call.browser)->bad, 0);
    mediacall_stop(&call);
}

static bool thirty_packets_at_trunk(struct mediacall *c)
{
    return c->at_trunk.packets >= 30;
}

/* The trunk asks for another packet length than the browser's 20 ms. */
TEST(packets_have_the_length_the_trunk_asks_for)
{
    static const uint32_t ptimes[] = {10, 30, 60};

    for (size_t i = 0; i < 3; i++) {
        struct mediacall_config cfg = {.browser = MEDIA_OPUS, .trunk = MEDIA_PCMU, .no_trunk = true};
        struct media_trunk t;

        CHECK_EQ_INT(mediacall_start(&call, &cfg), 0);
        mediacall_trunk(&call, &t);
        t.ptime_ms = ptimes[i];
        CHECK_EQ_INT(media_path_trunk(call.path, &t), 0);
        CHECK(mediacall_run(&call, mediacall_up, 8000));
        call.browser_talks = true;
        CHECK(mediacall_run(&call, thirty_packets_at_trunk, 8000));
        CHECK_EQ_INT(call.at_trunk.payload_len, ptimes[i] * 8);
        uint32_t ticks = call.at_trunk.last.ts - call.at_trunk.first.ts,
                 whole = (uint32_t)(call.at_trunk.packets - 1) * ptimes[i] * 8;
        /* a pause of the machine shows as a marker and in the timestamps */
        CHECK(call.at_trunk.markers <= 1 ? ticks == whole : ticks > whole);
        CHECK_EQ_INT(call.at_trunk.gaps, 0);
        mediacall_stop(&call);
    }
}

static bool a_second_at_browser(struct mediacall *c)
{
    return c->at_browser.pcm_count >= SECOND;
}

/* … and sends other lengths: the browser gets 20 ms frames without a hole. */
TEST(any_packet_length_of_the_trunk_is_taken)
{
    static const uint32_t lens[] = {80, 240, 320, 480};

    for (size_t k = 0; k < 4; k++) {
        struct mediacall_config cfg = {.browser = MEDIA_OPUS, .trunk = MEDIA_PCMU};
        uint8_t payload[480];

        CHECK_EQ_INT(mediacall_start(&call, &cfg), 0);
        CHECK(mediacall_run(&call, mediacall_up, 8000));
        for (uint32_t at = 0; at < 10000; at += lens[k]) {
            for (size_t i = 0; i < lens[k]; i++) {
                int16_t v = (int16_t)(8000 * sin(2 * M_PI * 1000 * (double)(at + i) / 8000));

                g711_ulaw_enc(payload + i, &v, 1);
            }
            CHECK_EQ_INT(mediacall_trunk_send(&call, &call.rtp, 0, at, payload, lens[k]), 0);
            (void)mediacall_run(&call, NULL, lens[k] / 16); /* twice as fast as life */
        }
        CHECK(mediacall_run(&call, a_second_at_browser, 8000));
        CHECK(hears(&call.at_browser, 1000));
        CHECK_EQ_INT(call.at_browser.gaps, 0);
        CHECK_EQ_INT(call.at_browser.last.ts - call.at_browser.first.ts, (call.at_browser.packets - 1) * 960);
        mediacall_stop(&call);
    }
}

/* Returns the timestamp of what comes next. */
static uint32_t frames_at_trunk(unsigned frames, uint32_t ts)
{
    static const uint8_t payload[160];

    while (frames--) {
        (void)mediacall_trunk_send(&call, &call.rtp, 0, ts, payload, sizeof(payload));
        ts += 160;
    }
    return ts;
}

static uint64_t heard_frames;

static bool heard_so_many(struct mediacall *c)
{
    return c->at_browser.packets == heard_frames;
}

static uint16_t numbers_at_browser(void)
{
    return (uint16_t)(call.at_browser.last.seq - call.at_browser.first.seq);
}

/* RFC 3550 5.1: who pauses leaves out time and no numbers, comfort noise or none; only what is lost leaves numbers out as well. */
TEST(a_pause_of_the_trunk_is_no_loss)
{
    struct mediacall_config cfg = {.browser = MEDIA_OPUS, .trunk = MEDIA_PCMU};
    const uint8_t noise = 60;
    uint32_t ts = 0;

    CHECK_EQ_INT(mediacall_start(&call, &cfg), 0);
    CHECK(mediacall_run(&call, mediacall_up, 8000));
    ts = frames_at_trunk(4, ts) + 3200;
    ts = frames_at_trunk(4, ts);
    CHECK_EQ_INT(mediacall_trunk_send(&call, &call.rtp, 13, ts, &noise, 1), 0);
    ts = frames_at_trunk(4, ts + 4000);
    heard_frames = 12;
    CHECK(mediacall_run(&call, heard_so_many, 8000));
    CHECK_EQ_INT(call.at_browser.gaps, 0);
    CHECK_EQ_INT(numbers_at_browser(), 11);
    CHECK_EQ_INT(call.at_browser.last.ts - call.at_browser.first.ts, (11 * 160 + 3200 + 4000) * 6);

    call.trunk_seq = (uint16_t)(call.trunk_seq + 3);
    ts = frames_at_trunk(4, ts + 3 * 160);
    call.trunk_seq = (uint16_t)(call.trunk_seq + 2); /* lost, and then a pause */
    (void)frames_at_trunk(4, ts + 2 * 160 + 3200);
    heard_frames = 20;
    CHECK(mediacall_run(&call, heard_so_many, 8000));
    CHECK_EQ_INT(call.at_browser.gaps, 2);
    CHECK_EQ_INT(numbers_at_browser(), 19 + 3 + 2);
    mediacall_stop(&call);
}

static struct udp six;

/* What the trunk's IPv6 socket got. */
static bool heard_by_six(struct mediacall *c)
{
    return udp_read(c->reader, &six) > 0;
}

static bool heard_by_browser(struct mediacall *c)
{
    return c->at_browser.packets > 0;
}

/* bind.address names one address of each family: the port pair is open on both. */
TEST(rtp_is_open_on_every_address)
{
    struct mediacall_config cfg = {
        .browser = MEDIA_PCMU, .trunk = MEDIA_PCMU, .no_trunk = true, .both_families = true};
    const uint8_t silence[FRAME] = {0};
    struct media_trunk t;
    struct addr lo;

    CHECK_EQ_INT(addr_parse_ip(&lo, "::1", 0), 0);
    if (udp_bind(&six, &lo, false, 0)) {
        printf("# no IPv6 here\n");
        return;
    }
    CHECK_EQ_INT(mediacall_start(&call, &cfg), 0);
    CHECK(mediacall_run(&call, mediacall_up, 8000));
    mediacall_trunk(&call, &t);
    CHECK_EQ_INT(addr_parse_ip(&t.rtp, "::1", udp_port(&six)), 0);
    t.rtcp = (struct addr){0};
    CHECK_EQ_INT(media_path_trunk(call.path, &t), 0);
    call.browser_talks = true;
    CHECK(mediacall_run(&call, heard_by_six, 8000));
    CHECK_EQ_INT(addr_parse_ip(&call.path_addr, "::1", call.local.rtp_port), 0);
    CHECK_EQ_INT(mediacall_trunk_send(&call, &six, 0, 160, silence, sizeof(silence)), 0);
    CHECK(mediacall_run(&call, heard_by_browser, 8000));
    mediacall_stop(&call);
    udp_close(&six);
}
