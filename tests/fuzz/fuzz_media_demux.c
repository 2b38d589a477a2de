/*
 * A path under any packets from both sides, in any order. The worker is played by this file: nothing leaves, time is ours.
 * Input: records of kind, length (two bytes), bytes.
 */
#include "addrs.h"
#include "media/g711.h"
#include "media/path_down.h"
#include "media/path_report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { KINDS = 8, KEYLEN = 30 };

static struct dtls_identity *identity;
static struct udp nowhere = {.fd = -1};
static struct udp_queue *queue;
static const uint8_t key[KEYLEN] = "thirty bytes of key and salt!";

static uint8_t *room_h(const struct addr *dst, void *arg)
{
    (void)dst;
    (void)arg;
    return udp_queue_room(queue);
}

static void send_h(size_t n, const struct addr *local, const struct addr *dst, void *arg)
{
    (void)arg;
    (void)udp_queue_push(queue, &nowhere, n, local, dst);
}

static enum media_via via_h(const struct addr *dst, struct addr *from, void *arg)
{
    (void)arg;
    *from = *dst;
    return MEDIA_DIRECT;
}

static void claim_h(struct path *p, enum path_claim what, const struct addr *addr, void *arg)
{
    (void)p;
    (void)what;
    (void)addr;
    (void)arg;
}

static int event_h(const struct media_event *ev, void *arg)
{
    (void)arg;
    return ev->path_id == 1 ? 0 : (abort(), 1);
}

static struct path_agenda agenda;
static struct path_host host = {.agenda = &agenda,
                                .rtp_timeout_s = 5,
                                .roomh = room_h,
                                .sendh = send_h,
                                .viah = via_h,
                                .claimh = claim_h,
                                .eventh = event_h};

static struct path *path_make(enum media_codec browser, struct srtpctx **tx)
{
    struct media_local local = {.ice_ufrag = "00000001abcdefgh", .ice_pwd = "password-of-the-path-1234"};
    struct path_init init = {.id = 1, .host = &host, .local = &local, .jbuf_max_ms = 200};
    struct media_browser b = {.ice_ufrag = "theirs",
                              .ice_pwd = "their-password",
                              .codec = browser,
                              .formats = {{{111, MEDIA_OPUS, 48000},
                                           {0, MEDIA_PCMU, 8000},
                                           {8, MEDIA_PCMA, 8000},
                                           {110, MEDIA_EVENT, 48000},
                                           {126, MEDIA_EVENT, 8000}},
                                          5}};
    struct media_trunk t = {.codec = MEDIA_PCMU,
                            .formats = {{{0, MEDIA_PCMU, 8000},
                                         {101, MEDIA_EVENT, 8000},
                                         {9, MEDIA_G722, 8000},
                                         {13, MEDIA_CN, 8000}},
                                        4},
                            .ptime_ms = 20,
                            .dir = MEDIA_SENDRECV};
    struct path *p;

    addr_parse(&t.rtp, "127.0.0.2:4000");
    addr_parse(&t.rtcp, "127.0.0.2:4001");
    host.identity = identity;
    if (path_alloc(&p, &init))
        return NULL;
    path_set_browser(p, &b, 1000);
    path_set_trunk(p, &t, 1000);
    if (srtpctx_alloc(&p->srtp_in, 1, key, KEYLEN, true) ||
        srtpctx_alloc(&p->srtp_out, 1, key, KEYLEN, false) || srtpctx_alloc(tx, 1, key, KEYLEN, false))
        abort();
    return p;
}

/* A check with the right integrity around attributes of the input. */
static size_t check_make(uint8_t *mem, const uint8_t *attrs, size_t n)
{
    struct stun_writer w;
    size_t len;

    stun_begin(&w, mem, STUN_MSG_MAX, STUN_BINDING, STUN_REQUEST, (const uint8_t *)"transaction!");
    stun_put(&w, STUN_USERNAME, "00000001abcdefgh:theirs", 23);
    for (; n >= 4 && (size_t)4 + attrs[2] <= n; n -= 4u + attrs[2], attrs += 4 + attrs[2])
        stun_put(&w, (uint16_t)(attrs[0] << 8 | attrs[1]), attrs + 4, attrs[2]);
    stun_put_integrity(&w, "password-of-the-path-1234", 25);
    stun_put_fingerprint(&w);
    return stun_end(&w, &len) ? 0 : len;
}

static void packet(struct path *p, struct srtpctx *tx, unsigned kind, const uint8_t *data, size_t n,
                   uint64_t now)
{
    static uint8_t mem[UDP_PACKET_MAX + SRTP_TRAILER_MAX];
    struct udp_packet pkt = {.p = mem, .n = n};
    struct stun_view v;

    memcpy(mem, data, n);
    addr_parse(&pkt.src, kind < 5 ? "127.0.0.1:5000" : kind == 5 ? "127.0.0.2:4000" : "127.0.0.2:4001");
    switch (kind) {
    case 0:
        if (!stun_parse(&v, mem, n))
            path_stun(p, &v, &pkt, now);
        break;
    case 1:
        pkt.n = check_make(mem, data, n);
        if (pkt.n && !stun_parse(&v, mem, pkt.n))
            path_stun(p, &v, &pkt, now);
        break;
    case 2:
        path_from_browser(p, &pkt, now);
        break;
    case 3:
        if (!srtpctx_protect(tx, mem, &pkt.n))
            path_from_browser(p, &pkt, now);
        break;
    case 4:
        if (!srtpctx_protect_rtcp(tx, mem, &pkt.n))
            path_from_browser(p, &pkt, now);
        break;
    case 5:
        path_trunk_rtp(p, &pkt, now);
        break;
    default:
        path_trunk_rtcp(p, &pkt, now);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct srtpctx *tx;
    struct path *p;
    uint64_t now = 1000000;

    if (!identity && (srtpctx_global_init() || dtls_identity_alloc(&identity) || udp_queue_alloc(&queue) ||
                      udp_queue_alloc(&host.trunk)))
        abort();
    g711_init();
    if (!size)
        return 0;
    p = path_make(data[0] & 1 ? MEDIA_OPUS : MEDIA_PCMU, &tx);
    if (!p)
        return 0;
    for (data++, size--; size >= 3;) {
        size_t n = (size_t)(data[1] & 7) << 8 | data[2];
        unsigned kind = data[0] % KINDS;

        data += 3;
        size -= 3;
        n = n < size ? n : size;
        if (kind == 7)
            now += n * 1000;
        else
            packet(p, tx, kind, data, n, now);
        now += 2000;
        path_tick(p, now);
        data += n;
        size -= n;
    }
    path_end(p, now);
    path_free(p);
    srtpctx_free(tx);
    return 0;
}
