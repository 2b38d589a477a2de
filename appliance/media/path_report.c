/* media/path: what goes beside the audio: RTCP, telephone events, the RTP timeout. See path.h. */
#include "media/path.h"

#include "core/metric.h"
#include "media/worker.h"

#include <stdio.h>
#include <string.h>

METRIC_COUNTER(drop_rtcp, "dngate_media_dropped_total", "from=\"both\",reason=\"rtcp\"",
               "Media packets dropped");

METRIC_COUNTER(drop_press, "dngate_media_dropped_total", "from=\"both\",reason=\"dtmf_rate\"",
               "Media packets dropped");

enum { EVENT_TICK_US = 20000, EVENT_PAUSE_US = 100000, PRESS_MIN_US = 20000, PRESS_BURST = 8 };

/* ---- RTCP ---- */

static void trunk_report(struct media_path *p, bool bye, uint64_t now_us)
{
    uint8_t buf[RTCP_PACKET_MAX];
    size_t n;

    if (!p->trunk_set || !addr_isset(&p->trunk.rtcp, true) || addr_is_any(&p->trunk.rtcp))
        return;
    n = rtcp_build(buf, sizeof(buf), &p->to_trunk.send, &p->from_trunk.recv, p->cname, bye, now_us);
    if (n)
        (void)udp_transmit(&p->rtcp, buf, n, &p->trunk_local, &p->trunk.rtcp);
}

static void browser_report(struct media_path *p, bool bye, uint64_t now_us)
{
    uint8_t *room = path_browser_room(p);
    size_t n;

    if (!room)
        return;
    n = rtcp_build(room, RTCP_PACKET_MAX, &p->to_browser.send, &p->from_browser.recv, p->cname, bye, now_us);
    if (n)
        path_browser_send_rtcp(p, room, n);
}

static bool report_due(struct path_out *out, uint64_t now_us)
{
    bool first = !out->report_us;

    if (now_us < out->report_us)
        return false;
    out->report_us = now_us + rtcp_interval_us(first);
    return !first;
}

void path_reports(struct media_path *p, bool bye, uint64_t now_us)
{
    if (bye || (p->trunk_set && report_due(&p->to_trunk, now_us)))
        trunk_report(p, bye, now_us);
    if (bye || (path_browser_ready(p) && report_due(&p->to_browser, now_us)))
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

void path_report_from_browser(struct media_path *p, const uint8_t *buf, size_t n, uint64_t now_us)
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

void path_trunk_rtcp(struct media_path *p, const struct udp_packet *pkt, uint64_t now_us)
{
    struct rtcp_msg m;

    if (p->ended || !p->trunk_set || !srclock_rtcp(&p->lock, &pkt->src) || rtcp_parse(&m, pkt->p, pkt->n)) {
        metric_add(&drop_rtcp, 1);
        return;
    }
    p->from_trunk.alive_us = now_us;
    (void)report_in(&p->from_trunk, p->to_trunk.splice.ssrc, &m, now_us);
}

/* ---- telephone events ---- */

static void digit_told(struct media_path *p, bool from_browser, char digit)
{
    struct media_event ev = {.type = MEDIA_DTMF, .digit = digit, .from_browser = from_browser};

    path_event(p, &ev);
}

/* A press goes on once its length is known: a digit that is cut or doubled is worse than one that is late. */
static void digit_step(struct media_path *p, bool from_browser, enum dtmf_what what, char digit, unsigned ms)
{
    struct path_out *out = from_browser ? &p->to_trunk : &p->to_browser;
    char digits[2] = {digit, 0};

    if (what == DTMF_DOWN)
        digit_told(p, from_browser, digit);
    if (out->pt_event == 0xff || what == DTMF_NOTHING)
        return;
    if (what == DTMF_UP || !(from_browser ? p->from_browser : p->from_trunk).events.active)
        (void)dtmf_tx_queue(&out->events, digits, ms);
}

/* Fingers are slower than PRESS_MIN_US; but after a pause of the network several presses arrive at once. */
static bool press_too_many(struct path_in *in, uint64_t now_us)
{
    if (in->press_us > now_us + (PRESS_BURST - 1) * PRESS_MIN_US)
        return true;
    in->press_us = (in->press_us > now_us ? in->press_us : now_us) + PRESS_MIN_US;
    return false;
}

void path_event_packet(struct media_path *p, bool from_browser, const struct rtp_hdr *h, uint64_t now_us)
{
    struct path_in *in = from_browser ? &p->from_browser : &p->from_trunk;
    char digit = 0;
    unsigned ms = 0;
    enum dtmf_what what = dtmf_rx_cut(&in->events, h, &digit, &ms);

    digit_step(p, from_browser, what, digit, ms);
    what = dtmf_rx_packet(&in->events, h, now_us, &digit, &ms);

    if (what == DTMF_DOWN && press_too_many(in, now_us)) {
        in->events.active = false;
        metric_add(&drop_press, 1);
        return;
    }
    digit_step(p, from_browser, what, digit, ms);
}

void path_digits(struct media_path *p, const char *digits, unsigned duration_ms)
{
    if (p->to_trunk.pt_event != 0xff)
        (void)dtmf_tx_queue(&p->to_trunk.events, digits, duration_ms);
}

/* The timestamp that audio would carry now. */
static uint32_t clock_now(struct rtp_splice *s, uint64_t now_us)
{
    struct rtp_hdr unsent;

    if (!s->started) /* an event is the first thing we send: it starts the clock */
        rtp_splice_own(s, 1, now_us, &unsent);
    return s->ts + (uint32_t)((now_us - s->at_us) * s->rate / 1000000);
}

/* True: h and the payload are to be sent. */
static bool event_next(struct path_out *out, uint64_t now_us, struct rtp_hdr *h,
                       uint8_t payload[DTMF_PAYLOAD])
{
    struct dtmf_packet pkt;

    if (!dtmf_tx_busy(&out->events)) {
        out->event_on = false;
        return false;
    }
    if (now_us < out->event_us)
        return false;
    out->event_us =
        now_us - out->event_us > EVENT_PAUSE_US ? now_us + EVENT_TICK_US : out->event_us + EVENT_TICK_US;
    out->event_on = dtmf_tx_tick(&out->events, clock_now(&out->splice, now_us), &pkt);
    if (!out->event_on)
        return false;
    rtp_splice_event(&out->splice, pkt.ts, h);
    h->marker = pkt.marker;
    h->pt = out->pt_event;
    memcpy(payload, pkt.payload, DTMF_PAYLOAD);
    return true;
}

static void events_to_browser(struct media_path *p, uint64_t now_us)
{
    uint8_t *room = dtmf_tx_busy(&p->to_browser.events) ? path_browser_room(p) : NULL;
    struct rtp_hdr h;

    if (room && event_next(&p->to_browser, now_us, &h, room + RTP_HEADER))
        path_browser_send(p, room, &h, DTMF_PAYLOAD, now_us);
    else if (!dtmf_tx_busy(&p->to_browser.events))
        p->to_browser.event_on = false;
}

void path_events_tick(struct media_path *p, uint64_t now_us)
{
    uint8_t buf[RTP_HEADER + DTMF_PAYLOAD];
    struct rtp_hdr h;

    if (path_trunk_ready(p) && event_next(&p->to_trunk, now_us, &h, buf + RTP_HEADER))
        path_trunk_send(p, buf, &h, DTMF_PAYLOAD, now_us);
    events_to_browser(p, now_us);
    for (int side = 0; side < 2; side++) {
        struct path_in *in = side ? &p->from_browser : &p->from_trunk;
        char digit = 0;
        unsigned ms = 0;

        if (in->events.active)
            digit_step(p, side == 1, dtmf_rx_tick(&in->events, now_us, &digit, &ms), digit, ms);
    }
}

/* ---- RTP timeout ---- */

static void timeout_of(struct media_path *p, struct path_in *in, enum media_reason who, uint64_t limit_us,
                       uint64_t now_us)
{
    struct media_event ev = {.type = MEDIA_TIMEOUT, .reason = who};
    bool silent = now_us - in->alive_us > limit_us && now_us > in->alive_us;

    if (silent && !in->silent)
        path_event(p, &ev);
    in->silent = silent;
}

void path_timeouts(struct media_path *p, uint64_t now_us)
{
    uint64_t limit_us = (uint64_t)worker_rtp_timeout_s(p->worker) * 1000000;

    if (!limit_us || p->held)
        return;
    if (p->trunk_set && (p->trunk.dir & MEDIA_RECV))
        timeout_of(p, &p->from_trunk, MEDIA_TRUNK_SILENT, limit_us, now_us);
    if (p->srtp_in)
        timeout_of(p, &p->from_browser, MEDIA_BROWSER_SILENT, limit_us, now_us);
}
