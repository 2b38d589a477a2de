/* A path without a trunk: what a browser says comes back to it, and both ways are measured apart. On a clock of the test's own. */
#include "fake/browser.h"
#include "media/rtcp.h"
#define TESTING_NO_OOM "threads and sockets: what they wait for would not come"
#include "testing.h"

#include "pathrig.h"

#include <math.h>

enum { FRAME_TICKS = 960, SETTLE = 50, TOC_20MS = 0x08 /* RFC 6716 3.1: SILK, 20 ms, one frame */ };

static struct {
    unsigned count, gaps, ssrcs, disorder, last_number, wrong_pt;
    uint16_t seq;
    uint32_t ssrc, ts, ts_odd; /* steps that are no whole frames */
    struct rtcp_recv recv;     /* as a browser measures */
    struct rtcp_block said;    /* of what it sent */
    unsigned reports;
    bool sender;
} heard;

static void rtp_h(const struct rtp_hdr *h, uint64_t now_us, void *arg)
{
    const unsigned number = (unsigned)h->payload[1] << 8 | h->payload[2];

    (void)arg;
    if (!heard.count)
        rtcp_recv_init(&heard.recv, 48000);
    rtcp_recv_packet(&heard.recv, h, now_us);
    heard.wrong_pt += h->pt != RIG_OPUS;
    heard.ssrcs += !heard.count || h->ssrc != heard.ssrc;
    if (heard.count) {
        heard.gaps += (uint16_t)(h->seq - heard.seq) != 1;
        heard.ts_odd += (h->ts - heard.ts) % FRAME_TICKS != 0;
        heard.disorder += number <= heard.last_number;
    }
    heard.last_number = number;
    heard.ssrc = h->ssrc;
    heard.seq = h->seq;
    heard.ts = h->ts;
    heard.count++;
}

static void rtcp_h(const struct rtcp_msg *m, uint64_t now_us, void *arg)
{
    const struct rtcp_block *b = rtcp_block_of(m, fbrowser_ssrc(rig.browser));

    (void)now_us;
    (void)arg;
    heard.sender |= m->sr;
    if (b) {
        heard.said = *b;
        heard.reports++;
    }
}

static bool up(void)
{
    bool ok;

    memset(&heard, 0, sizeof(heard));
    rig_wish.echo = true;
    rig_wish.rtph = rtp_h;
    rig_wish.rtcph = rtcp_h;
    ok = rig_up(MEDIA_OPUS);
    memset(&rig_wish, 0, sizeof(rig_wish));
    return ok;
}

/* n frames, of which each `lose`th is lost on the way and each second comes late_ms late. */
static void say(unsigned n, unsigned lose, unsigned late_ms)
{
    static unsigned number;

    for (unsigned i = 0; i < n; i++, number++) {
        uint8_t frame[40] = {TOC_20MS, (uint8_t)((number + 1) >> 8), (uint8_t)(number + 1)};
        unsigned late = i % 2 ? late_ms : 0;

        rig_wait(late);
        if (lose && i % lose == lose - 1)
            fbrowser_skip(rig.browser);
        else
            CHECK_EQ_INT(
                fbrowser_send(rig.browser, RIG_OPUS, !number, number * FRAME_TICKS, frame, sizeof(frame)), 0);
        rig_wait(20 - late);
    }
}

TEST(what_is_said_comes_back_whole_and_in_our_own_stream)
{
    CHECK(up());
    say(200, 0, 0);
    rig_wait(500);
    CHECK_EQ_INT(heard.count, 200);
    CHECK_EQ_INT(heard.gaps, 0);
    CHECK_EQ_INT(heard.disorder, 0);
    CHECK_EQ_INT(heard.ts_odd, 0);
    CHECK_EQ_INT(heard.wrong_pt, 0);
    CHECK_EQ_INT(heard.ssrcs, 1);
    CHECK(heard.ssrc != fbrowser_ssrc(rig.browser));
    CHECK(heard.sender);
    CHECK(heard.reports >= 3 && heard.reports <= 6); /* one a second */
    CHECK_EQ_INT(heard.said.lost, 0);
    rig_stop();
}

/* One packet in ten is lost and each second comes late on the way up: our reports say so, and the way down stays clean. */
TEST(loss_and_jitter_are_of_the_way_they_happen_on)
{
    struct media_event ev;
    double up_ms;

    CHECK(up());
    say(300, 10, 12);
    rig_wait(1100);
    path_figures(rig.path, &ev);
    up_ms = heard.said.jitter / 48.0;
    printf("# jitter up %.1f ms, down %.1f ms, lost %d\n", up_ms, rtcp_recv_jitter_ms(&heard.recv),
           heard.said.lost);
    CHECK_EQ_INT(heard.said.lost, 29); /* the last one was not missed yet */
    CHECK_EQ_INT(heard.count, 270);
    CHECK_EQ_INT(heard.gaps, 0);
    CHECK_EQ_INT(heard.ts_odd, 0);
    CHECK_EQ_INT(rtcp_recv_lost(&heard.recv), 0);
    CHECK(up_ms > 8 && up_ms < 13);
    CHECK(rtcp_recv_jitter_ms(&heard.recv) < 3);
    CHECK_EQ_INT(ev.browser.packets, 270);
    CHECK_EQ_INT(ev.browser.lost, 29);
    CHECK_EQ_INT(ev.trunk.packets, 0);
    rig_stop();
}

/* A codec that we do not send is counted and not sent back; so are digits. */
TEST(what_we_would_not_say_is_only_counted)
{
    uint8_t pcmu[160] = {0}, digit[4] = {5, 10, 0, 160};
    struct media_event ev;

    CHECK(up());
    for (unsigned i = 0; i < 20; i++) {
        CHECK_EQ_INT(fbrowser_send(rig.browser, 0, !i, i * 160, pcmu, sizeof(pcmu)), 0);
        rig_wait(20);
    }
    CHECK_EQ_INT(fbrowser_send(rig.browser, RIG_EVENT, true, 9000, digit, sizeof(digit)), 0);
    rig_wait(500);
    path_figures(rig.path, &ev);
    CHECK_EQ_INT(heard.count, 0);
    CHECK_EQ_INT(ev.browser.packets, 21);
    CHECK_EQ_INT(rig.digits, 0);
    rig_stop();
}
