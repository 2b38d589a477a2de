/* HEP3 as a Homer server reads it. */
#include "core/buf.h"
#include "sip/hep.h"
#include "testing.h"

#include <arpa/inet.h>
#include <errno.h>

struct chunk {
    const uint8_t *p;
    size_t len;
};

static struct chunk find(const struct buf *b, unsigned type)
{
    const uint8_t *p = (const uint8_t *)b->data;

    for (size_t at = 6; at + 6 <= b->len; at += (size_t)(p[at + 4] << 8 | p[at + 5]))
        if ((unsigned)(p[at + 2] << 8 | p[at + 3]) == type)
            return (struct chunk){p + at + 6, (size_t)(p[at + 4] << 8 | p[at + 5]) - 6};
    return (struct chunk){NULL, 0};
}

static void one(const char *us, const char *peer, const char *transport, bool outwards)
{
    struct siplog_seen m = {.out = outwards, .transport = transport};
    uint8_t ip[16];
    struct buf b;
    const bool six = strchr(us, ':');

    (void)addr_parse_ip(&m.us, us, 5060);
    (void)addr_parse_ip(&m.peer, peer, 5070);
    buf_init(&b, HEP_PACKET_MAX);
    if (!hep_encode(&b, &m, "BYE x", 5, 1700000000123, "call-1")) {
        CHECK(!memcmp(b.data, "HEP3", 4));
        CHECK_EQ_INT((uint8_t)b.data[4] << 8 | (uint8_t)b.data[5], b.len);
        CHECK_EQ_INT(find(&b, 1).p[0], six ? AF_INET6 : AF_INET);
        CHECK_EQ_INT(find(&b, 2).p[0], strcmp(transport, "UDP") ? 6 : 17);
        (void)inet_pton(six ? AF_INET6 : AF_INET, outwards ? us : peer, ip);
        CHECK(!memcmp(find(&b, six ? 5 : 3).p, ip, six ? 16 : 4));
        CHECK_EQ_INT(find(&b, 7).p[0] << 8 | find(&b, 7).p[1], outwards ? 5060 : 5070);
        CHECK_EQ_INT(find(&b, 9).len, 4);
        CHECK(find(&b, 15).len == 5 && !memcmp(find(&b, 15).p, "BYE x", 5));
        CHECK(find(&b, 17).len == 6 && !memcmp(find(&b, 17).p, "call-1", 6));
    } else {
        CHECK_EQ_INT(b.err, ENOMEM);
    }
    buf_reset(&b);
}

TEST(packets_say_who_spoke_to_whom)
{
    one("192.0.2.1", "198.51.100.2", "UDP", true);
    one("192.0.2.1", "198.51.100.2", "WS", false);
    one("2001:db8::1", "2001:db8::2", "TCP", false);
}

TEST(what_is_too_long_for_a_datagram_is_refused)
{
    static char text[65000];
    struct siplog_seen m = {.transport = "UDP"};
    struct buf b;

    (void)addr_parse_ip(&m.us, "192.0.2.1", 5060);
    (void)addr_parse_ip(&m.peer, "192.0.2.2", 5060);
    buf_init(&b, HEP_PACKET_MAX);
    CHECK_EQ_INT(hep_encode(&b, &m, text, sizeof(text), 1, ""), EMSGSIZE);
    buf_reset(&b);
}
