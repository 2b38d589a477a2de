/* Ports: pairs, on every address, until there are none. */
#include "addrs.h"
#include "net/ports.h"
#include "testing.h"

#include <errno.h>

static struct udp_set rtp, rtcp, other[2];

TEST(ports_are_pairs_and_run_out_with_a_word)
{
    struct addr lo;
    uint16_t port;

    CHECK_EQ_INT(addr_parse_ip(&lo, "127.0.0.1", 0), 0);
    CHECK_EQ_INT(ports_open(&rtp, &rtcp, &lo, 1, 0, 0), 0);
    port = udp_set_port(&rtp);
    CHECK_EQ_INT(port & 1, 0);
    CHECK_EQ_INT(udp_set_port(&rtcp), port + 1);
    CHECK_EQ_INT(ports_open(&other[0], &other[1], &lo, 1, port, (uint16_t)(port + 1)), EADDRNOTAVAIL);
    udp_set_close(&rtp);
    udp_set_close(&rtcp);
    CHECK_EQ_INT(ports_open(&other[0], &other[1], &lo, 1, port, (uint16_t)(port + 1)), 0);
    CHECK_EQ_INT(udp_set_port(&other[0]), port);
    udp_set_close(&other[0]);
    udp_set_close(&other[1]);
}

/* One number on both, each reachable by its family, and one that is free on one of them only is passed over. */
TEST(a_pair_is_open_on_every_address)
{
    struct addr binds[2], a;
    struct udp taken;

    CHECK_EQ_INT(addr_parse_ip(&binds[0], "127.0.0.1", 0), 0);
    CHECK_EQ_INT(addr_parse_ip(&binds[1], "::1", 0), 0);
    if (udp_bind(&taken, &binds[1], false, 0)) {
        printf("# no IPv6 here\n");
        return;
    }
    udp_close(&taken);
    CHECK_EQ_INT(ports_open(&rtp, &rtcp, binds, 2, 0, 0), 0);
    CHECK_EQ_INT(rtp.count, 2);
    for (size_t i = 0; i < 2; i++) {
        CHECK_EQ_INT(udp_port(&rtp.v[i]), udp_set_port(&rtp));
        CHECK_EQ_INT(udp_port(&rtcp.v[i]), udp_set_port(&rtp) + 1);
        CHECK(udp_set_to(&rtp, &binds[i]) == &rtp.v[i]);
    }
    a = binds[1];
    addr_set_port(&a, udp_set_port(&rtp));
    udp_set_close(&rtp);
    udp_set_close(&rtcp);
    CHECK_EQ_INT(udp_bind(&taken, &a, false, 0), 0); /* the IPv6 half */
    CHECK_EQ_INT(ports_open(&other[0], &other[1], binds, 2, addr_port(&a), (uint16_t)(addr_port(&a) + 3)), 0);
    CHECK_EQ_INT(udp_set_port(&other[0]), addr_port(&a) + 2);
    udp_set_close(&other[0]);
    udp_set_close(&other[1]);
    udp_close(&taken);
}

/* Both any-addresses are one socket, for both families. */
TEST(any_and_any_are_one)
{
    struct addr binds[2], dst;

    CHECK_EQ_INT(addr_parse_ip(&binds[0], "0.0.0.0", 0), 0);
    CHECK_EQ_INT(addr_parse_ip(&binds[1], "::", 0), 0);
    CHECK_EQ_INT(udp_set_open(&rtp, binds, 2, 0, 0), 0);
    CHECK_EQ_INT(rtp.count, 1);
    CHECK_EQ_INT(addr_parse(&dst, "127.0.0.1:9"), 0);
    CHECK(udp_set_to(&rtp, &dst) == &rtp.v[0]);
    udp_set_close(&rtp);
    CHECK_EQ_INT(udp_set_open(&rtp, binds, 1, 0, 0), 0);
    CHECK_EQ_INT(addr_parse(&dst, "[::1]:9"), 0);
    CHECK(!udp_set_to(&rtp, &dst)); /* IPv4 alone */
    CHECK_EQ_INT(udp_set_transmit(&rtp, (const uint8_t *)"x", 1, NULL, &dst), EAFNOSUPPORT);
    udp_set_close(&rtp);
}
