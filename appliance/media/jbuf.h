/*
 * media/jbuf: the adaptive jitter buffer on the way from browser to trunk. Holds encoded frames in timestamp order and says when
 * each is due. Owner: the media worker of its path; no allocation after jbuf_alloc; time is passed in.
 *
 *   arrival ──put──► [ frames by timestamp ] ──get, when jbuf_due_us() has come──► decode
 *
 * The buffer owns the playout clock: the first frame is due min_ms after it came, the following ones every frame duration. The
 * caller's part: whenever jbuf_due_us(j) <= now, call jbuf_get() and turn the answer into `dur` of audio; keep those samples in
 * a small FIFO and send a packet whenever it holds a packet's worth (20 ms frames: one get = one packet; 10 ms: two gets;
 * 60 ms: one get = three packets, 20 ms apart).
 *
 * Delay: packets' transit times (arrival - timestamp) relative to the smallest of the last seconds go into a histogram; the
 * target is its high quantile, at least min_ms. Towards the target the clock's phase slides by fractions of a millisecond per frame
 * (the trunk sees less than half a packet of jitter, and the browser's clock is followed however skewed); whole frames are
 * inserted (EMPTY) at once when the target grew, and left out, in silence if possible, when it has shrunk.
 */
#ifndef MEDIA_JBUF_H
#define MEDIA_JBUF_H

#include "media/rtp.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct jbuf;

enum {
    JBUF_FRAMES_MAX = 40, /* frames held; the oldest goes when full */
    JBUF_MIN_MS = 5,      /* default least delay */
    JBUF_MAX_MS = 200,    /* default most delay */
    JBUF_DUR_MAX_MS = 120 /* longest frame (RFC 7587) */
};

struct jbuf_config {
    uint32_t clock_rate;     /* of the RTP timestamps: 48000 or 8000 */
    uint32_t min_ms, max_ms; /* 0 = defaults */
};

enum jbuf_result {
    JBUF_WAIT,  /* nothing is due yet */
    JBUF_FRAME, /* payload, len: decode it */
    JBUF_LOST, /* conceal dur; payload, when not NULL, is the very next frame: it may carry FEC for the lost one */
    JBUF_EMPTY /* conceal dur: the sender is silent (DTX), its packets are late, or the delay is growing */
};

struct jbuf_frame {
    const uint8_t *payload; /* valid until the next put or get */
    size_t len;
    uint8_t pt;
    uint32_t ts, dur; /* clock units of clock_rate; dur is set for every result but WAIT */
};

struct jbuf_stats {
    uint64_t played, lost, empty; /* answers of jbuf_get */
    uint64_t late, dup, overflow,
        skipped; /* packets thrown away: too late, seen before, no room, to shorten the delay */
    uint64_t inserted, resyncs;   /* frames added to lengthen the delay; restarts of the source */
    uint32_t target_ms, depth_ms; /* wanted delay, and audio held now */
};

/* ENOMEM, EINVAL. About JBUF_FRAMES_MAX × 1.5 kB, of which only what was ever in use at once is touched. */
int jbuf_alloc(struct jbuf **jp, const struct jbuf_config *cfg);
void jbuf_free(struct jbuf *j);
/* Forgets the stream, keeps the counters; another codec may have another clock rate. */
void jbuf_reset(struct jbuf *j, uint32_t clock_rate);
/* Copies a packet's payload in; dur = its length in clock units (codec_packet_ticks). EMSGSIZE, EINVAL (no duration),
 * EALREADY (duplicate), ETIME (too late): both counted, nothing to be done. A change of SSRC, or a jump of sequence number or timestamp,
 * starts the stream again. */
int jbuf_put(struct jbuf *j, const struct rtp_hdr *h, uint32_t dur, uint64_t now_us);
/* When the next answer is due; UINT64_MAX before the first packet. */
uint64_t jbuf_due_us(const struct jbuf *j);
enum jbuf_result jbuf_get(struct jbuf *j, uint64_t now_us, struct jbuf_frame *f);
/* Tells whether the audio just decoded was quiet: frames are left out there first. */
void jbuf_quiet(struct jbuf *j, bool quiet);
/* Whether losses may be repaired from the next frame (Opus in-band FEC): while many are lost, the delay then holds one frame more. */
void jbuf_fec(struct jbuf *j, bool on);
void jbuf_stats(const struct jbuf *j, struct jbuf_stats *st);

#endif
