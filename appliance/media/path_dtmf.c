/* media/path: key presses. A press that one side sends as a telephone event goes on to the other as one, when that takes them; else
 * signalling is told and decides. Digits of signalling's own go out as events or as tones in the audio. See path.h. */
#include "media/path_dtmf.h"

#include "core/metric.h"
#include "media/path_out.h"

#include <string.h>

METRIC_COUNTER(drop_press, "dngate_media_dropped_total", "from=\"both\",reason=\"dtmf_rate\"",
               "Media packets dropped");
METRIC_COUNTER(lost_trunk, "dngate_digits_lost_total", "to=\"trunk\"",
               "Digits lost because too many were waiting to be sent");
METRIC_COUNTER(lost_browser, "dngate_digits_lost_total", "to=\"browser\"",
               "Digits lost because too many were waiting to be sent");

enum { EVENT_TICK_US = 20000, EVENT_PAUSE_US = 100000, PRESS_MIN_US = 20000, PRESS_BURST = 8 };

/* ---- how ---- */

enum media_dtmf_way path_dtmf_way(const struct media_formats *f, enum media_codec codec)
{
    return media_formats_event(f, codec) ? MEDIA_DTMF_EVENTS : MEDIA_DTMF_INBAND;
}

enum media_dtmf_way path_dtmf_way_trunk(const struct media_trunk *t)
{
    bool listens = (t->dir & MEDIA_SEND) && addr_isset(&t->rtp, true) && !addr_is_any(&t->rtp);

    return listens ? path_dtmf_way(&t->formats, t->codec) : MEDIA_DTMF_NONE;
}

static void taken_sub(struct path_out *out, unsigned n)
{
    atomic_fetch_sub(&out->digits_taken, n);
}

void path_dtmf_set(struct path_out *out, enum media_dtmf_way way, const struct media_formats *f,
                   enum media_codec codec)
{
    const struct media_format *event = media_formats_event(f, codec);
    unsigned waiting = out->digits.count;

    if (way != out->dtmf)
        dtmf_tx_cut(&out->digits);
    taken_sub(out, waiting - out->digits.count);
    out->dtmf = way;
    if (!event)
        return;
    out->pt_event = event->pt;
    dtmf_tx_rate(&out->digits, event->rate);
}

/* ---- queue ---- */

static struct path_out *out_of(struct path *p, enum media_side to)
{
    return to == MEDIA_TRUNK ? &p->to_trunk : &p->to_browser;
}

bool path_dtmf_reserve(struct path *p, enum media_side to, unsigned n)
{
    struct path_out *out = out_of(p, to);

    if (atomic_fetch_add(&out->digits_taken, n) + n <= DTMF_QUEUE_MAX)
        return true;
    taken_sub(out, n);
    metric_add(to == MEDIA_TRUNK ? &lost_trunk : &lost_browser, n);
    return false;
}

void path_dtmf_release(struct path *p, enum media_side to, unsigned n)
{
    taken_sub(out_of(p, to), n);
}

void path_dtmf_queue(struct path *p, enum media_side to, const char *digits, unsigned duration_ms)
{
    path_touched(p);
    (void)dtmf_tx_queue(&out_of(p, to)->digits, digits, duration_ms); /* they were looked at, and have room */
}

/* ---- in ---- */

static void told(struct path *p, bool from_browser, bool relayed, char digit, unsigned ms)
{
    struct media_event ev = {
        .type = MEDIA_DTMF, .digit = digit, .from_browser = from_browser, .relayed = relayed, .ms = ms};

    path_event(p, &ev);
}

static void relay(struct path *p, bool from_browser, char digit, unsigned ms)
{
    enum media_side to = from_browser ? MEDIA_TRUNK : MEDIA_BROWSER;
    struct media_event lost = {.type = MEDIA_DTMF_LOST, .from_browser = from_browser};
    char digits[2] = {digit, 0};

    if (path_dtmf_reserve(p, to, 1))
        path_dtmf_queue(p, to, digits, ms);
    else
        path_event(p, &lost);
}

/* It goes on while it is pressed: who waits for a tone hears it begin at once. */
static void press_begins(struct path *p, bool from_browser, char digit, unsigned ms)
{
    struct path_in *in = from_browser ? &p->from_browser : &p->from_trunk;
    enum media_side to = from_browser ? MEDIA_TRUNK : MEDIA_BROWSER;
    struct media_event lost = {.type = MEDIA_DTMF_LOST, .from_browser = from_browser};

    in->press = PRESS_LOST;
    if (!path_dtmf_reserve(p, to, 1)) {
        path_event(p, &lost);
        return;
    }
    if (dtmf_tx_down(&out_of(p, to)->digits, digit, ms))
        path_dtmf_release(p, to, 1);
    else
        in->press = PRESS_LIVE;
}

static void digit_step(struct path *p, bool from_browser, enum dtmf_what what, char digit, unsigned ms)
{
    struct path_in *in = from_browser ? &p->from_browser : &p->from_trunk;
    struct path_out *out = from_browser ? &p->to_trunk : &p->to_browser;
    const bool relayed = out->dtmf == MEDIA_DTMF_EVENTS;
    const bool over = what == DTMF_UP || (what == DTMF_DOWN && !in->events.active);

    if (what == DTMF_DOWN)
        in->press = PRESS_NONE;
    if (relayed && what == DTMF_DOWN)
        told(p, from_browser, true, digit, 0);
    if (relayed && what == DTMF_DOWN && !over)
        press_begins(p, from_browser, digit, ms);
    if (!over)
        return;
    if (in->press == PRESS_LIVE)
        dtmf_tx_up(&out->digits, ms);
    else if (in->press == PRESS_NONE && relayed)
        relay(p, from_browser, digit, ms);
    else if (in->press == PRESS_NONE)
        told(p, from_browser, false, digit, ms);
    in->press = PRESS_NONE;
}

/* Fingers are slower than PRESS_MIN_US; but after a pause of the network several presses arrive at once. */
static bool press_too_many(struct path_in *in, uint64_t now_us)
{
    if (in->press_us > now_us + (PRESS_BURST - 1) * PRESS_MIN_US)
        return true;
    in->press_us = (in->press_us > now_us ? in->press_us : now_us) + PRESS_MIN_US;
    return false;
}

void path_dtmf_packet(struct path *p, bool from_browser, const struct rtp_hdr *h, uint32_t rate,
                      uint64_t now_us)
{
    struct path_in *in = from_browser ? &p->from_browser : &p->from_trunk;
    char digit = 0;
    unsigned ms = 0;
    enum dtmf_what what = dtmf_rx_cut(&in->events, h, &digit, &ms);

    path_touched(p);
    rtcp_recv_untimed(&in->recv, h);
    digit_step(p, from_browser, what, digit, ms);
    dtmf_rx_rate(&in->events, rate);
    what = dtmf_rx_packet(&in->events, h, now_us, &digit, &ms);
    if (what == DTMF_DOWN && press_too_many(in, now_us)) {
        in->events.active = false;
        metric_add(&drop_press, 1);
        return;
    }
    if (in->press == PRESS_LIVE && in->events.active)
        dtmf_tx_heard(&(from_browser ? &p->to_trunk : &p->to_browser)->digits, dtmf_rx_ms(&in->events));
    digit_step(p, from_browser, what, digit, ms);
}

/* ---- out ---- */

/* Whether it is time for the next packet of a digit, one each step_us. */
static bool turn(struct path_out *out, uint64_t step_us, uint64_t now_us)
{
    if (!dtmf_tx_busy(&out->digits)) {
        out->event_on = false;
        return false;
    }
    if (now_us < out->event_us)
        return false;
    out->event_us = now_us - out->event_us > EVENT_PAUSE_US ? now_us + step_us : out->event_us + step_us;
    return true;
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
    unsigned waiting = out->digits.count;
    struct dtmf_packet pkt;

    out->event_on = dtmf_tx_tick(&out->digits, clock_now(&out->splice, now_us), &pkt);
    taken_sub(out, waiting - out->digits.count);
    if (!out->event_on)
        return false;
    rtp_splice_event(&out->splice, pkt.ts, h);
    h->marker = pkt.marker;
    h->pt = out->pt_event;
    memcpy(payload, pkt.payload, DTMF_PAYLOAD);
    return true;
}

/* True: h and n samples of pcm are to be sent. */
static bool tones_next(struct path_out *out, size_t n, uint64_t now_us, struct rtp_hdr *h, int16_t *pcm)
{
    unsigned waiting = out->digits.count;

    out->event_on = dtmf_tx_tones(&out->digits, pcm, n);
    taken_sub(out, waiting - out->digits.count);
    if (!out->event_on)
        return false;
    rtp_splice_own(&out->splice, (uint32_t)(n * out->splice.rate / CODEC_RATE), now_us, h);
    h->pt = out->pt;
    return true;
}

static void to_trunk(struct path *p, uint64_t now_us)
{
    struct path_out *out = &p->to_trunk;
    size_t n = DTMF_PAYLOAD, samples = p->trunk.ptime_ms * (CODEC_RATE / 1000);
    bool tones = out->dtmf == MEDIA_DTMF_INBAND, sends;
    uint8_t *room = path_trunk_room(p);
    int16_t pcm[PATH_PACKET_MAX];
    struct rtp_hdr h;

    if (!room || !turn(out, tones ? p->trunk.ptime_ms * 1000 : EVENT_TICK_US, now_us))
        return;
    if (tones) {
        sends = tones_next(out, samples, now_us, &h, pcm);
        n = sends ? path_trunk_encode(p, pcm, samples, CODEC_RATE, room + RTP_HEADER) : 0;
    } else {
        sends = event_next(out, now_us, &h, room + RTP_HEADER);
    }
    if (sends && n)
        path_trunk_send(p, room, &h, n, now_us);
}

static void to_browser(struct path *p, uint64_t now_us)
{
    struct path_out *out = &p->to_browser;
    uint8_t *room = path_browser_room(p);
    size_t n = DTMF_PAYLOAD;
    int16_t pcm[CODEC_RATE / 50];
    struct rtp_hdr h;

    if (!room || !turn(out, EVENT_TICK_US, now_us))
        return;
    if (out->dtmf != MEDIA_DTMF_INBAND)
        n = event_next(out, now_us, &h, room + RTP_HEADER) ? n : 0;
    else if (tones_next(out, CODEC_RATE / 50, now_us, &h, pcm))
        n = path_browser_encode(p, pcm, CODEC_RATE, room + RTP_HEADER);
    else
        n = 0;
    if (n)
        path_browser_send(p, room, &h, n, now_us);
}

static void missing_end(struct path *p, bool from_browser, uint64_t now_us)
{
    struct path_in *in = from_browser ? &p->from_browser : &p->from_trunk;
    char digit = 0;
    unsigned ms = 0;
    enum dtmf_what what = dtmf_rx_tick(&in->events, now_us, &digit, &ms);

    digit_step(p, from_browser, what, digit, ms);
}

void path_dtmf_tick(struct path *p, uint64_t now_us)
{
    if (dtmf_tx_busy(&p->to_trunk.digits))
        to_trunk(p, now_us);
    else
        p->to_trunk.event_on = false;
    if (dtmf_tx_busy(&p->to_browser.digits))
        to_browser(p, now_us);
    else
        p->to_browser.event_on = false;
    missing_end(p, true, now_us);
    missing_end(p, false, now_us);
}

uint64_t path_dtmf_due_us(const struct path *p)
{
    bool trunk = dtmf_tx_busy(&p->to_trunk.digits) && path_trunk_ready(p);
    bool browser = dtmf_tx_busy(&p->to_browser.digits) && path_browser_ready(p);
    uint64_t due_us = trunk ? p->to_trunk.event_us : UINT64_MAX;

    return browser && p->to_browser.event_us < due_us ? p->to_browser.event_us : due_us;
}
