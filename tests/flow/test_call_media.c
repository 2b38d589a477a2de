/* A call with its audio: a browser with ICE and DTLS-SRTP, a trunk with plain RTP, on loopback. */
/* SLOW */
#include "flow/talking.h"
#include <dirent.h>

TEST(pcmu_passes_both_ways_and_is_counted)
{
    unsigned first = spoken;
    uint16_t port = 0;
    struct cdr cdr;
    size_t heard;

    WANT(open_all());
    WANT(call_up(&port));
    WANT(hear_each_other(port));
    heard_by_browser = 0;
    heard = talk(port, 100);
    printf("# browser heard %zu, trunk heard %zu of 100\n", heard_by_browser, heard);
    WANT(heard == 100 && heard_by_browser == 100);
    WANT(!at_browser_order.broken && !at_trunk_order.broken);
    sippeer_request(&agent.p, &da, "BYE", "", NULL, NULL);
    WANT(sippeer_expect(&agent.p, &m, "200 BYE", 0));
    WANT(box_cdr(&box, 1, &cdr));
    WANT(!strcmp(cdr.from_browser.codec, "PCMU") && !strcmp(cdr.from_trunk.codec, "PCMU"));
    WANT(cdr.from_browser.packets >= 110 && cdr.from_browser.packets <= spoken - first);
    WANT(cdr.from_trunk.packets == spoken - first);
    WANT(cdr.from_browser.lost == 0 && cdr.from_trunk.lost == 0);
    WANT(mos_fits(&cdr.from_browser) && mos_fits(&cdr.from_trunk));
    WANT(cdr.remote_ice[0]);
    WANT(cdr.path == CDR_PATH_DIRECT && !cdr.path_changes && !strcmp(cdr.candidate, "host"));
    close_box();
}

static size_t fds(void)
{
    DIR *d = opendir("/proc/self/fd");
    size_t n = 0;

    while (d && readdir(d))
        n++;
    if (d)
        (void)closedir(d);
    return n;
}

/* Every fourth call is refused, the others are answered and hung up at once. */
static bool churn(unsigned calls)
{
    char sdp[1024];

    for (unsigned i = 0; i < calls; i++) {
        sippeer_invite(&agent.p, &da, "sip:600@dngate", "", offer());
        if (!sippeer_expect(&trunk.p, &invite, "INVITE", 0))
            return false;
        if (i % 4 == 3) {
            sippeer_reply(&trunk.p, &invite, 486, "Busy Here", "", NULL);
            if (!sippeer_expect(&trunk.p, &m, "ACK", 0) || !sippeer_expect(&agent.p, &m, "486", 0))
                return false;
            continue;
        }
        sippeer_reply(&trunk.p, &invite, 200, "OK", "", fake_trunk_sdp(sdp, sizeof(sdp), rtp_port, ""));
        if (!sippeer_expect(&agent.p, &m, "200 INVITE", 0))
            return false;
        sipdlg_take(&da, &m);
        sippeer_ack(&agent.p, &da, NULL);
        sippeer_request(&agent.p, &da, "BYE", "", NULL, NULL);
        if (!sippeer_expect(&agent.p, &m, "200 BYE", 0) || !sippeer_expect(&trunk.p, &m, "BYE", 0))
            return false;
        sippeer_reply(&trunk.p, &m, 200, "OK", "", NULL);
    }
    return true;
}

TEST(two_hundred_calls_leave_nothing_open)
{
    struct cdr cdr;
    size_t before;
    uint64_t end;

    WANT(open_all());
    WANT(churn(8)); /* what is opened once stays open */
    WANT(box_cdr(&box, 8, &cdr));
    before = fds();
    WANT(churn(200));
    WANT(box_cdr(&box, 208, &cdr));
    for (end = clock_us() + 30000000; fds() > before && clock_us() < end;)
        (void)poll(NULL, 0, 20); /* the worker closes; a CDR waits for it 5 s only */
    printf("# descriptors: %zu before, %zu after\n", before, fds());
    WANT(fds() <= before);
    close_box();
}

TEST(early_media_is_heard_before_the_answer)
{
    uint16_t port = 0;

    WANT(open_all());
    WANT(call_rings(&port, true));
    WANT(hear_each_other(port));
    heard_by_browser = 0;
    (void)talk(port, 50);
    printf("# browser heard %zu of 50 before the answer\n", heard_by_browser);
    WANT(heard_by_browser == 50);
    WANT(call_answered());
    WANT(talk(port, 50) == 50);
    WANT(!at_browser_order.broken && !at_trunk_order.broken);
    close_box();
}

/* One press by RFC 4733: 100 ms, the end three times. Paced as a phone does. */
static void press(uint16_t gateway_port, uint8_t event, bool by_browser)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(gateway_port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    uint8_t pkt[16] = {0x80, PT_TRUNK_EVENT, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9};
    uint32_t ts = spoken * FRAME;

    pkt[6] = (uint8_t)(ts >> 8);
    pkt[7] = (uint8_t)ts;
    for (unsigned i = 0; i < 8; i++, spoken++) {
        unsigned n = i < 5 ? i + 1 : 6;

        memcpy(
            pkt + 12,
            (uint8_t[]){event, (uint8_t)(i < 5 ? 10 : 0x8a), (uint8_t)(n * FRAME >> 8), (uint8_t)(n * FRAME)},
            4);
        pkt[1] = (uint8_t)(PT_TRUNK_EVENT | (i ? 0 : 0x80));
        pkt[2] = (uint8_t)(spoken >> 8);
        pkt[3] = (uint8_t)spoken;
        if (by_browser)
            (void)fbrowser_send(browser, PT_BROWSER_EVENT, i == 0, ts, pkt + 12, 4);
        else
            (void)sendto(rtp_fd, pkt, sizeof(pkt), 0, (void *)&to, sizeof(to));
        fbrowser_poll(browser, clock_us());
        (void)poll(NULL, 0, 20);
    }
}

TEST(digits_cross_both_ways)
{
    uint16_t port = 0;

    WANT(open_all());
    WANT(call_up(&port));
    (void)talk(port, 20);
    sippeer_request(&agent.p, &da, "INFO", "", "application/dtmf-relay", "Signal=5\r\nDuration=160\r\n");
    WANT(sippeer_expect(&agent.p, &m, "200 INFO", 0));
    (void)talk(port, 30);
    press(port, 11, true);
    (void)talk(port, 30);
    press(port, 7, false);
    (void)talk(port, 30);
    printf("# trunk saw \"%s\", browser saw \"%s\"\n", at_trunk_digits.pressed, at_browser_digits.pressed);
    WANT(!strcmp(at_trunk_digits.pressed, "5#"));
    WANT(!strcmp(at_browser_digits.pressed, "7"));
    close_box();
}

/* MakeCall: the agent's side is up, the far end still rings. */
TEST(who_waits_for_the_far_end_hears_it_ring)
{
    char sdp[1024], to[64];
    uint16_t port;

    WANT(open_all());
    (void)snprintf(to, sizeof(to), "sip:5002@127.0.0.1:%u", box.sip_port);
    sippeer_invite(&trunk.p, &dt, to, "", NULL);
    WANT(sippeer_expect(&agent.p, &m, "INVITE", 0));
    take_answer(); /* our offer, in fact */
    sipdlg_of_invite(&da, &agent.p, &m);
    sippeer_reply(&agent.p, &m, 200, "OK", "", answer());
    WANT(sippeer_expect(&trunk.p, &m, "200 INVITE", 0));
    sipdlg_take(&dt, &m);
    WANT(browser_comes_up());
    WANT(hears_ringback());
    sippeer_ack(&trunk.p, &dt, fake_trunk_sdp(sdp, sizeof(sdp), rtp_port, ""));
    port = (uint16_t)strtoul(strstr(m.text, "m=audio ") + 8, NULL, 10);
    WANT(hear_each_other(port));
    heard_by_browser = 0;
    WANT(talk(port, 60) == 60 && heard_by_browser == 60);
    close_box();
}

static void old_place_goes_on(int fd, uint16_t gateway_port)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(gateway_port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    uint8_t pkt[12 + FRAME] = {0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9};

    memcpy(pkt + 12, from_trunk, FRAME);
    frame_number(pkt + 12, 1); /* whoever heard it would hear an old one */
    for (unsigned i = 0; i < 20; i++) {
        pkt[3] = (uint8_t)i;
        (void)sendto(fd, pkt, sizeof(pkt), 0, (void *)&to, sizeof(to));
    }
}

/* The audio goes over to where the new leg says, whatever the old place still sends, and the browser hears of no SIP. */
TEST(a_transferred_call_is_heard_at_the_new_place_alone)
{
    static struct sipmsg fresh;
    char sdp[1024];
    uint16_t port = 0;
    int old;

    WANT(open_all());
    WANT(call_up(&port) && hear_each_other(port));
    sippeer_request(&trunk.p, &dt, "REFER", "Refer-To: <sip:1005@127.0.0.1>\r\n", NULL, NULL);
    WANT(sippeer_expect(&trunk.p, &m, "202 REFER", 0) && sippeer_expect(&trunk.p, &fresh, "INVITE", 0));
    WANT(sippeer_expect(&trunk.p, &m, "NOTIFY", 0));
    sippeer_reply(&trunk.p, &m, 200, "OK", "", NULL);
    WANT(talk(port, 10) > 0); /* as before, while it rings there */
    old = rtp_fd;
    if (rtp_open()) {
        (void)close(old);
        WANT(false);
    }
    sippeer_reply(&trunk.p, &fresh, 200, "OK", "", fake_trunk_sdp(sdp, sizeof(sdp), rtp_port, ""));
    if (!sippeer_expect(&trunk.p, &m, "ACK", 0) || !sippeer_expect(&trunk.p, &m, "NOTIFY", 0) ||
        !strstr(sipmsg_body(&m), "200 OK") || !hear_each_other(port)) {
        (void)close(old);
        WANT(false);
    }
    sippeer_reply(&trunk.p, &m, 200, "OK", "", NULL);
    old_place_goes_on(old, port);
    heard_by_browser = 0;
    (void)talk(port, 20);
    (void)close(old);
    WANT(heard_by_browser == 20 && !at_browser_order.broken && !at_trunk_order.broken);
    WANT(sippeer_hears_no(&agent.p, "INVITE", 20) && sippeer_hears_no(&agent.p, "UPDATE", 20));
    close_box();
}
