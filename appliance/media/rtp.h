/*
 * media/rtp: RTP headers (RFC 3550 5.1): parse with bounds, build, and splice several sources into one outgoing stream.
 * Pure functions over the caller's bytes; owner of a struct rtp_splice: the media worker of its path.
 */
#ifndef MEDIA_RTP_H
#define MEDIA_RTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    RTP_HEADER = 12,
    RTP_PACKET_MAX = 1500,
    RTP_PAYLOAD_MAX = RTP_PACKET_MAX - RTP_HEADER,
    RTP_PAUSE_MS = 100
};

struct rtp_hdr {
    bool marker;
    uint8_t pt;
    uint16_t seq;
    uint32_t ts, ssrc;
    const uint8_t *payload; /* inside the parsed packet; CSRCs, extension and padding are left out */
    size_t len;             /* of the payload; may be 0 */
};

/* EBADMSG when it is not RTP version 2 or a length inside points outside. */
int rtp_parse(struct rtp_hdr *h, const uint8_t *p, size_t n);
/* Writes the fixed header (no CSRC, extension, padding) to p[0..11]; returns RTP_HEADER. The payload is the caller's. */
size_t rtp_build(uint8_t *p, const struct rtp_hdr *h);
/* RTP or RTCP on one port: RFC 5761 4 (packet types 192-223 in the second byte). */
bool rtp_is_rtcp(const uint8_t *p, size_t n);
/* a - b over the wrap: positive when a is newer. */
int rtp_seq_diff(uint16_t a, uint16_t b);
int32_t rtp_ts_diff(uint32_t a, uint32_t b);

/*
 * One outgoing stream (one SSRC, continuous numbers) out of whatever there is to send: packets relayed from a source that
 * may restart or change its SSRC, and packets of our own (tone, transcoded audio, events). Relayed packets keep
 * their gaps and order, so that the receiver sees the network's loss as it was.
 */
struct rtp_splice {
    uint32_t ssrc, rate;
    uint16_t seq;           /* newest sent */
    uint32_t ts;            /* its timestamp */
    uint64_t at_us;         /* and when */
    uint32_t len;           /* its length in clock units when it was our own, else 0 */
    bool started, anchored; /* anchored: in_* describe the source being relayed */
    uint32_t in_ssrc, ts_off;
    uint16_t seq_off;
};

/* Random first sequence number and timestamp. */
void rtp_splice_init(struct rtp_splice *s, uint32_t ssrc, uint32_t clock_rate);
/* Header for relaying `in`: out gets our seq, ts and ssrc, and in's marker, pt and payload. True when the source is new
 * (marker is set then). */
bool rtp_splice_relay(struct rtp_splice *s, const struct rtp_hdr *in, uint64_t now_us, struct rtp_hdr *out);
/* Header for `samples` (in clock units) of our own: out gets seq, ts, ssrc and marker (first packet and after a pause); the
 * caller sets the rest. After a pause of RTP_PAUSE_MS the timestamp jumps by the time that passed. */
void rtp_splice_own(struct rtp_splice *s, uint32_t samples, uint64_t now_us, struct rtp_hdr *out);
/* So much time of our own has passed without a packet, which takes no sequence number: the next one's timestamp is later by it. */
void rtp_splice_pass(struct rtp_splice *s, uint32_t samples);
/* The next sequence number for a packet that takes no time of its own (RFC 4733 event at event_ts). */
void rtp_splice_event(struct rtp_splice *s, uint32_t event_ts, struct rtp_hdr *out);
/* Restarts the clock of the stream at another rate (codec change in mid-call). */
void rtp_splice_rate(struct rtp_splice *s, uint32_t clock_rate);

#endif
