/* RTP headers: what is taken, what is refused, and one stream out of several sources. */
#include "media/rtp.h"
#include "testing.h"
#include <errno.h>

TEST(builds_what_it_parses)
{
    uint8_t p[RTP_HEADER + 3] = {0};
    struct rtp_hdr in = {.marker = true, .pt = 111, .seq = 0xfffe, .ts = 0x80000001, .ssrc = 0xdeadbeef}, out;

    CHECK_EQ_INT(rtp_build(p, &in), RTP_HEADER);
    CHECK_EQ_INT(rtp_parse(&out, p, sizeof(p)), 0);
    CHECK(out.marker && out.pt == 111 && out.seq == 0xfffe && out.ts == 0x80000001 && out.ssrc == 0xdeadbeef);
    CHECK(out.payload == p + RTP_HEADER);
    CHECK_EQ_INT(out.len, 3);
}

TEST(leaves_out_csrc_extension_and_padding)
{
    static const uint8_t p[] = {
        0xb2, 0x60, 0, 1, 0, 0, 0, 2, 0,    0,    0, 3, /* P, X, two CSRCs; payload type 96 */
        1,    1,    1, 1, 2, 2, 2, 2, 0xbe, 0xde, 0, 1, 9, 9, 9, 9, 'a', 'b', 0, 2};
    struct rtp_hdr h;

    CHECK_EQ_INT(rtp_parse(&h, p, sizeof(p)), 0);
    CHECK_EQ_INT(h.len, 2);
    CHECK_MEM(h.payload, "ab", 2);
    for (size_t n = 0; n < 28; n++) /* cut anywhere before the payload: refused */
        CHECK_EQ_INT(rtp_parse(&h, p, n), EBADMSG);
}

TEST(refuses_broken_headers)
{
    uint8_t p[16] = {0x40};
    struct rtp_hdr h;

    CHECK_EQ_INT(rtp_parse(&h, p, sizeof(p)), EBADMSG); /* version 1 */
    p[0] = 0x8f;
    CHECK_EQ_INT(rtp_parse(&h, p, sizeof(p)), EBADMSG); /* 15 CSRCs in 4 bytes */
    p[0] = 0xa0;
    CHECK_EQ_INT(rtp_parse(&h, p, sizeof(p)), EBADMSG); /* padding of 0 */
    p[15] = 5;
    CHECK_EQ_INT(rtp_parse(&h, p, sizeof(p)), EBADMSG); /* more than there is */
    p[15] = 4;
    CHECK_EQ_INT(rtp_parse(&h, p, sizeof(p)), 0); /* nothing but padding */
    CHECK_EQ_INT(h.len, 0);
}

TEST(tells_rtcp_from_rtp)
{
    static const uint8_t sr[] = {0x80, 200}, rtp[] = {0x80, 0x80 | 0}, opus[] = {0x80, 111};

    CHECK(rtp_is_rtcp(sr, 2) && !rtp_is_rtcp(rtp, 2) && !rtp_is_rtcp(opus, 2) && !rtp_is_rtcp(sr, 1));
}

TEST(numbers_wrap)
{
    CHECK_EQ_INT(rtp_seq_diff(2, 65535), 3);
    CHECK_EQ_INT(rtp_seq_diff(65535, 2), -3);
    CHECK_EQ_INT(rtp_ts_diff(5, 0xffffffff), 6);
}

static struct rtp_hdr packet(uint16_t seq, uint32_t ts, uint32_t ssrc)
{
    return (struct rtp_hdr){.seq = seq, .ts = ts, .ssrc = ssrc};
}

TEST(relaying_keeps_gaps_and_order)
{
    struct rtp_splice s;
    struct rtp_hdr in = packet(65534, 1000, 5), first, out;

    rtp_splice_init(&s, 99, 8000);
    CHECK(rtp_splice_relay(&s, &in, 1000000, &first));
    CHECK(first.marker && first.ssrc == 99);
    in = packet(1, 1480, 5); /* two lost, over the wrap */
    CHECK(!rtp_splice_relay(&s, &in, 1060000, &out));
    CHECK_EQ_INT(rtp_seq_diff(out.seq, first.seq), 3);
    CHECK_EQ_INT(out.ts - first.ts, 480);
    in = packet(65535, 1160, 5); /* one of them comes late */
    CHECK(!rtp_splice_relay(&s, &in, 1061000, &out));
    CHECK_EQ_INT(rtp_seq_diff(out.seq, first.seq), 1);
    CHECK_EQ_INT(s.seq, (uint16_t)(first.seq + 3));
}

TEST(another_source_goes_on_where_the_last_one_stopped)
{
    struct rtp_splice s;
    struct rtp_hdr in = packet(10, 1000, 5), before, out;

    rtp_splice_init(&s, 99, 8000);
    rtp_splice_relay(&s, &in, 1000000, &before);
    in = packet(40000, 77, 6);
    CHECK(rtp_splice_relay(&s, &in, 1500000, &out));
    CHECK_EQ_INT(rtp_seq_diff(out.seq, before.seq), 1);
    CHECK_EQ_INT(out.ts - before.ts, 4000); /* half a second */
    CHECK(out.marker);
    before = out;
    in = packet(50000, 237, 6); /* the same source, restarted */
    CHECK(rtp_splice_relay(&s, &in, 1520000, &out));
    CHECK_EQ_INT(rtp_seq_diff(out.seq, before.seq), 1);
}

TEST(own_packets_follow_each_other_and_skip_pauses)
{
    struct rtp_splice s;
    struct rtp_hdr a, b, c, d, e;

    rtp_splice_init(&s, 99, 48000);
    rtp_splice_own(&s, 960, 1000000, &a);
    rtp_splice_own(&s, 960, 1023000, &b); /* a late tick shifts nothing */
    rtp_splice_own(&s, 960, 1023000, &c);
    CHECK(a.marker && !b.marker && !c.marker);
    CHECK_EQ_INT(b.ts - a.ts, 960);
    CHECK_EQ_INT(c.ts - b.ts, 960);
    CHECK_EQ_INT(rtp_seq_diff(c.seq, a.seq), 2);
    rtp_splice_own(&s, 960, 3023000, &d);
    CHECK(d.marker);
    CHECK_EQ_INT(d.ts - c.ts, 96000);
    rtp_splice_event(&s, d.ts, &e);
    CHECK_EQ_INT(rtp_seq_diff(e.seq, d.seq), 1);
    CHECK_EQ_INT(e.ts, d.ts);
}

/* Events begin anywhere in an audio packet's time and may be short: what follows is later for the receiver, too. */
TEST(audio_behind_an_event_is_later_than_it)
{
    for (uint32_t ms = 1; ms <= 120; ms++) {
        struct rtp_splice s;
        struct rtp_hdr before, event, own, in = packet(1, 1, 5), relayed;

        rtp_splice_init(&s, 99, 8000);
        rtp_splice_own(&s, 160, 1000000, &before);
        rtp_splice_event(&s, before.ts + ms * 8, &event);
        rtp_splice_own(&s, 160, 1000000 + (ms + 1) * 1000, &own);
        CHECK(rtp_ts_diff(own.ts, event.ts) > 0);
        CHECK_EQ_INT(rtp_seq_diff(own.seq, event.seq), 1);
        rtp_splice_event(&s, own.ts + ms * 8, &event);
        rtp_splice_relay(&s, &in, 1000000 + (2 * ms + 2) * 1000, &relayed);
        CHECK(rtp_ts_diff(relayed.ts, event.ts) > 0);
    }
}
