/* A call of a browser that comes by our TURN server: allocation, permission, channel, then ICE, DTLS and sound between it and a media worker,
 * all of it inside the process. Relayed address and worker's address are such as no network here has. */
/* TSAN */
#define TESTING_NO_OOM "threads and sockets: what they wait for would not come"
#include "testing.h"

#include "fake/mediacall.h"
#include "net/poller.h"
#include "net/wire.h"
#include "turn/turn.h"
#include "turnhost.h"

#include "core/clock.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

enum {
    SOON_MS = 30000,
    HEARD = 40,
    RELAY_MIN = 50000,
    RELAY_MAX = 50009,
    CHANNEL = 0x4001,
    CHANNEL_HEAD = 4
};

/* ---- the browser's network: what it sends goes by TURN ---- */

static struct {
    struct turn *turn;
    struct udp_reader *reader;
    struct udp server, browser; /* sockets towards either */
    struct addr at_server, at_browser, relayed;
    struct turnclient client;
    pthread_t thread;
    atomic_bool stop;
    atomic_uint up, down; /* datagrams */
} net;

static bool ready(struct udp *u)
{
    struct pollfd p = {.fd = u->fd, .events = POLLIN};

    return poll(&p, 1, SOON_MS) == 1;
}

/* Signs what was begun and sends it; the answer's code, 0 = success, 999 = none. */
static unsigned ask(struct stun_view *v)
{
    struct turnclient *c = &net.client;
    size_t n;

    if (*c->nonce)
        turnclient_sign(c);
    if (stun_end(&c->w, &n) || udp_transmit(&net.server, c->msg, n, NULL, &net.at_server))
        return 999;
    while (ready(&net.server) && udp_read(net.reader, &net.server)) {
        const struct udp_packet *pkt = udp_packet(net.reader, 0);

        if (!stun_parse(v, pkt->p, pkt->n) && !memcmp(v->tid, c->tid, STUN_TID_LEN))
            return v->cls == STUN_SUCCESS ? 0 : stun_get_error(v);
    }
    return 999;
}

static bool allocated(void)
{
    struct turnclient *c = &net.client;
    struct stun_view v;
    const uint8_t *nonce;
    size_t n;

    turnclient_want_udp(c);
    if (ask(&v) != 401)
        return false;
    nonce = stun_get(&v, STUN_NONCE, &n);
    if (!nonce || n >= sizeof(c->nonce))
        return false;
    memcpy(c->nonce, nonce, n);
    turnclient_want_udp(c);
    return !ask(&v) && stun_get_xaddr(&v, TURN_XOR_RELAYED_ADDRESS, &net.relayed);
}

static bool channel_bound(const struct addr *engine)
{
    struct stun_view v;

    turnclient_begin(&net.client, TURN_CHANNEL_BIND);
    stun_put_u32(&net.client.w, TURN_CHANNEL_NUMBER, (uint32_t)CHANNEL << 16);
    stun_put_xaddr(&net.client.w, TURN_XOR_PEER_ADDRESS, engine);
    return !ask(&v);
}

static void from_browser_h(void *arg)
{
    uint8_t msg[CHANNEL_HEAD + UDP_PACKET_MAX];
    size_t n = udp_read(net.reader, &net.browser);

    (void)arg;
    for (size_t i = 0; i < n; i++) {
        const struct udp_packet *pkt = udp_packet(net.reader, i);

        net.at_browser = pkt->src;
        msg[0] = CHANNEL >> 8;
        msg[1] = CHANNEL & 0xff;
        msg[2] = (uint8_t)(pkt->n >> 8);
        msg[3] = (uint8_t)pkt->n;
        memcpy(msg + CHANNEL_HEAD, pkt->p, pkt->n);
        net.up += !udp_transmit(&net.server, msg, CHANNEL_HEAD + pkt->n, NULL, &net.at_server);
    }
}

static void from_server_h(void *arg)
{
    size_t n = udp_read(net.reader, &net.server);

    (void)arg;
    for (size_t i = 0; i < n; i++) {
        const struct udp_packet *pkt = udp_packet(net.reader, i);

        if (pkt->n > CHANNEL_HEAD && pkt->p[0] == CHANNEL >> 8)
            net.down += !udp_transmit(&net.browser, pkt->p + CHANNEL_HEAD,
                                      (size_t)(pkt->p[2] << 8 | pkt->p[3]), NULL, &net.at_browser);
    }
}

static void *net_main(void *arg)
{
    struct poller_watch up = {from_browser_h, NULL}, down = {from_server_h, NULL};
    struct poller *poller = arg;

    (void)poller_watch(poller, net.browser.fd, &up);
    (void)poller_watch(poller, net.server.fd, &down);
    while (!net.stop) {
        poller_wait(poller, clock_us() + 20000);
        poller_handle(poller);
    }
    poller_free(poller);
    return NULL;
}

static int net_run(void)
{
    struct poller *poller;
    int err = poller_alloc(&poller);

    return err ? err : pthread_create(&net.thread, NULL, net_main, poller);
}

/* ---- both ends ---- */

static int server_started(struct wire *wire, const struct addr *lo)
{
    struct turn_setup s = {
        .server = {.realm = TURNHOST_REALM, .secret = TURNHOST_SECRET, .secret_len = 32},
        .bind = lo,
        .bind_count = 1,
        .relayed = {{*lo, *lo}},
        .relayed_count = 1,
        .relay_min = RELAY_MIN,
        .relay_max = RELAY_MAX,
        .wire = wire,
    };
    char why[256];
    int err = addr_parse_ip(&s.relayed[0].told, "192.0.2.7", 0);

    return err ? err : turn_start(&net.turn, &s, why, sizeof(why));
}

static int opened(struct mediacall_inside *in)
{
    struct addr lo;
    int err = wire_alloc(&in->wire);

    memset(&net, 0, sizeof(net));
    (void)addr_parse_ip(&lo, "127.0.0.1", 0);
    (void)addr_parse_ip(&in->reached, "198.51.100.1", 0);
    turnclient_init(&net.client, NULL, "127.0.0.1:1", "5001");
    (void)turn_rest_name(net.client.name, sizeof(net.client.name), (int64_t)time(NULL) + 3600, "5001");
    turn_rest_password(net.client.password, TURNHOST_SECRET, 32, net.client.name);
    if (!err)
        err = server_started(in->wire, &lo);
    if (!err)
        err = udp_reader_alloc(&net.reader);
    if (!err)
        err = udp_bind(&net.server, &lo, false, 0);
    if (!err)
        err = udp_bind(&net.browser, &lo, false, 0);
    net.at_server = in->engine = lo;
    addr_set_port(&net.at_server, turn_port(net.turn));
    addr_set_port(&in->engine, udp_port(&net.browser));
    return err;
}

static void closed(struct mediacall_inside *in)
{
    net.stop = true;
    pthread_join(net.thread, NULL);
    turn_stop(net.turn);
    udp_close(&net.server);
    udp_close(&net.browser);
    udp_reader_free(net.reader);
    wire_free(in->wire);
}

/* What the engine has told the policy; the RELAY thread takes it over in its own time. */
static bool engine_permitted(const struct addr *engine)
{
    struct turn_rules rules = {.own = engine, .own_n = 1};

    if (turn_set_rules(net.turn, &rules))
        return false;
    for (unsigned i = 0; i < SOON_MS / 20; i++) {
        if (channel_bound(engine))
            return true;
        (void)poll(NULL, 0, 20);
    }
    return false;
}

static bool is_up(struct mediacall *c)
{
    return mediacall_event(c, MEDIA_ICE_UP) && mediacall_up(c);
}

static bool both_hear(struct mediacall *c)
{
    return c->at_browser.packets >= HEARD && c->at_trunk.packets >= HEARD;
}

TEST(a_relayed_call_is_heard_both_ways_and_takes_no_network)
{
    static struct mediacall call;
    struct mediacall_config cfg = {.browser = MEDIA_OPUS, .trunk = MEDIA_PCMU, .we_offer = true};
    struct mediacall_inside in;
    struct addr engine;
    struct addr client;
    bool refused, permitted, up, from_relayed, by_udp, heard;

    CHECK_EQ_INT(opened(&in), 0);
    CHECK(allocated());
    in.browser = net.relayed;
    cfg.inside = &in;
    CHECK_EQ_INT(mediacall_start(&call, &cfg), 0);
    engine = in.reached;
    addr_set_port(&engine, call.local.ice_port);
    refused = !channel_bound(&engine);
    permitted = engine_permitted(&engine);
    CHECK_EQ_INT(net_run(), 0);
    up = mediacall_run(&call, is_up, SOON_MS);
    client = in.engine; /* the same machine, but its socket towards the server */
    addr_set_port(&client, udp_port(&net.server));
    from_relayed = up && addr_eq(&mediacall_event(&call, MEDIA_ICE_UP)->addr, &net.relayed);
    by_udp = up && mediacall_event(&call, MEDIA_ICE_UP)->way.via == MEDIA_RELAY_UDP &&
             addr_eq(&mediacall_event(&call, MEDIA_ICE_UP)->way.from, &client);
    call.browser_talks = call.trunk_talks = true;
    heard = up && mediacall_run(&call, both_hear, SOON_MS) && !mediacall_failed(&call);
    mediacall_stop(&call);
    closed(&in); /* before anything is judged: a test that fails leaves no thread behind */
    CHECK(refused);
    CHECK(permitted);
    CHECK(up);
    CHECK(from_relayed);
    CHECK(by_udp);
    CHECK(heard);
    CHECK(net.up >= HEARD && net.down >= HEARD);
}
