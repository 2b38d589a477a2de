/* call/callsdp: what a call says and hears in SDP, and what the media path is told of it. */
#include "call/callpriv.h"
#include "sip/wsedge.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { SDP_OWN_MAX = 8192 };

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

int call_sdp_read(struct sdp *s, const struct sip_msg *msg)
{
    if (!mbuf_get_left(msg->mb))
        return ENOENT;
    if (!msg_ctype_cmp(&msg->ctyp, "application", "sdp"))
        return ENOENT;
    return sdp_parse(s, (const char *)mbuf_buf(msg->mb), mbuf_get_left(msg->mb));
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
    own->id = c->sdp_id;
    own->version = c->trunk_version;
    own->dir = MEDIA_SENDRECV;
    if (sip_stack_laddr(c->calls->cfg.stack, &own->addr, &c->trunk_addr))
        return ENETUNREACH;
    addr_set_port(&own->addr, c->local.rtp_port);
    return 0;
}

int call_trunk_offer(struct call *c, char **sdp)
{
    struct sdp_own own = {0};
    struct buf b;
    int err;

    c->trunk_version++;
    err = trunk_own(c, &own);
    if (err)
        return err;
    buf_init(&b, SDP_OWN_MAX);
    return take(&b, sdp_write_trunk(&b, &own, &c->order, NULL), sdp);
}

int call_trunk_answer(struct call *c, const struct sdp *offer, char **sdp)
{
    struct sdp_own own = {.offer = offer};
    struct buf b;
    int err;

    c->trunk_version++;
    err = trunk_own(c, &own);
    if (err)
        return err;
    own.dir = c->tm.dir;
    buf_init(&b, SDP_OWN_MAX);
    return take(&b, sdp_write_trunk(&b, &own, &c->order, &c->tm), sdp);
}

void call_hold_update(struct call *c)
{
    bool held = c->agent_hold || c->trunk_hold;

    /* Until the answer nobody has to send anything: ringing is no RTP timeout */
    (void)media_path_hold(c->path, held || c->state < CALL_ANSWERED);
    if (c->state == CALL_ANSWERED && held)
        call_move(c, CALL_HELD);
    else if (c->state == CALL_HELD && !held)
        call_move(c, CALL_ANSWERED);
}

int call_trunk_take(struct call *c, const struct sip_msg *msg, bool answer, struct sdp *s)
{
    struct sdp_order order = c->order;
    struct media_trunk t = {0};
    int err;

    err = call_sdp_read(s, msg);
    if (err)
        return err;
    /* A re-INVITE that still has the codec in use changes nothing */
    for (size_t i = 1; c->tm_set && i < 4; i++) {
        if (order.v[i] != c->tm.codec)
            continue;
        order.v[i] = order.v[0];
        order.v[0] = c->tm.codec;
    }
    if (s->refused && c->tm_set) { /* port 0 in a call that has audio: a hold */
        t = c->tm;
        t.dir = MEDIA_INACTIVE;
    } else {
        err = sdp_to_trunk(&t, s, &order, answer);
    }
    if (err)
        return err;
    t.signalling = c->trunk_addr;
    if (addr_af(&t.rtp) == AF_UNSPEC && c->tm_set) { /* 0.0.0.0: where it was, but nothing is sent there */
        t.rtp = c->tm.rtp;
        t.rtcp = c->tm.rtcp;
    }
    c->tm = t;
    c->tm_set = true;
    c->trunk_hold = turned(t.dir) != MEDIA_SENDRECV;
    err = media_path_trunk(c->path, &t);
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

/* Best first: the address that we are known by, the one the browser reached us at, the machine's others. */
static void agent_cands(const struct call *c, struct sdp_ice_own *ice)
{
    struct sip_stack *st = c->calls->cfg.stack;
    struct addr peer, local, a, ifs[SDP_CANDS_OWN_MAX];
    size_t n;

    memset(ice, 0, sizeof(*ice));
    ice->local = &c->local;
    if (!addr_parse_ip(&a, c->calls->cfg.public_address, 0))
        cand_add(ice, &a);
    if (c->agent && !sip_ws_addrs(st, leg_conn(c->agent), &peer, &local)) {
        if (!sip_stack_laddr(st, &a, &peer))
            cand_add(ice, &a);
        cand_add(ice, &local);
    }
    n = addr_interfaces(ifs, SDP_CANDS_OWN_MAX);
    for (size_t i = 0; i < n; i++)
        cand_add(ice, &ifs[i]);
}

int call_agent_offer(struct call *c, char **sdp)
{
    enum media_codec want = call_want(c), other = c->order.v[0], codecs[4] = {0};
    struct sdp_own own = {.id = c->sdp_id, .version = ++c->agent_version, .dir = MEDIA_SENDRECV};
    struct sdp_ice_own ice;
    struct buf b;

    if (c->tm_set)
        other = c->tm.codec;
    codecs[0] = want;
    codecs[1] = want == MEDIA_OPUS ? other : (want == MEDIA_PCMU ? MEDIA_PCMA : MEDIA_PCMU);
    codecs[2] = want == MEDIA_OPUS ? (other == MEDIA_PCMU ? MEDIA_PCMA : MEDIA_PCMU) : MEDIA_OPUS;
    agent_cands(c, &ice);
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
    if (offer)
        err = restart(c, &b);
    if (!err)
        err = media_path_browser(c->path, &b);
    if (!err)
        c->browser = b;
    return err;
}

int call_agent_answer(struct call *c, const struct sdp *offer, char **sdp)
{
    struct sdp_own own = {
        .id = c->sdp_id, .version = ++c->agent_version, .dir = turned(offer->dir), .offer = offer};
    struct sdp_ice_own ice;
    struct buf b;

    agent_cands(c, &ice);
    buf_init(&b, SDP_OWN_MAX);
    return take(&b, sdp_write_browser_answer(&b, &own, &ice, &c->browser), sdp);
}
