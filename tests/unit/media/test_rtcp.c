/* RTCP: reports there and back, and the figures they carry. */
#include "media/rtcp.h"
#include "testing.h"
#include <errno.h>
#include <math.h>

static void receive(struct rtcp_recv *r, uint16_t seq, uint32_t ts, uint32_t ssrc, uint64_t now)
{
    static const uint8_t data[160];
    struct rtp_hdr h = {.seq = seq, .ts = ts, .ssrc = ssrc, .payload = data, .len = sizeof(data)};

    rtcp_recv_packet(r, &h, now);
}

TEST(report_goes_round)
{
    struct rtcp_send s;
    struct rtcp_recv r;
    struct rtcp_msg m;
    uint8_t p[RTCP_PACKET_MAX];
    size_t n;

    rtcp_send_init(&s, 0x11, 8000);
    rtcp_recv_init(&r, 8000);
    n = rtcp_build(p, sizeof(p), &s, &r, "abc@dngate", false, 1000000);
    CHECK_EQ_INT(rtcp_parse(&m, p, n), 0); /* nothing sent, nothing received: an empty RR */
    CHECK(!m.sr && m.count == 0 && m.ssrc == 0x11 && !m.bye);
    CHECK_STR(m.cname, "abc@dngate");
    rtcp_send_packet(&s, 16000, 160, 2000000);
    receive(&r, 1, 160, 0x22, 2000000);
    receive(&r, 3, 480, 0x22, 2040000);
    n = rtcp_build(p, sizeof(p), &s, &r, "abc@dngate", true, 2500000);
    CHECK_EQ_INT(n % 4, 0);
    CHECK_EQ_INT(rtcp_parse(&m, p, n), 0);
    CHECK(m.sr && m.bye);
    CHECK_EQ_INT(m.rtp_ts, 16000 + 4000);
    CHECK_EQ_INT(m.packets, 1);
    CHECK_EQ_INT(m.octets, 160);
    CHECK_EQ_INT(m.count, 1);
    CHECK(rtcp_block_of(&m, 0x22) && !rtcp_block_of(&m, 0x23));
    CHECK_EQ_INT(m.blocks[0].lost, 1);
    CHECK_EQ_INT(m.blocks[0].fraction, 256 / 3);
    CHECK_EQ_INT(m.blocks[0].ext_seq, 3);
    n = rtcp_build(p, sizeof(p), &s, &r, "", false, 2600000);
    CHECK_EQ_INT(rtcp_parse(&m, p, n), 0);
    CHECK(!m.sr && m.blocks[0].fraction == 0 && m.blocks[0].lost == 1);
    for (size_t sz = 0; sz < 60; sz++)
        CHECK_EQ_INT(rtcp_build(p, sz, &s, &r, "abc@dngate", true, 2700000), 0);
}

TEST(every_cname_length_fits_the_words)
{
    char cname[100] = "";
    struct rtcp_send s;
    struct rtcp_msg m;
    uint8_t p[RTCP_PACKET_MAX];

    rtcp_send_init(&s, 1, 8000);
    for (size_t i = 0; i < 99; i++) {
        size_t n = rtcp_build(p, sizeof(p), &s, NULL, cname, true, 1);

        CHECK(n && n % 4 == 0);
        CHECK_EQ_INT(rtcp_parse(&m, p, n), 0);
        CHECK(m.bye && strlen(m.cname) == (i < RTCP_CNAME_MAX ? i : RTCP_CNAME_MAX - 1));
        cname[i] = 'x';
    }
}

TEST(round_trip_time)
{
    struct rtcp_send a, b;
    struct rtcp_recv ra, rb;
    struct rtcp_msg m;
    uint8_t p[RTCP_PACKET_MAX];
    size_t n;
    int64_t rtt;

    rtcp_send_init(&a, 1, 8000);
    rtcp_send_init(&b, 2, 8000);
    rtcp_recv_init(&ra, 8000);
    rtcp_recv_init(&rb, 8000);
    receive(&rb, 1, 1, 1, 900000);
    rtcp_send_packet(&a, 1, 160, 900000);
    n = rtcp_build(p, sizeof(p), &a, &ra, "a", false, 1000000);
    CHECK_EQ_INT(rtcp_parse(&m, p, n), 0);
    rtcp_recv_report(&rb, &m, 1030000); /* 30 ms there, 2 s at b, 50 ms back */
    n = rtcp_build(p, sizeof(p), &b, &rb, "b", false, 3030000);
    CHECK_EQ_INT(rtcp_parse(&m, p, n), 0);
    rtt = rtcp_rtt_us(&m.blocks[0], 3080000);
    CHECK(rtt > 79900 && rtt < 80100);
    m.blocks[0].lsr = 0;
    CHECK_EQ_INT(rtcp_rtt_us(&m.blocks[0], 3080000), -1);
    m.blocks[0].lsr = 0x12345678; /* made up */
    m.blocks[0].dlsr = 0xf0000000;
    CHECK(rtcp_rtt_us(&m.blocks[0], 3080000) >= -1);
}

TEST(loss_over_the_wrap_and_a_restart)
{
    struct rtcp_recv r;
    uint64_t now = 0;

    rtcp_recv_init(&r, 8000);
    for (unsigned i = 0; i < 70000; i++, now += 20000)
        if (i % 10)
            receive(&r, (uint16_t)(60001 + i), i * 160, 1, now);
    CHECK_EQ_INT(rtcp_recv_expected(&r), 69999); /* the first one that came is where counting starts */
    CHECK_EQ_INT(rtcp_recv_lost(&r), 6999);
    for (unsigned i = 0; i < 100; i++, now += 20000)
        receive(&r, (uint16_t)(5 + i), i * 160, 2, now); /* another source */
    CHECK_EQ_INT(rtcp_recv_expected(&r), 70099);
    CHECK_EQ_INT(rtcp_recv_lost(&r), 6999);
    receive(&r, 30000, 0, 2, now); /* one stray number changes nothing, two in a row are a restart */
    CHECK_EQ_INT(rtcp_recv_expected(&r), 70099);
    receive(&r, 30001, 160, 2, now);
    CHECK_EQ_INT(rtcp_recv_expected(&r), 70100);
    CHECK_EQ_INT(r.packets, 63000 + 102);
}

TEST(duplicates_make_no_negative_loss)
{
    struct rtcp_recv r;
    struct rtcp_send s;
    struct rtcp_msg m;
    uint8_t p[RTCP_PACKET_MAX];
    size_t n;

    rtcp_recv_init(&r, 8000);
    rtcp_send_init(&s, 9, 8000);
    for (unsigned i = 0; i < 50; i++) {
        receive(&r, (uint16_t)i, i * 160, 1, i * 20000);
        receive(&r, (uint16_t)i, i * 160, 1, i * 20000);
    }
    CHECK_EQ_INT(rtcp_recv_lost(&r), 0);
    n = rtcp_build(p, sizeof(p), &s, &r, "x", false, 2000000);
    CHECK_EQ_INT(rtcp_parse(&m, p, n), 0);
    CHECK_EQ_INT(m.blocks[0].lost, -50); /* RFC 3550 6.4.1: may be negative */
    CHECK_EQ_INT(m.blocks[0].fraction, 0);
}

TEST(jitter_in_milliseconds)
{
    static const uint32_t rates[] = {8000, 48000};

    for (unsigned k = 0; k < 2; k++) {
        struct rtcp_recv r;

        rtcp_recv_init(&r, rates[k]);
        for (unsigned i = 0; i < 1000; i++)
            receive(&r, (uint16_t)i, i * rates[k] / 50, 1, 1000000 + i * 20000 + (i & 1) * 10000);
        CHECK(fabs(rtcp_recv_jitter_ms(&r) - 10.0) < 0.1);
        rtcp_recv_rate(&r, 16000);
        CHECK(fabs(rtcp_recv_jitter_ms(&r) - 10.0) < 0.1);
    }
}

TEST(events_are_no_jitter)
{
    struct rtcp_recv r;
    uint16_t seq = 0;

    rtcp_recv_init(&r, 8000);
    for (unsigned i = 0; i < 1000;
         i++) /* of every 50 packets 10 are an event with the timestamp of its start */
        receive(&r, seq++, (i % 50 < 10 ? i - i % 50 : i) * 160, 1, 1000000 + i * 20000);
    CHECK(rtcp_recv_jitter_ms(&r) < 0.1);
}

TEST(broken_compounds_are_refused_whole)
{
    struct rtcp_send s;
    struct rtcp_recv r;
    struct rtcp_msg m;
    uint8_t p[RTCP_PACKET_MAX + 8];
    size_t n;

    rtcp_send_init(&s, 1, 8000);
    rtcp_recv_init(&r, 8000);
    receive(&r, 1, 1, 2, 1);
    rtcp_send_packet(&s, 1, 1, 1);
    n = rtcp_build(p, sizeof(p), &s, &r, "cname", true, 1000);
    for (size_t cut = 0; cut < n; cut++)
        CHECK_EQ_INT(rtcp_parse(&m, p, cut),
                     cut == 52 || cut == 68 ? 0 : EBADMSG); /* behind the SR, the SDES */
    p[0] = 0x9f;                                            /* 31 blocks where there is one */
    CHECK_EQ_INT(rtcp_parse(&m, p, n), EBADMSG);
    p[0] = 0x41;
    CHECK_EQ_INT(rtcp_parse(&m, p, n), EBADMSG);
}

TEST(feedback_is_skipped)
{
    static const uint8_t p[] = {0x81, 201, 0, 7, 0, 0, 0,    1,   0, 0, 0, 9, 64, 0,    0,   1, 0, 0, 0,
                                5,    0,   0, 0, 6, 0, 0,    0,   0, 0, 0, 0, 0,  0x81, 206, 0, 2, 0, 0,
                                0,    1,   0, 0, 0, 9, 0x8f, 205, 0, 2, 0, 0, 0,  1,    0,   0, 0, 9};
    struct rtcp_msg m;

    CHECK_EQ_INT(rtcp_parse(&m, p, sizeof(p)), 0);
    CHECK_EQ_INT(m.count, 1);
    CHECK_EQ_INT(m.blocks[0].fraction, 64);
}

TEST(intervals_vary)
{
    uint64_t least = UINT64_MAX, most = 0;

    for (unsigned i = 0; i < 1000; i++) {
        uint64_t us = rtcp_interval_us(false);

        least = us < least ? us : least;
        most = us > most ? us : most;
        CHECK(rtcp_interval_us(true) <= 3750000);
    }
    CHECK(least >= 2500000 && least < 3000000 && most <= 7500000 && most > 7000000);
}
