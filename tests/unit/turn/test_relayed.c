/* turn/relayed: what becomes of a relayed address while something has come for it already, and where it is when another is told. */
#define TESTING_NO_OOM "sockets: what they wait for would not come"
#include "testing.h"

#include "core/clock.h"
#include "net/poller.h"
#include "net/udp.h"
#include "net/wire.h"
#include "turn/relayed.h"

#include <sys/socket.h>
#include <unistd.h>

enum { FIRST_PORT = 49152, LAST_PORT = 49400, OWN_PORT = 10000, WAIT_US = 30000000 };

static struct poller *poller;
static struct udp_reader *reader;
static struct wire *wire;
static struct wire_end *relay, *worker;
static struct relayeds *relayeds;
static struct addr loopback;
static unsigned heard;
static struct turn_relay *heard_by;

static void heard_h(struct turn_relay *r, const struct addr *peer, bool own, const uint8_t *p, size_t n,
                    void *arg)
{
    (void)peer, (void)own, (void)p, (void)n, (void)arg;
    heard++;
    heard_by = r;
}

static int opened(void)
{
    struct turn_setup setup = {.relayed_count = 1, .relay_min = FIRST_PORT, .relay_max = LAST_PORT};
    struct relayed_config cfg = {.setup = &setup, .h = heard_h};
    int err = addr_parse_ip(&loopback, "127.0.0.1", 0);

    heard = 0;
    setup.relayed[0] = (struct turn_relayed){loopback, loopback};
    if (!err)
        err = poller_alloc(&poller);
    if (!err)
        err = udp_reader_alloc(&reader);
    if (!err)
        err = wire_alloc(&wire);
    if (!err)
        err = wire_open(&relay, wire, &loopback, 1);
    if (!err)
        err = wire_open(&worker, wire, &loopback, 1);
    cfg.poller = poller;
    cfg.reader = reader;
    cfg.wire = relay;
    return err ? err : relayed_alloc(&relayeds, &cfg);
}

static void closed(void)
{
    relayed_free(relayeds);
    wire_free(wire);
    udp_reader_free(reader);
    poller_free(poller);
}

static bool worker_sends(const struct addr *to)
{
    struct addr from = loopback;

    addr_set_port(&from, OWN_PORT);
    return wire_send(worker, &from, to, (const uint8_t *)"hello", 5);
}

/* A client may end its allocation in the very round in which a datagram of its peer is handled. */
TEST(an_address_is_closed_after_it_was_found_ready)
{
    int peer = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct turn_relay *r, *none;

    CHECK_EQ_INT(opened(), 0);
    relayed_set_foreign(relayeds, true);
    CHECK_EQ_INT(relayed_open(relayeds, AF_INET, TURN_PORT_ANY, &r, &none), 0);
    CHECK(sendto(peer, "hello", 5, 0, &r->addr.u.sa, addr_len(&r->addr)) == 5);
    poller_wait(poller, clock_us() + WAIT_US);
    relayed_close(relayeds, r);
    poller_handle(poller);
    relayed_round(relayeds);
    CHECK_EQ_INT(heard, 0);
    close(peer);
    closed();
}

TEST(what_is_told_may_change_and_what_was_told_goes_on)
{
    enum { TIMES = 2 * WIRE_ADDRS_MAX };
    struct turn_relay *r[TIMES], *none;
    struct addr told = loopback;

    CHECK_EQ_INT(opened(), 0);
    for (unsigned i = 0; i < TIMES; i++) {
        CHECK_EQ_INT(relayed_open(relayeds, AF_INET, TURN_PORT_ANY, &r[i], &none), 0);
        CHECK(addr_eq_ip(&r[i]->addr, &told));
        told.u.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + i / 2); /* each one twice */
        relayed_tell(relayeds, &told, 1);
        for (unsigned k = 0; k <= i;
             k++) { /* all of them, as long as the wire has room for their addresses */
            bool reached = worker_sends(&r[k]->addr);

            CHECK(reached || i / 2 + 2 > WIRE_ADDRS_MAX);
            relayed_wire_read(relayeds);
            CHECK(!reached || heard_by == r[k]);
        }
    }
    CHECK(worker_sends(&r[TIMES - 1]->addr));
    for (unsigned i = 0; i < TIMES; i++)
        relayed_close(relayeds, r[i]);
    closed();
}

TEST(a_worker_learns_who_its_peer_is)
{
    static const enum wire_transport by[] = {
        [TURN_UDP] = WIRE_UDP, [TURN_TCP] = WIRE_TCP, [TURN_TLS] = WIRE_TLS};
    struct turn_relay *r, *none;
    struct wire_behind who;
    struct addr at;

    CHECK_EQ_INT(opened(), 0);
    for (enum turn_proto proto = TURN_UDP; proto <= TURN_TLS; proto++) {
        struct turn_flow f = {.proto = proto};

        CHECK_EQ_INT(addr_parse_ip(&f.client, "203.0.113.7", (uint16_t)(40000 + proto)), 0);
        CHECK_EQ_INT(relayed_open(relayeds, AF_INET, TURN_PORT_ANY, &r, &none), 0);
        relayed_given(relayeds, r, &f);
        at = r->addr;
        CHECK(wire_behind(worker, &at, &who));
        CHECK_EQ_INT(who.transport, by[proto]);
        CHECK(addr_eq(&who.addr, &f.client));
        relayed_close(relayeds, r);
        CHECK(!wire_behind(worker, &at, &who));
    }
    closed();
}
