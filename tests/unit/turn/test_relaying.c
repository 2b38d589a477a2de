/* Data between clients and peers: channels, indications, what is refused and dropped, and how each is counted. */
#include "testing.h"
#include "turnhost.h"

static struct turnhost host;

#define OWN "192.0.2.1:10000"
#define FOREIGN "198.51.100.3:4000"
#define FOREIGN2 "198.51.100.3:4001"

static bool setup(struct turnclient *c, const struct turn_limits *l)
{
    CHECK_OR(!turnhost_open_server(&host, l), return false);
    turnclient_init(c, &host, "203.0.113.7:40000", "5001");
    CHECK_OR(turnclient_allocate(c) == 0, return false);
    return true;
}

/* The last message is a Data indication of this peer with this text. */
static bool is_indication(const char *peer, const char *text)
{
    struct stun_view v;
    struct addr a, want;
    const uint8_t *p;
    size_t n;

    return !stun_parse(&v, host.last, host.last_n) && v.cls == STUN_INDICATION && v.method == TURN_DATA &&
           stun_get_xaddr(&v, TURN_XOR_PEER_ADDRESS, &a) && !addr_parse(&want, peer) && addr_eq(&a, &want) &&
           (p = stun_get(&v, TURN_ATTR_DATA, &n)) && n == strlen(text) && !memcmp(p, text, n);
}

TEST(indications_both_ways)
{
    struct turnclient c;
    struct addr want;

    CHECK(setup(&c, NULL));
    CHECK_EQ_INT(turnclient_indicate(&c, FOREIGN, "early"), 0); /* no permission yet */
    CHECK(!turnhost_peer(&host, FOREIGN, false, "early"));
    CHECK_EQ_INT(turnclient_permit(&c, "198.51.100.3:1"), 0); /* the port is no matter */
    CHECK_EQ_INT(turnclient_indicate(&c, FOREIGN, "hello"), 1);
    CHECK(!addr_parse(&want, FOREIGN));
    CHECK(addr_eq(&host.sent_to, &want) && !host.sent_own && !host.sent_df);
    CHECK(host.sent_n == 5 && !memcmp(host.sent, "hello", 5));
    CHECK(turnhost_peer(&host, FOREIGN2, false, "welcome"));
    CHECK(is_indication(FOREIGN2, "welcome"));
    CHECK(addr_eq(&host.last_flow.client, &c.flow.client));
    CHECK(turnhost_peer(&host, FOREIGN, false, ""));
    CHECK(is_indication(FOREIGN, ""));
    CHECK(!turnhost_peer(&host, "198.51.100.4:4000", false, "stranger"));
    CHECK_EQ_INT(turnhost_figures(&host).to_peer, 1);
    CHECK_EQ_INT(turnhost_figures(&host).to_peer_bytes, 5);
    CHECK_EQ_INT(turnhost_figures(&host).to_client, 2);
    CHECK_EQ_INT(turnhost_figures(&host).to_client_bytes, 7);
    CHECK_EQ_INT(turnhost_figures(&host).own, 0);
    CHECK_EQ_INT(turnhost_figures(&host).dropped_permission, 3);
    TURNHOST_CLOSE(&host);
}

TEST(channels_both_ways_padded_on_streams_only)
{
    struct turnclient c;

    CHECK(setup(&c, NULL));
    CHECK_EQ_INT(turnclient_data(&c, 0x4001, "early"), 0);
    CHECK_EQ_INT(turnclient_bind(&c, 0x4001, FOREIGN), 0);
    CHECK_EQ_INT(turnclient_data(&c, 0x4001, "hello"), 1);
    CHECK(host.sent_n == 5 && !memcmp(host.sent, "hello", 5));
    CHECK_EQ_INT(turnclient_data(&c, 0x4002, "hello"), 0);
    CHECK(turnhost_peer(&host, FOREIGN, false, "welcome"));
    CHECK_EQ_INT(host.last_n, 4 + 7);
    CHECK_MEM(host.last, "\x40\x01\0\7welcome", 11);
    CHECK(turnhost_peer(&host, FOREIGN2, false, "another")); /* permitted, but not this channel's */
    CHECK(is_indication(FOREIGN2, "another"));
    turnclient_init(&c, &host, "203.0.113.7:40001", "5001");
    c.flow.proto = TURN_TLS;
    CHECK_EQ_INT(turnclient_allocate(&c), 0);
    CHECK_EQ_INT(turnclient_bind(&c, 0x4001, FOREIGN), 0);
    CHECK(turnhost_peer(&host, FOREIGN, false, "welcome"));
    CHECK_EQ_INT(host.last_n, 4 + 8);
    CHECK_MEM(host.last, "\x40\x01\0\7welcome\0", 12);
    TURNHOST_CLOSE(&host);
}

TEST(channel_data_must_be_whole)
{
    struct turnclient c;

    CHECK(setup(&c, NULL));
    CHECK_EQ_INT(turnclient_bind(&c, 0x4001, FOREIGN), 0);
    turnclient_hand(&c, "\x40\x01\0\5hell", 8);
    turnclient_hand(&c, "\x40\x01\0", 3);
    CHECK_EQ_INT(host.peer_sent, 0);
    turnclient_hand(&c, "\x40\x01\0\5hello\0\0\0", 12); /* padded, as it may be */
    CHECK_EQ_INT(host.peer_sent, 1);
    CHECK_EQ_INT(host.sent_n, 5);
    turnclient_hand(&c, "\x40\x01\0\0", 4);
    CHECK_EQ_INT(host.peer_sent, 2);
    CHECK_EQ_INT(host.sent_n, 0);
    CHECK_EQ_INT(turnhost_figures(&host).malformed, 2);
    TURNHOST_CLOSE(&host);
}

TEST(our_own_workers_stay_in_the_house)
{
    struct turnclient c;

    CHECK(setup(&c, NULL));
    CHECK_EQ_INT(turnclient_permit(&c, OWN), 0);
    CHECK_EQ_INT(turnclient_indicate(&c, OWN, "hello"), 1);
    CHECK(host.sent_own);
    CHECK_EQ_INT(turnclient_bind(&c, 0x4001, OWN), 0);
    CHECK_EQ_INT(turnclient_data(&c, 0x4001, "hello"), 1);
    CHECK(host.sent_own);
    CHECK(turnhost_peer(&host, OWN, true, "welcome"));
    /* the permission is for the address, but no other port of it is reached or heard */
    CHECK_EQ_INT(turnclient_indicate(&c, "192.0.2.1:5060", "INVITE"), 0);
    CHECK_EQ_INT(turnclient_indicate(&c, "192.0.2.1:0", "nobody"), 0);
    CHECK(!turnhost_peer(&host, "192.0.2.1:5060", true, "hello"));
    CHECK(!turnhost_peer(&host, "192.0.2.1:5060", false, "hello"));
    CHECK(!turnhost_peer(&host, OWN, false, "forged")); /* from the network */
    CHECK_EQ_INT(turnhost_figures(&host).refused_peer, 5);
    CHECK_EQ_INT(turnhost_figures(&host).own, 3);
    CHECK_EQ_INT(turnhost_figures(&host).own_bytes, 17);
    CHECK_EQ_INT(turnclient_permit(&c, FOREIGN), 0);
    CHECK(!turnhost_peer(&host, FOREIGN, true, "no worker"));
    TURNHOST_CLOSE(&host);
}

TEST(permissions_last_five_minutes_and_channels_ten)
{
    struct turnclient c;

    CHECK(setup(&c, NULL));
    CHECK_EQ_INT(turnclient_bind(&c, 0x4001, FOREIGN), 0);
    turnhost_pass(&host, 299);
    CHECK(turnhost_peer(&host, FOREIGN, false, "still"));
    turnhost_pass(&host, 3);
    CHECK(!turnhost_peer(&host, FOREIGN, false, "over"));
    CHECK_EQ_INT(turnclient_data(&c, 0x4001, "over"), 0); /* by the channel, too, which is still there */
    CHECK_EQ_INT(turnhost_figures(&host).dropped_permission, 2);
    CHECK_EQ_INT(turnhost_figures(&host).permissions, 0);
    CHECK_EQ_INT(turnclient_permit(&c, FOREIGN), 0);
    CHECK(turnhost_peer(&host, FOREIGN, false, "again"));
    CHECK_EQ_INT(host.last_n, 4 + 5); /* the channel lasts */
    CHECK_EQ_INT(turnclient_refresh(&c, 3600), 0);
    turnhost_pass(&host, 297);
    CHECK_EQ_INT(turnclient_data(&c, 0x4001, "still"), 1);
    turnhost_pass(&host, 5);
    CHECK_EQ_INT(turnclient_data(&c, 0x4001, "over"), 0);
    CHECK_EQ_INT(turnhost_figures(&host).channels, 0);
    CHECK_EQ_INT(turnclient_bind(&c, 0x4001, FOREIGN2), 0); /* free again */
    TURNHOST_CLOSE(&host);
}

TEST(nothing_special_is_reached_by_any_way)
{
    static const char *const peers[] = {
        "127.0.0.1:4000",
        "[::ffff:127.0.0.1]:4000",
        "0.0.0.0:4000",
        "[::ffff:0.0.0.0]:4000",
        "[::]:4000",
        "[::1]:4000",
        "[::127.0.0.1]:4000",
        "[64:ff9b::7f00:1]:4000",
        "[2002:7f00:1::1]:4000",
        "[64:ff9b:1::7f00:1]:4000",
        "10.0.0.1:4000",
        "[::ffff:10.0.0.1]:4000",
        "192.168.1.1:4000",
        "169.254.169.254:80",
        "[fe80::1]:4000",
        "[ff02::1]:4000",
        "224.0.0.1:4000",
        "255.255.255.255:4000",
        "192.0.2.9:4000",
        "[::ffff:192.0.2.9]:4000",
        "[64:ff9b::c000:209]:4000",
        "8.8.8.8:53",
        "[fc00::1]:4000",
        "[2001:0:7f00:1::1]:4000",
        "192.0.2.1:5060",
    };
    struct turnclient c;
    unsigned code;

    CHECK(setup(&c, NULL));
    CHECK_EQ_INT(turnclient_refresh(&c, 0), 0);
    turnclient_want_udp(&c);
    stun_put(&c.w, TURN_ADDITIONAL_ADDRESS_FAMILY, "\2\0\0\0", 4);
    CHECK_EQ_INT(turnclient_ask(&c), 0);
    CHECK_EQ_INT(turnclient_permit(&c, FOREIGN), 0);
    for (size_t i = 0; i < sizeof(peers) / sizeof(*peers); i++) {
        code = turnclient_permit(&c, peers[i]);
        if (strcmp(peers[i], "192.0.2.1:5060")) /* a permission has no port */
            CHECK_EQ_INT(code, 403);
        CHECK_EQ_INT(turnclient_bind(&c, (uint16_t)(0x4000 + i), peers[i]), 403);
        CHECK_EQ_INT(turnclient_indicate(&c, peers[i], "canary"), 0);
        CHECK_EQ_INT(turnclient_data(&c, (uint16_t)(0x4000 + i), "canary"), 0);
        CHECK(!turnhost_peer(&host, peers[i], false, "canary"));
        CHECK(!turnhost_peer(&host, peers[i], true, "canary"));
    }
    CHECK_EQ_INT(host.peer_sent, 0);
    TURNHOST_CLOSE(&host);
}

TEST(a_new_policy_ends_what_it_forbids)
{
    struct turn_rules none = {0};
    struct turnclient c;

    CHECK(setup(&c, NULL));
    CHECK_EQ_INT(turnclient_bind(&c, 0x4001, FOREIGN), 0);
    CHECK_EQ_INT(turnclient_bind(&c, 0x4002, OWN), 0);
    CHECK(!turnhost_rules(&host)); /* the same again: nothing changes */
    CHECK_EQ_INT(turnclient_data(&c, 0x4001, "still"), 1);
    CHECK_EQ_INT(turnclient_data(&c, 0x4002, "still"), 1);
    CHECK(!turn_server_set_policy(host.server, &none));
    CHECK_EQ_INT(turnclient_data(&c, 0x4001, "no"), 0);
    CHECK_EQ_INT(turnclient_data(&c, 0x4002, "no"), 0);
    CHECK_EQ_INT(turnclient_indicate(&c, FOREIGN, "no"), 0);
    CHECK(!turnhost_peer(&host, FOREIGN, false, "no"));
    CHECK_EQ_INT(turnhost_figures(&host).permissions, 0);
    CHECK_EQ_INT(turnhost_figures(&host).channels, 0);
    TURNHOST_CLOSE(&host);
}

TEST(a_send_indication_needs_a_peer_and_data_and_nothing_unknown)
{
    struct turnclient c;

    CHECK(setup(&c, NULL));
    CHECK_EQ_INT(turnclient_permit(&c, FOREIGN), 0);
    for (unsigned what = 0; what < 4; what++) {
        stun_begin(&c.w, c.msg, sizeof(c.msg), TURN_SEND, STUN_INDICATION, c.tid);
        if (what != 0)
            turnclient_peer(&c, FOREIGN);
        if (what != 1)
            stun_put(&c.w, TURN_ATTR_DATA, "hello", 5);
        if (what == 2)
            stun_put(&c.w, 0x7001, "", 0);
        stun_put(&c.w, TURN_DONT_FRAGMENT, "", 0);
        turnclient_send(&c);
        CHECK_EQ_INT(host.peer_sent, what == 3);
    }
    CHECK(host.sent_df && host.sent_n == 5);
    CHECK_EQ_INT(turnhost_figures(&host).malformed, 3);
    TURNHOST_CLOSE(&host);
}

TEST(bandwidth_is_per_user_and_comes_back)
{
    const struct turn_limits l = {.bytes_per_second = 100000};
    struct turnclient c, other;
    char kilo[1001];
    unsigned through = 0;

    memset(kilo, 'x', 1000);
    kilo[1000] = '\0';
    CHECK(setup(&c, &l));
    CHECK_EQ_INT(turnclient_bind(&c, 0x4001, FOREIGN), 0);
    for (unsigned i = 0; i < 150; i++)
        through += turnclient_data(&c, 0x4001, kilo);
    CHECK_EQ_INT(through, 100);
    CHECK(!turnhost_peer(&host, FOREIGN, false, kilo)); /* both ways together */
    CHECK_EQ_INT(turnhost_figures(&host).dropped_rate, 51);
    turnclient_init(&other, &host, "203.0.113.8:1", "5002");
    CHECK_EQ_INT(turnclient_allocate(&other), 0);
    CHECK_EQ_INT(turnclient_bind(&other, 0x4001, FOREIGN), 0);
    CHECK_EQ_INT(turnclient_data(&other, 0x4001, kilo), 1);
    host.now_us += 10000; /* a hundredth of a second: 1000 bytes */
    CHECK_EQ_INT(turnclient_data(&c, 0x4001, kilo), 1);
    CHECK_EQ_INT(turnclient_data(&c, 0x4001, kilo), 0);
    TURNHOST_CLOSE(&host);
}

TEST(the_largest_datagrams)
{
    static char big[66000];
    struct turnclient c;
    struct addr a;

    CHECK(setup(&c, NULL));
    CHECK_EQ_INT(turnclient_permit(&c, FOREIGN), 0);
    CHECK(!addr_parse(&a, FOREIGN));
    for (size_t n = 65480; n < 65540; n++) {
        host.last_n = 0;
        turn_server_from_peer(host.server, host.opened, &a, false, (uint8_t *)big, n, host.now_us);
        CHECK(host.last_n == 0 || host.last_n >= n + 36);
        CHECK(
            n > 65484 ||
            host.last_n); /* 65507 is UDP's most, less what the indication adds: the client's datagram is no longer */
    }
    CHECK_EQ_INT(turnclient_bind(&c, 0x4001, FOREIGN), 0);
    turn_server_from_peer(host.server, host.opened, &a, false, (uint8_t *)big, 65480, host.now_us);
    CHECK_EQ_INT(host.last_n, 65484);
    TURNHOST_CLOSE(&host);
}
