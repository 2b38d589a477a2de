#include "media/path_echo.h"

#include "media/path_out.h"

#include <string.h>

enum { ECHO_BURST = 8 /* frames caught up with in one tick */ };

/* Only what we would send, too: everything else is there to be counted. */
void path_echo_packet(struct path *p, const struct rtp_hdr *h, uint64_t now_us)
{
    const struct media_format *f = media_formats_of(&p->browser.formats, h->pt);
    struct path_in *in = &p->from_browser;

    if (!f || f->codec != p->browser.codec || !h->len) {
        rtcp_recv_untimed(&in->recv, h);
        return;
    }
    if (f->codec != in->codec) {
        in->codec = f->codec;
        rtcp_recv_rate(&in->recv, codec_clock_rate(f->codec));
        jbuf_reset(p->up.jbuf, codec_clock_rate(f->codec));
    }
    rtcp_recv_packet(&in->recv, h, now_us);
    path_touched(p);
    (void)jbuf_put(p->up.jbuf, h, codec_packet_ticks(f->codec, h->payload, h->len),
                   now_us); /* it counts what it refuses */
}

static void frame_back(struct path *p, const struct jbuf_frame *f, uint64_t now_us)
{
    uint8_t *room = path_browser_room(p);
    struct rtp_hdr out;

    if (!room || f->len > RTP_PAYLOAD_MAX)
        return;
    rtp_splice_own(&p->to_browser.splice, f->dur, now_us, &out);
    out.pt = p->to_browser.pt;
    memcpy(room + RTP_HEADER, f->payload, f->len);
    path_browser_send(p, room, &out, f->len, now_us);
}

void path_echo_tick(struct path *p, uint64_t now_us)
{
    struct jbuf_frame f;

    for (unsigned i = 0; i < ECHO_BURST && jbuf_due_us(p->up.jbuf) <= now_us; i++) {
        switch (jbuf_get(p->up.jbuf, now_us, &f)) {

        case JBUF_WAIT:
            return;

        case JBUF_FRAME:
            frame_back(p, &f, now_us);
            break;

        case JBUF_LOST:
        case JBUF_EMPTY:
            rtp_splice_pass(&p->to_browser.splice, f.dur);
            break;
        }
    }
}

uint64_t path_echo_due_us(const struct path *p)
{
    return jbuf_due_us(p->up.jbuf);
}
