/* call/callsdp: what a call says and hears in SDP, and what the media path is told of it. */
#include "call/callsdp.h"
#include "call/callhold.h"
#include "core/metric.h"
#include "sip/body.h"
#include "sip/wsedge.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

METRIC_COUNTER(bodies_refused, "dngate_sip_bodies_refused_total", NULL,
               "SIP bodies with a part that must be understood and was not, or that could not be read");

enum { SDP_OWN_MAX = 8192 };

enum media_codec call_first(const struct call *c)
{
    return c->dn_codec == DN_CODEC_AUTO ? MEDIA_NONE : call_want(c);
}

void call_order(struct call *c, const struct trunk_peer *peer)
{
    sdp_order_decode(&c->order, peer ? peer->cfg.codecs : "", call_first(c));
    c->order.ptime_ms = peer ? peer->cfg.ptime : 0;
}

enum media_codec call_want(const struct call *c)
{
    switch (c->dn_codec) {
    case DN_CODEC_PCMU:
        return MEDIA_PCMU;
    case DN_CODEC_PCMA:
        return MEDIA_PCMA;
    default:
        return MEDIA_OPUS;
    }
}

/* An offer by fit, else the answer to one of ours, which had its audio in this line. */
static int sdp_read(struct sdp *s, const struct sip_msg *msg, sdp_fit_h *fit, void *arg, int line)
{
    struct pl text;
    int err = body_sdp(&text, msg);

    if (err)
        return err;
    return fit ? sdp_parse_offer(s, text.p, text.l, fit, arg) : sdp_parse(s, text.p, text.l, line);
}

/* --- what cannot be served --- */

void call_refusal(struct call_refusal *r, int err)
{
    const char *text;
    unsigned code;

    switch (err) {

    case EMEDIUMTYPE:
        metric_add(&bodies_refused, 1);
        *r = (struct call_refusal){415, "Unsupported Media Type", BODY_ACCEPT};
        break;
    case EILSEQ:
        metric_add(&bodies_refused, 1);
        *r = (struct call_refusal){400, "Multipart Body Not Understood", ""};
        break;
    case ENOMEM:
    case ENOBUFS:
        *r = (struct call_refusal){500, "Server Internal Error", ""};
        break;
    default:
        *r = (struct call_refusal){488, "Not Acceptable Here", ""};
        code = sdp_warning(err, &text);
        (void)snprintf(r->hdrs, sizeof(r->hdrs), "Warning: %u dngate \"%s\"\r\n", code, text);
    }
}

void call_refuse(struct leg *leg, const struct sip_msg *msg, int err)
{
    struct call_refusal r;

    call_refusal(&r, err);
    (void)leg_reply(leg, msg, r.code, r.phrase, r.hdrs, NULL, NULL);
}

/* The buffer's text as one that libre frees. */
static int take(struct buf *b, int err, char **text)
{
    char *dup = NULL;

    if (!err)
        err = str_dup(&dup, b->data);
    buf_reset(b);
    if (err)
        return err;
    mem_deref(*text);
    *text = dup;
    return 0;
}

/* --- the trunk's side --- */

static enum media_dir turned(enum media_dir d)
{
    return (enum media_dir)((d & MEDIA_SEND ? MEDIA_RECV : 0) | (d & MEDIA_RECV ? MEDIA_SEND : 0));
}

static int trunk_own(const struct call *c, struct sdp_own *own)
{
    const struct addr *peer = &c->trunk_addr;

    own->id = c->sdp_id;
    own->version = leg_sdp_version(c->trunk);
    own->dir = call_hold_wish(c);
    if (addr_af(&c->tm.rtp) != AF_UNSPEC && addr_af(&c->tm.rtp) != addr_af(peer))
        peer = &c->tm.rtp; /* its media are of the other address family */
    if (sip_stack_laddr(c->calls->cfg.stack, &own->addr, peer))
        return ENETUNREACH;
    addr_set_port(&own->addr, c->local.rtp_port);
    return 0;
}

/* What the browser asks of who sends it Opus; NULL: it is not known yet, or has none. */
static const struct media_opus *browser_opus(const struct call *c)
{
    return c->browser.codec == MEDIA_OPUS ? &c->browser.opus : NULL;
}

int call_trunk_offer(struct call *c, char **sdp)
{
    struct sdp_own own = {.offer = c->trunk_lines, .beside = MEDIA_OPUS, .opus = browser_opus(c)};
    struct buf b;
    int err;

    err = trunk_own(c, &own);
    if (err)
        return err;
    call_hold_said(c, own.dir);
    if (call_trunk_known(c))
        own.known = &c->tm.formats;
    buf_init(&b, SDP_OWN_MAX);
    return take(&b, sdp_write_trunk(&b, &own, &c->order, NULL), sdp);
}

int call_trunk_answer(struct call *c, const struct sdp *offer, char **sdp)
{
    struct sdp_own own = {.offer = offer, .beside = MEDIA_OPUS, .opus = browser_opus(c)};
    struct buf b;
    int err;

    err = trunk_own(c, &own);
    if (err)
        return err;
    call_hold_said(c, own.dir);
    call_hold_agreed(c);
    own.dir &= c->tm.dir;
    buf_init(&b, SDP_OWN_MAX);
    return take(&b, sdp_write_trunk(&b, &own, &c->order, &c->tm), sdp);
}

/* An address of this machine: what it sends from when it speaks to itself. */
static bool is_here(const struct addr *a)
{
    struct addr src;

    return addr_is_loopback(a) || (!addr_source_for(&src, a) && addr_eq_ip(&src, a));
}

/* Where this call's own audio for the trunk is awaited: nothing may be sent there. */
static bool is_ours(const struct call *c, const struct addr *rtp)
{
    struct sdp_own own = {.offer = NULL};

    if (addr_af(rtp) == AF_UNSPEC || addr_port(rtp) != c->local.rtp_port)
        return false;
    return is_here(rtp) || (!trunk_own(c, &own) && addr_eq_ip(&own.addr, rtp));
}

/* Is there a way to its audio at all? Without a route in the family that signalling uses, its packets may still show us one. */
static int reachable(const struct call *c, const struct media_trunk *t)
{
    struct addr src;
    int err;

    if (addr_af(&t->rtp) == AF_UNSPEC)
        return 0;
    if (!media_has_family(c->calls->cfg.media, addr_af(&t->rtp)))
        return EAFNOSUPPORT;
    if (addr_is_loopback(&t->rtp) && !is_here(&c->trunk_addr))
        return ENETUNREACH;
    err = addr_source_for(&src, &t->rtp);
    if (err == EACCES)
        return ENETUNREACH;
    return err && addr_af(&t->rtp) != addr_af(&c->trunk_addr) ? EAFNOSUPPORT : 0;
}

struct trunk_fit {
    const struct call *c;
    struct sdp_order order;
    struct media_trunk t;
    bool answer;
};

static int trunk_fit_h(const struct sdp *s, void *arg)
{
    struct trunk_fit *f = arg;
    int err = sdp_to_trunk(&f->t, s, &f->order, f->answer);

    return err ? err : reachable(f->c, &f->t);
}

/* A description that still has the codec in use changes nothing. */
static void codec_in_use_first(struct sdp_order *order, enum media_codec codec)
{
    for (size_t i = 1; i < SDP_CODECS_MAX; i++) {
        if (order->v[i] != codec)
            continue;
        order->v[i] = order->v[0];
        order->v[0] = codec;
    }
}

/* The m= lines of a dialog stay, in their order, whoever offers next (RFC 3264 8): nearly always it is the one. */
static void lines_keep(struct sdp **lines, const struct sdp *s, bool special)
{
    if (s->audio < 0)
        return;
    *lines = mem_deref(*lines);
    if (s->mlines > 1 || special)
        *lines = mem_alloc(sizeof(*s), NULL);
    if (*lines)
        **lines = *s;
}

int call_trunk_take(struct call *c, const struct sip_msg *msg, bool answer, struct sdp *s)
{
    struct trunk_fit f = {.c = c, .order = c->order, .answer = answer};
    int err;

    if (call_trunk_known(c))
        f.t.formats = c->tm.formats;
    s->refused = false;
    if (call_trunk_known(c))
        codec_in_use_first(&f.order, c->tm.codec);
    err = sdp_read(s, msg, answer ? NULL : trunk_fit_h, &f,
                   c->trunk_lines ? c->trunk_lines->audio : SDP_LINE_ANY);
    if (!err && answer)
        err = trunk_fit_h(s, &f);
    if (err == ENODATA && s->refused && call_trunk_known(c) && call_state_up(c->state)) { /* port 0: a hold */
        f.t = c->tm;
        f.t.dir = MEDIA_INACTIVE;
        err = 0;
    }
    if (err)
        return err;
    f.t.signalling = c->trunk_addr;
    if (is_ours(c, &f.t.rtp)) { /* our own offer came back: SIP Server says so that there is nobody */
        memset(&f.t.rtp, 0, sizeof(f.t.rtp));
        memset(&f.t.rtcp, 0, sizeof(f.t.rtcp));
        f.t.dir = MEDIA_INACTIVE;
    }
    if (addr_af(&f.t.rtp) == AF_UNSPEC) { /* 0.0.0.0: where it was, if anywhere, but nothing is sent there */
        f.t.rtp = c->tm.rtp;
        f.t.rtcp = c->tm.rtcp;
    }
    if (!answer)
        lines_keep(&c->trunk_lines, s, false);
    c->tm = f.t;
    err = media_path_trunk(c->path, &f.t);
    if (!err)
        call_hold_update(c);
    return err;
}

/* --- the browser's side --- */

static void cand_add(struct sdp_ice_own *ice, const struct addr *a)
{
    if (ice->cand_count == SDP_CANDS_OWN_MAX || addr_af(a) == AF_UNSPEC || addr_is_any(a))
        return;
    for (size_t i = 0; i < ice->cand_count; i++)
        if (addr_eq_ip(&ice->cands[i], a))
            return;
    ice->cands[ice->cand_count++] = *a;
}

void call_cands(const struct calls *cs, const struct media_local *own, uint64_t ws_conn,
                struct sdp_ice_own *ice)
{
    struct sip_stack *st = cs->cfg.stack;
    struct addr peer, local, a, v[SDP_CANDS_OWN_MAX];
    const bool known = !sip_ws_addrs(st, ws_conn, &peer, &local);
    size_t n;

    memset(ice, 0, sizeof(*ice));
    ice->local = own;
    if (known && !addr_is_loopback(&peer) && !sip_stack_laddr(st, &a, &peer))
        cand_add(ice, &a);
    n = sip_stack_public(st, v, SDP_CANDS_OWN_MAX);
    for (size_t i = 0; i < n; i++)
        cand_add(ice, &v[i]);
    if (known) {
        if (!sip_stack_laddr(st, &a, &peer))
            cand_add(ice, &a);
        if (sip_stack_listens(st, &local))
            cand_add(ice, &local);
    }
    n = addr_interfaces(v, SDP_CANDS_OWN_MAX);
    for (size_t i = 0; i < n; i++)
        if (sip_stack_listens(st, &v[i]))
            cand_add(ice, &v[i]);
}

/* What the trunk speaks, or may be expected to. */
static void agent_own(const struct call *c, struct sdp_own *own)
{
    bool known = call_trunk_known(c);

    own->id = c->sdp_id;
    own->version = leg_sdp_version(c->agent);
    own->beside = known ? c->tm.codec : c->order.v[0];
    if (known && own->beside == MEDIA_OPUS)
        own->opus = &c->tm.opus;
}

/* Both kinds of G.711, the trunk's before the other. */
static void g711_add(enum media_codec codecs[4], size_t n, enum media_codec trunk)
{
    enum media_codec first = trunk == MEDIA_PCMA ? MEDIA_PCMA : MEDIA_PCMU;
    enum media_codec second = first == MEDIA_PCMA ? MEDIA_PCMU : MEDIA_PCMA;

    if (codecs[0] != first)
        codecs[n++] = first;
    if (codecs[0] != second)
        codecs[n] = second;
}

int call_agent_offer(struct call *c, uint64_t ws_conn, char **sdp)
{
    enum media_codec codecs[4] = {call_want(c)};
    struct sdp_own own = {.dir = MEDIA_SENDRECV, .offer = c->agent_lines};
    struct sdp_ice_own ice;
    struct buf b;

    agent_own(c, &own);
    g711_add(codecs, 1, own.beside);
    if (codecs[0] != MEDIA_OPUS)
        codecs[2] = MEDIA_OPUS;
    call_cands(c->calls, &c->local, ws_conn, &ice);
    buf_init(&b, SDP_OWN_MAX);
    return take(&b, sdp_write_browser_offer(&b, &own, &ice, codecs), sdp);
}

/* An offer with other ICE credentials is a restart, and wants new ones of ours: RFC 8839 4.4.1.1.1. */
static int restart(struct call *c, const struct media_browser *b)
{
    const struct media_browser *was = &c->browser;

    if (!was->ice_ufrag[0] || (!strcmp(was->ice_ufrag, b->ice_ufrag) && !strcmp(was->ice_pwd, b->ice_pwd)))
        return 0;
    return media_path_ice_restart(c->path, &c->local);
}

struct agent_fit {
    enum media_codec want;
    struct media_browser b;
};

static int agent_fit_h(const struct sdp *s, void *arg)
{
    struct agent_fit *f = arg;

    return sdp_to_browser(&f->b, s, f->want, true);
}

int call_agent_read(const struct call *c, const struct sip_msg *msg, bool offer, struct sdp *s)
{
    struct agent_fit f = {.want = call_want(c)};

    return sdp_read(s, msg, offer ? agent_fit_h : NULL, &f,
                    c->agent_lines ? c->agent_lines->audio : SDP_LINE_ANY);
}

static bool foreign_mid(const char *mid)
{
    return mid[0] && strcmp(mid, SDP_MID_OWN);
}

int call_agent_take(struct call *c, const struct sdp *s, enum media_codec want, bool offer)
{
    struct media_browser b;
    int err;

    err = sdp_to_browser(&b, s, want, offer);
    if (err)
        return err;
    /* An association that lives keeps its DTLS roles, whatever a later actpass says (RFC 8842 5.5) */
    if (c->browser.ice_ufrag[0] && !memcmp(c->browser.fingerprint, b.fingerprint, sizeof(b.fingerprint)))
        b.we_are_dtls_client = c->browser.we_are_dtls_client;
    b.anew = c->rebind.state == REBIND_CALLING;
    if (offer)
        err = restart(c, &b);
    if (!err)
        err = media_path_browser(c->path, &b);
    if (err)
        return err;
    c->browser = b;
    if (offer)
        lines_keep(&c->agent_lines, s, s->audio >= 0 && foreign_mid(s->mline[s->audio].mid));
    return 0;
}

int call_agent_answer(struct call *c, const struct sdp *offer, char **sdp)
{
    struct sdp_own own = {.dir = turned(offer->dir), .offer = offer};
    struct sdp_ice_own ice;
    struct buf b;

    agent_own(c, &own);
    call_cands(c->calls, &c->local, leg_conn(c->agent), &ice);
    buf_init(&b, SDP_OWN_MAX);
    return take(&b, sdp_write_browser_answer(&b, &own, &ice, &c->browser), sdp);
}
