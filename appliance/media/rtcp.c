/* media/rtcp: see rtcp.h. */
#include "media/rtcp.h"
#include "core/rnd.h"
#include <errno.h>
#include <string.h>

enum {
    PT_SR = 200,
    PT_RR = 201,
    PT_SDES = 202,
    PT_BYE = 203,
    SDES_CNAME = 1,
    HEADER = 4,
    BLOCK = 24,
    SENDER_INFO = 20,
    MAX_DROPOUT = 3000, /* RFC 3550 A.1 */
    MAX_MISORDER = 100,
    SEQ_MOD = 1 << 16
};

/* Seconds between 1900 and 1970; added so that the monotonic clock makes no timestamp 0 ("no SR yet"). */
#define NTP_UNIX 2208988800u

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint8_t *put32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
    return p + 4;
}

static uint64_t ntp_of(uint64_t us)
{
    uint64_t sec = us / 1000000 + NTP_UNIX, frac = (us % 1000000) * 4294967296u / 1000000;

    return sec << 32 | frac;
}

static uint32_t ntp_middle(uint64_t us)
{
    return (uint32_t)(ntp_of(us) >> 16);
}

static int parse_blocks(struct rtcp_msg *m, const uint8_t *p, size_t n, size_t count)
{
    if (n < count * BLOCK)
        return EBADMSG;
    for (size_t i = 0; i < count && m->count < RTCP_BLOCKS_MAX; i++, p += BLOCK) {
        uint32_t lost = get32(p + 4) & 0xffffff;

        m->blocks[m->count++] = (struct rtcp_block){
            .ssrc = get32(p),
            .fraction = p[4],
            .lost = lost & 0x800000 ? (int32_t)lost - 0x1000000 : (int32_t)lost,
            .ext_seq = get32(p + 8),
            .jitter = get32(p + 12),
            .lsr = get32(p + 16),
            .dlsr = get32(p + 20),
        };
    }
    return 0;
}

static int parse_report(struct rtcp_msg *m, const uint8_t *p, size_t n, bool sr, size_t count)
{
    size_t fixed = sr ? 4 + SENDER_INFO : 4;

    if (n < fixed)
        return EBADMSG;
    m->ssrc = get32(p);
    if (sr) {
        m->sr = true;
        m->ntp = (uint64_t)get32(p + 4) << 32 | get32(p + 8);
        m->rtp_ts = get32(p + 12);
        m->packets = get32(p + 16);
        m->octets = get32(p + 20);
    }
    return parse_blocks(m, p + fixed, n - fixed, count);
}

/* The first chunk's items; others than CNAME are of no use here. */
static int parse_sdes(struct rtcp_msg *m, const uint8_t *p, size_t n, size_t chunks)
{
    size_t i = 4;

    if (!chunks)
        return 0;
    if (n < 4)
        return EBADMSG;
    while (i < n && p[i]) {
        size_t len;

        if (i + 2 > n)
            return EBADMSG;
        len = p[i + 1];
        if (i + 2 + len > n)
            return EBADMSG;
        if (p[i] == SDES_CNAME) {
            size_t keep = len < sizeof(m->cname) - 1 ? len : sizeof(m->cname) - 1;

            memcpy(m->cname, p + i + 2, keep);
            m->cname[keep] = 0;
        }
        i += 2 + len;
    }
    return 0;
}

static int parse_one(struct rtcp_msg *m, const uint8_t *p, size_t n)
{
    size_t count = p[0] & 0x1f, pad = 0;

    if (p[0] & 0x20) {
        pad = p[n - 1];
        if (!pad || pad % 4 || pad > n - HEADER)
            return EBADMSG;
    }
    n -= HEADER + pad;
    switch (p[1]) {
    case PT_SR:
    case PT_RR:
        return parse_report(m, p + HEADER, n, p[1] == PT_SR, count);
    case PT_SDES:
        return parse_sdes(m, p + HEADER, n, count);
    case PT_BYE:
        if (n < count * 4)
            return EBADMSG;
        m->bye = true;
        return 0;
    default:
        return 0;
    }
}

int rtcp_parse(struct rtcp_msg *m, const uint8_t *p, size_t n)
{
    memset(m, 0, sizeof(*m));
    if (n < HEADER)
        return EBADMSG;
    while (n) {
        size_t len;
        int err;

        if (n < HEADER || p[0] >> 6 != 2)
            return EBADMSG;
        len = HEADER + 4u * ((size_t)p[2] << 8 | p[3]);
        if (len > n)
            return EBADMSG;
        err = parse_one(m, p, len);
        if (err)
            return err;
        p += len;
        n -= len;
    }
    return 0;
}

const struct rtcp_block *rtcp_block_of(const struct rtcp_msg *m, uint32_t ssrc)
{
    for (size_t i = 0; i < m->count; i++)
        if (m->blocks[i].ssrc == ssrc)
            return &m->blocks[i];
    return NULL;
}

void rtcp_recv_init(struct rtcp_recv *r, uint32_t clock_rate)
{
    *r = (struct rtcp_recv){.rate = clock_rate};
}

void rtcp_recv_rate(struct rtcp_recv *r, uint32_t clock_rate)
{
    if (r->rate && clock_rate)
        r->jitter = r->jitter * clock_rate / r->rate;
    r->rate = clock_rate;
    r->prev_us = 0;
}

static uint32_t source_expected(const struct rtcp_recv *r)
{
    return r->started ? r->cycles + r->max_seq - r->base_seq + 1 : 0;
}

/* Begins to count anew: another source, or the same one after a restart. What was counted stays. */
static void recv_restart(struct rtcp_recv *r, const struct rtp_hdr *h)
{
    r->past_expected += source_expected(r);
    r->past_received += r->received;
    r->started = true;
    r->ssrc = h->ssrc;
    r->base_seq = r->max_seq = h->seq;
    r->bad_seq = SEQ_MOD + 1;
    r->cycles = r->received = 0;
    r->expected_prior = r->received_prior = 0;
    r->prev_us = 0;
    r->lsr = 0;
}

/* RFC 3550 A.1 without probation: on these ports the source is already known to be ours. False: not counted. */
static bool recv_seq(struct rtcp_recv *r, const struct rtp_hdr *h)
{
    uint16_t ahead = (uint16_t)(h->seq - r->max_seq);

    if (!r->started || h->ssrc != r->ssrc) {
        recv_restart(r, h);
    } else if (ahead < MAX_DROPOUT) {
        if (h->seq < r->max_seq)
            r->cycles += SEQ_MOD;
        r->max_seq = h->seq;
    } else if (ahead <= SEQ_MOD - MAX_MISORDER) {
        if (h->seq != r->bad_seq) {
            r->bad_seq = (h->seq + 1u) & (SEQ_MOD - 1);
            return false;
        }
        recv_restart(r, h);
    }
    return true;
}

/* RFC 3550 A.8, in floating point. A gap in talk (ts jumps) is measured like any other step; of packets that share a timestamp
 * (RFC 4733 events) the first one counts. */
static void recv_jitter(struct rtcp_recv *r, uint32_t ts, uint64_t now_us)
{
    if (r->prev_us && ts == r->prev_ts)
        return;
    if (r->prev_us) {
        double arrival = (double)(int64_t)(now_us - r->prev_us) * r->rate / 1e6;
        double d = arrival - (double)rtp_ts_diff(ts, r->prev_ts);

        if (d < 0)
            d = -d;
        if (d < r->rate) /* a second or more is a restart, not jitter */
            r->jitter += (d - r->jitter) / 16.0;
    }
    r->prev_ts = ts;
    r->prev_us = now_us;
}

static bool recv_count(struct rtcp_recv *r, const struct rtp_hdr *h)
{
    r->packets++;
    r->bytes += h->len;
    if (!recv_seq(r, h))
        return false;
    r->received++;
    return true;
}

void rtcp_recv_packet(struct rtcp_recv *r, const struct rtp_hdr *h, uint64_t now_us)
{
    if (recv_count(r, h))
        recv_jitter(r, h->ts, now_us);
}

void rtcp_recv_untimed(struct rtcp_recv *r, const struct rtp_hdr *h)
{
    (void)recv_count(r, h);
}

void rtcp_recv_report(struct rtcp_recv *r, const struct rtcp_msg *m, uint64_t now_us)
{
    if (!m->sr || !r->started || m->ssrc != r->ssrc)
        return;
    r->lsr = (uint32_t)(m->ntp >> 16);
    r->sr_us = now_us;
}

uint64_t rtcp_recv_expected(const struct rtcp_recv *r)
{
    return (uint64_t)r->past_expected + source_expected(r);
}

uint32_t rtcp_recv_lost(const struct rtcp_recv *r)
{
    uint64_t expected = rtcp_recv_expected(r), received = (uint64_t)r->past_received + r->received;

    return expected > received ? (uint32_t)(expected - received) : 0;
}

double rtcp_recv_jitter_ms(const struct rtcp_recv *r)
{
    return r->rate ? r->jitter * 1000.0 / r->rate : 0.0;
}

/* RFC 3550 A.3 */
static struct rtcp_block recv_block(struct rtcp_recv *r, uint64_t now_us)
{
    uint32_t expected = source_expected(r), interval = expected - r->expected_prior;
    int64_t lost = (int64_t)expected - r->received;
    int64_t lost_interval = (int64_t)interval - (r->received - r->received_prior);
    struct rtcp_block b = {.ssrc = r->ssrc, .ext_seq = r->cycles + r->max_seq, .jitter = (uint32_t)r->jitter};

    r->expected_prior = expected;
    r->received_prior = r->received;
    if (interval && lost_interval > 0) {
        int64_t fraction = lost_interval * 256 / interval;

        b.fraction = (uint8_t)(fraction > 255 ? 255 : fraction);
    }
    b.lost = (int32_t)(lost > 0x7fffff ? 0x7fffff : lost < -0x800000 ? -0x800000 : lost);
    b.lsr = r->lsr;
    b.dlsr = r->lsr ? (uint32_t)((now_us - r->sr_us) * 65536 / 1000000) : 0;
    return b;
}

void rtcp_send_init(struct rtcp_send *s, uint32_t ssrc, uint32_t clock_rate)
{
    *s = (struct rtcp_send){.ssrc = ssrc, .rate = clock_rate};
}

void rtcp_send_packet(struct rtcp_send *s, uint32_t ts, size_t payload_len, uint64_t now_us)
{
    s->packets++;
    s->octets += (uint32_t)payload_len;
    s->ts = ts;
    s->ts_us = now_us;
}

static uint8_t *put_header(uint8_t *p, size_t count, uint8_t pt, size_t bytes)
{
    return put32(p, (uint32_t)(0x80u | count) << 24 | (uint32_t)pt << 16 | (uint32_t)(bytes / 4 - 1));
}

static uint8_t *put_block(uint8_t *p, const struct rtcp_block *b)
{
    p = put32(p, b->ssrc);
    p = put32(p, (uint32_t)b->fraction << 24 | ((uint32_t)b->lost & 0xffffff));
    p = put32(p, b->ext_seq);
    p = put32(p, b->jitter);
    p = put32(p, b->lsr);
    return put32(p, b->dlsr);
}

static uint8_t *put_report(uint8_t *p, struct rtcp_send *s, struct rtcp_recv *r, uint64_t now_us)
{
    bool sr = s->packets != s->packets_reported, block = r && r->started;
    size_t bytes = HEADER + 4 + (sr ? SENDER_INFO : 0) + (block ? BLOCK : 0);

    p = put_header(p, block, sr ? PT_SR : PT_RR, bytes);
    p = put32(p, s->ssrc);
    if (sr) {
        uint64_t ntp = ntp_of(now_us);

        p = put32(p, (uint32_t)(ntp >> 32));
        p = put32(p, (uint32_t)ntp);
        p = put32(p, s->ts + (uint32_t)((now_us - s->ts_us) * s->rate / 1000000));
        p = put32(p, s->packets);
        p = put32(p, s->octets);
        s->packets_reported = s->packets;
    }
    if (block) {
        struct rtcp_block b = recv_block(r, now_us);

        p = put_block(p, &b);
    }
    return p;
}

/* One chunk: SSRC, CNAME item, then one to four zeros up to the next word (RFC 3550 6.5). */
static uint8_t *put_sdes(uint8_t *p, uint32_t ssrc, const char *cname, size_t len)
{
    size_t items = 2 + len, padded = (items + 4) / 4 * 4;

    p = put_header(p, 1, PT_SDES, HEADER + 4 + padded);
    p = put32(p, ssrc);
    memset(p, 0, padded);
    p[0] = SDES_CNAME;
    p[1] = (uint8_t)len;
    memcpy(p + 2, cname, len);
    return p + padded;
}

size_t rtcp_build(uint8_t *p, size_t sz, struct rtcp_send *s, struct rtcp_recv *r, const char *cname,
                  bool bye, uint64_t now_us)
{
    size_t len = strnlen(cname, RTCP_CNAME_MAX - 1);
    uint8_t *q;

    if (sz < HEADER + 4 + SENDER_INFO + BLOCK + HEADER + 4 + (2 + len + 4) / 4 * 4 + HEADER + 4)
        return 0;
    q = put_report(p, s, r, now_us);
    q = put_sdes(q, s->ssrc, cname, len);
    if (bye) {
        q = put_header(q, 1, PT_BYE, HEADER + 4);
        q = put32(q, s->ssrc);
    }
    return (size_t)(q - p);
}

int64_t rtcp_rtt_us(const struct rtcp_block *b, uint64_t now_us)
{
    int32_t rtt;

    if (!b->lsr)
        return -1;
    rtt = (int32_t)(ntp_middle(now_us) - b->lsr - b->dlsr);
    /* A few 1/65536 s below zero is rounding; more is a peer that makes numbers up. */
    if (rtt < 0)
        return rtt > -66 ? 0 : -1;
    return (int64_t)rtt * 1000000 / 65536;
}

uint64_t rtcp_interval_us(bool first)
{
    uint64_t half = RTCP_INTERVAL_MS * 1000u / 2, us = half + rnd_u32() % (2 * half);

    return first ? us / 2 : us;
}
