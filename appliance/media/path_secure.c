/* media/path: towards the browser: ICE finds the way, DTLS proves who is there, SRTP carries. See path.h. */
#include "media/path_secure.h"

#include "core/metric.h"
#include "media/path_echo.h"
#include "media/path_out.h"
#include "media/path_report.h"
#include "media/path_up.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

METRIC_COUNTER(drop_stun, "dngate_media_dropped_total", "from=\"browser\",reason=\"stun_refused\"",
               "Media packets dropped");
METRIC_COUNTER(drop_early, "dngate_media_dropped_total", "from=\"browser\",reason=\"no_keys\"",
               "Media packets dropped");
METRIC_COUNTER(drop_auth, "dngate_media_dropped_total", "from=\"browser\",reason=\"srtp_auth\"",
               "Media packets dropped");
METRIC_COUNTER(drop_replay, "dngate_media_dropped_total", "from=\"browser\",reason=\"srtp_replay\"",
               "Media packets dropped");
METRIC_COUNTER(drop_ssrc, "dngate_media_dropped_total", "from=\"browser\",reason=\"ssrc_limit\"",
               "Media packets dropped");
METRIC_COUNTER(drop_form, "dngate_media_dropped_total", "from=\"browser\",reason=\"malformed\"",
               "Media packets dropped");

enum {
    RTCP_HEADER = 8, /* with the sender's SSRC */
    DTLS_LIMIT_US =
        12000000, /* from the first pair of addresses that works to the keys: who has none hears nothing */
    DTLS_STALE_US = 3000000, /* so long without an answer, and the next retransmission is too far away */
};

static void fail(struct path *p, enum media_reason reason)
{
    struct media_event ev = {.type = MEDIA_FAILED, .reason = reason};

    path_event(p, &ev);
}

/* ---- sending ---- */

static void queue_copy(struct path *p, const uint8_t *pkt, size_t n, const struct addr *local,
                       const struct addr *dst)
{
    uint8_t *room = n <= UDP_PACKET_MAX ? p->host->roomh(dst, p->host->arg) : NULL;

    if (!room)
        return;
    memcpy(room, pkt, n);
    p->host->sendh(n, local, dst, p->host->arg);
}

static void ice_out_h(const uint8_t *pkt, size_t n, const struct addr *src, const struct addr *dst, void *arg)
{
    queue_copy(arg, pkt, n, src, dst);
}

static void dtls_out_h(const uint8_t *pkt, size_t n, void *arg)
{
    struct path *p = arg;
    struct addr local, remote;

    if (ice_route_early(p->ice, &local, &remote))
        queue_copy(p, pkt, n, &local, &remote);
}

/* ---- ICE ---- */

static void way_found(struct path *p, enum media_event_type what, const struct addr *addr)
{
    struct media_event ev = {.type = what, .addr = *addr};

    ev.way.via = p->host->viah(addr, &ev.way.from, p->host->arg);
    ev.way.cand = ice_remote_type(p->ice);
    if (ev.way.via == MEDIA_DIRECT && ev.way.cand == MEDIA_CAND_RELAY)
        ev.way.via = MEDIA_RELAY_OTHER;
    path_event(p, &ev);
}

static void ice_happened_h(enum ice_event what, const struct addr *addr, void *arg)
{
    struct path *p = arg;

    switch (what) {
    case ICE_SELECTED:
        way_found(p, MEDIA_ICE_UP, addr);
        break;
    case ICE_MOVED:
        way_found(p, MEDIA_ICE_MOVED, addr);
        break;
    case ICE_CLAIMED:
        p->host->claimh(p, PATH_CLAIM, addr, p->host->arg);
        break;
    case ICE_VERIFIED:
        p->host->claimh(p, PATH_TAKE, addr, p->host->arg);
        break;
    case ICE_FORGOTTEN:
        p->host->claimh(p, PATH_LEAVE, addr, p->host->arg);
        break;
    case ICE_TIMED_OUT:
        fail(p, MEDIA_NO_ICE);
        break;
    case ICE_CONSENT_LOST:
        fail(p, MEDIA_CONSENT_LOST);
        break;
    }
}

int path_ice_alloc(struct path *p, bool controlling, const struct media_local *local)
{
    struct ice_config icfg = {
        .controlling = controlling,
        .tag = p->id,
        .ufrag = local->ice_ufrag,
        .pwd = local->ice_pwd,
        .sendh = ice_out_h,
        .eventh = ice_happened_h,
        .arg = p,
    };

    return ice_alloc(&p->ice, &icfg);
}

void path_stun(struct path *p, const struct stun_view *msg, const struct udp_packet *pkt, uint64_t now_us)
{
    path_touched(p);
    if (p->ended || ice_recv(p->ice, msg, &pkt->local, &pkt->src, now_us / 1000))
        metric_add(&drop_stun, 1);
}

/* ---- DTLS ---- */

static void keys_close(struct path *p)
{
    srtpctx_free(p->srtp_in);
    srtpctx_free(p->srtp_out);
    p->srtp_in = p->srtp_out = NULL;
    dtls_free(p->dtls);
    p->dtls = NULL;
    p->dtls_started = false;
    p->dtls_due_us = 0;
    p->up.ssrc_count = 0;
}

void path_secure_close(struct path *p)
{
    keys_close(p);
}

static void association_begin(struct path *p)
{
    enum dtls_role role = p->we_are_client ? DTLS_CLIENT : DTLS_SERVER;

    keys_close(p);
    if (dtls_alloc(&p->dtls, p->host->identity, role, p->fingerprint, dtls_out_h, p))
        fail(p, MEDIA_NO_DTLS);
}

/* The same certificate and role go on with their association (also over an ICE restart); others need a new one. */
void path_secure_set(struct path *p, uint64_t now_us)
{
    struct media_browser *b = &p->browser;
    bool same = !b->anew && p->dtls && dtls_state(p->dtls) != DTLS_FAILED &&
                p->we_are_client == b->we_are_dtls_client &&
                !memcmp(p->fingerprint, b->fingerprint, sizeof(p->fingerprint));

    ice_remote(p->ice, b->ice_ufrag, b->ice_pwd, b->cands, b->cand_count, now_us / 1000);
    explicit_bzero(b->ice_pwd, sizeof(b->ice_pwd));
    if (same)
        return;
    p->we_are_client = b->we_are_dtls_client;
    memcpy(p->fingerprint, b->fingerprint, sizeof(p->fingerprint));
    association_begin(p);
}

static void keys_take(struct path *p, uint64_t now_us)
{
    struct media_event ev = {.type = MEDIA_DTLS_UP};
    struct dtls_keys k;
    struct addr local;
    int err = dtls_keys(p->dtls, &k);

    if (!err)
        err = srtpctx_alloc(&p->srtp_in, k.profile, k.remote, k.len, true);
    if (!err)
        err = srtpctx_alloc(&p->srtp_out, k.profile, k.local, k.len, false);
    explicit_bzero(&k, sizeof(k));
    if (err) {
        keys_close(p);
        fail(p, MEDIA_NO_DTLS);
        return;
    }
    p->from_browser.alive_us = now_us;
    (void)ice_route_early(p->ice, &local, &ev.addr);
    path_event(p, &ev);
}

static void dtls_progress(struct path *p, uint64_t now_us)
{
    switch (dtls_state(p->dtls)) {
    case DTLS_UP:
        if (!p->srtp_in)
            keys_take(p, now_us);
        break;
    case DTLS_FAILED:
        fail(p, dtls_wrong_peer(p->dtls) ? MEDIA_WRONG_PEER : MEDIA_NO_DTLS);
        break;
    case DTLS_CLOSED: /* the browser has left; its SIP leg or its consent will say so */
    case DTLS_HANDSHAKE:
        break;
    }
}

bool path_secure_settled(const struct path *p)
{
    return p->srtp_in && ice_settled(p->ice);
}

void path_secure_answered(struct path *p, uint64_t now_us)
{
    bool stale = p->dtls && dtls_state(p->dtls) == DTLS_HANDSHAKE && p->dtls_due_us &&
                 now_us + DTLS_LIMIT_US > p->dtls_due_us + DTLS_STALE_US;

    ice_patience(p->ice, now_us / 1000);
    if (stale)
        association_begin(p);
    else
        p->dtls_due_us = 0;
}

/* The way is there, but no keys. While it rings the browser may not have looked at our SDP yet: it is asked again. */
static void handshake_late(struct path *p)
{
    if (p->rings) {
        association_begin(p);
        return;
    }
    keys_close(p); /* an ICE restart may begin anew */
    fail(p, MEDIA_NO_DTLS);
}

void path_secure_tick(struct path *p, uint64_t now_us)
{
    struct addr local, remote;

    if (p->rings)
        ice_patience(p->ice, now_us / 1000);
    ice_tick(p->ice, now_us / 1000);
    if (!p->dtls || p->failed || dtls_state(p->dtls) != DTLS_HANDSHAKE)
        return;
    dtls_tick(p->dtls, now_us / 1000);
    if (ice_route(p->ice, &local, &remote)) {
        if (!p->dtls_due_us)
            p->dtls_due_us = now_us + DTLS_LIMIT_US;
        if (!p->dtls_started) {
            p->dtls_started = true;
            (void)dtls_start(p->dtls);
        }
    }
    dtls_progress(p, now_us);
    if (!p->srtp_in && p->dtls_due_us && now_us >= p->dtls_due_us)
        handshake_late(p);
}

/* ---- receiving ---- */

static uint32_t ssrc_at(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* libsrtp keeps state for every SSRC it has verified, in RTP or RTCP: a browser gets a few. */
static bool ssrc_allowed(const struct path_up *up, uint32_t ssrc)
{
    for (unsigned i = 0; i < up->ssrc_count; i++)
        if (up->ssrcs[i] == ssrc)
            return true;
    return up->ssrc_count < PATH_SSRC_MAX;
}

static void ssrc_seen(struct path_up *up, uint32_t ssrc)
{
    for (unsigned i = 0; i < up->ssrc_count; i++)
        if (up->ssrcs[i] == ssrc)
            return;
    up->ssrcs[up->ssrc_count++] = ssrc;
}

static void refused(struct path *p, int err)
{
    metric_add(err == EALREADY ? &drop_replay : &drop_auth, 1);
    p->from_browser.dropped++;
}

static void rtp_in(struct path *p, struct udp_packet *pkt, uint64_t now_us)
{
    struct rtp_hdr h;
    uint32_t ssrc;
    int err;

    if (pkt->n < RTP_HEADER || !ssrc_allowed(&p->up, ssrc = ssrc_at(pkt->p + 8))) {
        metric_add(&drop_ssrc, 1);
        return;
    }
    err = srtpctx_unprotect(p->srtp_in, pkt->p, &pkt->n);
    if (err) {
        refused(p, err);
        return;
    }
    ssrc_seen(&p->up, ssrc); /* whatever is in it: libsrtp keeps a stream for it from now on */
    if (rtp_parse(&h, pkt->p, pkt->n)) {
        metric_add(&drop_form, 1);
        return;
    }
    p->from_browser.alive_us = now_us;
    ice_media(p->ice, &pkt->src, now_us / 1000);
    if (p->echo)
        path_echo_packet(p, &h, now_us);
    else
        path_up_packet(p, &h, now_us);
}

static void rtcp_in(struct path *p, struct udp_packet *pkt, uint64_t now_us)
{
    uint32_t ssrc;
    int err;

    if (pkt->n < RTCP_HEADER || !ssrc_allowed(&p->up, ssrc = ssrc_at(pkt->p + 4))) {
        metric_add(&drop_ssrc, 1);
        return;
    }
    err = srtpctx_unprotect_rtcp(p->srtp_in, pkt->p, &pkt->n);
    if (err) {
        refused(p, err);
        return;
    }
    ssrc_seen(&p->up, ssrc);
    p->from_browser.alive_us = now_us;
    path_report_from_browser(p, pkt->p, pkt->n, now_us);
}

void path_from_browser(struct path *p, struct udp_packet *pkt, uint64_t now_us)
{
    bool is_dtls = pkt->n && pkt->p[0] >= 20 && pkt->p[0] <= 63; /* RFC 7983 */

    if (p->ended || p->failed)
        return;
    if (is_dtls && p->dtls) {
        path_touched(p);
        p->dtls_started = true;
        (void)dtls_recv(p->dtls, pkt->p, pkt->n);
        dtls_progress(p, now_us);
    } else if (is_dtls || !p->srtp_in) {
        metric_add(&drop_early, 1);
    } else if (rtp_is_rtcp(pkt->p, pkt->n)) {
        rtcp_in(p, pkt, now_us);
    } else {
        rtp_in(p, pkt, now_us);
    }
}
