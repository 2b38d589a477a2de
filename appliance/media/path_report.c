/* media/path: what goes beside the audio: RTCP and the RTP timeout. See path.h. */
#include "media/path_report.h"

#include "core/metric.h"
#include "media/path_out.h"

#include <stdio.h>
#include <string.h>

METRIC_COUNTER(drop_rtcp, "dngate_media_dropped_total", "from=\"both\",reason=\"rtcp\"",
               "Media packets dropped");

enum { ECHO_REPORT_US = 1000000 };

/* ---- RTCP ---- */

static void trunk_report(struct path *p, bool bye, uint64_t now_us)
{
    uint8_t buf[RTCP_PACKET_MAX];
    size_t n;

    if (!p->trunk_set || !addr_isset(&p->trunk.rtcp, true) || addr_is_any(&p->trunk.rtcp))
        return;
    n = rtcp_build(buf, sizeof(buf), &p->to_trunk.send, &p->from_trunk.recv, p->cname, bye, now_us);
    if (n)
        (void)udp_set_transmit(&p->rtcp, buf, n, &p->trunk_local, &p->trunk.rtcp);
}

static void browser_report(struct path *p, bool bye, uint64_t now_us)
{
    uint8_t *room = path_browser_room(p);
    size_t n;

    if (!room)
        return;
    n = rtcp_build(room, RTCP_PACKET_MAX, &p->to_browser.send, &p->from_browser.recv, p->cname, bye, now_us);
    if (n)
        path_browser_send_rtcp(p, room, n);
}

/* An echo lasts for seconds, and is there for its figures. */
static uint64_t interval_us(const struct path *p, bool first)
{
    return p->echo ? ECHO_REPORT_US : rtcp_interval_us(first);
}

static bool report_due(const struct path *p, struct path_out *out, uint64_t now_us)
{
    bool first = !out->report_us;

    if (now_us < out->report_us)
        return false;
    out->report_us = now_us + interval_us(p, first);
    return !first;
}

void path_reports(struct path *p, bool bye, uint64_t now_us)
{
    if (bye || (p->trunk_set && report_due(p, &p->to_trunk, now_us)))
        trunk_report(p, bye, now_us);
    if (bye || (path_browser_ready(p) && report_due(p, &p->to_browser, now_us)))
        browser_report(p, bye, now_us);
}

/* What the peer says of our stream. */
static const struct rtcp_block *report_in(struct path_in *in, uint32_t our_ssrc, const struct rtcp_msg *m,
                                          uint64_t now_us)
{
    const struct rtcp_block *b = rtcp_block_of(m, our_ssrc);
    int64_t rtt_us = b ? rtcp_rtt_us(b, now_us) : -1;

    if (m->sr)
        rtcp_recv_report(&in->recv, m, now_us);
    if (rtt_us >= 0)
        in->rtt_ms = (double)rtt_us / 1000;
    return b;
}

void path_report_from_browser(struct path *p, const uint8_t *buf, size_t n, uint64_t now_us)
{
    const struct rtcp_block *b;
    struct rtcp_msg m;

    if (rtcp_parse(&m, buf, n)) {
        metric_add(&drop_rtcp, 1);
        return;
    }
    b = report_in(&p->from_browser, p->to_browser.splice.ssrc, &m, now_us);
    if (b && p->down.enc)
        codec_enc_loss(p->down.enc, b->fraction * 100 / 256);
}

void path_trunk_rtcp(struct path *p, const struct udp_packet *pkt, uint64_t now_us)
{
    struct rtcp_msg m;

    if (p->ended || !p->trunk_set || !srclock_rtcp(&p->lock, &pkt->src) || rtcp_parse(&m, pkt->p, pkt->n)) {
        metric_add(&drop_rtcp, 1);
        return;
    }
    p->from_trunk.alive_us = now_us;
    (void)report_in(&p->from_trunk, p->to_trunk.splice.ssrc, &m, now_us);
}

/* ---- RTP timeout ---- */

static void timeout_of(struct path *p, struct path_in *in, enum media_reason who, uint64_t limit_us,
                       uint64_t now_us)
{
    struct media_event ev = {.type = MEDIA_TIMEOUT, .reason = who};
    bool silent = now_us - in->alive_us > limit_us && now_us > in->alive_us;

    if (silent && !in->silent)
        path_event(p, &ev);
    in->silent = silent;
}

void path_timeouts(struct path *p, uint64_t now_us)
{
    uint64_t limit_us = (uint64_t)p->host->rtp_timeout_s * 1000000;

    if (!limit_us || p->held)
        return;
    if (p->trunk_set && (p->trunk.dir & MEDIA_RECV))
        timeout_of(p, &p->from_trunk, MEDIA_TRUNK_SILENT, limit_us, now_us);
    if (p->srtp_in)
        timeout_of(p, &p->from_browser, MEDIA_BROWSER_SILENT, limit_us, now_us);
}
