/*
 * flow/talking: a call whose two ends speak: a browser (fake/browser) and the trunk's RTP socket, both driven by the test's one thread. For
 * the tests of calls with media.
 */
#ifndef FLOW_TALKING_H
#define FLOW_TALKING_H

#include "core/clock.h"
#include "fake/box.h"
#include "fake/browser.h"
#include "media/quality.h"
#include "media/rtp.h"
#include "testing.h"
#include <arpa/inet.h>
#include <math.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FRAME = 160, QUIET_US = 1000000, PT_TRUNK_EVENT = 101, PT_BROWSER_EVENT = 126 };

static struct box box;
static struct fake_trunk trunk;
static struct wsagent agent;
static struct sipdlg da, dt;
static struct sipmsg m, invite;
static struct dtls_identity *identity;
static struct fbrowser *browser;
static uint8_t from_trunk[FRAME], from_browser[FRAME], at_trunk[2048];
static size_t heard_by_browser, tones_heard; /* packets */
static struct order { /* frames carry their number, from 1: each must be newer than the last */
    unsigned newest;
    bool broken;
} at_browser_order, at_trunk_order;
static int rtp_fd = -1;
static uint16_t rtp_port;
static unsigned spoken; /* frames so far */
static bool browser_silent;

struct digits { /* presses that telephone-event packets made (RFC 4733) */
    char pressed[16];
    size_t n;
    bool down;
};

static struct digits at_browser_digits, at_trunk_digits;

__attribute__((unused)) static void digit_take(struct digits *d, const uint8_t *payload)
{
    bool end = payload[1] & 0x80;

    if (!d->down && !end && d->n + 1 < sizeof(d->pressed))
        d->pressed[d->n++] = "0123456789*#ABCD"[payload[0] & 15];
    d->down = !end;
}

/* Whether it is one of those frames, whatever its number. */
__attribute__((unused)) static bool frame_is(const uint8_t *p, const uint8_t *frame)
{
    return !memcmp(p + 2, frame + 2, FRAME - 2);
}

__attribute__((unused)) static void order_take(struct order *o, const uint8_t *frame)
{
    unsigned n = (unsigned)frame[0] << 8 | frame[1];

    o->broken |= n <= o->newest;
    o->newest = n;
}

__attribute__((unused)) static void frame_number(uint8_t *p, unsigned i)
{
    p[0] = (uint8_t)(i >> 8);
    p[1] = (uint8_t)i;
}

__attribute__((unused)) static void rtp_h(const struct rtp_hdr *h, uint64_t now_us, void *arg)
{
    (void)now_us;
    (void)arg;
    if (h->len == FRAME && frame_is(h->payload, from_trunk)) {
        order_take(&at_browser_order, h->payload);
        heard_by_browser++;
    } else if (h->len == FRAME && h->payload[2] != h->payload[3]) {
        tones_heard++;
    }
    if (h->pt == PT_BROWSER_EVENT && h->len == 4)
        digit_take(&at_browser_digits, h->payload);
}

__attribute__((unused)) static void close_box(void)
{
    wsagent_close(&agent);
    box_close(&box);
    fake_trunk_close(&trunk);
    fbrowser_free(browser);
    browser = NULL;
    if (rtp_fd >= 0)
        (void)close(rtp_fd);
    rtp_fd = -1;
}

#define WANT(cond) CHECK_OR(cond, close_box(); return )

__attribute__((unused)) static void line(const char *name, char *dst, size_t sz)
{
    const char *p = strstr(sipmsg_body(&m), name);

    dst[0] = '\0';
    if (p)
        (void)snprintf(dst, sz, "%.*s", (int)strcspn(p + strlen(name), "\r"), p + strlen(name));
}

/* What our answer in m says, for the browser. */
__attribute__((unused)) static void take_answer(void)
{
    struct fbrowser_remote r = {.we_are_dtls_client = false};
    char text[128], ip[64] = "";
    unsigned port = 0;

    line("a=ice-ufrag:", r.ufrag, sizeof(r.ufrag));
    line("a=ice-pwd:", r.pwd, sizeof(r.pwd));
    line("a=fingerprint:sha-256 ", text, sizeof(text));
    for (size_t i = 0; i < 32 && strlen(text) >= i * 3 + 2; i++)
        r.fingerprint[i] = (uint8_t)strtol((char[]){text[i * 3], text[i * 3 + 1], 0}, NULL, 16);
    line("a=candidate:1 1 udp ", text, sizeof(text));
    (void)sscanf(text, "%*u %63s %u", ip, &port);
    (void)addr_parse_ip(&r.addr, ip, (uint16_t)port);
    fbrowser_remote(browser, &r, clock_us());
}

__attribute__((unused)) static const char *describe(const char *formats, const char *setup)
{
    static char text[2048];
    const struct fbrowser_local *l = fbrowser_local(browser);
    char fp[100] = "", ip[ADDR_STRLEN];

    for (int i = 0, n = 0; i < 32; i++)
        n += snprintf(fp + n, sizeof(fp) - (size_t)n, "%s%02X", i ? ":" : "", l->fingerprint[i]);
    (void)snprintf(
        text, sizeof(text),
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n"
        "m=audio %u UDP/TLS/RTP/SAVPF %s\r\nc=IN IP4 127.0.0.1\r\na=candidate:1 1 udp 2122260223 %s "
        "%u typ host\r\n"
        "a=ice-ufrag:%s\r\na=ice-pwd:%s\r\na=fingerprint:sha-256 "
        "%s\r\na=setup:%s\r\na=mid:0\r\na=rtcp-mux\r\n"
        "a=rtpmap:111 opus/48000/2\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:126 telephone-event/8000\r\n",
        addr_port(&l->addr), formats, addr_ip(&l->addr, ip, sizeof(ip)), addr_port(&l->addr), l->ufrag,
        l->pwd, fp, setup);
    return text;
}

__attribute__((unused)) static const char *offer(void)
{
    return describe("111 0 126", "actpass");
}

__attribute__((unused)) static const char *answer(void)
{
    return describe("0 126", "passive");
}

__attribute__((unused)) static int rtp_open(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);

    rtp_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (rtp_fd < 0 || bind(rtp_fd, (void *)&a, sizeof(a)) || getsockname(rtp_fd, (void *)&a, &len))
        return -1;
    rtp_port = ntohs(a.sin_port);
    return 0;
}

/* What came to the trunk: digits, and so many of the browser's own frames. */
__attribute__((unused)) static size_t hear(void)
{
    size_t heard = 0;
    ssize_t n;

    while ((n = recv(rtp_fd, at_trunk, sizeof(at_trunk), MSG_DONTWAIT)) > 0) {
        if (n == 12 + FRAME && frame_is(at_trunk + 12, from_browser)) {
            order_take(&at_trunk_order, at_trunk + 12);
            heard++;
        }
        if (n == 16 && (at_trunk[1] & 0x7f) == PT_TRUNK_EVENT)
            digit_take(&at_trunk_digits, at_trunk + 12);
    }
    return heard;
}

/* Both ends talk PCMU for some time; returns how many of the browser's own frames the trunk heard. */
__attribute__((unused)) static size_t talk(uint16_t gateway_port, unsigned frames)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(gateway_port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    uint8_t pkt[12 + FRAME] = {0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9};
    uint64_t next = clock_us(), news;
    size_t heard = 0, at_browser = heard_by_browser + frames;

    memcpy(pkt + 12, from_trunk, FRAME);
    for (unsigned i = spoken; i < spoken + frames; i++, next += 20000) {
        while (clock_us() < next) {
            fbrowser_poll(browser, clock_us());
            (void)poll(NULL, 0, 2);
        }
        pkt[2] = (uint8_t)(i >> 8);
        pkt[3] = (uint8_t)i;
        pkt[6] = (uint8_t)((i * FRAME) >> 8);
        pkt[7] = (uint8_t)(i * FRAME);
        frame_number(pkt + 12, i + 1);
        frame_number(from_browser, i + 1);
        (void)sendto(rtp_fd, pkt, sizeof(pkt), 0, (void *)&to, sizeof(to));
        if (!browser_silent)
            (void)fbrowser_send(browser, 0, i == 0, i * FRAME, from_browser, FRAME);
        heard += hear();
    }
    spoken += frames;
    if (browser_silent)
        return heard;
    /* what is still on its way: until all was heard, or nothing came for so long */
    for (news = clock_us();
         (heard < frames || heard_by_browser < at_browser) && clock_us() < news + QUIET_US;) {
        size_t before = heard + heard_by_browser;

        fbrowser_poll(browser, clock_us());
        heard += hear();
        if (heard + heard_by_browser > before)
            news = clock_us();
        (void)poll(NULL, 0, 2);
    }
    return heard;
}

__attribute__((unused)) static bool hear_each_other(uint16_t gateway_port)
{
    uint64_t end = clock_us() + 20000000;

    while (clock_us() < end) {
        size_t before = heard_by_browser;

        if (talk(gateway_port, 10) >= 10 && heard_by_browser >= before + 10)
            return true;
    }
    return false;
}

__attribute__((unused)) static bool browser_comes_up(void)
{
    uint64_t end = clock_us() + 15000000;

    while (clock_us() < end && !fbrowser_up(browser)) {
        fbrowser_poll(browser, clock_us());
        (void)poll(NULL, 0, 2);
    }
    return fbrowser_up(browser);
}

__attribute__((unused)) static bool ice_comes_up(void)
{
    uint64_t end = clock_us() + 15000000;

    while (clock_us() < end && !fbrowser_ice_up(browser)) {
        fbrowser_poll(browser, clock_us());
        (void)poll(NULL, 0, 2);
    }
    return fbrowser_ice_up(browser);
}

/* The browser goes on answering checks meanwhile. */
__attribute__((unused)) static bool hears_bye(unsigned timeout_ms)
{
    uint64_t end = clock_us() + timeout_ms * 1000ull;

    while (clock_us() < end) {
        fbrowser_poll(browser, clock_us());
        if (sippeer_expect(&trunk.p, &m, "BYE", 20))
            return true;
    }
    return false;
}

/* 1 s of tone in 5 s: ITU-T E.180. */
__attribute__((unused)) static bool hears_ringback(void)
{
    uint64_t end = clock_us() + 20000000;

    tones_heard = 0;
    while (clock_us() < end && tones_heard < 40) {
        fbrowser_poll(browser, clock_us());
        (void)poll(NULL, 0, 2);
    }
    return tones_heard >= 40;
}

__attribute__((unused)) static bool open_box(const char *const options[])
{
    struct fbrowser_config cfg = {.rtph = rtp_h, .controlling = true};

    heard_by_browser = 0;
    at_browser_order = at_trunk_order = (struct order){0};
    memset(&at_browser_digits, 0, sizeof(at_browser_digits));
    memset(&at_trunk_digits, 0, sizeof(at_trunk_digits));
    memset(from_trunk, 0x2a, sizeof(from_trunk));
    memset(from_browser, 0x55, sizeof(from_browser));
    if (!identity && dtls_identity_alloc(&identity))
        return false;
    cfg.identity = identity;
    if (fbrowser_alloc(&browser, &cfg) || rtp_open() || fake_trunk_open(&trunk) ||
        box_open(&box, options, &trunk, 1))
        return false;
    return !wsagent_open(&agent, box.stack, box.out, 1, "5002", "secret5002") &&
           wsagent_register(&agent) == 200;
}

__attribute__((unused)) static bool open_all(void)
{
    return open_box(NULL);
}

/* Dials; the trunk answers 180, or 183 with early media; the browser comes up before the answer. */
__attribute__((unused)) static bool call_rings(uint16_t *gateway_port, bool early)
{
    char sdp[1024];
    const char *p;

    sippeer_invite(&agent.p, &da, "sip:600@dngate", "", offer());
    if (!sippeer_expect(&trunk.p, &invite, "INVITE", 0) || !(p = strstr(sipmsg_body(&invite), "m=audio ")))
        return false;
    *gateway_port = (uint16_t)strtoul(p + 8, NULL, 10);
    sipdlg_of_invite(&dt, &trunk.p, &invite);
    sippeer_reply(&trunk.p, &invite, early ? 183 : 180, "Ringing", "",
                  early ? fake_trunk_sdp(sdp, sizeof(sdp), rtp_port, "") : NULL);
    if (!sippeer_expect(&agent.p, &m, early ? "183" : "180", 0))
        return false;
    take_answer();
    return browser_comes_up(); /* before the answer: the first word is not cut */
}

__attribute__((unused)) static bool call_answered(void)
{
    char sdp[1024];

    sippeer_reply(&trunk.p, &invite, 200, "OK", "", fake_trunk_sdp(sdp, sizeof(sdp), rtp_port, ""));
    if (!sippeer_expect(&agent.p, &m, "200 INVITE", 0))
        return false;
    sipdlg_take(&da, &m);
    sippeer_ack(&agent.p, &da, NULL);
    return true;
}

__attribute__((unused)) static bool call_up(uint16_t *gateway_port)
{
    return call_rings(gateway_port, false) && call_answered();
}

/* G.711 goes straight through: no jitter buffer, only the network's jitter. Nobody sent RTCP. */
__attribute__((unused)) static bool mos_fits(const struct cdr_stream *st)
{
    struct quality_input q = {.codec = MEDIA_PCMU,
                              .loss = (double)st->lost / (double)(st->packets + st->lost),
                              .jitter_ms = st->jitter_ms};

    return fabs(st->mos - quality_mos(&q)) < 0.01;
}

#endif
