/* call/sdp: writing our descriptions. */
#include "call/sdp.h"
#include <errno.h>

static const char *dir_name(enum media_dir d)
{
    switch (d) {

    case MEDIA_SEND:
        return "sendonly";
    case MEDIA_RECV:
        return "recvonly";
    case MEDIA_INACTIVE:
        return "inactive";
    default:
        return "sendrecv";
    }
}

static const char *af_name(const struct addr *a)
{
    return addr_af(a) == AF_INET6 ? "IP6" : "IP4";
}

static void write_head(struct buf *out, const struct sdp_own *own, const struct addr *a)
{
    char ip[ADDR_STRLEN];

    buf_printf(out, "v=0\r\no=- %llu %llu IN %s %s\r\ns=-\r\n", (unsigned long long)own->id,
               (unsigned long long)own->version, af_name(a), addr_ip(a, ip, sizeof(ip)));
}

/* The m-lines of the offer that are not its audio, refused: port 0 (RFC 3264 6). */
static void write_refused(struct buf *out, const struct sdp *offer, size_t from, size_t to)
{
    for (size_t i = from; offer && i < to; i++) {
        const struct sdp_mline *m = &offer->mline[i];

        buf_printf(out, "m=%s 0 %s %s\r\nc=IN IP4 0.0.0.0\r\na=inactive\r\n", m->media, m->proto, m->fmts);
        if (m->mid[0])
            buf_printf(out, "a=mid:%s\r\n", m->mid);
    }
}

/* --- formats --- */

/* What an offer of ours to a browser lists: these codecs in their order, and telephone-event at each of their clock rates. */
static void formats_browser(struct media_formats *f, const enum media_codec codecs[4])
{
    const struct media_formats *ours = &sdp_formats_browser;
    bool rate_48k = false, rate_8k = false;

    *f = (struct media_formats){0};
    for (size_t i = 0; i < 4 && codecs[i] != MEDIA_NONE; i++) {
        const struct media_format *one = media_formats_codec(ours, codecs[i]);

        (void)media_formats_add(f, one->pt, one->codec, one->rate);
        rate_48k = rate_48k || one->rate == 48000;
        rate_8k = rate_8k || one->rate == 8000;
    }
    for (size_t i = 0; i < ours->count; i++) {
        const struct media_format *one = &ours->v[i];

        if (one->codec == MEDIA_EVENT && (one->rate == 48000 ? rate_48k : rate_8k))
            (void)media_formats_add(f, one->pt, one->codec, one->rate);
    }
}

/* What an answer of ours lists: the one codec, and the events and the comfort noise that go beside it. */
static void formats_answer(struct media_formats *f, const struct media_formats *agreed,
                           enum media_codec codec)
{
    const struct media_format *audio = media_formats_codec(agreed, codec),
                              *event = media_formats_event(agreed, codec),
                              *noise = media_formats_codec(agreed, MEDIA_CN);

    *f = (struct media_formats){.v = {*audio}, .count = 1};
    if (event)
        (void)media_formats_add(f, event->pt, event->codec, event->rate);
    if (noise && noise->rate == audio->rate)
        (void)media_formats_add(f, noise->pt, noise->codec, noise->rate);
}

static void write_mline(struct buf *out, uint16_t port, const char *proto, const struct media_formats *f)
{
    buf_printf(out, "m=audio %u %s", port, proto);
    for (size_t i = 0; i < f->count; i++)
        buf_printf(out, " %u", f->v[i].pt);
    buf_puts(out, "\r\n");
}

/*
 * What we ask of who sends Opus: no more than the other side can carry, so that it saves bits and us time (RFC 7587 6.1). Where Opus goes
 * straight through, what the other side asks.
 */
static void write_opus(struct buf *out, uint8_t pt, const struct sdp_own *own)
{
    static const struct media_opus nothing = {.fec = true};
    const struct media_opus *o = own->opus ? own->opus : &nothing;

    if (own->beside != MEDIA_OPUS) {
        uint32_t rate = own->beside == MEDIA_G722 ? 16000 : 8000;

        buf_printf(out,
                   "a=fmtp:%u maxplaybackrate=%u;sprop-maxcapturerate=%u;"
                   "maxaveragebitrate=%u;stereo=0;useinbandfec=1\r\n",
                   pt, rate, rate, rate == 16000 ? 32000 : 24000);
        return;
    }
    buf_printf(out, "a=fmtp:%u ", pt);
    if (o->maxplaybackrate)
        buf_printf(out, "maxplaybackrate=%u;", o->maxplaybackrate);
    if (o->maxaveragebitrate)
        buf_printf(out, "maxaveragebitrate=%u;", o->maxaveragebitrate);
    buf_printf(out, "stereo=%d;useinbandfec=%d%s\r\n", o->stereo, o->fec, o->dtx ? ";usedtx=1" : "");
}

static void write_rtpmap(struct buf *out, const struct media_format *f, const struct sdp_own *own)
{
    buf_printf(out, "a=rtpmap:%u %s/%u%s\r\n", f->pt, media_codec_name(f->codec), f->rate,
               f->codec == MEDIA_OPUS ? "/2" : "");
    if (f->codec == MEDIA_EVENT)
        buf_printf(out, "a=fmtp:%u 0-15\r\n", f->pt);
    else if (f->codec == MEDIA_OPUS)
        write_opus(out, f->pt, own);
}

static void write_rtpmaps(struct buf *out, const struct media_formats *f, const struct sdp_own *own)
{
    for (size_t i = 0; i < f->count; i++)
        write_rtpmap(out, &f->v[i], own);
}

/* --- trunk --- */

int sdp_write_trunk(struct buf *out, const struct sdp_own *own, const struct sdp_order *order,
                    const struct media_trunk *t)
{
    const struct sdp *offer = own->offer;
    struct media_formats f;
    uint32_t ptime;
    char ip[ADDR_STRLEN];

    write_head(out, own, &own->addr);
    buf_printf(out, "c=IN %s %s\r\nt=0 0\r\n", af_name(&own->addr), addr_ip(&own->addr, ip, sizeof(ip)));
    if (offer && offer->audio < 0) {
        write_refused(out, offer, 0, offer->mlines);
        return out->err;
    }
    if (t)
        formats_answer(&f, &t->formats, t->codec);
    else
        sdp_formats_offer(&f, order, own->known);
    write_refused(out, offer, 0, offer ? (size_t)offer->audio : 0);
    write_mline(out, addr_port(&own->addr), t && offer ? offer->mline[offer->audio].proto : "RTP/AVP", &f);
    write_rtpmaps(out, &f, own);
    ptime = t ? t->ptime_ms : order->ptime_ms;
    buf_printf(out, "a=ptime:%u\r\na=%s\r\n", ptime ? ptime : 20, dir_name(own->dir));
    if (offer)
        write_refused(out, offer, (size_t)offer->audio + 1, offer->mlines);
    return out->err;
}

/* --- browser --- */

/* ICE and DTLS of ours, and the one source (RFC 5576) by which browsers tell the stream. */
static void write_ice(struct buf *out, const struct sdp_ice_own *ice, const char *setup)
{
    const struct media_local *l = ice->local;
    char ip[ADDR_STRLEN];

    buf_printf(out, "a=ice-ufrag:%s\r\na=ice-pwd:%s\r\na=fingerprint:sha-256 ", l->ice_ufrag, l->ice_pwd);
    for (size_t i = 0; i < 32; i++)
        buf_printf(out, "%s%02X", i ? ":" : "", l->fingerprint[i]);
    buf_printf(out, "\r\na=setup:%s\r\na=rtcp-mux\r\n", setup);
    for (size_t i = 0; i < ice->cand_count; i++) {
        uint32_t prio = 126U << 24 | (65535U - (uint32_t)i) << 8 | 255U; /* RFC 8445 5.1.2.1 */

        buf_printf(out, "a=candidate:%zu 1 udp %u %s %u typ host\r\n", i + 1, prio,
                   addr_ip(&ice->cands[i], ip, sizeof(ip)), l->ice_port);
    }
    buf_puts(out, "a=end-of-candidates\r\n");
    buf_printf(out, "a=msid:dngate audio\r\na=ssrc:%u cname:%s\r\na=ssrc:%u msid:dngate audio\r\n", l->ssrc,
               l->cname, l->ssrc);
}

static void write_browser_head(struct buf *out, const struct sdp_own *own, const struct addr *a,
                               const char *mid)
{
    write_head(out, own, a);
    buf_puts(out, "t=0 0\r\n");
    if (mid)
        buf_printf(out, "a=group:BUNDLE %s\r\n", mid);
    buf_puts(out, "a=msid-semantic:WMS *\r\n");
}

static void write_browser_conn(struct buf *out, const struct addr *a)
{
    char ip[ADDR_STRLEN];

    buf_printf(out, "c=IN %s %s\r\n", af_name(a), addr_ip(a, ip, sizeof(ip)));
}

int sdp_write_browser_offer(struct buf *out, const struct sdp_own *own, const struct sdp_ice_own *ice,
                            const enum media_codec codecs[4])
{
    const struct sdp *lines = own->offer;
    const struct sdp_mline *m = lines ? &lines->mline[lines->audio] : NULL;
    const char *mid = m && m->mid[0] ? m->mid : SDP_MID_OWN;
    struct media_formats f;

    if (!ice->cand_count)
        return EADDRNOTAVAIL;
    formats_browser(&f, codecs);
    write_browser_head(out, own, &ice->cands[0], mid);
    write_refused(out, lines, 0, lines ? (size_t)lines->audio : 0);
    write_mline(out, ice->local->ice_port, m ? m->proto : "UDP/TLS/RTP/SAVPF", &f);
    write_browser_conn(out, &ice->cands[0]);
    buf_printf(out, "a=mid:%s\r\na=%s\r\n", mid, dir_name(own->dir));
    write_rtpmaps(out, &f, own);
    buf_puts(out, "a=ptime:20\r\n");
    write_ice(out, ice, "actpass");
    if (lines)
        write_refused(out, lines, (size_t)lines->audio + 1, lines->mlines);
    return out->err;
}

int sdp_write_browser_answer(struct buf *out, const struct sdp_own *own, const struct sdp_ice_own *ice,
                             const struct media_browser *b)
{
    const struct sdp *offer = own->offer;
    const struct sdp_mline *m;
    struct media_formats f;

    if (!offer || offer->audio < 0)
        return EINVAL;
    if (!ice->cand_count)
        return EADDRNOTAVAIL;
    m = &offer->mline[offer->audio];
    formats_answer(&f, &b->formats, b->codec);
    write_browser_head(out, own, &ice->cands[0], offer->bundle && m->mid[0] ? m->mid : NULL);
    write_refused(out, offer, 0, (size_t)offer->audio);
    write_mline(out, ice->local->ice_port, m->proto, &f);
    write_browser_conn(out, &ice->cands[0]);
    if (m->mid[0])
        buf_printf(out, "a=mid:%s\r\n", m->mid);
    buf_printf(out, "a=%s\r\n", dir_name(own->dir));
    write_rtpmaps(out, &f, own);
    buf_puts(out, "a=ptime:20\r\n");
    write_ice(out, ice, b->we_are_dtls_client ? "active" : "passive");
    write_refused(out, offer, (size_t)offer->audio + 1, offer->mlines);
    return out->err;
}
