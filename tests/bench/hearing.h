/* bench/hearing: what arrives at one end of a call: packets, loss, and the delay of the marks in the sound. */
#ifndef BENCH_HEARING_H
#define BENCH_HEARING_H

#include "media/codec.h"
#include "media/rtcp.h"
#include "sound.h"

enum { HEARING_DELAYS_MAX = 600 };

struct hearing {
    struct rtcp_recv recv;
    struct codec_dec *dec; /* NULL: this call's sound is not listened to */
    struct onset onset;
    uint64_t mark_us; /* wall time at which the newest mark left the other end; 0 = heard */
    unsigned marks;   /* sent since hearing_reset */
    unsigned heard;
    float delay_ms[HEARING_DELAYS_MAX];
    uint64_t expected_before;
    uint32_t lost_before;
};

int hearing_init(struct hearing *h, enum media_codec codec);
void hearing_close(struct hearing *h);
/* The steady part begins: forget what was. */
void hearing_reset(struct hearing *h);
/* A mark leaves the other end now; offset: samples between the packet's beginning and the onset. */
void hearing_mark(struct hearing *h, uint64_t at_us, unsigned offset);
void hearing_packet(struct hearing *h, const struct rtp_hdr *hdr, uint64_t at_us);

#endif
