/* RTCP: whatever comes, the message is bounded and the figures made of it are sane. */
#include "media/rtcp.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rtcp_recv r;
    struct rtcp_send s;
    struct rtcp_msg m;
    struct rtp_hdr h = {.seq = 1, .ssrc = 1};
    uint8_t p[RTCP_PACKET_MAX];
    size_t n;

    if (rtcp_parse(&m, data, size))
        return 0;
    if (m.count > RTCP_BLOCKS_MAX || strlen(m.cname) >= sizeof(m.cname))
        abort();
    for (size_t i = 0; i < m.count; i++)
        if (rtcp_rtt_us(&m.blocks[i], 5000000) < -1)
            abort();
    rtcp_recv_init(&r, 8000);
    rtcp_send_init(&s, m.ssrc, 8000);
    h.ssrc = m.ssrc;
    rtcp_recv_packet(&r, &h, 1000000);
    rtcp_recv_report(&r, &m, 2000000);
    n = rtcp_build(p, sizeof(p), &s, &r, m.cname, m.bye, 3000000);
    if (!n || rtcp_parse(&m, p, n))
        abort();
    return 0;
}
