/* RTP: whatever comes, the payload lies inside the packet, and relaying it makes a packet that parses the same. */
#include "media/dtmf.h"
#include "media/rtp.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void relay(const struct rtp_hdr *in)
{
    static struct rtp_splice s;
    struct rtp_hdr out, again;
    uint8_t p[RTP_PACKET_MAX];

    if (!s.rate)
        rtp_splice_init(&s, 1, 8000);
    rtp_splice_relay(&s, in, s.at_us + 20000, &out);
    if (out.len > RTP_PAYLOAD_MAX)
        return;
    rtp_build(p, &out);
    if (out.len)
        memcpy(p + RTP_HEADER, out.payload, out.len);
    if (rtp_parse(&again, p, RTP_HEADER + out.len) || again.len != in->len || again.pt != in->pt ||
        again.ssrc != 1)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct dtmf_rx rx = {.rate = 8000};
    static uint64_t now;
    struct rtp_hdr h;
    char digit = 0;
    unsigned ms;

    rtp_is_rtcp(data, size);
    if (rtp_parse(&h, data, size))
        return 0;
    if (h.payload < data + RTP_HEADER || h.payload + h.len > data + size)
        abort();
    relay(&h);
    if (dtmf_rx_packet(&rx, &h, now += 20000, &digit, &ms) != DTMF_NOTHING && dtmf_event(digit) < 0)
        abort();
    return 0;
}
