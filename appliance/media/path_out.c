/* media/path: what leaves it, for the trunk, the browser and signalling. See path.h. */
#include "media/path_out.h"

#include "media/g711.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- to signalling ---- */

/* Signalling's mailbox was full. MEDIA_ENDED is the worker's to tell again. */
void path_events_retry(struct path *p)
{
    if (p->untold.waits && !p->host->eventh(&p->untold.ev, p->host->arg))
        p->untold.waits = false;
}

void path_event(struct path *p, struct media_event *ev)
{
    if (ev->type == MEDIA_FAILED) {
        if (p->failed)
            return;
        p->failed = true;
    }
    ev->path_id = p->id;
    path_events_retry(p);
    if (!p->untold.waits && !p->host->eventh(ev, p->host->arg))
        return;
    if (ev->type <= MEDIA_TIMEOUT && ev->type != MEDIA_DTLS_UP &&
        !(p->untold.waits && p->untold.ev.type == MEDIA_TIMEOUT)) {
        p->untold.waits = true; /* in place of an older one: signalling wants to know how it is */
        p->untold.ev = *ev;
    }
}

/* ---- to the trunk ---- */

bool path_trunk_ready(const struct path *p)
{
    const struct addr *dst = srclock_dest(&p->lock);

    return p->trunk_set && (p->trunk.dir & MEDIA_SEND) && addr_isset(dst, true) && !addr_is_any(dst);
}

uint8_t *path_trunk_room(struct path *p)
{
    return path_trunk_ready(p) ? udp_queue_room(p->host->trunk) : NULL;
}

void path_trunk_send(struct path *p, uint8_t *room, const struct rtp_hdr *h, size_t len, uint64_t now_us)
{
    const struct addr *dst = srclock_dest(&p->lock);
    size_t n = rtp_build(room, h) + len;

    if (!udp_queue_push(p->host->trunk, udp_set_to(&p->rtp, dst), n, &p->trunk_local, dst))
        rtcp_send_packet(&p->to_trunk.send, h->ts, len, now_us);
}

/* Follows the worker's load; cheap, called for every packet. */
static void follow_load(const struct path *p, struct codec_enc *e, int *complexity)
{
    int wanted = p->host->complexity;

    if (wanted == *complexity)
        return;
    *complexity = wanted;
    codec_enc_complexity(e, wanted);
}

/* n samples as the payload of this codec; 0 when that fails. e: of Opus and G.722; NULL = there is none. */
static size_t encode(enum media_codec codec, struct codec_enc *e, const int16_t *pcm, size_t n, uint32_t rate,
                     uint8_t *out)
{
    switch (codec) {
    case MEDIA_PCMU:
        g711_ulaw_enc(out, pcm, n);
        return n;
    case MEDIA_PCMA:
        g711_alaw_enc(out, pcm, n);
        return n;
    case MEDIA_OPUS:
    case MEDIA_G722:
        if (!e)
            return 0;
        codec_enc_rate(e, rate);
        return codec_enc_frame(e, pcm, n, out, RTP_PAYLOAD_MAX, &n) ? 0 : n;
    default:
        return 0;
    }
}

size_t path_trunk_encode(struct path *p, const int16_t *pcm, size_t n, uint32_t rate, uint8_t *out)
{
    const enum media_codec codec = p->trunk.codec;
    struct codec_enc *e = NULL;

    if (codec == MEDIA_OPUS || codec == MEDIA_G722) {
        if (!p->up.enc[codec] && codec_enc_alloc(&p->up.enc[codec], codec, 0))
            return 0;
        e = p->up.enc[codec];
    }
    if (codec == MEDIA_OPUS)
        follow_load(p, e, &p->up.complexity);
    return encode(codec, e, pcm, n, rate, out);
}

void path_trunk_own(struct path *p, uint8_t *room, const int16_t *pcm, size_t n, uint32_t rate,
                    uint64_t now_us)
{
    struct rtp_splice *splice = &p->to_trunk.splice;
    const size_t len = path_trunk_encode(p, pcm, n, rate, room + RTP_HEADER);
    struct rtp_hdr out;

    if (!len)
        return;
    rtp_splice_own(splice, (uint32_t)(n * splice->rate / rate), now_us, &out);
    out.pt = p->to_trunk.pt;
    path_trunk_send(p, room, &out, len, now_us);
}

/* ---- to the browser ---- */

size_t path_browser_encode(struct path *p, const int16_t *pcm, uint32_t rate, uint8_t *out)
{
    if (p->browser.codec == MEDIA_OPUS && p->down.enc)
        follow_load(p, p->down.enc, &p->down.complexity);
    return encode(p->browser.codec, p->down.enc, pcm, rate / 50, rate, out);
}

bool path_browser_own(struct path *p, uint8_t *room, const int16_t *pcm, uint32_t rate, uint64_t now_us)
{
    struct rtp_splice *splice = &p->to_browser.splice;
    const size_t len = path_browser_encode(p, pcm, rate, room + RTP_HEADER);
    struct rtp_hdr out;

    if (!len)
        return false;
    rtp_splice_own(splice, splice->rate / 50, now_us, &out);
    out.pt = p->to_browser.pt;
    path_browser_send(p, room, &out, len, now_us);
    return true;
}

bool path_browser_ready(const struct path *p)
{
    return p->srtp_out && !p->failed;
}

uint8_t *path_browser_room(struct path *p)
{
    struct addr local, remote;

    if (!path_browser_ready(p) || !ice_route(p->ice, &local, &remote))
        return NULL;
    return p->host->roomh(&remote, p->host->arg);
}

static void push(struct path *p, size_t n)
{
    struct addr local, remote;

    if (ice_route(p->ice, &local, &remote))
        p->host->sendh(n, &local, &remote, p->host->arg);
}

void path_browser_send(struct path *p, uint8_t *room, const struct rtp_hdr *h, size_t len, uint64_t now_us)
{
    size_t n = rtp_build(room, h) + len;

    if (srtpctx_protect(p->srtp_out, room, &n))
        return;
    rtcp_send_packet(&p->to_browser.send, h->ts, len, now_us);
    push(p, n);
}

void path_browser_send_rtcp(struct path *p, uint8_t *room, size_t n)
{
    if (!srtpctx_protect_rtcp(p->srtp_out, room, &n))
        push(p, n);
}

/* ---- sound between two codecs ---- */

int path_pcm_room(struct path_pcm *pcm, uint32_t rate)
{
    size_t room = rate * 24 / 100; /* 240 ms */
    int16_t *v;

    if (!pcm->rate)
        pcm->rate = CODEC_RATE;
    if (room <= pcm->room)
        return 0;
    v = realloc(pcm->v, room * sizeof(*v));
    if (!v)
        return ENOMEM;
    pcm->v = v;
    pcm->room = room;
    return 0;
}

void path_pcm_rate(struct path_pcm *pcm, uint32_t rate)
{
    if (pcm->rate == rate)
        return;
    pcm->rate = rate;
    pcm->count = 0;
}

void path_pcm_drop(struct path_pcm *pcm, size_t n)
{
    pcm->count -= n;
    memmove(pcm->v, pcm->v + n, pcm->count * sizeof(*pcm->v));
}
