/* call/sdp: choosing: can a description be served, and with which codecs. */
#include "call/sdp.h"
#include <errno.h>
#include <string.h>
#include <strings.h>

static uint32_t codec_rate(enum media_codec c)
{
    return c == MEDIA_OPUS ? 48000 : 8000;
}

static uint8_t codec_pt(const struct sdp *s, enum media_codec c)
{
    const struct sdp_fmt *f = sdp_find(s, media_codec_name(c), codec_rate(c));

    return f ? f->pt : SDP_PT_NONE;
}

/* Audio that we speak, or MEDIA_NONE. */
static enum media_codec fmt_codec(const struct sdp_fmt *f)
{
    for (enum media_codec c = MEDIA_OPUS; c <= MEDIA_G722; c++)
        if (!strcasecmp(f->name, media_codec_name(c)) && f->rate == codec_rate(c))
            return c;
    return MEDIA_NONE;
}

/* With browsers we do not speak G.722. */
static enum media_codec fmt_browser_codec(const struct sdp_fmt *f)
{
    enum media_codec c = fmt_codec(f);

    return c == MEDIA_G722 ? MEDIA_NONE : c;
}

static bool order_has(const struct sdp_order *o, enum media_codec c)
{
    for (size_t i = 0; i < SDP_CODECS_MAX && o->v[i] != MEDIA_NONE; i++)
        if (o->v[i] == c)
            return true;
    return false;
}

static enum media_codec word_codec(const char *p, size_t len)
{
    for (enum media_codec c = MEDIA_OPUS; c <= MEDIA_G722; c++)
        if (len == strlen(media_codec_name(c)) && !strncasecmp(p, media_codec_name(c), len))
            return c;
    return MEDIA_NONE;
}

static void order_front(struct sdp_order *o, enum media_codec first)
{
    size_t at = 0;

    while (at < SDP_CODECS_MAX && o->v[at] != first)
        at++;
    if (at == SDP_CODECS_MAX || first == MEDIA_NONE)
        return;
    memmove(o->v + 1, o->v, at * sizeof(o->v[0]));
    o->v[0] = first;
}

void sdp_order_decode(struct sdp_order *o, const char *codecs, enum media_codec first)
{
    const char *p = codecs ? codecs : "";
    size_t n = 0;

    memset(o, 0, sizeof(*o));
    while (*p && n < SDP_CODECS_MAX) {
        size_t len = strcspn(p, ", ");
        enum media_codec c = word_codec(p, len);

        if (c != MEDIA_NONE && !order_has(o, c))
            o->v[n++] = c;
        p += len + (p[len] ? 1 : 0);
    }
    if (!n) {
        o->v[0] = MEDIA_PCMU;
        o->v[1] = MEDIA_PCMA;
    }
    order_front(o, first);
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
    for (size_t i = 0; i < SDP_CODECS_MAX && order->v[i] != MEDIA_NONE; i++)
        if (codec_pt(s, order->v[i]) != SDP_PT_NONE)
            return order->v[i];
    return MEDIA_NONE;
}

/* Our numbers towards trunks; by codec, so that who has which does not hang on the order. */
static const struct media_formats formats_trunk = {.v = {{107, MEDIA_OPUS, 48000},
                                                         {0, MEDIA_PCMU, 8000},
                                                         {8, MEDIA_PCMA, 8000},
                                                         {9, MEDIA_G722, 8000},
                                                         {101, MEDIA_EVENT, 8000},
                                                         {102, MEDIA_EVENT, 48000}},
                                                   .count = 6};

const struct media_formats sdp_formats_browser = {.v = {{111, MEDIA_OPUS, 48000},
                                                        {0, MEDIA_PCMU, 8000},
                                                        {8, MEDIA_PCMA, 8000},
                                                        {110, MEDIA_EVENT, 48000},
                                                        {126, MEDIA_EVENT, 8000}},
                                                  .count = 5};

static const struct media_format *formats_find(const struct media_formats *f, enum media_codec codec,
                                               uint32_t rate)
{
    for (size_t i = 0; i < f->count; i++)
        if (f->v[i].codec == codec && f->v[i].rate == rate)
            return &f->v[i];
    return NULL;
}

/* The number that the dialog knows one of ours by; ours, or any that is free, when it knows none. */
static uint8_t number_of(const struct media_format *one, const struct media_formats *known,
                         const struct media_formats *taken)
{
    const struct media_format *f = formats_find(known, one->codec, one->rate);
    uint8_t pt = one->pt;

    if (f)
        return f->pt;
    for (uint8_t next = 96; next < 128 && (media_formats_of(known, pt) || media_formats_of(taken, pt));
         next++)
        pt = next;
    return pt;
}

void sdp_formats_offer(struct media_formats *f, const struct sdp_order *order,
                       const struct media_formats *known)
{
    static const struct media_formats nothing;
    struct media_formats all = {0};
    const struct media_format *one;
    bool rates[2] = {false, false}; /* 8000, 48000 */

    *f = (struct media_formats){0};
    known = known ? known : &nothing;
    for (size_t i = 0; i < formats_trunk.count; i++) {
        one = &formats_trunk.v[i];
        (void)media_formats_add(&all, number_of(one, known, &all), one->codec, one->rate);
    }
    for (size_t i = 0; i < SDP_CODECS_MAX && order->v[i] != MEDIA_NONE; i++) {
        one = media_formats_codec(&all, order->v[i]);
        if (one && media_formats_add(f, one->pt, one->codec, one->rate))
            rates[one->rate == 48000] = true;
    }
    for (size_t i = 0; i < all.count; i++)
        if (all.v[i].codec == MEDIA_EVENT && rates[all.v[i].rate == 48000])
            (void)media_formats_add(f, all.v[i].pt, MEDIA_EVENT, all.v[i].rate);
    one = media_formats_codec(known, MEDIA_CN);
    if (one && rates[0])
        (void)media_formats_add(f, one->pt, MEDIA_CN, one->rate);
}

static bool formats_have(const struct media_formats *f, const struct media_format *one)
{
    return formats_find(f, one->codec, one->rate);
}

/* What a format of a description is to us. Comfort noise is a trunk's, on the clock of 8000 Hz, which G.722 has, too. */
static enum media_codec kind_of(const struct sdp_fmt *f, bool trunk)
{
    if (!strcasecmp(f->name, media_codec_name(MEDIA_EVENT)))
        return MEDIA_EVENT;
    if (!strcasecmp(f->name, media_codec_name(MEDIA_CN)))
        return trunk && f->rate == 8000 ? MEDIA_CN : MEDIA_NONE;
    return trunk ? fmt_codec(f) : fmt_browser_codec(f);
}

/*
 * What may come of a description that we can make use of, beginning with what we send. ours: what our offer listed, when this is the
 * answer to it: its numbers are what the peer should send (RFC 3264 6.1), its own what we send; many send their own.
 */
static void formats_take(struct media_formats *to, const struct sdp *s, enum media_codec send, bool trunk,
                         const struct media_formats *ours)
{
    *to = (struct media_formats){0};
    (void)media_formats_add(to, codec_pt(s, send), send, codec_rate(send));
    for (size_t i = 0; i < s->fmts; i++) {
        const struct sdp_fmt *f = &s->fmt[i];
        enum media_codec c = kind_of(f, trunk);

        if (c != MEDIA_NONE && f->rate)
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

/* What it asks for, else the trunk's setting, but never more than it takes (RFC 8866 6.4). */
static uint32_t ptime_of(const struct sdp *s, uint32_t usual)
{
    uint32_t ms = s->ptime_ms >= PTIME_MIN && s->ptime_ms <= PTIME_MAX ? s->ptime_ms
                  : usual                                              ? usual
                                                                       : PTIME_USUAL;

    return s->maxptime_ms >= PTIME_MIN && s->maxptime_ms < ms ? s->maxptime_ms : ms;
}

int sdp_to_trunk(struct media_trunk *t, const struct sdp *s, const struct sdp_order *order, bool answer)
{
    struct media_formats ours;
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
    sdp_formats_offer(&ours, order, &t->formats);
    formats_take(&t->formats, s, c, true, answer ? &ours : NULL);
    t->opus = s->opus;
    t->ptime_ms = ptime_of(s, order->ptime_ms);
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
        if (fmt_browser_codec(&s->fmt[i]) != MEDIA_NONE)
            return fmt_browser_codec(&s->fmt[i]);
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
    b->opus = s->opus;
    formats_take(&b->formats, s, b->codec, false, offer ? NULL : &sdp_formats_browser);
    return 0;
}
