/* tests/fake/mediacall: see mediacall.h. */
#include "fake/mediacall.h"

#include "core/buf.h"
#include "core/clock.h"
#include "core/mbox.h"
#include "core/metric.h"
#include "core/rnd.h"
#include "media/dtmf.h"
#include "media/g711.h"
#include "net/ports.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FRAME = 160, AMPLITUDE = 8000, TICK_NS = 1000000 };

static size_t tone_payload(enum media_codec c, struct codec_enc *enc, double hz, uint32_t n, uint8_t *out)
{
    int16_t pcm[FRAME];
    size_t len = FRAME;

    for (size_t i = 0; i < FRAME; i++)
        pcm[i] = (int16_t)(AMPLITUDE * sin(2 * M_PI * hz * (double)(n * FRAME + i) / 8000));
    if (c == MEDIA_OPUS)
        return codec_enc_frame(enc, pcm, FRAME, out, RTP_PAYLOAD_MAX, &len) ? 0 : len;
    if (c == MEDIA_PCMA)
        g711_alaw_enc(out, pcm, FRAME);
    else
        g711_ulaw_enc(out, pcm, FRAME);
    return len;
}

static void sink_pcm(struct mediacall_sink *s, enum media_codec c, struct codec_dec *dec,
                     const struct rtp_hdr *h)
{
    int16_t pcm[CODEC_SAMPLES_MAX];
    size_t n = 0;

    if (c == MEDIA_OPUS) {
        if (codec_dec_frame(dec, h->payload, h->len, pcm, &n))
            return;
    } else if (h->len <= CODEC_SAMPLES_MAX) {
        n = h->len;
        if (c == MEDIA_PCMA)
            g711_alaw_dec(pcm, h->payload, n);
        else
            g711_ulaw_dec(pcm, h->payload, n);
    }
    if (s->pcm_count + n > MEDIACALL_PCM)
        s->pcm_count = 0;
    memcpy(s->pcm + s->pcm_count, pcm, n * sizeof(*pcm));
    s->pcm_count += n;
}

static void sink_packet(struct mediacall_sink *s, const struct rtp_hdr *h, enum media_codec c,
                        struct codec_dec *dec, uint64_t now_us)
{
    if (!s->packets)
        s->first = *h;
    else if (h->seq != (uint16_t)(s->last.seq + 1))
        s->gaps++;
    if (!s->packets || h->ssrc != s->last.ssrc)
        s->ssrcs++;
    if (s->packets && now_us - s->last_us > s->max_gap_us)
        s->max_gap_us = now_us - s->last_us;
    s->last_us = now_us;
    s->markers += h->marker;
    s->packets++;
    s->last = *h;
    if (h->len == 4) {
        s->events++;
        if (h->marker && strlen(s->digits) + 1 < sizeof(s->digits))
            s->digits[strlen(s->digits)] = dtmf_digit(h->payload[0]);
        s->event_ts = h->ts;
        memcpy(s->event_payload, h->payload, 4);
        return;
    }
    s->payload_len = h->len;
    memcpy(s->payload, h->payload, h->len);
    sink_pcm(s, c, dec, h);
}

static void browser_rtp_h(const struct rtp_hdr *h, uint64_t now_us, void *arg)
{
    struct mediacall *c = arg;

    sink_packet(&c->at_browser, h, c->browser_codec, c->dec, now_us);
}

static void trunk_read(struct mediacall *c, uint64_t now_us)
{
    size_t n = udp_read(c->reader, &c->rtp);
    struct rtp_hdr h;

    for (size_t i = 0; i < n; i++)
        if (!rtp_parse(&h, udp_packet(c->reader, i)->p, udp_packet(c->reader, i)->n))
            sink_packet(&c->at_trunk, &h, c->trunk_codec, NULL, now_us);
    c->trunk_rtcp += udp_read(c->reader, &c->rtcp);
}

int mediacall_trunk_send(struct mediacall *c, struct udp *from, uint8_t pt, uint32_t ts, const void *payload,
                         size_t n)
{
    uint8_t buf[RTP_PACKET_MAX];
    struct rtp_hdr h = {.pt = pt, .seq = c->trunk_seq++, .ts = ts, .ssrc = c->trunk_ssrc};
    size_t len = rtp_build(buf, &h);

    memcpy(buf + len, payload, n);
    return udp_transmit(from, buf, len + n, NULL, &c->path_addr);
}

static void talk(struct mediacall *c, uint64_t now_us)
{
    uint8_t payload[RTP_PAYLOAD_MAX];
    size_t n;

    if (c->browser_talks && now_us >= c->browser_us) {
        uint8_t pt = c->browser_codec == MEDIA_OPUS   ? MEDIACALL_PT_OPUS
                     : c->browser_codec == MEDIA_PCMA ? 8
                                                      : 0;
        uint32_t step = codec_clock_rate(c->browser_codec) / 50;

        c->browser_us = c->browser_us ? c->browser_us + 20000 : now_us + 20000;
        n = tone_payload(c->browser_codec, c->enc, c->browser_hz, c->browser_n, payload);
        (void)fbrowser_send(c->browser, pt, !c->browser_n, 5000 + c->browser_n * step, payload, n);
        c->browser_n++;
    }
    if (c->trunk_talks && now_us >= c->trunk_us) {
        c->trunk_us = c->trunk_us ? c->trunk_us + 20000 : now_us + 20000;
        n = tone_payload(c->trunk_codec, NULL, c->trunk_hz, c->trunk_n, payload);
        (void)mediacall_trunk_send(c, &c->rtp, c->trunk_codec == MEDIA_PCMA ? 8 : 0,
                                   7000 + c->trunk_n * FRAME, payload, n);
        c->trunk_n++;
    }
}

static void event_h(void *msg, void *arg)
{
    struct mediacall *c = arg;

    if (c->logged < MEDIACALL_EVENTS)
        c->log[c->logged++] = *(struct media_event *)msg;
}

bool mediacall_run(struct mediacall *c, bool (*cond)(struct mediacall *c), unsigned timeout_ms)
{
    uint64_t end_us = clock_us() + timeout_ms * 1000ull;
    struct timespec tick = {.tv_nsec = TICK_NS};

    for (;;) {
        uint64_t now_us = clock_us();

        (void)mbox_drain(c->events, event_h, c);
        if (c->browser)
            fbrowser_poll(c->browser, now_us);
        trunk_read(c, now_us);
        talk(c, now_us);
        if (cond && cond(c))
            return true;
        if (now_us >= end_us)
            return false;
        nanosleep(&tick, NULL);
    }
}

const struct media_event *mediacall_event(const struct mediacall *c, enum media_event_type type)
{
    for (size_t i = 0; i < c->logged; i++)
        if (c->log[i].type == type)
            return &c->log[i];
    return NULL;
}

bool mediacall_up(struct mediacall *c)
{
    return mediacall_event(c, MEDIA_DTLS_UP) && fbrowser_up(c->browser);
}

bool mediacall_failed(struct mediacall *c)
{
    return mediacall_event(c, MEDIA_FAILED) != NULL;
}

bool mediacall_ended(struct mediacall *c)
{
    return mediacall_event(c, MEDIA_ENDED) != NULL;
}

void mediacall_browser(const struct mediacall *c, struct media_browser *b)
{
    const struct fbrowser_local *l = fbrowser_local(c->browser);

    *b = (struct media_browser){
        .codec = c->browser_codec,
        .formats = {{{MEDIACALL_PT_OPUS, MEDIA_OPUS, 48000},
                     {0, MEDIA_PCMU, 8000},
                     {8, MEDIA_PCMA, 8000},
                     {MEDIACALL_PT_EVENT, MEDIA_EVENT, 8000},
                     {MEDIACALL_PT_EVENT_48K, MEDIA_EVENT, 48000}},
                    5},
        .cand_count = 1,
    };
    snprintf(b->ice_ufrag, sizeof(b->ice_ufrag), "%s", l->ufrag);
    snprintf(b->ice_pwd, sizeof(b->ice_pwd), "%s", l->pwd);
    memcpy(b->fingerprint, l->fingerprint, sizeof(b->fingerprint));
    b->cands[0] = (struct media_cand){.addr = l->addr, .priority = 126u << 24 | 65535u << 8 | 255u};
}

void mediacall_trunk(const struct mediacall *c, struct media_trunk *t)
{
    *t = (struct media_trunk){
        .rtp = c->trunk_addr,
        .rtcp = c->trunk_addr,
        .codec = c->trunk_codec,
        .formats = {{{0, MEDIA_PCMU, 8000}, {8, MEDIA_PCMA, 8000}, {101, MEDIA_EVENT, 8000}}, 3},
        .ptime_ms = 20,
        .dir = MEDIA_SENDRECV,
    };
    addr_set_port(&t->rtcp, (uint16_t)(addr_port(&c->trunk_addr) + 1));
}

static int engine_start(struct mediacall *c, const struct mediacall_config *cfg)
{
    struct media_config mcfg = {
        .workers = 1, .bind_count = 1, .jbuf_max_ms = 200, .rtp_timeout_s = cfg->rtp_timeout_s};
    char why[128];
    int err;

    err = addr_parse_ip(&mcfg.bind[0], cfg->any_address ? "0.0.0.0" : "127.0.0.1", 0);
    if (!err && cfg->both_families)
        err = addr_parse_ip(&mcfg.bind[mcfg.bind_count++], "::1", 0);
    if (!err)
        err = mbox_alloc(&c->events, "mediacall", sizeof(struct media_event), 256);
    mcfg.events = c->events;
    if (cfg->inside)
        mcfg.wire = cfg->inside->wire;
    if (!err)
        err = media_start(&c->media, &mcfg, why, sizeof(why));
    if (!err && cfg->inside)
        err = media_reached(c->media, &cfg->inside->reached, 1);
    if (!err)
        err = media_path_create(&c->path, c->media, cfg->we_offer, &c->local);
    if (!err)
        err = addr_parse_ip(&c->path_addr, "127.0.0.1", c->local.rtp_port);
    return err;
}

static int peers_start(struct mediacall *c, const struct mediacall_config *cfg)
{
    struct fbrowser_config bcfg = {.controlling = !cfg->we_offer, .rtph = browser_rtp_h, .arg = c};
    struct udp_set rtp, rtcp;
    struct addr any;
    int err;

    err = dtls_identity_alloc(&c->identity);
    bcfg.identity = c->identity;
    if (!err)
        err = fbrowser_alloc(&c->browser, &bcfg);
    if (!err)
        err = addr_parse_ip(&any, "127.0.0.1", 0);
    if (!err)
        err = ports_open(&rtp, &rtcp, &any, 1, 0, 0);
    if (err)
        return err;
    c->rtp = rtp.v[0];
    c->rtcp = rtcp.v[0];
    err = addr_parse_ip(&c->trunk_addr, "127.0.0.1", udp_port(&c->rtp));
    if (!err)
        err = udp_reader_alloc(&c->reader);
    return err;
}

static int exchange(struct mediacall *c, const struct mediacall_config *cfg)
{
    struct fbrowser_remote r = {.we_are_dtls_client = cfg->we_offer};
    struct media_browser b;
    struct media_trunk t;
    int err;

    snprintf(r.ufrag, sizeof(r.ufrag), "%s", c->local.ice_ufrag);
    snprintf(r.pwd, sizeof(r.pwd), "%s", c->local.ice_pwd);
    memcpy(r.fingerprint, c->local.fingerprint, sizeof(r.fingerprint));
    err = addr_parse_ip(&r.addr, "127.0.0.1", c->local.ice_port);
    if (err)
        return err;
    if (cfg->inside)
        r.addr = cfg->inside->engine;
    fbrowser_remote(c->browser, &r, clock_us());
    mediacall_browser(c, &b);
    if (cfg->inside)
        b.cands[0].addr = cfg->inside->browser;
    b.we_are_dtls_client = !cfg->we_offer;
    b.fingerprint[0] ^= cfg->wrong_fingerprint;
    err = media_path_browser(c->path, &b);
    if (err || cfg->no_trunk)
        return err;
    mediacall_trunk(c, &t);
    return media_path_trunk(c->path, &t);
}

int mediacall_start(struct mediacall *c, const struct mediacall_config *cfg)
{
    int err;

    memset(c, 0, sizeof(*c));
    c->rtp.fd = c->rtcp.fd = -1;
    c->browser_codec = cfg->browser;
    c->trunk_codec = cfg->trunk;
    c->browser_hz = 440;
    c->trunk_hz = 1000;
    c->trunk_ssrc = rnd_u32();
    err = engine_start(c, cfg);
    if (!err)
        err = peers_start(c, cfg);
    if (!err && cfg->browser == MEDIA_OPUS) {
        err = codec_enc_alloc(&c->enc, MEDIA_OPUS, CODEC_BITRATE);
        if (!err)
            err = codec_dec_alloc(&c->dec, MEDIA_OPUS);
    }
    return err ? err : exchange(c, cfg);
}

void mediacall_stop(struct mediacall *c)
{
    fbrowser_free(c->browser);
    media_stop(c->media);
    mbox_free(c->events, NULL, NULL);
    dtls_identity_free(c->identity);
    codec_enc_free(c->enc);
    codec_dec_free(c->dec);
    udp_reader_free(c->reader);
    udp_close(&c->rtp);
    udp_close(&c->rtcp);
}

/* By windows: when the jitter buffer moves the playout by a frame, the tone's phase jumps, and that is no fault. */
double mediacall_tone_share(const struct mediacall_sink *s, double hz, size_t n, double *rms)
{
    enum { WINDOW = 400 }; /* 50 ms */
    double tone = 0, power = 0;
    const int16_t *pcm;

    *rms = 0;
    if (s->pcm_count < n || n < WINDOW)
        return 0;
    n -= n % WINDOW;
    pcm = s->pcm + s->pcm_count - n;
    for (size_t at = 0; at < n; at += WINDOW) {
        double re = 0, im = 0;

        for (size_t i = at; i < at + WINDOW; i++) {
            double w = 2 * M_PI * hz * (double)i / 8000;

            re += pcm[i] * cos(w);
            im += pcm[i] * sin(w);
            power += (double)pcm[i] * pcm[i];
        }
        tone += 2 * (re * re + im * im) / WINDOW;
    }
    *rms = sqrt(power / (double)n);
    return power > 0 ? tone / power : 0;
}
