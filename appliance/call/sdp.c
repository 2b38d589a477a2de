/*
 * call/sdp: reading. Every line is bounded by its own end; what is not understood is skipped (RFC 8866 5). One audio stream is kept;
 * which of several it is, is decided by reading the text again with another m-line as the one: offers with two are rare and short.
 */
#include "call/sdp.h"
#include "core/hex.h"
#include <errno.h>
#include <string.h>
#include <strings.h>

struct txt { /* a piece of the text, not terminated */
    const char *p;
    size_t n;
};

/* What may be said once for the session and again for the stream. */
struct level {
    enum sdp_conn kind;
    struct addr conn;
    bool dir_set;
    enum media_dir dir;
};

struct reader {
    struct sdp *s;
    struct level session, audio;
    int wanted;      /* the m-line that is to be the audio stream, or SDP_LINE_ANY */
    int current;     /* m-line being read, -1 = session part */
    struct txt rtcp; /* a=rtcp of the audio stream */
};

static struct txt token(struct txt *t, char sep)
{
    struct txt tok;
    const char *end;

    while (t->n && *t->p == ' ') {
        t->p++;
        t->n--;
    }
    tok.p = t->p;
    end = t->n ? memchr(t->p, sep, t->n) : NULL;
    tok.n = end ? (size_t)(end - t->p) : t->n;
    t->p += tok.n + (end ? 1 : 0);
    t->n -= tok.n + (end ? 1 : 0);
    return tok;
}

static bool txt_is(struct txt t, const char *s)
{
    return t.n == strlen(s) && !strncasecmp(t.p, s, t.n);
}

/* Takes "name:" off the front. */
static bool txt_skip(struct txt *t, const char *prefix)
{
    size_t n = strlen(prefix);

    if (t->n < n || strncasecmp(t->p, prefix, n))
        return false;
    t->p += n;
    t->n -= n;
    return true;
}

static bool txt_copy(char *dst, size_t sz, struct txt t)
{
    if (t.n >= sz)
        return false;
    memcpy(dst, t.p, t.n);
    dst[t.n] = '\0';
    return true;
}

static bool txt_uint(struct txt t, uint32_t max, uint32_t *v)
{
    uint64_t n = 0;

    if (!t.n || t.n > 10)
        return false;
    for (size_t i = 0; i < t.n; i++) {
        if (t.p[i] < '0' || t.p[i] > '9')
            return false;
        n = n * 10 + (uint64_t)(t.p[i] - '0');
    }
    if (n > max)
        return false;
    *v = (uint32_t)n;
    return true;
}

static bool txt_ip(struct txt t, struct addr *a)
{
    char ip[64];

    return txt_copy(ip, sizeof(ip), t) && !addr_parse_ip(a, ip, 0);
}

static bool on_audio(const struct reader *r)
{
    return r->current >= 0 && r->current == r->s->audio;
}

static struct level *level(struct reader *r)
{
    if (r->current == -1)
        return &r->session;
    return on_audio(r) ? &r->audio : NULL;
}

/* Payload types 0-34 may come without rtpmap (RFC 3551); those that a trunk offers us. */
static void static_name(struct sdp_fmt *f)
{
    static const struct {
        uint8_t pt;
        const char *name;
        uint32_t rate;
    } known[] = {{0, "PCMU", 8000}, {3, "GSM", 8000}, {4, "G723", 8000}, {8, "PCMA", 8000},
                 {9, "G722", 8000}, {13, "CN", 8000}, {18, "G729", 8000}};

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (known[i].pt != f->pt)
            continue;
        memcpy(f->name, known[i].name, strlen(known[i].name) + 1);
        f->rate = known[i].rate;
    }
}

static void read_formats(struct sdp *s, struct txt t)
{
    while (t.n && s->fmts < SDP_FMTS_MAX) {
        struct txt tok = token(&t, ' ');
        struct sdp_fmt *f = &s->fmt[s->fmts];
        uint32_t pt;

        if (!txt_uint(tok, 127, &pt))
            continue;
        memset(f, 0, sizeof(*f));
        f->pt = (uint8_t)pt;
        static_name(f);
        s->fmts++;
    }
}

static enum sdp_proto proto_of(struct txt t)
{
    static const struct {
        const char *name;
        enum sdp_proto proto;
    } known[] = {{"RTP/AVP", SDP_PROTO_AVP},
                 {"RTP/AVPF", SDP_PROTO_AVPF},
                 {"RTP/SAVP", SDP_PROTO_SAVP},
                 {"RTP/SAVPF", SDP_PROTO_SAVPF},
                 {"UDP/TLS/RTP/SAVP", SDP_PROTO_DTLS},
                 {"UDP/TLS/RTP/SAVPF", SDP_PROTO_DTLS},
                 {"TCP/DTLS/RTP/SAVP", SDP_PROTO_DTLS},
                 {"TCP/DTLS/RTP/SAVPF", SDP_PROTO_DTLS},
                 {"TCP/TLS/RTP/SAVP", SDP_PROTO_DTLS},
                 {"TCP/TLS/RTP/SAVPF", SDP_PROTO_DTLS}};

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (txt_is(t, known[i].name))
            return known[i].proto;
    return SDP_PROTO_OTHER;
}

/* As many whole formats as there is room for: a refused line needs one at least (RFC 3264 6). */
static bool copy_formats(struct sdp_mline *m, struct txt t)
{
    struct txt all = t;

    while (all.n >= sizeof(m->fmts)) {
        const char *sp = memrchr(all.p, ' ', all.n);

        if (!sp)
            return false;
        all.n = (size_t)(sp - all.p);
    }
    return txt_copy(m->fmts, sizeof(m->fmts), all) && m->fmts[0] > ' ';
}

/* m=audio 49170[/2] RTP/AVP 0 8 101 */
static int read_media(struct reader *r, struct txt t)
{
    struct sdp *s = r->s;
    struct txt media = token(&t, ' '), port = token(&t, ' '), proto = token(&t, ' ');
    struct sdp_mline *m;
    uint32_t n;
    bool audio;

    if (s->mlines == SDP_MLINES_MAX)
        return EBADMSG; /* an answer that does not mirror every line would be wrong */
    if (!txt_uint(token(&port, '/'), 65535, &n))
        return EBADMSG;
    m = &s->mline[s->mlines];
    if (!txt_copy(m->media, sizeof(m->media), media) || !txt_copy(m->proto, sizeof(m->proto), proto) ||
        !copy_formats(m, t) || !media.n || !proto.n)
        return EBADMSG;
    m->port = (uint16_t)n;
    r->current = (int)s->mlines++;
    audio = txt_is(media, "audio");
    s->refused = s->refused || (audio && !n);
    if (s->audio >= 0 || !audio || (r->wanted >= 0 && r->wanted != r->current))
        return 0;
    s->audio = r->current;
    s->proto = proto_of(proto);
    read_formats(s, t);
    return 0;
}

/* c=IN IP4 192.0.2.1[/ttl]; several may be given for multicast only: the first counts */
static void read_connection(struct reader *r, struct txt t)
{
    struct level *l = level(r);
    struct txt net = token(&t, ' ');

    if (!l || l->kind != SDP_CONN_NONE)
        return;
    (void)token(&t, ' ');
    l->kind = txt_is(net, "IN") && txt_ip(token(&t, '/'), &l->conn) ? SDP_CONN_IP : SDP_CONN_OTHER;
}

/* a=rtpmap:111 opus/48000/2 */
static void read_rtpmap(struct sdp *s, struct txt t)
{
    struct txt pt = token(&t, ' '), name = token(&t, '/'), rate = token(&t, '/');
    uint32_t n, hz, channels;

    if (!txt_uint(pt, 127, &n) || !txt_uint(rate, 384000, &hz))
        return;
    if (txt_uint(token(&t, '/'), 255, &channels) && channels > 1 && !txt_is(name, "opus"))
        hz = 0; /* of several channels we have Opus alone, where it says nothing (RFC 7587 7) */
    for (size_t i = 0; i < s->fmts; i++) {
        if (s->fmt[i].pt != n || name.n >= sizeof(s->fmt[i].name))
            continue;
        (void)txt_copy(s->fmt[i].name, sizeof(s->fmt[i].name), name);
        s->fmt[i].rate = hz;
    }
}

/* a=fmtp:111 minptime=10;useinbandfec=1 */
static void read_fmtp(struct sdp *s, struct txt t)
{
    struct txt pt = token(&t, ' ');
    const struct sdp_fmt *opus = sdp_find(s, "opus", 48000);
    uint32_t n;

    if (!opus || !txt_uint(pt, 127, &n) || n != opus->pt)
        return;
    while (t.n) {
        struct txt p = token(&t, ';');

        if (txt_skip(&p, "maxplaybackrate=") && txt_uint(p, 48000, &n))
            s->opus.maxplaybackrate = n < 8000 ? 0 : n;
        else if (txt_skip(&p, "maxaveragebitrate=") && txt_uint(p, 510000, &n))
            s->opus.maxaveragebitrate = n < 6000 ? 0 : n;
        else if (txt_is(p, "stereo=1"))
            s->opus.stereo = true;
        else if (txt_is(p, "useinbandfec=1"))
            s->opus.fec = true;
        else if (txt_is(p, "usedtx=1"))
            s->opus.dtx = true;
    }
}

/* a=fingerprint:sha-256 AB:CD:… (RFC 8122); several may be given */
static void read_fingerprint(struct sdp *s, struct txt t)
{
    struct txt alg = token(&t, ' '), hex = token(&t, ' ');
    uint8_t fp[32];

    if (!txt_is(alg, "sha-256") || hex.n != 32 * 3 - 1)
        return;
    for (size_t i = 0; i < 32; i++) {
        int hi = hex_value(hex.p[i * 3]), lo = hex_value(hex.p[i * 3 + 1]);

        if (hi < 0 || lo < 0 || (i < 31 && hex.p[i * 3 + 2] != ':'))
            return;
        fp[i] = (uint8_t)(hi << 4 | lo);
    }
    memcpy(s->fingerprint, fp, sizeof(fp));
    s->has_fingerprint = true;
}

static void read_setup(struct sdp *s, struct txt t)
{
    if (txt_is(t, "actpass"))
        s->setup = SDP_SETUP_ACTPASS;
    else if (txt_is(t, "active"))
        s->setup = SDP_SETUP_ACTIVE;
    else if (txt_is(t, "passive"))
        s->setup = SDP_SETUP_PASSIVE;
}

/* a=candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host …; names (mDNS .local) are learnt as peer-reflexive later */
static void read_candidate(struct sdp *s, struct txt t)
{
    struct txt component, proto, prio, ip, port, type;
    struct media_cand c = {0};
    uint32_t n, p;

    (void)token(&t, ' ');
    component = token(&t, ' ');
    proto = token(&t, ' ');
    prio = token(&t, ' ');
    ip = token(&t, ' ');
    port = token(&t, ' ');
    (void)token(&t, ' ');
    type = token(&t, ' ');
    if (s->cand_count == MEDIA_CANDS_MAX || !txt_is(component, "1") || !txt_is(proto, "udp"))
        return;
    if (!txt_uint(prio, UINT32_MAX, &n) || !txt_uint(port, 65535, &p) || p < 1024 || !txt_ip(ip, &c.addr))
        return;
    if (!addr_is_unicast(&c.addr))
        return;
    addr_set_port(&c.addr, (uint16_t)p);
    c.priority = n;
    for (enum media_cand_type i = 0; i < MEDIA_CAND_TYPES; i++)
        if (txt_is(type, media_cand_name(i)))
            c.type = i;
    s->cands[s->cand_count++] = c;
}

static bool read_direction(struct level *l, struct txt t)
{
    static const struct {
        const char *name;
        enum media_dir dir;
    } dirs[] = {{"sendrecv", MEDIA_SENDRECV},
                {"sendonly", MEDIA_SEND},
                {"recvonly", MEDIA_RECV},
                {"inactive", MEDIA_INACTIVE}};

    for (size_t i = 0; i < 4; i++) {
        if (!txt_is(t, dirs[i].name))
            continue;
        if (l) {
            l->dir = dirs[i].dir;
            l->dir_set = true;
        }
        return true;
    }
    return false;
}

/* Attributes of ICE and DTLS: of the session or of the audio stream. */
static void read_secure(struct sdp *s, struct txt t)
{
    if (txt_skip(&t, "ice-ufrag:"))
        (void)txt_copy(s->ice_ufrag, sizeof(s->ice_ufrag), t);
    else if (txt_skip(&t, "ice-pwd:"))
        (void)txt_copy(s->ice_pwd, sizeof(s->ice_pwd), t);
    else if (txt_skip(&t, "fingerprint:"))
        read_fingerprint(s, t);
    else if (txt_skip(&t, "setup:"))
        read_setup(s, t);
}

static void read_attribute(struct reader *r, struct txt t)
{
    struct sdp *s = r->s;
    uint32_t n;

    if (r->current >= 0 && txt_skip(&t, "mid:")) {
        (void)txt_copy(s->mline[r->current].mid, sizeof(s->mline[0].mid), t);
        return;
    }
    if (r->current == -1 && txt_skip(&t, "group:BUNDLE")) {
        s->bundle = true;
        return;
    }
    if (read_direction(level(r), t))
        return;
    if (r->current == -1 || on_audio(r))
        read_secure(s, t);
    if (!on_audio(r))
        return;
    if (txt_skip(&t, "rtpmap:"))
        read_rtpmap(s, t);
    else if (txt_skip(&t, "fmtp:"))
        read_fmtp(s, t);
    else if (txt_skip(&t, "candidate:"))
        read_candidate(s, t);
    else if (txt_skip(&t, "ptime:") && txt_uint(t, 200, &n))
        s->ptime_ms = n;
    else if (txt_skip(&t, "maxptime:") && txt_uint(t, 10000, &n))
        s->maxptime_ms = n;
    else if (txt_skip(&t, "rtcp:"))
        r->rtcp = t;
    else if (txt_is(t, "rtcp-mux"))
        s->rtcp_mux = true;
}

static int read_line(struct reader *r, struct txt line)
{
    struct txt val = {line.p + 2, line.n - 2};

    switch (line.p[0]) {

    case 'm':
        return read_media(r, val);
    case 'c':
        read_connection(r, val);
        return 0;
    case 'a':
        read_attribute(r, val);
        return 0;
    default:
        return 0;
    }
}

/* a=rtcp:53020 [IN IP4 126.16.64.4] (RFC 3605). Towards trunks we take no a=rtcp-mux: RTCP then has its own port (RFC 5761 5.1.1). */
static void finish_rtcp(struct reader *r)
{
    struct sdp *s = r->s;
    struct addr a = s->rtp;
    uint16_t rtp_port = addr_port(&s->rtp);
    uint32_t port;

    s->rtcp = s->rtp;
    addr_set_port(&s->rtcp, (uint16_t)(rtp_port == 65535 ? rtp_port : rtp_port + 1));
    if (!r->rtcp.n || !txt_uint(token(&r->rtcp, ' '), 65535, &port))
        return;
    (void)token(&r->rtcp, ' ');
    (void)token(&r->rtcp, ' ');
    if (r->rtcp.n)
        (void)txt_ip(token(&r->rtcp, ' '), &a);
    if (!addr_is_unicast(&a) || addr_af(&a) != addr_af(&s->rtp) ||
        addr_is_loopback(&a) != addr_is_loopback(&s->rtp))
        a = s->rtp;
    s->rtcp = a;
    addr_set_port(&s->rtcp, (uint16_t)port);
}

static void finish(struct reader *r)
{
    struct sdp *s = r->s;
    const struct level *conn = r->audio.kind != SDP_CONN_NONE ? &r->audio : &r->session;
    const struct level *dir = r->audio.dir_set ? &r->audio : &r->session;

    if (s->audio < 0)
        return;
    s->dir = dir->dir_set ? dir->dir : MEDIA_SENDRECV;
    s->conn = conn->kind;
    if (s->conn != SDP_CONN_IP)
        return;
    /* "Hold" of RFC 2543: it wants nothing from us. With ICE, as Firefox writes it, it only means no candidate yet (RFC 8840 4.1.1). */
    if (addr_is_any(&conn->conn) && !s->ice_ufrag[0])
        s->dir &= MEDIA_SEND;
    s->rtp = conn->conn;
    addr_set_port(&s->rtp, s->mline[s->audio].port);
    finish_rtcp(r);
}

static int parse(struct sdp *s, const char *text, size_t len, int wanted)
{
    struct reader r = {.s = s, .wanted = wanted, .current = -1};
    struct txt t;
    int err;

    memset(s, 0, sizeof(*s));
    s->audio = -1;
    if (len > SDP_TEXT_MAX)
        return EMSGSIZE;
    while (len && (*text == '\r' || *text == '\n')) { /* as some leave behind the headers of a part */
        text++;
        len--;
    }
    t = (struct txt){text, len};
    if (len < 4 || strncmp(text, "v=0", 3))
        return EBADMSG;
    while (t.n) {
        struct txt line = token(&t, '\n');

        while (line.n && (line.p[line.n - 1] == '\r' || line.p[line.n - 1] == ' '))
            line.n--;
        if (line.n < 2)
            continue;
        if (line.p[1] != '=' || memchr(line.p, '\0', line.n) || memchr(line.p, '\r', line.n))
            return EBADMSG;
        err = read_line(&r, line);
        if (err)
            return err;
    }
    finish(&r);
    return 0;
}

int sdp_parse(struct sdp *s, const char *text, size_t len, int line)
{
    int err = parse(s, text, len, line);

    if (err || s->audio < 0)
        return err;
    s->refused = !s->mline[s->audio].port;
    if (s->refused)
        s->audio = -1;
    return 0;
}

int sdp_parse_offer(struct sdp *s, const char *text, size_t len, sdp_fit_h *fit, void *arg)
{
    int err = parse(s, text, len, SDP_MLINES_MAX), why = 0;

    if (err)
        return err;
    for (int i = 0; i < (int)s->mlines; i++) {
        if (strcasecmp(s->mline[i].media, "audio") || !s->mline[i].port)
            continue;
        err = parse(s, text, len, i);
        if (!err)
            err = fit(s, arg);
        if (!err)
            return 0;
        why = why ? why : err;
    }
    s->audio = -1;
    s->refused = s->refused && !why;
    return why ? why : ENODATA;
}

const struct sdp_fmt *sdp_find(const struct sdp *s, const char *name, uint32_t rate)
{
    for (size_t i = 0; i < s->fmts; i++)
        if (s->fmt[i].rate == rate && !strcasecmp(s->fmt[i].name, name))
            return &s->fmt[i];
    return NULL;
}
