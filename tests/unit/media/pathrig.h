/*
 * A path between a fake browser and a trunk's socket, on a clock of its own: the test plays the worker, so that nothing depends on how
 * fast the machine is. Loopback delivers at once. One path at a time.
 */
#ifndef TESTS_UNIT_MEDIA_PATHRIG_H
#define TESTS_UNIT_MEDIA_PATHRIG_H

#include "fake/browser.h"
#include "media/path_out.h"
#include "net/ports.h"

#include <stdio.h>
#include <string.h>

enum {
    RIG_STEP_US = 2000, /* a worker's tick */
    RIG_FRAME = 160,
    RIG_OPUS = 111,
    RIG_EVENT = 126,
    RIG_TRUNK_EVENT = 101,
    RIG_HEARD_MAX = 1024,
    RIG_PAYLOAD_MAX = 480,
};

struct rig_heard { /* a packet at the trunk */
    struct rtp_hdr h;
    uint8_t payload[RIG_PAYLOAD_MAX];
    uint64_t at_us;
};

static struct {
    struct dtls_identity *identity;
    struct udp ice, trunk;
    struct udp_queue *queue; /* of the browser */
    struct udp_reader *reader;
    struct fbrowser *browser;
    struct path_agenda agenda;
    struct path_host host;
    struct path *path;
    uint64_t now_us;
    unsigned handshake; /* packets of the browser that still get through before it is up */
    bool deaf;          /* it gets no DTLS */
    unsigned ice_up, dtls_up, failed, digits;
    enum media_reason reason;
    enum media_via way;
    struct rig_heard heard[RIG_HEARD_MAX];
    unsigned heard_count;
} rig;

static struct {           /* set before rig_start */
    bool no_events;       /* neither side takes them */
    bool rings;           /* held until the test says otherwise */
    bool echo;            /* no trunk */
    fbrowser_rtp_h *rtph; /* what the browser gets … */
    fbrowser_rtcp_h *rtcph;
    enum media_cand_type cand;
    enum media_via via;              /* as the host knows it; NONE: direct */
    const struct media_trunk *trunk; /* what the path is told of it, but for its address; NULL: PCMU, 20 ms */
} rig_wish;

static void rig_formats(struct media_formats *f, bool opus, uint8_t event)
{
    if (opus)
        (void)media_formats_add(f, RIG_OPUS, MEDIA_OPUS, 48000);
    (void)media_formats_add(f, 0, MEDIA_PCMU, 8000);
    (void)media_formats_add(f, 8, MEDIA_PCMA, 8000);
    if (!rig_wish.no_events)
        (void)media_formats_add(f, event, MEDIA_EVENT, 8000);
}

static uint8_t *rig_room_h(const struct addr *dst, void *arg)
{
    (void)dst;
    (void)arg;
    return udp_queue_room(rig.queue);
}

static void rig_send_h(size_t n, const struct addr *local, const struct addr *dst, void *arg)
{
    const uint8_t *p = udp_queue_room(rig.queue); /* where the packet was written */

    (void)arg;
    if (!rig.deaf || p[0] < 20 || p[0] > 63) /* RFC 7983 */
        (void)udp_queue_push(rig.queue, &rig.ice, n, local, dst);
}

static enum media_via rig_via_h(const struct addr *dst, struct addr *from, void *arg)
{
    (void)arg;
    *from = *dst;
    return rig_wish.via ? rig_wish.via : MEDIA_DIRECT;
}

static void rig_claim_h(struct path *p, enum path_claim what, const struct addr *addr, void *arg)
{
    (void)p;
    (void)what;
    (void)addr;
    (void)arg;
}

static int rig_event_h(const struct media_event *ev, void *arg)
{
    (void)arg;
    rig.ice_up += ev->type == MEDIA_ICE_UP;
    if (ev->type == MEDIA_ICE_UP)
        rig.way = ev->way.via;
    rig.dtls_up += ev->type == MEDIA_DTLS_UP;
    rig.digits += ev->type == MEDIA_DTMF;
    rig.failed += ev->type == MEDIA_FAILED;
    if (ev->type == MEDIA_FAILED)
        rig.reason = ev->reason;
    return 0;
}

static int rig_path(enum media_codec codec, bool we_are_client)
{
    struct media_local local = {.ice_ufrag = "00000001abcdefgh", .ice_pwd = "password-of-the-path-1234"};
    struct path_init init = {
        .id = 1, .host = &rig.host, .controlling = true, .local = &local, .jbuf_max_ms = 200};
    struct media_browser b = {.codec = codec, .we_are_dtls_client = we_are_client, .cand_count = 1};
    struct media_trunk t = {.codec = MEDIA_PCMU, .ptime_ms = 20, .dir = MEDIA_SENDRECV};
    const struct fbrowser_local *theirs = fbrowser_local(rig.browser);
    struct addr lo;
    int err;

    rig_formats(&b.formats, true, RIG_EVENT);
    rig_formats(&t.formats, false, RIG_TRUNK_EVENT);
    (void)addr_parse_ip(&lo, "127.0.0.1", 0);
    init.echo = rig_wish.echo;
    err = init.echo ? 0 : ports_open(&init.rtp, &init.rtcp, &lo, 1, 0, 0);
    if (!err)
        err = path_alloc(&rig.path, &init);
    if (err)
        return err;
    snprintf(b.ice_ufrag, sizeof(b.ice_ufrag), "%s", theirs->ufrag);
    snprintf(b.ice_pwd, sizeof(b.ice_pwd), "%s", theirs->pwd);
    memcpy(b.fingerprint, theirs->fingerprint, sizeof(b.fingerprint));
    b.cands[0] = (struct media_cand){.addr = theirs->addr, .priority = 1, .type = rig_wish.cand};
    path_set_hold(rig.path, rig_wish.rings, rig.now_us);
    path_set_browser(rig.path, &b, rig.now_us);
    if (rig_wish.trunk)
        t = *rig_wish.trunk;
    (void)addr_parse_ip(&t.rtp, "127.0.0.1", udp_port(&rig.trunk));
    if (!init.echo)
        path_set_trunk(rig.path, &t, rig.now_us);
    return 0;
}

static int rig_start(enum media_codec codec, bool we_are_client, bool browser_is_client)
{
    struct fbrowser_config cfg = {0};
    struct fbrowser_remote r = {.ufrag = "00000001abcdefgh",
                                .pwd = "password-of-the-path-1234",
                                .we_are_dtls_client = browser_is_client};
    struct addr lo;
    int err = srtpctx_global_init();

    memset(&rig, 0, sizeof(rig));
    rig.now_us = 1000000;
    rig.handshake = 1000;
    (void)addr_parse_ip(&lo, "127.0.0.1", 0);
    if (!err)
        err = dtls_identity_alloc(&rig.identity);
    if (!err)
        err = udp_bind(&rig.ice, &lo, false, 0);
    if (!err)
        err = udp_bind(&rig.trunk, &lo, false, 0);
    if (!err)
        err = udp_queue_alloc(&rig.queue);
    if (!err)
        err = udp_reader_alloc(&rig.reader);
    rig.host = (struct path_host){.identity = rig.identity,
                                  .agenda = &rig.agenda,
                                  .roomh = rig_room_h,
                                  .sendh = rig_send_h,
                                  .viah = rig_via_h,
                                  .claimh = rig_claim_h,
                                  .eventh = rig_event_h};
    if (!err)
        err = udp_queue_alloc(&rig.host.trunk);
    cfg.identity = rig.identity;
    cfg.rtph = rig_wish.rtph;
    cfg.rtcph = rig_wish.rtcph;
    if (!err)
        err = fbrowser_alloc(&rig.browser, &cfg);
    if (err)
        return err;
    memcpy(r.fingerprint, dtls_identity_fingerprint(rig.identity), sizeof(r.fingerprint));
    (void)addr_parse_ip(&r.addr, "127.0.0.1", udp_port(&rig.ice));
    fbrowser_remote(rig.browser, &r, rig.now_us);
    return rig_path(codec, we_are_client);
}

static void rig_stop(void)
{
    path_end(rig.path, rig.now_us);
    path_free(rig.path);
    fbrowser_free(rig.browser);
    udp_reader_free(rig.reader);
    udp_queue_free(rig.queue);
    udp_queue_free(rig.host.trunk);
    udp_close(&rig.ice);
    udp_close(&rig.trunk);
    dtls_identity_free(rig.identity);
    srtpctx_global_close();
}

static void rig_packet(struct udp_packet *pkt)
{
    struct stun_view v;

    if (pkt->n && pkt->p[0] < 4 && !stun_parse(&v, pkt->p, pkt->n)) {
        path_stun(rig.path, &v, pkt, rig.now_us);
    } else if (rig.handshake || rig.dtls_up) {
        rig.handshake -= !rig.dtls_up;
        path_from_browser(rig.path, pkt, rig.now_us);
    }
}

static void rig_hear(const struct udp_packet *pkt)
{
    struct rig_heard *at = &rig.heard[rig.heard_count];

    if (rig.heard_count == RIG_HEARD_MAX || rtp_parse(&at->h, pkt->p, pkt->n) || at->h.len > RIG_PAYLOAD_MAX)
        return;
    memcpy(at->payload, at->h.payload, at->h.len);
    at->h.payload = at->payload;
    at->at_us = rig.now_us;
    rig.heard_count++;
}

/* One tick: all that came, then what is due. */
static void rig_step(void)
{
    size_t n = udp_read(rig.reader, &rig.ice);

    for (size_t i = 0; i < n; i++)
        rig_packet(udp_packet(rig.reader, i));
    path_tick(rig.path, rig.now_us);
    udp_queue_flush(rig.host.trunk);
    udp_queue_flush(rig.queue);
    fbrowser_poll(rig.browser, rig.now_us);
    n = udp_read(rig.reader, &rig.trunk);
    for (size_t i = 0; i < n; i++)
        rig_hear(udp_packet(rig.reader, i));
    rig.now_us += RIG_STEP_US;
}

/* Until the counter moves from 0; false: it did not within limit_ms. */
static bool rig_run(const unsigned *until, unsigned limit_ms)
{
    for (uint64_t end_us = rig.now_us + limit_ms * 1000ull; rig.now_us < end_us && !*until;)
        rig_step();
    return *until;
}

static void rig_wait(unsigned ms)
{
    static const unsigned never;

    (void)rig_run(&never, ms);
}

__attribute__((unused)) static bool rig_up(enum media_codec codec)
{
    if (rig_start(codec, true, false))
        return false;
    (void)rig_run(&rig.dtls_up, 5000);
    rig_wait(100);
    return rig.dtls_up && fbrowser_up(rig.browser);
}

#endif
