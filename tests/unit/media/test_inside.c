/* A browser that another thread of the process speaks for: the call is as any other, and nothing of it takes the network. */
/* TSAN */
#include "media/inside.h"

#include "core/clock.h"
#include "fake/mediacall.h"
#include "testing.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

enum { SOON_MS = 20000, HEARD = 40, RELAYED_PORT = 50000, ICE_PORT = 10000, NAP_US = 20000 };

/* ---- the thread between: a UDP socket towards the browser, an end of the wire towards the engine ---- */

static struct {
    struct wire *wire;
    struct wire_end *end;
    struct udp udp;
    struct udp_reader *reader;
    struct poller *poller;
    struct addr relayed, engine, browser;
    struct wire_behind client;
    pthread_t thread;
    atomic_bool stop;
    atomic_uint to_engine, to_browser, foreign;
} between;

static void to_engine_h(void *arg)
{
    size_t n = udp_read(between.reader, &between.udp);

    (void)arg;
    for (size_t i = 0; i < n; i++) {
        const struct udp_packet *pkt = udp_packet(between.reader, i);

        between.browser = pkt->src;
        if (wire_send(between.end, &between.relayed, &between.engine, pkt->p, pkt->n))
            between.to_engine++;
    }
}

static void woken_h(void *arg)
{
    (void)arg;
    wire_woken(between.end);
}

static void *between_main(void *arg)
{
    struct poller_watch udp = {to_engine_h, NULL}, wire = {woken_h, NULL};
    struct wire_packet v[8];

    (void)poller_watch(between.poller, between.udp.fd, &udp);
    (void)poller_watch(between.poller, wire_fd(between.end), &wire);
    while (!between.stop) {
        size_t n = wire_read(between.end, v, 8);

        for (size_t i = 0; i < n; i++) {
            if (!addr_eq(&v[i].dst, &between.relayed) || !addr_eq(&v[i].src, &between.engine))
                between.foreign++;
            else if (!udp_transmit(&between.udp, v[i].p, v[i].n, NULL, &between.browser))
                between.to_browser++;
        }
        poller_wait(between.poller, wire_sleep(between.end) ? clock_us() + NAP_US : 0);
        poller_handle(between.poller);
    }
    return arg;
}

/* Addresses that no network here has. */
static int between_open(struct mediacall_inside *in)
{
    int err = wire_alloc(&in->wire);

    between.stop = false;
    between.to_engine = between.to_browser = between.foreign = 0;
    between.wire = in->wire;
    (void)addr_parse_ip(&between.relayed, "192.0.2.7", RELAYED_PORT);
    (void)addr_parse_ip(&in->reached, "198.51.100.1", 0);
    (void)addr_parse_ip(&in->engine, "127.0.0.1", 0);
    in->browser = between.relayed;
    between.client.transport = WIRE_TLS;
    (void)addr_parse_ip(&between.client.addr, "203.0.113.7", 40000);
    if (!err)
        err = udp_bind(&between.udp, &in->engine, false, 0);
    if (!err)
        err = udp_reader_alloc(&between.reader);
    if (!err)
        err = poller_alloc(&between.poller);
    if (!err)
        err = wire_open(&between.end, in->wire, &between.relayed, 1);
    if (!err)
        err = wire_claim(between.end, RELAYED_PORT);
    if (!err)
        wire_stands_for(between.end, RELAYED_PORT, &between.client);
    addr_set_port(&in->engine, udp_port(&between.udp));
    return err;
}

static int between_start(const struct mediacall_inside *in, uint16_t ice_port)
{
    between.engine = in->reached;
    addr_set_port(&between.engine, ice_port);
    return pthread_create(&between.thread, NULL, between_main, NULL);
}

static void between_close(void)
{
    between.stop = true;
    pthread_join(between.thread, NULL);
    wire_close(between.end);
    udp_close(&between.udp);
    udp_reader_free(between.reader);
    poller_free(between.poller);
}

/* ---- calls ---- */

static bool is_up(struct mediacall *c)
{
    return mediacall_event(c, MEDIA_ICE_UP) && mediacall_up(c);
}

static bool both_hear(struct mediacall *c)
{
    return c->at_browser.packets >= HEARD && c->at_trunk.packets >= HEARD;
}

static void call_through(const struct mediacall_config *wish)
{
    static struct mediacall call;
    struct mediacall_inside in;
    struct mediacall_config cfg = *wish;
    const struct media_event *found;
    bool up, by_wire, by_tls, heard;

    CHECK_EQ_INT(between_open(&in), 0);
    cfg.inside = &in;
    CHECK_EQ_INT(mediacall_start(&call, &cfg), 0);
    CHECK_EQ_INT(between_start(&in, call.local.ice_port), 0);
    up = mediacall_run(&call, is_up, SOON_MS);
    found = mediacall_event(&call, MEDIA_ICE_UP);
    by_wire = up && addr_eq(&found->addr, &between.relayed);
    by_tls = up && found->way.via == MEDIA_RELAY_TLS && addr_eq(&found->way.from, &between.client.addr);
    call.browser_talks = call.trunk_talks = true;
    heard = up && mediacall_run(&call, both_hear, SOON_MS) && !mediacall_failed(&call);
    mediacall_stop(&call);
    between_close(); /* before anything is judged: a test that fails leaves no thread behind */
    wire_free(in.wire);
    CHECK(up);
    CHECK(by_wire);
    CHECK(by_tls);
    CHECK(heard);
    CHECK(between.to_engine >= HEARD && between.to_browser >= HEARD);
    CHECK_EQ_INT(between.foreign, 0);
}

TEST(an_inbound_call_in_opus)
{
    call_through(&(struct mediacall_config){.browser = MEDIA_OPUS, .trunk = MEDIA_PCMU, .we_offer = true});
}

TEST(an_outbound_call_straight_through_on_any_address)
{
    call_through(&(struct mediacall_config){.browser = MEDIA_PCMU, .trunk = MEDIA_PCMU, .any_address = true});
}

/* ---- the door itself ---- */

static unsigned seen;
static struct addr seen_local;

static void seen_h(struct udp_packet *pkt, void *arg)
{
    (void)arg;
    seen++;
    seen_local = pkt->local;
    pkt->p[0] = 0; /* decryption writes in place */
}

TEST(who_is_reached_at_two_addresses_answers_from_the_right_one)
{
    struct addr at[2], local, dst4, dst6, nobody, to;
    struct wire_end *peer;
    struct poller *poller;
    struct wire_packet v[4];
    struct wire *wire;
    struct inside in;
    uint8_t p[4] = "abc";

    (void)addr_parse_ip(&at[0], "198.51.100.1", 0);
    (void)addr_parse_ip(&at[1], "2001:db8::1", 0);
    (void)addr_parse_ip(&local, "198.51.100.2", 7);
    (void)addr_parse_ip(&dst4, "192.0.2.7", RELAYED_PORT);
    (void)addr_parse_ip(&dst6, "2001:db8::7", RELAYED_PORT);
    (void)addr_parse_ip(&nobody, "192.0.2.8", RELAYED_PORT);
    CHECK_EQ_INT(wire_alloc(&wire), 0);
    CHECK_EQ_INT(poller_alloc(&poller), 0);
    CHECK_EQ_INT(wire_open(&peer, wire, (struct addr[]){dst4, dst6}, 2), 0);
    CHECK_EQ_INT(wire_claim(peer, RELAYED_PORT), 0);
    CHECK_EQ_INT(inside_open(&in, wire, ICE_PORT, poller), 0);
    CHECK(!inside_send(&in, p, 3, &local, &dst4)); /* nobody has said yet who we are */
    inside_reached(&in, at, 2);

    CHECK(!inside_send(&in, p, 3, NULL, &nobody));
    CHECK(inside_send(&in, p, 3, NULL, &dst4));
    CHECK(inside_send(&in, p, 3, NULL, &dst6));
    CHECK(inside_send(&in, p, 3, &local, &dst4));
    CHECK_EQ_INT(wire_read(peer, v, 4), 3);
    for (int i = 0; i < 3; i++)
        CHECK_EQ_INT(addr_port(&v[i].src), ICE_PORT);
    CHECK(addr_eq_ip(&v[0].src, &at[0]) && addr_eq_ip(&v[1].src, &at[1]) && addr_eq_ip(&v[2].src, &local));

    CHECK(inside_sleep(&in));
    to = at[1];
    addr_set_port(&to, ICE_PORT);
    CHECK(wire_send(peer, &dst6, &to, p, 3));
    poller_wait(poller, POLLER_FOREVER); /* it was asleep: it is woken */
    poller_handle(poller);
    CHECK(!inside_sleep(&in));
    inside_read(&in, seen_h, NULL);
    CHECK_EQ_INT(seen, 1);
    CHECK(addr_eq_ip(&seen_local, &at[1]) && !addr_port(&seen_local));
    CHECK(inside_sleep(&in));
    CHECK_EQ_INT(in.in.packets, 1);
    CHECK_EQ_INT(in.in.bytes, 3);
    CHECK_EQ_INT(in.out.packets, 3);

    wire_release(peer, RELAYED_PORT);
    CHECK(!inside_send(&in, p, 3, NULL, &dst4)); /* the network may know it */
    inside_close(&in);
    CHECK(!wire_send(peer, &dst6, &to, p, 3));
    wire_close(peer);
    poller_free(poller);
    wire_free(wire);
}

TEST(without_a_wire_there_is_nobody_inside)
{
    struct addr at, dst;
    struct inside in;
    uint8_t p = 0;

    (void)addr_parse_ip(&at, "198.51.100.1", 0);
    (void)addr_parse_ip(&dst, "192.0.2.7", RELAYED_PORT);
    CHECK_EQ_INT(inside_open(&in, NULL, ICE_PORT, NULL), 0);
    inside_reached(&in, &at, 1);
    CHECK(inside_sleep(&in));
    seen = 0;
    inside_read(&in, seen_h, NULL);
    CHECK_EQ_INT(seen, 0);
    CHECK(!inside_send(&in, &p, 1, NULL, &dst));
    inside_close(&in);
}
