/* A pair of addresses works, but the handshake never ends: said within the time that a call may be silent. The worker is played by
 * this file, on a clock of its own. */
#include "addrs.h"
#include "fake/browser.h"
#include "media/path_secure.h"
#define TESTING_NO_OOM "threads and sockets: what they wait for would not come"
#include "testing.h"

enum { STEP_US = 20000, ICE_MS = 3000, LIMIT_MS = 13000 };

static struct dtls_identity *identity;
static struct udp ice;
static struct udp_queue *queue;
static struct udp_reader *reader;
static struct fbrowser *browser;
static struct path *path;
static uint64_t now_us;
static unsigned dtls_passes; /* packets of the browser's handshake that still get through */
static unsigned ice_up, dtls_up, failed;
static enum media_reason reason;

static uint8_t *room_h(const struct addr *dst, void *arg)
{
    (void)dst;
    (void)arg;
    return udp_queue_room(queue);
}

static void send_h(size_t n, const struct addr *local, const struct addr *dst, void *arg)
{
    (void)arg;
    udp_queue_push(queue, n, local, dst);
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
    ice_up += ev->type == MEDIA_ICE_UP;
    dtls_up += ev->type == MEDIA_DTLS_UP;
    failed += ev->type == MEDIA_FAILED;
    if (ev->type == MEDIA_FAILED)
        reason = ev->reason;
    return 0;
}

static struct path_host host = {.roomh = room_h, .sendh = send_h, .claimh = claim_h, .eventh = event_h};

static int path_make(bool we_are_client)
{
    struct media_local local = {.ice_ufrag = "00000001abcdefgh", .ice_pwd = "password-of-the-path-1234"};
    struct path_init init = {
        .id = 1, .host = &host, .controlling = true, .local = &local, .jbuf_max_ms = 200};
    struct media_browser b = {.codec = MEDIA_PCMU,
                              .formats = {{{0, MEDIA_PCMU, 8000}}, 1},
                              .we_are_dtls_client = we_are_client,
                              .cand_count = 1};
    const struct fbrowser_local *theirs = fbrowser_local(browser);
    int err;

    host.identity = identity;
    err = path_alloc(&path, &init);

    if (err)
        return err;
    snprintf(b.ice_ufrag, sizeof(b.ice_ufrag), "%s", theirs->ufrag);
    snprintf(b.ice_pwd, sizeof(b.ice_pwd), "%s", theirs->pwd);
    memcpy(b.fingerprint, theirs->fingerprint, sizeof(b.fingerprint));
    b.cands[0] = (struct media_cand){.addr = theirs->addr, .priority = 1};
    path_set_browser(path, &b, now_us);
    return 0;
}

static int start(bool we_are_client, bool browser_is_client)
{
    struct fbrowser_config cfg = {0};
    struct fbrowser_remote r = {.ufrag = "00000001abcdefgh",
                                .pwd = "password-of-the-path-1234",
                                .we_are_dtls_client = browser_is_client};
    struct addr any;
    int err;

    now_us = 1000000;
    ice_up = dtls_up = failed = 0;
    addr_parse(&any, "127.0.0.1:0");
    err = srtpctx_global_init();
    if (!err)
        err = dtls_identity_alloc(&identity);
    if (!err)
        err = udp_bind(&ice, &any, false, 0);
    if (!err)
        err = udp_queue_alloc(&queue, &ice);
    if (!err)
        err = udp_reader_alloc(&reader);
    cfg.identity = identity;
    if (!err)
        err = fbrowser_alloc(&browser, &cfg);
    if (err)
        return err;
    memcpy(r.fingerprint, dtls_identity_fingerprint(identity), sizeof(r.fingerprint));
    addr_parse_ip(&r.addr, "127.0.0.1", udp_port(&ice));
    fbrowser_remote(browser, &r, now_us);
    return path_make(we_are_client);
}

static void stop(void)
{
    path_end(path, now_us);
    path_free(path);
    fbrowser_free(browser);
    udp_reader_free(reader);
    udp_queue_free(queue);
    udp_close(&ice);
    dtls_identity_free(identity);
    srtpctx_global_close();
}

static void packet(struct udp_packet *pkt)
{
    struct stun_view v;

    if (pkt->n && pkt->p[0] < 4 && !stun_parse(&v, pkt->p, pkt->n)) {
        path_stun(path, &v, pkt, now_us);
    } else if (dtls_passes) {
        dtls_passes--;
        path_from_browser(path, pkt, now_us);
    }
}

static bool run(const unsigned *until, unsigned limit_ms)
{
    for (uint64_t end_us = now_us + limit_ms * 1000ull; now_us < end_us && !*until; now_us += STEP_US) {
        size_t n = udp_read(reader, &ice);

        for (size_t i = 0; i < n; i++)
            packet(udp_packet(reader, i));
        path_tick(path, now_us);
        udp_queue_flush(queue);
        fbrowser_poll(browser, now_us);
    }
    return *until;
}

/* passes: of the browser's packets, so that the handshake stops where they end. */
static void handshake_ends_nowhere(bool we_are_client, bool browser_is_client, unsigned passes)
{
    CHECK_EQ_INT(start(we_are_client, browser_is_client), 0);
    dtls_passes = passes;
    CHECK(run(&ice_up, ICE_MS));
    CHECK(!failed);
    CHECK(run(&failed, LIMIT_MS));
    CHECK_EQ_INT(reason, MEDIA_NO_DTLS);
    CHECK_EQ_INT(dtls_up, 0);
    CHECK(!path_browser_ready(path));
    stop();
}

TEST(a_browser_that_says_active_and_sends_no_client_hello)
{
    handshake_ends_nowhere(false, false, 100);
}

TEST(a_browser_that_does_not_answer_our_client_hello)
{
    handshake_ends_nowhere(true, false, 0);
}

TEST(a_handshake_that_stalls_half_way_in_either_role)
{
    handshake_ends_nowhere(false, true, 1); /* its hello came, and no more */
    handshake_ends_nowhere(true, false, 1);
}

TEST(a_slow_handshake_is_waited_for)
{
    CHECK_EQ_INT(start(false, true), 0);
    dtls_passes = 0;
    CHECK(run(&ice_up, ICE_MS));
    CHECK(!run(&failed, 3000));
    dtls_passes = 1000;
    CHECK(run(&dtls_up, LIMIT_MS));
    CHECK(!run(&failed, 3 * LIMIT_MS));
    stop();
}
