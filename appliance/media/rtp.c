/* media/rtp: see rtp.h. */
#include "media/rtp.h"
#include "core/rnd.h"
#include <errno.h>
#include <string.h>

enum { RTP_VERSION = 2, RTP_JUMP = 1000 /* a larger step in sequence numbers is another stream */ };

static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static void put16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
    put16(p, (uint16_t)(v >> 16));
    put16(p + 2, (uint16_t)v);
}

/* Where the payload starts: behind the CSRCs and the extension. 0 when that is outside the packet. */
static size_t payload_offset(const uint8_t *p, size_t n)
{
    size_t off = RTP_HEADER + 4u * (p[0] & 0x0f);

    if (p[0] & 0x10) {
        if (off + 4 > n)
            return 0;
        off += 4 + 4u * get16(p + off + 2);
    }
    return off <= n ? off : 0;
}

int rtp_parse(struct rtp_hdr *h, const uint8_t *p, size_t n)
{
    size_t off, pad = 0;

    if (n < RTP_HEADER || p[0] >> 6 != RTP_VERSION)
        return EBADMSG;
    off = payload_offset(p, n);
    if (!off)
        return EBADMSG;
    if (p[0] & 0x20) {
        pad = p[n - 1];
        if (!pad || pad > n - off)
            return EBADMSG;
    }
    *h = (struct rtp_hdr){.marker = p[1] & 0x80,
                          .pt = p[1] & 0x7f,
                          .seq = get16(p + 2),
                          .ts = get32(p + 4),
                          .ssrc = get32(p + 8),
                          .payload = p + off,
                          .len = n - off - pad};
    return 0;
}

size_t rtp_build(uint8_t *p, const struct rtp_hdr *h)
{
    p[0] = RTP_VERSION << 6;
    p[1] = (uint8_t)((h->marker ? 0x80 : 0) | (h->pt & 0x7f));
    put16(p + 2, h->seq);
    put32(p + 4, h->ts);
    put32(p + 8, h->ssrc);
    return RTP_HEADER;
}

bool rtp_is_rtcp(const uint8_t *p, size_t n)
{
    return n >= 2 && p[1] >= 192 && p[1] <= 223;
}

int rtp_seq_diff(uint16_t a, uint16_t b)
{
    return (int16_t)(a - b);
}

int32_t rtp_ts_diff(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b);
}

void rtp_splice_init(struct rtp_splice *s, uint32_t ssrc, uint32_t clock_rate)
{
    /* The first number stays below 2^15, so that SRTP's rollover counter is never in doubt at the start (RFC 3711 3.3.1). */
    *s = (struct rtp_splice){
        .ssrc = ssrc, .rate = clock_rate, .seq = (uint16_t)(rnd_u32() & 0x7fff), .ts = rnd_u32()};
}

void rtp_splice_rate(struct rtp_splice *s, uint32_t clock_rate)
{
    s->rate = clock_rate;
    s->anchored = false;
    s->len = 0;
}

/* Where the stream's clock stands now, at least one unit past the newest packet. */
static uint32_t splice_clock(const struct rtp_splice *s, uint64_t now_us)
{
    uint64_t ticks;

    if (!s->started)
        return s->ts;
    ticks = now_us > s->at_us ? (now_us - s->at_us) * s->rate / 1000000 : 0;
    return s->ts + (uint32_t)(ticks ? ticks : 1);
}

static void splice_sent(struct rtp_splice *s, uint16_t seq, uint32_t ts, uint32_t len, uint64_t now_us)
{
    s->started = true;
    s->seq = seq;
    s->ts = ts;
    s->len = len;
    s->at_us = now_us;
}

bool rtp_splice_relay(struct rtp_splice *s, const struct rtp_hdr *in, uint64_t now_us, struct rtp_hdr *out)
{
    int ahead = rtp_seq_diff((uint16_t)(in->seq + s->seq_off), s->seq);
    bool fresh = !s->anchored || in->ssrc != s->in_ssrc || ahead > RTP_JUMP || ahead < -RTP_JUMP;

    if (fresh) {
        s->anchored = true;
        s->in_ssrc = in->ssrc;
        s->seq_off = (uint16_t)(s->seq + 1 - in->seq);
        s->ts_off = splice_clock(s, now_us) - in->ts;
        ahead = 1;
    }
    *out = *in;
    out->ssrc = s->ssrc;
    out->seq = (uint16_t)(in->seq + s->seq_off);
    out->ts = in->ts + s->ts_off;
    out->marker = in->marker || fresh;
    if (ahead > 0)
        splice_sent(s, out->seq, out->ts, 0, now_us);
    return fresh;
}

void rtp_splice_own(struct rtp_splice *s, uint32_t samples, uint64_t now_us, struct rtp_hdr *out)
{
    uint32_t ts = splice_clock(s, now_us), follow = s->ts + s->len;
    bool gap = !s->len || rtp_ts_diff(ts, follow) > (int32_t)(s->rate * RTP_PAUSE_MS / 1000);

    if (!gap)
        ts = follow;
    s->anchored = false;
    splice_sent(s, (uint16_t)(s->seq + 1), ts, samples, now_us);
    *out = (struct rtp_hdr){.ssrc = s->ssrc, .seq = s->seq, .ts = ts, .marker = gap};
}

void rtp_splice_pass(struct rtp_splice *s, uint32_t samples)
{
    if (s->len) /* else the next one begins at its own time */
        s->len += samples;
}

void rtp_splice_event(struct rtp_splice *s, uint32_t event_ts, struct rtp_hdr *out)
{
    /* What the source sends meanwhile is not relayed: its numbers start afresh behind the event. */
    s->anchored = false;
    s->len = 0; /* what comes behind it begins anew, at its own time */
    s->seq++;
    *out = (struct rtp_hdr){.ssrc = s->ssrc, .seq = s->seq, .ts = event_ts};
}
