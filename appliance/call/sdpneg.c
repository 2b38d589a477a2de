/* call/sdp: choosing codecs and writing our descriptions. */
#include "call/sdp.h"
#include <errno.h>
#include <string.h>
#include <strings.h>

enum { PT_OPUS = 111, PT_EVENT_48K = 110, PT_EVENT_8K = 126, PT_EVENT_TRUNK = 101 };

static uint8_t codec_pt(const struct sdp *s, enum media_codec c)
{
    const struct sdp_fmt *f = sdp_find(s, media_codec_name(c), c == MEDIA_OPUS ? 48000 : 8000);

    return f ? f->pt : SDP_PT_NONE;
}

static enum media_codec fmt_codec(const struct sdp_fmt *f)
{
    static const enum media_codec all[] = {MEDIA_OPUS, MEDIA_PCMU, MEDIA_PCMA};

    for (size_t i = 0; i < 3; i++)
        if (!strcasecmp(f->name, media_codec_name(all[i])) &&
            f->rate == (all[i] == MEDIA_OPUS ? 48000 : 8000))
            return all[i];
    return MEDIA_NONE;
}

static bool order_has(const struct sdp_order *o, enum media_codec c)
{
    for (size_t i = 0; i < 4 && o->v[i] != MEDIA_NONE; i++)
        if (o->v[i] == c)
            return true;
    return false;
}

void sdp_order_decode(struct sdp_order *o, const char *codecs, enum media_codec first)
{
    const char *p = codecs ? codecs : "";
    size_t n = 0;

    memset(o, 0, sizeof(*o));
    while (*p && n < 2) {
        size_t len = strcspn(p, ", ");
        enum media_codec c = MEDIA_NONE;

        if (len == 4 && !strncasecmp(p, "pcmu", 4))
            c = MEDIA_PCMU;
        else if (len == 4 && !strncasecmp(p, "pcma", 4))
            c = MEDIA_PCMA;
        if (c != MEDIA_NONE && !order_has(o, c))
            o->v[n++] = c;
        p += len + (p[len] ? 1 : 0);
    }
    if (!n) {
        o->v[0] = MEDIA_PCMU;
        o->v[1] = MEDIA_PCMA;
    }
    if (o->v[1] == first && first != MEDIA_NONE) {
        o->v[1] = o->v[0];
        o->v[0] = first;
    }
}

static enum media_codec trunk_codec(const struct sdp *s, const struct sdp_order *order, bool answer)
{
    if (answer) {
        for (size_t i = 0; i < s->fmts; i++) {
            enum media_codec c = fmt_codec(&s->fmt[i]);

            if (order_has(order, c) && c != MEDIA_NONE)
                return c;
        }
        return MEDIA_NONE;
    }
    for (size_t i = 0; i < 4 && order->v[i] != MEDIA_NONE; i++)
        if (codec_pt(s, order->v[i]) != SDP_PT_NONE)
            return order->v[i];
    return MEDIA_NONE;
}

/* All of a description that we can make use of. */
static void formats_take(struct media_formats *to, const struct sdp *s, bool opus)
{
    *to = (struct media_formats){0};
    for (size_t i = 0; i < s->fmts; i++) {
        const struct sdp_fmt *f = &s->fmt[i];
        enum media_codec c = strcasecmp(f->name, media_codec_name(MEDIA_EVENT)) ? fmt_codec(f) : MEDIA_EVENT;

        if (c != MEDIA_NONE && (opus || (c != MEDIA_OPUS && f->rate == 8000)))
            (void)media_formats_add(to, f->pt, c, f->rate);
    }
}

int sdp_to_trunk(struct media_trunk *t, const struct sdp *s, const struct sdp_order *order, bool answer)
{
    enum media_codec c = s->audio >= 0 ? trunk_codec(s, order, answer) : MEDIA_NONE;

    if (c == MEDIA_NONE || s->savpf)
        return ENOTSUP;
    t->codec = c;
    formats_take(&t->formats, s, false);
    t->ptime_ms = s->ptime_ms >= 10 && s->ptime_ms <= 60 ? s->ptime_ms : 20;
    memset(&t->rtp, 0, sizeof(t->rtp));
    memset(&t->rtcp, 0, sizeof(t->rtcp));
    if (addr_af(&s->rtp) != AF_UNSPEC && !addr_is_any(&s->rtp)) {
        t->rtp = s->rtp;
        t->rtcp = s->rtcp;
    }
    t->dir =
        (enum media_dir)((s->dir & MEDIA_SEND ? MEDIA_RECV : 0) | (s->dir & MEDIA_RECV ? MEDIA_SEND : 0));
    return 0;
}

static enum media_codec browser_codec(const struct sdp *s, enum media_codec want)
{
    if (want != MEDIA_NONE && codec_pt(s, want) != SDP_PT_NONE)
        return want;
    for (size_t i = 0; i < s->fmts; i++)
        if (fmt_codec(&s->fmt[i]) != MEDIA_NONE)
            return fmt_codec(&s->fmt[i]);
    return MEDIA_NONE;
}

int sdp_to_browser(struct media_browser *b, const struct sdp *s, enum media_codec want, bool offer)
{
    memset(b, 0, sizeof(*b));
    if (s->audio < 0)
        return ENOTSUP;
    if (!s->savpf || !s->rtcp_mux || !s->has_fingerprint || strlen(s->ice_ufrag) < 4 ||
        strlen(s->ice_pwd) < 22)
        return EPROTO;
    b->codec = browser_codec(s, want);
    if (b->codec == MEDIA_NONE)
        return ENOTSUP;
    memcpy(b->ice_ufrag, s->ice_ufrag, sizeof(b->ice_ufrag));
    memcpy(b->ice_pwd, s->ice_pwd, sizeof(b->ice_pwd));
    memcpy(b->fingerprint, s->fingerprint, sizeof(b->fingerprint));
    memcpy(b->cands, s->cands, sizeof(b->cands));
    b->cand_count = s->cand_count;
    /* Towards an offer of actpass we are active (RFC 5763 5); to our own actpass the answer decides */
    b->we_are_dtls_client = offer ? s->setup != SDP_SETUP_ACTIVE : s->setup == SDP_SETUP_PASSIVE;
    formats_take(&b->formats, s, true);
    return 0;
}

/* --- writing --- */

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

        buf_printf(out, "m=%s 0 %s %s\r\nc=IN IP4 0.0.0.0\r\na=inactive\r\n", m->media, m->proto, m->fmt);
        if (m->mid[0])
            buf_printf(out, "a=mid:%s\r\n", m->mid);
    }
}

static void write_codec(struct buf *out, enum media_codec c, uint8_t pt)
{
    if (c ==
        MEDIA_OPUS) /* narrowband is all a G.711 trunk can carry: say so and the browser saves bits and us time (RFC 7587) */
        buf_printf(out,
                   "a=rtpmap:%u opus/48000/2\r\na=fmtp:%u maxplaybackrate=8000;sprop-maxcapturerate=8000;"
                   "maxaveragebitrate=24000;stereo=0;useinbandfec=1\r\n",
                   pt, pt);
    else
        buf_printf(out, "a=rtpmap:%u %s/8000\r\n", pt, media_codec_name(c));
}

static void write_event(struct buf *out, const struct media_format *ev)
{
    if (ev)
        buf_printf(out, "a=rtpmap:%u telephone-event/%u\r\na=fmtp:%u 0-15\r\n", ev->pt, ev->rate, ev->pt);
}

static uint8_t g711_pt(enum media_codec c)
{
    return c == MEDIA_PCMA ? 8 : 0;
}

static const struct media_format event_trunk = {PT_EVENT_TRUNK, MEDIA_EVENT, 8000};

int sdp_write_trunk(struct buf *out, const struct sdp_own *own, const struct sdp_order *order,
                    const struct media_trunk *t)
{
    const struct sdp *offer = own->offer;
    const struct media_format *ev = t ? media_formats_event(&t->formats, t->codec) : &event_trunk;
    char ip[ADDR_STRLEN];

    write_head(out, own, &own->addr);
    buf_printf(out, "c=IN %s %s\r\nt=0 0\r\n", af_name(&own->addr), addr_ip(&own->addr, ip, sizeof(ip)));
    if (offer && offer->audio < 0) {
        write_refused(out, offer, 0, offer->mlines);
        return out->err;
    }
    write_refused(out, offer, 0, offer ? (size_t)offer->audio : 0);
    buf_printf(out, "m=audio %u RTP/AVP", addr_port(&own->addr));
    if (t)
        buf_printf(out, " %u", media_formats_codec(&t->formats, t->codec)->pt);
    for (size_t i = 0; !t && i < 4 && order->v[i] != MEDIA_NONE; i++)
        buf_printf(out, " %u", g711_pt(order->v[i]));
    if (ev)
        buf_printf(out, " %u", ev->pt);
    buf_puts(out, "\r\n");
    if (t)
        write_codec(out, t->codec, media_formats_codec(&t->formats, t->codec)->pt);
    for (size_t i = 0; !t && i < 4 && order->v[i] != MEDIA_NONE; i++)
        write_codec(out, order->v[i], g711_pt(order->v[i]));
    write_event(out, ev);
    buf_printf(out, "a=ptime:%u\r\na=%s\r\n", t ? t->ptime_ms : 20, dir_name(own->dir));
    if (offer)
        write_refused(out, offer, (size_t)offer->audio + 1, offer->mlines);
    return out->err;
}

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
    bool opus = false;

    if (!ice->cand_count)
        return EADDRNOTAVAIL;
    write_browser_head(out, own, &ice->cands[0], "0");
    buf_printf(out, "m=audio %u UDP/TLS/RTP/SAVPF", ice->local->ice_port);
    for (size_t i = 0; i < 4 && codecs[i] != MEDIA_NONE; i++) {
        opus = opus || codecs[i] == MEDIA_OPUS;
        buf_printf(out, " %u", codecs[i] == MEDIA_OPUS ? (unsigned)PT_OPUS : g711_pt(codecs[i]));
    }
    if (opus)
        buf_printf(out, " %u", PT_EVENT_48K);
    buf_printf(out, " %u\r\n", PT_EVENT_8K);
    write_browser_conn(out, &ice->cands[0]);
    buf_printf(out, "a=mid:0\r\na=%s\r\n", dir_name(own->dir));
    for (size_t i = 0; i < 4 && codecs[i] != MEDIA_NONE; i++)
        write_codec(out, codecs[i], codecs[i] == MEDIA_OPUS ? PT_OPUS : g711_pt(codecs[i]));
    if (opus)
        write_event(out, &(struct media_format){PT_EVENT_48K, MEDIA_EVENT, 48000});
    write_event(out, &(struct media_format){PT_EVENT_8K, MEDIA_EVENT, 8000});
    buf_puts(out, "a=ptime:20\r\n");
    write_ice(out, ice, "actpass");
    return out->err;
}

int sdp_write_browser_answer(struct buf *out, const struct sdp_own *own, const struct sdp_ice_own *ice,
                             const struct media_browser *b)
{
    const struct media_format *audio = media_formats_codec(&b->formats, b->codec),
                              *ev = media_formats_event(&b->formats, b->codec);
    const struct sdp *offer = own->offer;
    const struct sdp_mline *m;

    if (!offer || offer->audio < 0)
        return EINVAL;
    if (!ice->cand_count)
        return EADDRNOTAVAIL;
    m = &offer->mline[offer->audio];
    write_browser_head(out, own, &ice->cands[0], offer->bundle && m->mid[0] ? m->mid : NULL);
    write_refused(out, offer, 0, (size_t)offer->audio);
    buf_printf(out, "m=audio %u %s %u", ice->local->ice_port, m->proto, audio->pt);
    if (ev)
        buf_printf(out, " %u", ev->pt);
    buf_puts(out, "\r\n");
    write_browser_conn(out, &ice->cands[0]);
    if (m->mid[0])
        buf_printf(out, "a=mid:%s\r\n", m->mid);
    buf_printf(out, "a=%s\r\n", dir_name(own->dir));
    write_codec(out, b->codec, audio->pt);
    write_event(out, ev);
    buf_puts(out, "a=ptime:20\r\n");
    write_ice(out, ice, b->we_are_dtls_client ? "active" : "passive");
    write_refused(out, offer, (size_t)offer->audio + 1, offer->mlines);
    return out->err;
}
