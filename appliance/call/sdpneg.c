/* call/sdp: choosing: can a description be served, and with which codecs. */
#include "call/sdp.h"
#include <errno.h>
#include <string.h>
#include <strings.h>

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

const struct media_formats sdp_formats_trunk = {
    .v = {{0, MEDIA_PCMU, 8000}, {8, MEDIA_PCMA, 8000}, {101, MEDIA_EVENT, 8000}}, .count = 3};

const struct media_formats sdp_formats_browser = {.v = {{111, MEDIA_OPUS, 48000},
                                                        {0, MEDIA_PCMU, 8000},
                                                        {8, MEDIA_PCMA, 8000},
                                                        {110, MEDIA_EVENT, 48000},
                                                        {126, MEDIA_EVENT, 8000}},
                                                  .count = 5};

static bool formats_have(const struct media_formats *f, const struct media_format *one)
{
    for (size_t i = 0; i < f->count; i++)
        if (f->v[i].codec == one->codec && f->v[i].rate == one->rate)
            return true;
    return false;
}

/*
 * What may come of a description that we can make use of, beginning with what we send. ours: what our offer listed, when this is the
 * answer to it: its numbers are what the peer should send (RFC 3264 6.1), its own what we send; many send their own.
 */
static void formats_take(struct media_formats *to, const struct sdp *s, enum media_codec send, bool opus,
                         const struct media_formats *ours)
{
    *to = (struct media_formats){0};
    (void)media_formats_add(to, codec_pt(s, send), send, send == MEDIA_OPUS ? 48000 : 8000);
    for (size_t i = 0; i < s->fmts; i++) {
        const struct sdp_fmt *f = &s->fmt[i];
        enum media_codec c = strcasecmp(f->name, media_codec_name(MEDIA_EVENT)) ? fmt_codec(f) : MEDIA_EVENT;

        if (c != MEDIA_NONE && f->rate && (opus || c != MEDIA_OPUS))
            (void)media_formats_add(to, f->pt, c, f->rate);
    }
    for (size_t i = 0; ours && i < ours->count; i++)
        if (formats_have(to, &ours->v[i]))
            (void)media_formats_add(to, ours->v[i].pt, ours->v[i].codec, ours->v[i].rate);
}

unsigned sdp_warning(int err, const char **text)
{
    static const struct {
        int err;
        unsigned code;
        const char *text;
    } known[] = {{ENODATA, 304, "No audio stream"},
                 {ENOENT, 304, "No session description"},
                 {EPROTONOSUPPORT, 302, "Incompatible transport protocol"},
                 {ENOTSUP, 305, "Incompatible media format"},
                 {EDESTADDRREQ, 301, "No address to send to in c="},
                 {EAFNOSUPPORT, 300, "Incompatible network protocol"},
                 {EADDRNOTAVAIL, 330, "Multicast not available"},
                 {ENETUNREACH, 301, "The address in c= cannot be reached"},
                 {EPROTO, 306, "ICE, rtcp-mux and a SHA-256 fingerprint are needed"}};

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (known[i].err != err)
            continue;
        *text = known[i].text;
        return known[i].code;
    }
    *text = "Session description not understood";
    return 399;
}

/* Where to send to; 0.0.0.0 is an address too: nothing is sent to it (RFC 3264 8.4). */
static int usable_address(const struct sdp *s)
{
    if (s->conn != SDP_CONN_IP)
        return EDESTADDRREQ;
    if (addr_is_any(&s->rtp) || addr_is_unicast(&s->rtp))
        return 0;
    return addr_is_multicast(&s->rtp) ? EADDRNOTAVAIL : ENETUNREACH;
}

enum { PTIME_MIN = 10, PTIME_USUAL = 20, PTIME_MAX = 60 };

/* What it asks for, but never more than it takes (RFC 8866 6.4). */
static uint32_t ptime_of(const struct sdp *s)
{
    uint32_t ms = s->ptime_ms >= PTIME_MIN && s->ptime_ms <= PTIME_MAX ? s->ptime_ms : PTIME_USUAL;

    return s->maxptime_ms >= PTIME_MIN && s->maxptime_ms < ms ? s->maxptime_ms : ms;
}

int sdp_to_trunk(struct media_trunk *t, const struct sdp *s, const struct sdp_order *order, bool answer)
{
    enum media_codec c;
    int err;

    if (s->audio < 0)
        return ENODATA;
    /* Keys for SRTP are not ours to give here, and plain RTP must not go where SRTP was asked for; our own offers say RTP/AVP */
    if (s->proto != SDP_PROTO_AVP && (answer || s->proto != SDP_PROTO_AVPF))
        return EPROTONOSUPPORT;
    err = usable_address(s);
    if (err)
        return err;
    c = trunk_codec(s, order, answer);
    if (c == MEDIA_NONE)
        return ENOTSUP;
    t->codec = c;
    formats_take(&t->formats, s, c, false, answer ? &sdp_formats_trunk : NULL);
    t->ptime_ms = ptime_of(s);
    memset(&t->rtp, 0, sizeof(t->rtp));
    memset(&t->rtcp, 0, sizeof(t->rtcp));
    t->dir =
        (enum media_dir)((s->dir & MEDIA_SEND ? MEDIA_RECV : 0) | (s->dir & MEDIA_RECV ? MEDIA_SEND : 0));
    if (addr_is_any(&s->rtp)) { /* a hold, though it may speak of ICE, which trunks do not get from us */
        t->dir &= MEDIA_RECV;
    } else {
        t->rtp = s->rtp;
        t->rtcp = s->rtcp;
    }
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
        return ENODATA;
    if (s->proto == SDP_PROTO_OTHER)
        return EPROTONOSUPPORT;
    /* Whatever the proto is called, the fingerprint makes it DTLS-SRTP (RFC 8829 5.1.2) */
    if (!s->rtcp_mux || !s->has_fingerprint || strlen(s->ice_ufrag) < 4 || strlen(s->ice_pwd) < 22)
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
    formats_take(&b->formats, s, b->codec, true, offer ? NULL : &sdp_formats_browser);
    return 0;
}
