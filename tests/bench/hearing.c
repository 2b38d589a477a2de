/* bench/hearing: see hearing.h. */
#include "hearing.h"

#include <string.h>

enum { SAMPLE_US = 125, MARK_LIFE_US = 900000 };

int hearing_init(struct hearing *h, enum media_codec codec)
{
    memset(h, 0, sizeof(*h));
    rtcp_recv_init(&h->recv, codec_clock_rate(codec));
    return codec_dec_alloc(&h->dec, codec);
}

void hearing_close(struct hearing *h)
{
    codec_dec_free(h->dec);
    h->dec = NULL;
}

void hearing_reset(struct hearing *h)
{
    h->marks = h->heard = 0;
    h->mark_us = 0;
    h->expected_before = rtcp_recv_expected(&h->recv);
    h->lost_before = rtcp_recv_lost(&h->recv);
}

void hearing_mark(struct hearing *h, uint64_t at_us, unsigned offset)
{
    h->mark_us = at_us + offset * SAMPLE_US;
    h->marks++;
}

void hearing_packet(struct hearing *h, const struct rtp_hdr *hdr, uint64_t at_us)
{
    int16_t pcm[CODEC_SAMPLES_MAX];
    int64_t delay;
    size_t n;
    int at;

    rtcp_recv_packet(&h->recv, hdr, at_us);
    if (codec_dec_frame(h->dec, hdr->payload, hdr->len, pcm, &n))
        return;
    at = onset_find(&h->onset, pcm, n);
    if (at < 0 || !h->mark_us)
        return;
    delay = (int64_t)(at_us + (unsigned)at * SAMPLE_US) - (int64_t)h->mark_us;
    h->mark_us = 0;
    if (delay < MARK_LIFE_US && h->heard < HEARING_DELAYS_MAX)
        h->delay_ms[h->heard++] = (float)delay / 1000.0f;
}
