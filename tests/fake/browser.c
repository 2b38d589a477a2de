/* tests/fake/browser: see browser.h. */
#include "fake/browser.h"

#include "core/rnd.h"
#include "crypto/srtp.h"
#include "media/ice.h"
#include "media/rtcp.h"
#include "net/udp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { TIMER_US = 10000, TAG = 0x42524f57 };

struct fbrowser {
    struct fbrowser_config cfg;
    struct fbrowser_local local;
    struct udp udp;
    struct udp_reader *reader;
    struct ice *ice;
    struct dtls *dtls;
    struct srtpctx *in, *out;
    bool ice_up, started, muted;
    uint64_t timer_us;
    uint32_t ssrc;
    uint16_t seq;
    struct fbrowser_counts counts;
};

static void ice_out_h(const uint8_t *p, size_t n, const struct addr *src, const struct addr *dst, void *arg)
{
    struct fbrowser *b = arg;

    (void)src;
    if (!b->muted)
        (void)udp_transmit(&b->udp, p, n, NULL, dst);
}

static void ice_happened_h(enum ice_event ev, const struct addr *addr, void *arg)
{
    struct fbrowser *b = arg;

    (void)addr;
    if (ev == ICE_SELECTED)
        b->ice_up = true;
    else if (ev == ICE_CONSENT_LOST || ev == ICE_TIMED_OUT)
        b->ice_up = false;
}

static int to_peer(struct fbrowser *b, const uint8_t *p, size_t n)
{
    struct addr local, remote;

    if (b->muted)
        return 0;
    if (!ice_route_early(b->ice, &local, &remote))
        return ENOTCONN;
    return udp_transmit(&b->udp, p, n, NULL, &remote);
}

static void dtls_out_h(const uint8_t *p, size_t n, void *arg)
{
    (void)to_peer(arg, p, n);
}

static int bind_socket(struct fbrowser *b)
{
    int err;

    err = addr_parse_ip(&b->local.addr, b->cfg.ip ? b->cfg.ip : "127.0.0.1", 0);
    if (!err)
        err = udp_bind(&b->udp, &b->local.addr, false, 0);
    if (!err)
        addr_set_port(&b->local.addr, udp_port(&b->udp));
    return err;
}

int fbrowser_alloc(struct fbrowser **bp, const struct fbrowser_config *cfg)
{
    struct fbrowser *b = calloc(1, sizeof(*b));
    struct ice_config icfg = {
        .controlling = cfg->controlling, .tag = TAG, .sendh = ice_out_h, .eventh = ice_happened_h};
    int err;

    if (!b)
        return ENOMEM;
    b->cfg = *cfg;
    b->udp.fd = -1;
    b->ssrc = rnd_u32();
    b->seq = (uint16_t)(rnd_u32() & 0x7fff);
    rnd_str(b->local.ufrag, sizeof(b->local.ufrag), 8);
    rnd_str(b->local.pwd, sizeof(b->local.pwd), 24);
    memcpy(b->local.fingerprint, dtls_identity_fingerprint(cfg->identity), sizeof(b->local.fingerprint));
    icfg.ufrag = b->local.ufrag;
    icfg.pwd = b->local.pwd;
    icfg.arg = b;
    err = bind_socket(b);
    if (!err)
        err = udp_reader_alloc(&b->reader);
    if (!err)
        err = ice_alloc(&b->ice, &icfg);
    if (err) {
        fbrowser_free(b);
        return err;
    }
    *bp = b;
    return 0;
}

void fbrowser_free(struct fbrowser *b)
{
    if (!b)
        return;
    dtls_free(b->dtls);
    srtpctx_free(b->in);
    srtpctx_free(b->out);
    ice_free(b->ice);
    udp_reader_free(b->reader);
    udp_close(&b->udp);
    free(b);
}

const struct fbrowser_local *fbrowser_local(const struct fbrowser *b)
{
    return &b->local;
}

void fbrowser_remote(struct fbrowser *b, const struct fbrowser_remote *r, uint64_t now_us)
{
    struct media_cand cand = {.addr = r->addr, .priority = 126u << 24 | 65535u << 8 | 255u};
    enum dtls_role role = r->we_are_dtls_client ? DTLS_CLIENT : DTLS_SERVER;

    ice_remote(b->ice, r->ufrag, r->pwd, &cand, addr_isset(&r->addr, true) ? 1 : 0, now_us / 1000);
    if (!b->dtls)
        (void)dtls_alloc(&b->dtls, b->cfg.identity, role, r->fingerprint, dtls_out_h, b);
}

void fbrowser_restart(struct fbrowser *b)
{
    rnd_str(b->local.ufrag, sizeof(b->local.ufrag), 8);
    rnd_str(b->local.pwd, sizeof(b->local.pwd), 24);
    (void)ice_local(b->ice, b->local.ufrag, b->local.pwd);
}

int fbrowser_rebind(struct fbrowser *b)
{
    udp_close(&b->udp);
    return bind_socket(b);
}

int fbrowser_fd(const struct fbrowser *b)
{
    return b->udp.fd;
}

static void dtls_progress(struct fbrowser *b)
{
    struct dtls_keys k;

    if (b->in || dtls_keys(b->dtls, &k))
        return;
    (void)srtpctx_alloc(&b->in, k.profile, k.remote, k.len, true);
    (void)srtpctx_alloc(&b->out, k.profile, k.local, k.len, false);
}

static void rtp_in(struct fbrowser *b, struct udp_packet *pkt, uint64_t now_us)
{
    struct rtcp_msg m;
    struct rtp_hdr h;

    if (rtp_is_rtcp(pkt->p, pkt->n)) {
        if (srtpctx_unprotect_rtcp(b->in, pkt->p, &pkt->n)) {
            b->counts.bad++;
            return;
        }
        b->counts.rtcp++;
        if (b->cfg.rtcph && !rtcp_parse(&m, pkt->p, pkt->n))
            b->cfg.rtcph(&m, now_us, b->cfg.arg);
        return;
    }
    if (srtpctx_unprotect(b->in, pkt->p, &pkt->n) || rtp_parse(&h, pkt->p, pkt->n)) {
        b->counts.bad++;
        return;
    }
    b->counts.rtp++;
    if (b->cfg.rtph)
        b->cfg.rtph(&h, now_us, b->cfg.arg);
}

static void packet_in(struct fbrowser *b, struct udp_packet *pkt, uint64_t now_us)
{
    struct stun_view m;

    if (!pkt->n)
        return;
    if (pkt->p[0] < 4) {
        if (!stun_parse(&m, pkt->p, pkt->n))
            (void)ice_recv(b->ice, &m, &pkt->local, &pkt->src, now_us / 1000);
    } else if (pkt->p[0] >= 20 && pkt->p[0] <= 63) {
        if (b->dtls) {
            b->started = true;
            (void)dtls_recv(b->dtls, pkt->p, pkt->n);
            dtls_progress(b);
        }
    } else if (b->in) {
        rtp_in(b, pkt, now_us);
    }
}

static void timers(struct fbrowser *b, uint64_t now_us)
{
    struct addr local, remote;

    b->timer_us = now_us + TIMER_US;
    ice_tick(b->ice, now_us / 1000);
    if (!b->dtls)
        return;
    dtls_tick(b->dtls, now_us / 1000);
    if (!b->started && ice_route(b->ice, &local, &remote)) {
        b->started = true;
        (void)dtls_start(b->dtls);
    }
    dtls_progress(b);
}

void fbrowser_poll(struct fbrowser *b, uint64_t now_us)
{
    size_t n = udp_read(b->reader, &b->udp);

    for (size_t i = 0; i < n && !b->muted; i++)
        packet_in(b, udp_packet(b->reader, i), now_us);
    if (now_us >= b->timer_us)
        timers(b, now_us);
}

bool fbrowser_ice_up(const struct fbrowser *b)
{
    return b->ice_up;
}

bool fbrowser_up(const struct fbrowser *b)
{
    return b->in && b->out;
}

bool fbrowser_failed(const struct fbrowser *b)
{
    return b->dtls && dtls_state(b->dtls) == DTLS_FAILED;
}

void fbrowser_mute(struct fbrowser *b)
{
    b->muted = true;
}

uint32_t fbrowser_ssrc(const struct fbrowser *b)
{
    return b->ssrc;
}

int fbrowser_send(struct fbrowser *b, uint8_t pt, bool marker, uint32_t ts, const void *payload, size_t n)
{
    uint8_t buf[RTP_PACKET_MAX + SRTP_TRAILER_MAX];
    struct rtp_hdr h = {.pt = pt, .marker = marker, .ts = ts, .ssrc = b->ssrc, .seq = b->seq};
    size_t len;
    int err;

    if (!b->out)
        return ENOTCONN;
    if (n > RTP_PAYLOAD_MAX)
        return EMSGSIZE;
    b->seq++;
    len = rtp_build(buf, &h);
    memcpy(buf + len, payload, n);
    len += n;
    err = srtpctx_protect(b->out, buf, &len);
    return err ? err : to_peer(b, buf, len);
}

static int send_protected(struct fbrowser *b, int (*protect)(struct srtpctx *s, uint8_t *p, size_t *n),
                          const void *p, size_t n)
{
    uint8_t buf[1400 + SRTP_TRAILER_MAX];
    int err;

    if (!b->out)
        return ENOTCONN;
    if (n > 1400)
        return EMSGSIZE;
    memcpy(buf, p, n);
    err = protect(b->out, buf, &n);
    return err ? err : to_peer(b, buf, n);
}

void fbrowser_skip(struct fbrowser *b)
{
    b->seq++;
}

int fbrowser_send_raw(struct fbrowser *b, const void *p, size_t n)
{
    return send_protected(b, srtpctx_protect, p, n);
}

int fbrowser_send_rtcp(struct fbrowser *b, const void *p, size_t n)
{
    return send_protected(b, srtpctx_protect_rtcp, p, n);
}

const struct fbrowser_counts *fbrowser_counts(const struct fbrowser *b)
{
    return &b->counts;
}
