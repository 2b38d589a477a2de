/*
 * media/rtcp: RTCP (RFC 3550 6, A.3, A.7, A.8): what comes in as one flat struct, what goes out as one compound packet,
 * and the figures of a stream in between. Owner: the media worker of the path. NTP timestamps run on clock_us().
 */
#ifndef MEDIA_RTCP_H
#define MEDIA_RTCP_H

#include "media/rtp.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RTCP_BLOCKS_MAX = 31, RTCP_CNAME_MAX = 64, RTCP_PACKET_MAX = 256, RTCP_INTERVAL_MS = 5000 };

struct rtcp_block { /* a report block: how `ssrc`'s packets arrive at the reporter */
    uint32_t ssrc;
    uint8_t fraction; /* of 256, since the last report */
    int32_t lost;     /* cumulative, 24 bit signed */
    uint32_t ext_seq, jitter, lsr, dlsr;
};

struct rtcp_msg {  /* one compound packet */
    uint32_t ssrc; /* of the (last) report's sender */
    bool sr, bye;
    uint64_t ntp; /* SR only, as the next three */
    uint32_t rtp_ts, packets, octets;
    struct rtcp_block blocks[RTCP_BLOCKS_MAX];
    size_t count;
    char cname[RTCP_CNAME_MAX]; /* "" when none; cut when longer */
};

/* EBADMSG when the compound is broken anywhere (nothing of it may be used). Unknown and feedback packets are skipped.
 * RFC 5506 reduced-size packets are taken. */
int rtcp_parse(struct rtcp_msg *m, const uint8_t *p, size_t n);
/* The block about ssrc, or NULL. */
const struct rtcp_block *rtcp_block_of(const struct rtcp_msg *m, uint32_t ssrc);

/* What we receive from one source; a new SSRC starts it again and keeps the totals. */
struct rtcp_recv {
    uint32_t rate, ssrc;
    bool started;
    uint16_t max_seq;
    uint32_t cycles, base_seq, bad_seq;    /* as in RFC 3550 A.1 */
    uint64_t packets, bytes;               /* of all sources of this stream */
    uint32_t received;                     /* of this source since base_seq */
    uint32_t past_expected, past_received; /* of earlier sources and restarts */
    uint32_t expected_prior, received_prior;
    uint32_t prev_ts;
    uint64_t prev_us;
    double jitter; /* clock units */
    uint32_t lsr;
    uint64_t sr_us;
};

void rtcp_recv_init(struct rtcp_recv *r, uint32_t clock_rate);
/* Counts a packet. With pt changes between clock rates call rtcp_recv_rate first. */
void rtcp_recv_packet(struct rtcp_recv *r, const struct rtp_hdr *h, uint64_t now_us);
/* Counts a packet whose timestamp tells nothing of jitter: an event (all of a press have one), another clock than the audio's. */
void rtcp_recv_untimed(struct rtcp_recv *r, const struct rtp_hdr *h);
void rtcp_recv_rate(struct rtcp_recv *r, uint32_t clock_rate);
/* Remembers the sender's report for LSR/DLSR. */
void rtcp_recv_report(struct rtcp_recv *r, const struct rtcp_msg *m, uint64_t now_us);
/* Packets that should have come and those of them that did not, over the life of the stream. */
uint64_t rtcp_recv_expected(const struct rtcp_recv *r);
uint32_t rtcp_recv_lost(const struct rtcp_recv *r);
double rtcp_recv_jitter_ms(const struct rtcp_recv *r);

/* What we send. */
struct rtcp_send {
    uint32_t ssrc, rate;
    uint32_t packets, octets;
    uint32_t packets_reported;
    uint32_t ts;
    uint64_t ts_us;
};

void rtcp_send_init(struct rtcp_send *s, uint32_t ssrc, uint32_t clock_rate);
void rtcp_send_packet(struct rtcp_send *s, uint32_t ts, size_t payload_len, uint64_t now_us);

/* One compound packet: SR when something was sent since the last, else RR; a block about r when it has a source; SDES CNAME;
 * BYE when asked. recv may be NULL. Returns its length, 0 when sz is too small (RTCP_PACKET_MAX always does). */
size_t rtcp_build(uint8_t *p, size_t sz, struct rtcp_send *s, struct rtcp_recv *r, const char *cname,
                  bool bye, uint64_t now_us);
/* Round trip from a block about our own ssrc, microseconds; -1 when it cannot be known. */
int64_t rtcp_rtt_us(const struct rtcp_block *b, uint64_t now_us);
/* Time to the next report: RTCP_INTERVAL_MS × 0.5..1.5 (RFC 3550 6.3.1), the first one after half of that. */
uint64_t rtcp_interval_us(bool first);

#endif
