/*
 * The jitter buffer under any order of packets and time. Input: records of eight bytes
 * (sequence step, timestamp step ×2, duration, time step, length, flags, SSRC).
 */
#include "media/jbuf.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void drain(struct jbuf *j, uint64_t now)
{
    struct jbuf_frame f;
    unsigned sum = 0;

    for (unsigned i = 0; i < 50 && jbuf_due_us(j) <= now; i++) {
        enum jbuf_result what = jbuf_get(j, now, &f);

        if (what != JBUF_WAIT && !f.dur)
            abort();
        for (size_t k = 0; k < f.len; k++)
            sum += f.payload[k];
    }
    jbuf_quiet(j, sum & 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t payload[RTP_PAYLOAD_MAX + 1];
    struct jbuf_config cfg = {.clock_rate = 8000};
    struct rtp_hdr h = {.payload = payload};
    struct jbuf_stats st;
    struct jbuf *j;
    uint64_t now = 1;

    if (jbuf_alloc(&j, &cfg))
        return 0;
    for (; size >= 8; data += 8, size -= 8) {
        h.seq = (uint16_t)(h.seq + (int8_t)data[0]);
        h.ts += (uint32_t)((int16_t)(data[1] << 8 | data[2]));
        h.len = data[5] * 6u;
        h.ssrc = data[7] > 250;
        now += data[4] * 300u * (data[6] & 4 ? 100 : 1);
        jbuf_fec(j, data[6] & 1);
        jbuf_put(j, &h, data[3] * 5u, now);
        if (data[6] & 2)
            drain(j, now);
        jbuf_stats(j, &st);
        if (st.target_ms > JBUF_MAX_MS)
            abort();
    }
    jbuf_free(j);
    return 0;
}
