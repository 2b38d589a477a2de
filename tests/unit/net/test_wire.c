/* net/wire: what is sent comes out whole, in order and only at its owner's; full rings drop; sleepers are woken. */
/* TSAN */
#include "net/wire.h"

#include "testing.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>

enum { PORT = 5000, MANY = 200000, BATCH = 64 };

static struct wire *wire;
static struct wire_end *a, *b;
static struct addr at_a, at_b;

static int opened(void)
{
    int err = wire_alloc(&wire);

    if (!err)
        err = addr_parse_ip(&at_a, "192.0.2.1", PORT);
    if (!err)
        err = addr_parse_ip(&at_b, "2001:db8::1", PORT + 1);
    if (!err)
        err = wire_open(&a, wire, &at_a, 1);
    if (!err)
        err = wire_open(&b, wire, &at_b, 1);
    return err;
}

static void closed(void)
{
    wire_close(a);
    wire_close(b);
    wire_free(wire);
}

TEST(a_datagram_comes_out_at_its_owners)
{
    struct wire_packet v[4];

    CHECK_EQ_INT(opened(), 0);
    CHECK(!wire_send(a, &at_a, &at_b, (const uint8_t *)"one", 3)); /* nobody's yet */
    CHECK_EQ_INT(wire_claim(b, PORT + 1), 0);
    CHECK(wire_send(a, &at_a, &at_b, (const uint8_t *)"one", 3));
    CHECK(wire_send(a, &at_a, &at_b, (const uint8_t *)"", 0));
    CHECK_EQ_INT(wire_read(a, v, 4), 0);
    CHECK_EQ_INT(wire_read(b, v, 4), 2);
    CHECK(v[0].n == 3 && !memcmp(v[0].p, "one", 3) && v[1].n == 0);
    CHECK(addr_eq(&v[0].src, &at_a) && addr_eq(&v[0].dst, &at_b));
    CHECK_EQ_INT(wire_read(b, v, 4), 0);
    wire_release(b, PORT + 1);
    CHECK(!wire_send(a, &at_a, &at_b, (const uint8_t *)"one", 3));
    closed();
}

TEST(a_port_is_its_owners_and_only_at_his_addresses)
{
    struct addr other;
    struct wire_packet v;

    CHECK_EQ_INT(opened(), 0);
    CHECK_EQ_INT(wire_claim(b, PORT + 1), 0);
    CHECK_EQ_INT(wire_claim(b, PORT + 1), EADDRINUSE);
    CHECK_EQ_INT(wire_claim(a, PORT + 1), EADDRINUSE);
    wire_release(a, PORT + 1); /* is not his */
    CHECK_EQ_INT(addr_parse_ip(&other, "2001:db8::2", PORT + 1), 0);
    CHECK(!wire_send(a, &at_a, &other, (const uint8_t *)"x", 1));
    CHECK(wire_send(a, &at_a, &at_b, (const uint8_t *)"x", 1));
    CHECK_EQ_INT(wire_read(b, &v, 1), 1);
    wire_close(b);
    CHECK_EQ_INT(wire_claim(a, PORT + 1), 0);
    closed();
}

TEST(who_is_behind_a_port_is_its_owners_to_say)
{
    struct wire_behind client = {.transport = WIRE_TLS}, who = {.transport = WIRE_UDP};
    struct addr other;

    CHECK_EQ_INT(opened(), 0);
    CHECK_EQ_INT(addr_parse_ip(&client.addr, "203.0.113.7", 40000), 0);
    CHECK_EQ_INT(addr_parse_ip(&other, "2001:db8::2", PORT + 1), 0);
    CHECK(!wire_behind(a, &at_b, &who)); /* nobody's yet */
    CHECK_EQ_INT(wire_claim(b, PORT + 1), 0);
    CHECK(wire_behind(a, &at_b, &who));
    CHECK_EQ_INT(who.transport, WIRE_NOBODY);
    wire_stands_for(b, PORT + 1, &client);
    CHECK(wire_behind(a, &at_b, &who));
    CHECK_EQ_INT(who.transport, WIRE_TLS);
    CHECK(addr_eq(&who.addr, &client.addr));
    CHECK(!wire_behind(a, &other, &who)); /* the port of somebody on the network */
    wire_release(a, PORT + 1);            /* is not his */
    CHECK(wire_behind(a, &at_b, &who) && who.transport == WIRE_TLS);
    wire_release(b, PORT + 1);
    CHECK(!wire_behind(a, &at_b, &who));
    CHECK_EQ_INT(wire_claim(b, PORT + 1), 0);
    CHECK(wire_behind(a, &at_b, &who));
    CHECK_EQ_INT(who.transport, WIRE_NOBODY); /* whoever it stood for is gone */
    closed();
}

TEST(a_full_ring_drops_and_goes_on)
{
    static uint8_t p[WIRE_PACKET_MAX + 1];
    struct wire_packet v[BATCH];
    size_t n, all = 0;

    CHECK_EQ_INT(opened(), 0);
    CHECK_EQ_INT(wire_claim(b, PORT + 1), 0);
    CHECK(wire_send(a, &at_a, &at_b, p, sizeof(p))); /* too long: dropped */
    for (unsigned i = 0; i < 1000; i++) {
        p[0] = (uint8_t)i;
        CHECK(wire_send(a, &at_a, &at_b, p, WIRE_PACKET_MAX));
    }
    while ((n = wire_read(b, v, BATCH)))
        for (size_t i = 0; i < n; i++)
            CHECK_EQ_INT(v[i].p[0], all++);
    CHECK(all > 100 && all < WIRE_RING_SIZE / WIRE_PACKET_MAX);
    CHECK(wire_send(a, &at_a, &at_b, p, 1));
    CHECK_EQ_INT(wire_read(b, v, BATCH), 1);
    closed();
}

/* What was handed out stays as it was until the next read, however much comes meanwhile. */
TEST(a_packet_is_not_overwritten_while_it_is_looked_at)
{
    static uint8_t p[WIRE_PACKET_MAX];
    struct wire_packet v;

    CHECK_EQ_INT(opened(), 0);
    CHECK_EQ_INT(wire_claim(b, PORT + 1), 0);
    memset(p, 1, sizeof(p));
    CHECK(wire_send(a, &at_a, &at_b, p, sizeof(p)));
    CHECK_EQ_INT(wire_read(b, &v, 1), 1);
    memset(p, 2, sizeof(p));
    for (unsigned i = 0; i < 1000; i++)
        CHECK(wire_send(a, &at_a, &at_b, p, sizeof(p)));
    for (size_t i = 0; i < v.n; i++)
        CHECK_EQ_INT(v.p[i], 1);
    closed();
}

static atomic_bool sent_all;

static void *sender_main(void *arg)
{
    uint32_t p[300];

    for (uint32_t i = 0; i < MANY; i++) {
        size_t words = 1 + i % 299;

        for (size_t w = 0; w < words; w++)
            p[w] = i;
        (void)wire_send(a, &at_a, &at_b, (const uint8_t *)p, words * sizeof(p[0]));
    }
    atomic_store(&sent_all, true);
    (void)wire_send(a, &at_a, &at_b, (const uint8_t *)"", 0); /* so that a sleeper sees it */
    return arg;
}

/* Two threads: in order, none twice, none torn, and a reader who sleeps whenever nothing is there always wakes up again. */
TEST(threads_and_sleep)
{
    struct wire_packet v[BATCH];
    uint32_t next = 0, got = 0;
    bool ok = true, last = false;
    pthread_t thread;

    CHECK_EQ_INT(opened(), 0);
    CHECK_EQ_INT(wire_claim(b, PORT + 1), 0);
    atomic_store(&sent_all, false);
    CHECK_EQ_INT(pthread_create(&thread, NULL, sender_main, NULL), 0);
    while (!last || atomic_load(&sent_all) == false) {
        size_t n = wire_read(b, v, BATCH);

        for (size_t i = 0; i < n; i++) {
            uint32_t first, end;

            if (v[i].n < sizeof(first)) {
                last = true;
                continue;
            }
            memcpy(&first, v[i].p, sizeof(first));
            memcpy(&end, v[i].p + v[i].n - sizeof(end), sizeof(end));
            ok = ok && first == end && first >= next && v[i].n == sizeof(first) * (1 + first % 299);
            next = first + 1;
            got++;
        }
        if (!n && atomic_load(&sent_all))
            break; /* the last one may have been dropped */
        if (!n && wire_sleep(b)) {
            struct pollfd fd = {.fd = wire_fd(b), .events = POLLIN};

            CHECK(poll(&fd, 1, 60000) == 1);
            wire_woken(b);
        }
    }
    pthread_join(thread, NULL);
    CHECK(ok && got > 0);
    closed();
}

TEST(who_moves_is_reached_at_the_new_addresses_alone)
{
    struct addr other;

    CHECK_EQ_INT(opened(), 0);
    CHECK_EQ_INT(wire_claim(b, PORT + 1), 0);
    CHECK_EQ_INT(addr_parse_ip(&other, "198.51.100.9", PORT + 1), 0);
    CHECK(!wire_send(a, &at_a, &other, (const uint8_t *)"x", 1));
    wire_move(b, &other, 1);
    CHECK(wire_send(a, &at_a, &other, (const uint8_t *)"x", 1));
    CHECK(!wire_send(a, &at_a, &at_b, (const uint8_t *)"x", 1));
    wire_move(b, NULL, 0);
    CHECK(!wire_send(a, &at_a, &other, (const uint8_t *)"x", 1));
    closed();
}
