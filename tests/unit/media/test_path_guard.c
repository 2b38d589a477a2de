/* What a path does not let through, and what it tells of trouble. */
/* TSAN */
/* SLOW */
#include "metrics.h"
#include "core/clock.h"
#include "fake/mediacall.h"
#include "media/dtmf.h"
#include "stun/stun.h"
#define TESTING_NO_OOM "threads and sockets: what they wait for would not come"
#include "testing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { SOON_MS = 15000 }; /* for what certainly comes, on a machine that is busy with other things, too */

static struct mediacall call;

static const struct mediacall_config opus = {.browser = MEDIA_OPUS, .trunk = MEDIA_PCMU};

static bool latched(struct mediacall *c)
{
    return mediacall_event(c, MEDIA_TRUNK_LATCHED) != NULL;
}

static bool browser_hears(struct mediacall *c)
{
    return c->at_browser.packets > 25;
}

static bool trunk_hears(struct mediacall *c)
{
    return c->at_trunk.packets > 25;
}

static bool timed_out(struct mediacall *c)
{
    return mediacall_event(c, MEDIA_TIMEOUT) != NULL;
}

TEST(a_browser_with_another_certificate_is_refused)
{
    struct mediacall_config cfg = opus;

    cfg.wrong_fingerprint = true;
    CHECK_EQ_INT(mediacall_start(&call, &cfg), 0);
    CHECK(mediacall_run(&call, mediacall_failed, SOON_MS));
    CHECK_EQ_INT(mediacall_event(&call, MEDIA_FAILED)->reason, MEDIA_WRONG_PEER);
    CHECK(!mediacall_event(&call, MEDIA_DTLS_UP));
    mediacall_stop(&call);
}

TEST(no_dtls_answer_without_an_ice_check)
{
    static const uint8_t hello[] = {22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 12,
                                    1,  0,    0,    0, 0, 0, 0, 0, 0, 0, 0, 0};
    struct mediacall_config cfg = opus;
    struct addr port, any;
    struct udp stranger;

    cfg.we_offer = true; /* we are the DTLS server */
    CHECK_EQ_INT(mediacall_start(&call, &cfg), 0);
    CHECK_EQ_INT(addr_parse_ip(&any, "127.0.0.1", 0), 0);
    CHECK_EQ_INT(addr_parse_ip(&port, "127.0.0.1", call.local.ice_port), 0);
    CHECK_EQ_INT(udp_bind(&stranger, &any, false, 0), 0);
    CHECK_EQ_INT(udp_transmit(&stranger, hello, sizeof(hello), NULL, &port), 0);
    /* time enough for an answer; the real browser is not disturbed */
    CHECK(mediacall_run(&call, mediacall_up, SOON_MS));
    CHECK_EQ_INT(udp_read(call.reader, &stranger), 0);
    udp_close(&stranger);
    mediacall_stop(&call);
}

static bool all_heard(struct mediacall *c)
{
    return c->at_browser.packets >= c->trunk_n;
}

/* A stranger on the machine's other loopback address sends before and after the trunk. */
static bool all_at_trunk(struct mediacall *c)
{
    return c->at_trunk.packets >= c->browser_n && c->browser_n >= 50;
}

/* An agent's check in another browser's name: its own password, a forged source. Nobody answers our check of that, so that the
 * packets from there go on to be the other's. */
TEST(a_forged_source_takes_no_other_call)
{
    static const struct mediacall_config pcmu = {.browser = MEDIA_PCMU, .trunk = MEDIA_PCMU};
    uint8_t msg[256], tid[STUN_TID_LEN] = {1};
    struct media_path *thief;
    struct media_local local;
    struct media_browser b;
    struct stun_writer w;
    struct addr port;
    char user[64];
    size_t n;

    CHECK_EQ_INT(mediacall_start(&call, &pcmu), 0);
    CHECK(mediacall_run(&call, mediacall_up, SOON_MS));
    CHECK_EQ_INT(media_path_create(&thief, call.media, false, &local), 0);
    mediacall_browser(&call, &b);
    snprintf(b.ice_ufrag, sizeof(b.ice_ufrag), "thief");
    CHECK_EQ_INT(media_path_browser(thief, &b), 0);
    snprintf(user, sizeof(user), "%s:thief", local.ice_ufrag);
    stun_begin(&w, msg, sizeof(msg), STUN_BINDING, STUN_REQUEST, tid);
    stun_put(&w, STUN_USERNAME, user, strlen(user));
    stun_put_u64(&w, STUN_ICE_CONTROLLING, 1);
    stun_put_integrity(&w, local.ice_pwd, strlen(local.ice_pwd));
    stun_put_fingerprint(&w);
    CHECK_EQ_INT(stun_end(&w, &n), 0);
    CHECK_EQ_INT(addr_parse_ip(&port, "127.0.0.1", local.ice_port), 0);
    call.browser_talks = true;
    for (int i = 0; i < 50; i++) {
        CHECK(sendto(fbrowser_fd(call.browser), msg, n, 0, &port.u.sa, addr_len(&port)) == (ssize_t)n);
        (void)mediacall_run(&call, NULL, 20);
    }
    call.browser_talks = false;
    CHECK(mediacall_run(&call, all_at_trunk, SOON_MS));
    CHECK_EQ_INT(call.at_trunk.packets, call.browser_n);
    CHECK_EQ_INT(call.at_trunk.gaps, 0);
    media_path_close(thief);
    mediacall_stop(&call);
}

TEST(a_stranger_can_neither_inject_nor_receive)
{
    struct addr there;
    struct udp stranger;
    uint8_t noise[160] = {0};

    CHECK_EQ_INT(mediacall_start(&call, &opus), 0);
    CHECK_EQ_INT(addr_parse_ip(&there, "127.0.0.9", 0), 0);
    CHECK_EQ_INT(udp_bind(&stranger, &there, false, 0), 0);
    CHECK(mediacall_run(&call, mediacall_up, SOON_MS));
    for (uint32_t i = 0; i < 20; i++)
        CHECK_EQ_INT(mediacall_trunk_send(&call, &stranger, 0, i * 160, noise, sizeof(noise)), 0);
    (void)mediacall_run(&call, NULL, 50);
    CHECK(!latched(&call));
    CHECK_EQ_INT(call.at_browser.packets, 0);
    call.trunk_talks = call.browser_talks = true;
    CHECK(mediacall_run(&call, browser_hears, SOON_MS));
    CHECK(addr_eq(&mediacall_event(&call, MEDIA_TRUNK_LATCHED)->addr, &call.trunk_addr));
    call.trunk_talks = false;
    CHECK(mediacall_run(&call, all_heard, SOON_MS));
    (void)mediacall_run(&call, NULL, 60);
    uint64_t before = call.at_browser.packets;
    for (uint32_t i = 0; i < 20; i++)
        CHECK_EQ_INT(mediacall_trunk_send(&call, &stranger, 0, i * 160, noise, sizeof(noise)), 0);
    (void)mediacall_run(&call, NULL, 60);
    CHECK_EQ_INT(call.at_browser.packets, before);
    CHECK_EQ_INT(udp_read(call.reader, &stranger), 0);
    udp_close(&stranger);
    mediacall_stop(&call);
}

/* The trunk's SDP names another port than its RTP comes from. */
TEST(a_symmetric_trunk_is_found)
{
    struct mediacall_config cfg = opus;
    struct media_trunk t;

    cfg.no_trunk = true;
    CHECK_EQ_INT(mediacall_start(&call, &cfg), 0);
    mediacall_trunk(&call, &t);
    addr_set_port(&t.rtp, (uint16_t)(addr_port(&t.rtp) ^ 0x4000));
    CHECK_EQ_INT(media_path_trunk(call.path, &t), 0);
    CHECK(mediacall_run(&call, mediacall_up, SOON_MS));
    call.trunk_talks = call.browser_talks = true;
    CHECK(mediacall_run(&call, latched, SOON_MS));
    CHECK(addr_eq(&mediacall_event(&call, MEDIA_TRUNK_LATCHED)->addr, &call.trunk_addr));
    CHECK(call.trunk_n >= 3);
    CHECK(mediacall_run(&call, trunk_hears, SOON_MS)); /* and gets our audio there */
    mediacall_stop(&call);
}

static struct udp elsewhere;
static struct addr heard_from;

static bool heard_elsewhere(struct mediacall *c)
{
    size_t n = udp_read(c->reader, &elsewhere);

    if (n)
        heard_from = udp_packet(c->reader, n - 1)->src;
    return n;
}

static bool burst(struct udp *from, uint32_t n)
{
    uint8_t noise[160] = {0};

    for (uint32_t i = 0; i < n; i++)
        if (mediacall_trunk_send(&call, from, 0, (call.trunk_n + i) * 160, noise, sizeof(noise)))
            return false;
    (void)mediacall_run(&call, NULL, 60);
    return true;
}

/* A re-INVITE to another port, by another way; the old stream goes on for so long that it is taken for the new one. */
TEST(a_trunk_that_moves_is_followed)
{
    struct mediacall_config cfg = opus;
    struct media_trunk t;

    cfg.any_address = true;
    CHECK_EQ_INT(mediacall_start(&call, &cfg), 0);
    CHECK_EQ_INT(addr_parse_ip(&call.path_addr, "127.0.0.5", call.local.rtp_port), 0);
    CHECK_EQ_INT(addr_parse_ip(&t.rtp, "127.0.0.1", 0), 0);
    CHECK_EQ_INT(udp_bind(&elsewhere, &t.rtp, false, 0), 0);
    CHECK(mediacall_run(&call, mediacall_up, SOON_MS));
    call.trunk_talks = call.browser_talks = true;
    CHECK(mediacall_run(&call, browser_hears, SOON_MS));
    call.trunk_talks = false;
    mediacall_trunk(&call, &t);
    addr_set_port(&t.rtp, udp_port(&elsewhere));
    CHECK_EQ_INT(media_path_trunk(call.path, &t), 0);
    CHECK(mediacall_run(&call, heard_elsewhere, SOON_MS));
    CHECK(!addr_eq_ip(&heard_from, &call.path_addr)); /* that was the way to the old place */
    call.logged = 0;
    CHECK(burst(&call.rtp, 20));
    CHECK(!latched(&call));
    CHECK(burst(&call.rtp, 100));
    CHECK(mediacall_run(&call, latched, SOON_MS));
    call.logged = 0;
    CHECK(burst(&elsewhere, 1)); /* one alone may be forged */
    CHECK(!latched(&call));
    CHECK(burst(&elsewhere, 3));
    CHECK(mediacall_run(&call, latched, SOON_MS));
    CHECK(addr_eq(&mediacall_event(&call, MEDIA_TRUNK_LATCHED)->addr, &t.rtp));
    (void)heard_elsewhere(&call);
    CHECK(mediacall_run(&call, heard_elsewhere, SOON_MS));
    udp_close(&elsewhere);
    mediacall_stop(&call);
}

static const char ssrc_limit[] = "dngate_media_dropped_total{from=\"browser\",reason=\"ssrc_limit\"}";
static const char dtmf_rate[] = "dngate_media_dropped_total{from=\"both\",reason=\"dtmf_rate\"}";
static double refused_before;

static bool most_refused(struct mediacall *c)
{
    (void)c;
    return metric_value(ssrc_limit) >= refused_before + 80;
}

/* A hundred packets that authenticate, each of another source; the source's last byte is at *last. */
static void many_sources(int (*send)(struct fbrowser *b, const void *p, size_t n), uint8_t *pkt, size_t n,
                         uint8_t *last)
{
    refused_before = metric_value(ssrc_limit);
    CHECK_EQ_INT(mediacall_start(&call, &opus), 0);
    CHECK(mediacall_run(&call, mediacall_up, SOON_MS));
    call.browser_talks = true;
    CHECK(mediacall_run(&call, trunk_hears, SOON_MS));
    for (uint8_t i = 1; i <= 100; i++) {
        *last = i;
        CHECK_EQ_INT(send(call.browser, pkt, n), 0);
    }
    CHECK(mediacall_run(&call, most_refused, SOON_MS));
    call.at_trunk.packets = 0;
    CHECK(mediacall_run(&call, trunk_hears, SOON_MS));
    mediacall_stop(&call);
}

/* libsrtp keeps state for each source that ever authenticated: a browser that invents them finds an end, its own goes on. */
TEST(a_browser_gets_a_few_sources)
{
    uint8_t rr[8] = {0x80, 201, 0, 1};
    uint8_t padded[RTP_HEADER + 4] = {0xa0, MEDIACALL_PT_OPUS}; /* by 0 bytes, which is no RTP */

    many_sources(fbrowser_send_rtcp, rr, sizeof(rr), rr + 7);
    many_sources(fbrowser_send_raw, padded, sizeof(padded), padded + 11);
}

static unsigned digits_told(void)
{
    unsigned n = 0;

    for (size_t i = 0; i < call.logged; i++)
        n += call.log[i].type == MEDIA_DTMF && call.log[i].digit == '5' && call.log[i].from_browser;
    return n;
}

static bool five_told(struct mediacall *c)
{
    (void)c;
    return digits_told() >= 5;
}

static double pressed_before;

static bool too_many(struct mediacall *c)
{
    (void)c;
    return metric_value(dtmf_rate) > pressed_before;
}

static void presses_at_once(uint32_t ts, unsigned n)
{
    static const uint8_t end[4] = {5, 0x8a, 0, 160};

    for (unsigned i = 0; i < n; i++)
        CHECK_EQ_INT(fbrowser_send(call.browser, MEDIACALL_PT_EVENT, true, ts + i * 1040, end, sizeof(end)),
                     0);
}

/* After a pause of the network presses arrive at once; but a browser that makes up hundreds is held to what fingers can do. */
TEST(presses_that_arrive_at_once_all_count_up_to_a_burst)
{
    CHECK_EQ_INT(mediacall_start(&call, &opus), 0);
    CHECK(mediacall_run(&call, mediacall_up, SOON_MS));
    pressed_before = metric_value(dtmf_rate);
    presses_at_once(8000, 5);
    CHECK(mediacall_run(&call, five_told, SOON_MS));
    CHECK(metric_value(dtmf_rate) == pressed_before);
    presses_at_once(80000, 50);
    CHECK(mediacall_run(&call, too_many, SOON_MS));
    mediacall_stop(&call);
}

static bool two_digits_at_trunk(struct mediacall *c)
{
    return c->at_trunk.event_payload[0] == 11 && c->at_trunk.event_payload[1] & 0x80;
}

TEST(digits_of_signalling_reach_the_trunk_without_any_audio)
{
    CHECK_EQ_INT(mediacall_start(&call, &opus), 0);
    CHECK_EQ_INT(media_path_dtmf(call.path, MEDIA_TRUNK, "7#", 100), 0);
    CHECK_EQ_INT(media_path_dtmf(call.path, MEDIA_TRUNK, "x", 100), EINVAL);
    CHECK(mediacall_run(&call, two_digits_at_trunk, SOON_MS));
    CHECK_STR(call.at_trunk.digits, "7#");
    CHECK_EQ_INT(call.at_trunk.ssrcs, 1);
    mediacall_stop(&call);
}

static bool trunk_enough(struct mediacall *c)
{
    return c->at_trunk.pcm_count >= 10400;
}

static bool enough(struct mediacall *c)
{
    return c->at_browser.pcm_count >= 10400; /* 1.3 s */
}

/* Hold, music from elsewhere in another codec, back: one stream for the browser. */
TEST(a_reinvite_of_the_trunk_is_invisible_to_the_browser)
{
    struct media_trunk t;

    CHECK_EQ_INT(mediacall_start(&call, &opus), 0);
    CHECK(mediacall_run(&call, mediacall_up, SOON_MS));
    call.trunk_talks = true;
    CHECK(mediacall_run(&call, browser_hears, SOON_MS));
    mediacall_trunk(&call, &t);
    t.dir = MEDIA_INACTIVE;
    CHECK_EQ_INT(media_path_trunk(call.path, &t), 0);
    (void)mediacall_run(&call, NULL, 60);
    call.trunk_codec = MEDIA_PCMA;
    call.trunk_ssrc ^= 1;
    mediacall_trunk(&call, &t);
    CHECK_EQ_INT(media_path_trunk(call.path, &t), 0);
    call.at_browser.pcm_count = 0;
    CHECK(mediacall_run(&call, enough, SOON_MS));
    CHECK_EQ_INT(call.at_browser.ssrcs, 1);
    CHECK_EQ_INT(call.at_browser.gaps, 0);
    double rms, share = mediacall_tone_share(&call.at_browser, 1000, 8000, &rms);
    CHECK(share > 0.9);
    mediacall_stop(&call);
}

TEST(ringback_is_heard_and_gives_way_to_audio)
{
    double rms;

    CHECK_EQ_INT(mediacall_start(&call, &opus), 0);
    CHECK(mediacall_run(&call, mediacall_up, SOON_MS));
    CHECK_EQ_INT(media_path_tone(call.path, MEDIA_TONE_RINGBACK), 0);
    CHECK(mediacall_run(&call, browser_hears, SOON_MS));
    CHECK(mediacall_tone_share(&call.at_browser, 425, 3200, &rms) > 0.9);
    CHECK_EQ_INT(media_path_tone(call.path, MEDIA_TONE_NONE), 0);
    call.trunk_talks = true;
    call.at_browser.pcm_count = 0;
    CHECK(mediacall_run(&call, enough, SOON_MS));
    CHECK(mediacall_tone_share(&call.at_browser, 1000, 8000, &rms) > 0.9);
    CHECK_EQ_INT(call.at_browser.ssrcs, 1);
    CHECK_EQ_INT(call.at_browser.gaps, 0);
    mediacall_stop(&call);
}

/* A page that is away: the trunk hears that the line lives, until the browser is heard again. */
TEST(the_trunk_hears_a_beep_while_the_page_is_away)
{
    static struct mediacall_sink first;
    double rms;

    CHECK_EQ_INT(mediacall_start(&call, &opus), 0);
    CHECK(mediacall_run(&call, mediacall_up, SOON_MS));
    CHECK_EQ_INT(media_path_away(call.path, true), 0);
    CHECK(mediacall_run(&call, trunk_hears, SOON_MS));
    first = call.at_trunk;
    first.pcm_count = 1600;
    CHECK(mediacall_tone_share(&first, 425, 1200, &rms) > 0.9);
    CHECK(rms > 300 && rms < 1500); /* soft */
    call.browser_talks = true;
    call.at_trunk.pcm_count = 0;
    CHECK(mediacall_run(&call, trunk_enough, SOON_MS));
    CHECK(mediacall_tone_share(&call.at_trunk, 425, 8000, &rms) < 0.1);
    CHECK_EQ_INT(call.at_trunk.ssrcs, 1);
    CHECK_EQ_INT(call.at_trunk.gaps, 0);
    mediacall_stop(&call);
}

TEST(silence_of_the_trunk_is_told_but_not_on_hold)
{
    struct mediacall_config cfg = opus;

    cfg.rtp_timeout_s = 1;
    CHECK_EQ_INT(mediacall_start(&call, &cfg), 0);
    CHECK_EQ_INT(media_path_hold(call.path, true), 0);
    CHECK(mediacall_run(&call, mediacall_up, SOON_MS));
    CHECK(!mediacall_run(&call, timed_out, 1500));
    CHECK_EQ_INT(media_path_hold(call.path, false), 0);
    call.browser_talks = true;
    CHECK(mediacall_run(&call, timed_out, SOON_MS));
    CHECK_EQ_INT(mediacall_event(&call, MEDIA_TIMEOUT)->reason, MEDIA_TRUNK_SILENT);
    mediacall_stop(&call);
}

static bool moved(struct mediacall *c)
{
    return mediacall_event(c, MEDIA_ICE_MOVED) != NULL;
}

/* The browser's network changes; the page restarts ICE in the same call. */
TEST(an_ice_restart_moves_the_call)
{
    struct fbrowser_remote r = {.we_are_dtls_client = false};
    struct media_local local = call.local;
    struct media_browser b;

    CHECK_EQ_INT(mediacall_start(&call, &opus), 0);
    CHECK(mediacall_run(&call, mediacall_up, SOON_MS));
    local = call.local;
    CHECK_EQ_INT(media_path_ice_restart(call.path, &local), 0);
    CHECK(strcmp(local.ice_ufrag, call.local.ice_ufrag));
    CHECK_EQ_INT(fbrowser_rebind(call.browser), 0);
    fbrowser_restart(call.browser);
    mediacall_browser(&call, &b);
    b.we_are_dtls_client = true;
    CHECK_EQ_INT(media_path_browser(call.path, &b), 0);
    snprintf(r.ufrag, sizeof(r.ufrag), "%s", local.ice_ufrag);
    snprintf(r.pwd, sizeof(r.pwd), "%s", local.ice_pwd);
    CHECK_EQ_INT(addr_parse_ip(&r.addr, "127.0.0.1", local.ice_port), 0);
    fbrowser_remote(call.browser, &r, clock_us());
    CHECK(mediacall_run(&call, moved, SOON_MS));
    call.trunk_talks = call.browser_talks = true;
    CHECK(mediacall_run(&call, browser_hears, SOON_MS));
    CHECK(mediacall_run(&call, trunk_hears, SOON_MS));
    CHECK(!mediacall_failed(&call));
    mediacall_stop(&call);
}

TEST(a_hundred_calls_leave_no_port_and_no_id_behind)
{
    struct media_local local;

    CHECK_EQ_INT(mediacall_start(&call, &opus), 0);
    for (int i = 0; i < 100; i++) {
        struct media_path *p;

        CHECK_EQ_INT(media_path_create(&p, call.media, false, &local), 0);
        uint32_t id = media_path_id(p);
        media_path_close(p);
        call.logged = 0;
        CHECK(mediacall_run(&call, mediacall_ended, SOON_MS));
        CHECK_EQ_INT(mediacall_event(&call, MEDIA_ENDED)->path_id, id);
    }
    mediacall_stop(&call);
}
