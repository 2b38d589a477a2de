/* Which peers a client may reach: every special address in every spelling, and what an administrator can and cannot allow. */
#include "addrs.h"
#include "testing.h"
#include "turn/policy.h"

#include <stdio.h>

enum { OWN_MAX = 8, NETS_MAX = 8 };

/* A policy of lists of words: addresses with ports, addresses, networks. */
static struct turn_policy *policy_of(const char *const *own, const char *const *box, const char *const *allow,
                                     bool loopback)
{
    struct addr o[OWN_MAX], b[OWN_MAX];
    struct turn_net nets[NETS_MAX];
    struct turn_rules r = {.own = o, .box = b, .allow = nets, .loopback = loopback};
    struct turn_policy *p = NULL;

    for (; own && own[r.own_n]; r.own_n++)
        CHECK_OR(!addr_parse(&o[r.own_n], own[r.own_n]), return NULL);
    for (; box && box[r.box_n]; r.box_n++)
        CHECK_OR(!addr_parse_ip(&b[r.box_n], box[r.box_n], 0), return NULL);
    for (; allow && allow[r.allow_n]; r.allow_n++)
        CHECK_OR(!turn_net_parse(&nets[r.allow_n], allow[r.allow_n]), return NULL);
    CHECK_OR(!turn_policy_alloc(&p, &r), return NULL);
    return p;
}

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})
#define EVERYTHING LIST("0.0.0.0/0", "::/0")

static enum turn_peer ask(const struct turn_policy *p, const char *ip, uint16_t port)
{
    struct addr a;

    CHECK_OR(!addr_parse_ip(&a, ip, port), return TURN_PEER_REFUSED);
    return turn_policy_peer(p, &a);
}

static unsigned ask_host(const struct turn_policy *p, const char *ip)
{
    struct addr a;

    CHECK_OR(!addr_parse_ip(&a, ip, 0), return TURN_PEER_REFUSED);
    return turn_policy_host(p, &a);
}

/* How an IPv4 address can be written in an IPv6 one; %u are its bytes, all in hexadecimal. */
static const char *const spellings[] = {
    "::ffff:%02x%02x:%02x%02x",     /* mapped */
    "::%02x%02x:%02x%02x",          /* compatible */
    "::ffff:0:%02x%02x:%02x%02x",   /* translated */
    "64:ff9b::%02x%02x:%02x%02x",   /* NAT64 */
    "64:ff9b:1::%02x%02x:%02x%02x", /* NAT64 of a network */
    "64:ff9b:1:abcd:0:1:%02x%02x:%02x%02x",
    "2002:%02x%02x:%02x%02x::1", /* 6to4 */
    "2002:%02x%02x:%02x%02x:abcd::beef",
    "2001:db9::5efe:%02x%02x:%02x%02x", /* ISATAP */
    "2001:db9::200:5efe:%02x%02x:%02x%02x",
};

static void spell(char *out, size_t sz, const char *how, const uint8_t b[4])
{
    snprintf(out, sz, how, b[0], b[1], b[2], b[3]);
}

static bool refused(const struct turn_policy *p, const char *ip)
{
    return ask(p, ip, 4000) == TURN_PEER_REFUSED && ask_host(p, ip) == TURN_PEER_REFUSED;
}

/* Every spelling of an IPv4 address, and itself. */
static void check_refused_everywhere(const struct turn_policy *p, const char *ip)
{
    struct addr a;
    uint8_t b[4], flipped[4];
    char text[ADDR_STRLEN];

    CHECK(!addr_parse_ip(&a, ip, 0));
    memcpy(b, &a.u.in.sin_addr, 4);
    for (size_t i = 0; i < 4; i++)
        flipped[i] = b[i] ^ 0xff;
    if (!refused(p, ip))
        testing_fail(__FILE__, __LINE__, "%s is not refused", ip);
    for (size_t i = 0; i < sizeof(spellings) / sizeof(*spellings); i++) {
        spell(text, sizeof(text), spellings[i], b);
        if (!addr_parse_ip(&a, text, 0) && !refused(p, text))
            testing_fail(__FILE__, __LINE__, "%s, which is %s, is not refused", text, ip);
    }
    spell(text, sizeof(text), "2001:0:%02x%02x:%02x%02x:0:1:2:3", b); /* Teredo: its server, its client */
    CHECK(refused(p, text));
    spell(text, sizeof(text), "2001:0:808:808:0:1:%02x%02x:%02x%02x", flipped);
    CHECK(refused(p, text));
}

static const char *const special4[] = {
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",
    "0.1.2.3",
    "169.254.1.1",
    "169.254.169.254",
    "224.0.0.1",
    "239.255.255.250",
    "255.255.255.255",
    "240.0.0.1",
    "192.0.0.8",
    "192.88.99.1",
    "10.0.0.1",
    "10.255.255.255",
    "172.16.0.1",
    "172.31.9.9",
    "192.168.1.1",
    "100.64.0.1",
    "198.18.0.1",
    "198.19.255.255",
    "100.127.255.255",
    "198.51.100.9" /* this box */,
    "203.0.113.5" /* our workers */,
};
static const char *const special6[] = {
    "::",
    "::1",
    "fe80::1",
    "febf::1",
    "fec0::1",
    "feff::1",
    "ff02::1",
    "ff0e::1",
    "fc00::1",
    "fdff::1",
    "100::1",
    "2001:db8::9" /* this box */,
    "2001:db8::5" /* our workers */,
    "5f00::1",
};

TEST(what_is_special_is_refused_in_every_spelling_even_when_everything_is_allowed)
{
    struct turn_policy *p = policy_of(LIST("203.0.113.5:10000", "[2001:db8::5]:10000"),
                                      LIST("198.51.100.9", "2001:db8::9"), EVERYTHING, false);

    CHECK(p);
    for (size_t i = 0; i < sizeof(special4) / sizeof(*special4); i++)
        if (strcmp(special4[i], "203.0.113.5"))
            check_refused_everywhere(p, special4[i]);
    for (size_t i = 0; i < sizeof(special6) / sizeof(*special6); i++)
        CHECK(ask(p, special6[i], 4000) == TURN_PEER_REFUSED);
    CHECK(ask(p, "8.8.8.8", 53) == TURN_PEER_FOREIGN);
    CHECK(ask(p, "2001:db9::1", 53) == TURN_PEER_FOREIGN);
    CHECK(ask(p, "64:ff9b::808:808", 53) == TURN_PEER_FOREIGN);
    turn_policy_free(p);
}

TEST(nothing_is_allowed_that_nobody_allowed)
{
    struct turn_policy *p = policy_of(NULL, NULL, NULL, false);
    const char *const some[] = {"8.8.8.8", "2001:4860::1", "64:ff9b::808:808", "2002:808:808::1"};

    CHECK(p);
    for (size_t i = 0; i < sizeof(special4) / sizeof(*special4); i++)
        check_refused_everywhere(p, special4[i]);
    for (size_t i = 0; i < sizeof(special6) / sizeof(*special6); i++)
        CHECK(refused(p, special6[i]));
    for (size_t i = 0; i < sizeof(some) / sizeof(*some); i++)
        CHECK(refused(p, some[i]));
    turn_policy_free(p);
}

TEST(our_workers_are_reached_at_their_ports_and_in_their_own_spelling_only)
{
    struct turn_policy *p = policy_of(LIST("203.0.113.5:10000", "203.0.113.5:10001", "[2001:db8::5]:10000"),
                                      LIST("203.0.113.5"), EVERYTHING, false);

    CHECK(p);
    CHECK(ask(p, "203.0.113.5", 10000) == TURN_PEER_OWN);
    CHECK(ask(p, "203.0.113.5", 10001) == TURN_PEER_OWN);
    CHECK(ask(p, "::ffff:203.0.113.5", 10001) == TURN_PEER_OWN);
    CHECK(ask(p, "2001:db8::5", 10000) == TURN_PEER_OWN);
    CHECK(ask(p, "203.0.113.5", 5060) == TURN_PEER_REFUSED);
    CHECK(ask(p, "203.0.113.5", 0) == TURN_PEER_REFUSED);
    CHECK(ask(p, "2001:db8::5", 443) == TURN_PEER_REFUSED);
    CHECK(ask(p, "64:ff9b::cb00:7105", 10000) == TURN_PEER_REFUSED);
    CHECK(ask(p, "2002:cb00:7105::1", 10000) == TURN_PEER_REFUSED);
    CHECK_EQ_INT(ask_host(p, "203.0.113.5"), TURN_PEER_OWN);
    CHECK_EQ_INT(ask_host(p, "203.0.113.6"), TURN_PEER_FOREIGN);
    turn_policy_free(p);
}

TEST(a_private_network_is_allowed_by_its_own_name_only)
{
    struct turn_policy *p =
        policy_of(NULL, LIST("10.1.0.1"), LIST("10.1.0.0/16", "192.0.0.0/2", "fd00:1::/64"), false);

    CHECK(p);
    CHECK(ask(p, "10.1.2.3", 4000) == TURN_PEER_FOREIGN);
    CHECK(ask(p, "10.1.0.1", 4000) == TURN_PEER_REFUSED); /* the box itself */
    CHECK(ask(p, "10.2.0.1", 4000) == TURN_PEER_REFUSED);
    CHECK(ask(p, "192.168.0.1", 4000) == TURN_PEER_REFUSED); /* covered, not named */
    CHECK(ask(p, "193.0.0.1", 4000) == TURN_PEER_FOREIGN);
    CHECK(ask(p, "fd00:1::2", 4000) == TURN_PEER_FOREIGN);
    CHECK(ask(p, "fd00:2::2", 4000) == TURN_PEER_REFUSED);
    CHECK(ask(p, "::ffff:10.1.2.3", 4000) == TURN_PEER_FOREIGN);
    CHECK(ask(p, "64:ff9b::a01:203", 4000) == TURN_PEER_FOREIGN); /* its IPv4 address is allowed */
    CHECK(ask(p, "64:ff9b::a01:1", 4000) == TURN_PEER_REFUSED);
    CHECK(ask(p, "64:ff9b::a02:203", 4000) == TURN_PEER_REFUSED);
    turn_policy_free(p);
}

TEST(loopback_is_for_tests)
{
    struct turn_policy *p = policy_of(LIST("127.0.0.1:10000"), LIST("127.0.0.1", "::1"), NULL, true);

    CHECK(p);
    CHECK(ask(p, "127.0.0.1", 10000) == TURN_PEER_OWN);
    CHECK(ask(p, "127.0.0.1", 4000) == TURN_PEER_FOREIGN);
    CHECK(ask(p, "::1", 4000) == TURN_PEER_FOREIGN);
    CHECK(ask(p, "2002:7f00:1::1", 4000) == TURN_PEER_REFUSED);
    CHECK(ask(p, "64:ff9b::7f00:1", 4000) == TURN_PEER_REFUSED);
    CHECK(ask(p, "0.0.0.0", 4000) == TURN_PEER_REFUSED);
    CHECK_EQ_INT(ask_host(p, "127.0.0.1"), TURN_PEER_OWN | TURN_PEER_FOREIGN);
    turn_policy_free(p);
}

TEST(networks_are_read_strictly)
{
    static const char *const wrong[] = {
        "",           "/8",         "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/ 8", "10.0.0.0/8x",
        "10.0.0.1/8", "::/129",     "10.0.0.0/-1", "banana",    "fe80::1/10",  "10.0.0.0/8/8",
        "10.0.0/8",   "1.2.3.4:56", "10.0.0.0/+8"};
    struct turn_net net;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        CHECK_EQ_INT(turn_net_parse(&net, wrong[i]), EINVAL);
    CHECK_EQ_INT(turn_net_parse(&net, NULL), EINVAL);
    CHECK_EQ_INT(turn_net_parse(&net, "10.0.0.0/8"), 0);
    CHECK_EQ_INT(net.bits, 8);
    CHECK_EQ_INT(turn_net_parse(&net, "192.0.2.7"), 0);
    CHECK_EQ_INT(net.bits, 32);
    CHECK_EQ_INT(turn_net_parse(&net, "2001:db8::1"), 0);
    CHECK_EQ_INT(net.bits, 128);
    CHECK_EQ_INT(turn_net_parse(&net, "0.0.0.0/0"), 0);
}
