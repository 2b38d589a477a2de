/* Requests and their answers: Binding, credentials, allocations, permissions, channels, and what is refused with which code. */
#include "testing.h"
#include "turnhost.h"

static struct turnhost host;

/* A server, and a client with an allocation on it. */
#define SETUP(c)                                                                                             \
    struct turnclient c;                                                                                     \
    CHECK(!turnhost_open_server(&host, NULL));                                                               \
    turnclient_init(&c, &host, "203.0.113.7:40000", "5001")

TEST(anybody_is_told_his_address)
{
    struct stun_view v;
    struct addr a;
    char buf[ADDR_STRLEN];
    size_t n;
    SETUP(c);

    for (int proto = TURN_UDP; proto <= TURN_TLS; proto++) {
        c.flow.proto = (enum turn_proto)proto;
        turnclient_begin(&c, STUN_BINDING);
        turnclient_send(&c);
        CHECK(turnclient_answer(&c, &v) && v.cls == STUN_SUCCESS);
        CHECK(stun_get_xaddr(&v, STUN_XOR_MAPPED_ADDRESS, &a));
        CHECK_STR(addr_str(&a, buf, sizeof(buf)), "203.0.113.7:40000");
        CHECK(stun_fingerprint_ok(&v) && !v.mi);
        CHECK(stun_get(&v, STUN_SOFTWARE, &n) && n == strlen("dngate")); /* and no version */
    }
    c.no_fingerprint = true;
    CHECK(!addr_parse(&c.flow.client, "[2001:db8:7::1]:40000"));
    turnclient_begin(&c, STUN_BINDING);
    turnclient_send(&c);
    CHECK(turnclient_answer(&c, &v) && !v.fp);
    CHECK(stun_get_xaddr(&v, STUN_XOR_MAPPED_ADDRESS, &a));
    CHECK_STR(addr_str(&a, buf, sizeof(buf)), "[2001:db8:7::1]:40000");
    CHECK_EQ_INT(turnhost_figures(&host).binding, 4);
    TURNHOST_CLOSE(&host);
}

TEST(attributes_of_rfc_5780_are_refused_by_name)
{
    struct stun_view v;
    const uint8_t *p;
    size_t n;
    SETUP(c);

    turnclient_begin(&c, STUN_BINDING);
    stun_put_u32(&c.w, 0x0003, 6); /* CHANGE-REQUEST */
    turnclient_send(&c);
    CHECK(turnclient_answer(&c, &v));
    CHECK_EQ_INT(stun_get_error(&v), 420);
    p = stun_get(&v, STUN_UNKNOWN_ATTRIBUTES, &n);
    CHECK(p && n == 2 && p[0] == 0 && p[1] == 3);
    TURNHOST_CLOSE(&host);
}

TEST(what_is_no_stun_gets_no_answer)
{
    uint8_t old[20] = {0, 1, 0, 0, 1, 2, 3, 4}; /* RFC 3489: no magic cookie */
    uint8_t msg[64];
    size_t n;
    SETUP(c);

    turnclient_hand(&c, old, sizeof(old));
    turnclient_hand(&c, "GET / HTTP/1.1\r\n\r\n", 18);
    turnclient_hand(&c, "", 0);
    turnclient_begin(&c, STUN_BINDING);
    stun_put_fingerprint(&c.w);
    CHECK(!stun_end(&c.w, &n));
    memcpy(msg, c.msg, n);
    msg[n - 1] ^= 1;
    turnclient_hand(&c, msg, n);
    CHECK_EQ_INT(host.pushed, 0);
    CHECK_EQ_INT(turnhost_figures(&host).malformed, 4);
    /* a response and an indication are nobody's question; nor is a method that we don't know */
    stun_begin(&c.w, c.msg, sizeof(c.msg), STUN_BINDING, STUN_SUCCESS, c.tid);
    turnclient_send(&c);
    stun_begin(&c.w, c.msg, sizeof(c.msg), STUN_BINDING, STUN_INDICATION, c.tid);
    turnclient_send(&c);
    turnclient_begin(&c, 0x00a); /* Connect, RFC 6062 */
    turnclient_send(&c);
    CHECK_EQ_INT(host.pushed, 0);
    TURNHOST_CLOSE(&host);
}

TEST(a_stranger_is_asked_for_a_credential)
{
    static const uint8_t algorithms[] = {0, 2, 0, 0, 0, 1, 0, 0};
    const uint16_t methods[] = {TURN_ALLOCATE, TURN_REFRESH, TURN_CREATE_PERMISSION, TURN_CHANNEL_BIND};
    struct stun_view v;
    const uint8_t *p;
    size_t n;
    SETUP(c);

    for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++) {
        turnclient_begin(&c, methods[i]);
        turnclient_send(&c);
        CHECK(turnclient_answer(&c, &v));
        CHECK_EQ_INT(stun_get_error(&v), 401);
        CHECK_EQ_INT(v.method, methods[i]);
        p = stun_get(&v, STUN_REALM, &n);
        CHECK(p && n == strlen(TURNHOST_REALM) && !memcmp(p, TURNHOST_REALM, n));
        p = stun_get(&v, STUN_NONCE, &n);
        CHECK(p && n > 13 && n < 128 && !memcmp(p, "obMatJos2", 9));
        p = stun_get(&v, TURN_PASSWORD_ALGORITHMS, &n);
        CHECK(p && n == sizeof(algorithms) && !memcmp(p, algorithms, n));
        CHECK(!v.mi);
    }
    CHECK_EQ_INT(turnhost_figures(&host).challenged, 4);
    CHECK_EQ_INT(turnhost_figures(&host).users, 0);
    TURNHOST_CLOSE(&host);
}

TEST(an_allocation_is_made_answered_again_refreshed_and_ended)
{
    struct stun_view v;
    struct addr a;
    char buf[ADDR_STRLEN];
    uint32_t life;
    uint8_t first[1024], key[32];
    size_t n, klen;
    SETUP(c);

    CHECK_EQ_INT(turnclient_allocate(&c), 0);
    CHECK(turnclient_answer(&c, &v));
    CHECK(stun_get_xaddr(&v, TURN_XOR_RELAYED_ADDRESS, &a));
    CHECK_STR(addr_str(&a, buf, sizeof(buf)), "192.0.2.1:50000");
    CHECK(stun_get_xaddr(&v, STUN_XOR_MAPPED_ADDRESS, &a) && addr_eq(&a, &c.flow.client));
    CHECK(stun_get_u32(&v, TURN_LIFETIME, &life));
    CHECK_EQ_INT(life, 600);
    turnclient_key(&c, key, &klen);
    CHECK(stun_auth(&v, key, klen) && stun_fingerprint_ok(&v));
    /* the same datagram once more: the same answer, no second allocation */
    n = host.last_n;
    CHECK(n <= sizeof(first));
    memcpy(first, host.last, n);
    CHECK(!stun_end(&c.w, &klen));
    turnclient_hand(&c, c.msg, klen);
    CHECK_EQ_INT(host.last_n, n);
    CHECK_MEM(host.last, first, n);
    CHECK_EQ_INT(host.relays, 1);
    CHECK_EQ_INT(turnclient_allocate(&c), 437); /* another transaction */
    CHECK_EQ_INT(turnclient_refresh(&c, 1200), 0);
    CHECK(turnclient_answer(&c, &v) && stun_get_u32(&v, TURN_LIFETIME, &life));
    CHECK_EQ_INT(life, 1200);
    CHECK_EQ_INT(turnclient_refresh(&c, 0), 0);
    CHECK(turnclient_answer(&c, &v) && stun_get_u32(&v, TURN_LIFETIME, &life));
    CHECK_EQ_INT(life, 0);
    CHECK_EQ_INT(host.relays, 0);
    CHECK_EQ_INT(turnclient_refresh(&c, 0), 437);
    CHECK_EQ_INT(turnhost_figures(&host).allocated, 1);
    CHECK_EQ_INT(turnhost_figures(&host).closed, 1);
    CHECK_EQ_INT(turnhost_figures(&host).users, 0);
    TURNHOST_CLOSE(&host);
}

TEST(a_lifetime_is_between_ten_minutes_and_an_hour)
{
    static const uint32_t asked[] = {0, 1, 599, 600, 601, 3600, 3601, UINT32_MAX};
    static const uint32_t granted[] = {600, 600, 600, 600, 601, 3600, 3600, 3600};
    struct stun_view v;
    uint32_t life;
    SETUP(c);

    CHECK(turnclient_challenge(&c));
    for (size_t i = 0; i < sizeof(asked) / sizeof(*asked); i++) {
        turnclient_want_udp(&c);
        stun_put_u32(&c.w, TURN_LIFETIME, asked[i]);
        CHECK_EQ_INT(turnclient_ask(&c), 0);
        CHECK(turnclient_answer(&c, &v) && stun_get_u32(&v, TURN_LIFETIME, &life));
        CHECK_EQ_INT(life, granted[i]);
        CHECK_EQ_INT(turnclient_refresh(&c, 0), 0);
    }
    TURNHOST_CLOSE(&host);
}

TEST(a_refresh_may_shorten_a_life)
{
    SETUP(c);

    CHECK(turnclient_challenge(&c));
    turnclient_want_udp(&c);
    stun_put_u32(&c.w, TURN_LIFETIME, 3600);
    CHECK_EQ_INT(turnclient_ask(&c), 0);
    CHECK_EQ_INT(turnclient_refresh(&c, 600), 0);
    turnhost_pass(&host, 601);
    CHECK_EQ_INT(turnhost_figures(&host).allocations, 0);
    TURNHOST_CLOSE(&host);
}

TEST(an_allocation_ends_by_itself_or_with_its_connection)
{
    SETUP(c);

    CHECK_EQ_INT(turnclient_allocate(&c), 0);
    turnhost_pass(&host, 599);
    CHECK_EQ_INT(turnclient_refresh(&c, 600), 0);
    turnhost_pass(&host, 600);
    CHECK_EQ_INT(turnhost_figures(&host).allocations, 1);
    turnhost_pass(&host, 2);
    CHECK_EQ_INT(turnhost_figures(&host).allocations, 0);
    CHECK_EQ_INT(turnhost_figures(&host).expired, 1);
    CHECK_EQ_INT(host.relays, 0);
    c.flow.proto = TURN_TLS;
    CHECK_EQ_INT(turnclient_allocate(&c), 0);
    CHECK(turn_server_has_allocation(host.server, &c.flow));
    turn_server_flow_closed(host.server, &c.flow);
    turn_server_flow_closed(host.server, &c.flow);
    CHECK(!turn_server_has_allocation(host.server, &c.flow));
    CHECK_EQ_INT(turnhost_figures(&host).closed, 1);
    TURNHOST_CLOSE(&host);
}

/* An Allocate with attributes of four or eight bytes; the code that comes back. */
static unsigned allocate_with(struct turnclient *c, uint16_t type, const void *val, size_t n, uint16_t type2,
                              const void *val2, size_t n2)
{
    turnclient_want_udp(c);
    stun_put(&c->w, type, val, n);
    if (type2)
        stun_put(&c->w, type2, val2, n2);
    return turnclient_ask(c);
}

#define IP4 "\x01\0\0\0"
#define IP6 "\x02\0\0\0"
#define EVEN "\0"
#define PAIR "\x80"

TEST(allocate_is_refused_with_the_right_code)
{
    SETUP(c);

    CHECK(turnclient_challenge(&c));
    turnclient_begin(&c, TURN_ALLOCATE); /* no REQUESTED-TRANSPORT */
    CHECK_EQ_INT(turnclient_ask(&c), 400);
    turnclient_begin(&c, TURN_ALLOCATE);
    stun_put(&c.w, TURN_REQUESTED_TRANSPORT, "\x11", 1);
    CHECK_EQ_INT(turnclient_ask(&c), 400);
    turnclient_begin(&c, TURN_ALLOCATE);
    stun_put_u32(&c.w, TURN_REQUESTED_TRANSPORT, 6u << 24); /* TCP, RFC 6062 */
    CHECK_EQ_INT(turnclient_ask(&c), 442);
    CHECK_EQ_INT(allocate_with(&c, TURN_REQUESTED_ADDRESS_FAMILY, "\x03\0\0\0", 4, 0, NULL, 0), 440);
    CHECK_EQ_INT(
        allocate_with(&c, TURN_REQUESTED_ADDRESS_FAMILY, IP4, 4, TURN_ADDITIONAL_ADDRESS_FAMILY, IP6, 4),
        400);
    CHECK_EQ_INT(allocate_with(&c, TURN_ADDITIONAL_ADDRESS_FAMILY, IP4, 4, 0, NULL, 0), 400);
    CHECK_EQ_INT(allocate_with(&c, TURN_ADDITIONAL_ADDRESS_FAMILY, IP6, 4, TURN_EVEN_PORT, PAIR, 1), 400);
    CHECK_EQ_INT(allocate_with(&c, TURN_RESERVATION_TOKEN, "12345678", 8, TURN_EVEN_PORT, EVEN, 1), 400);
    CHECK_EQ_INT(
        allocate_with(&c, TURN_RESERVATION_TOKEN, "12345678", 8, TURN_REQUESTED_ADDRESS_FAMILY, IP4, 4), 400);
    CHECK_EQ_INT(allocate_with(&c, TURN_RESERVATION_TOKEN, "1234567", 7, 0, NULL, 0), 400);
    CHECK_EQ_INT(allocate_with(&c, TURN_RESERVATION_TOKEN, "12345678", 8, 0, NULL, 0), 508);
    CHECK_EQ_INT(allocate_with(&c, 0x7001, "", 0, 0, NULL, 0), 420);
    host.open_error[0] = EADDRINUSE;
    CHECK_EQ_INT(turnclient_allocate(&c), 508);
    host.open_error[0] = EAFNOSUPPORT;
    CHECK_EQ_INT(turnclient_allocate(&c), 440);
    CHECK_EQ_INT(turnhost_figures(&host).allocations, 0);
    CHECK_EQ_INT(turnhost_figures(&host).users, 0);
    host.open_error[0] = 0;
    CHECK_EQ_INT(turnclient_allocate(&c), 0); /* and recovers */
    TURNHOST_CLOSE(&host);
}

/* The relayed addresses of an answer: how many of each family. */
static void relayed(const struct stun_view *v, unsigned *ip4, unsigned *ip6)
{
    *ip4 = *ip6 = 0;
    for (size_t at = STUN_HDR_LEN; at < v->n;) {
        size_t len = (size_t)(v->p[at + 2] << 8 | v->p[at + 3]);

        if (v->p[at] == 0 && v->p[at + 1] == TURN_XOR_RELAYED_ADDRESS) {
            *ip4 += v->p[at + 5] == 1;
            *ip6 += v->p[at + 5] == 2;
        }
        at += 4 + ((len + 3) & ~(size_t)3);
    }
}

TEST(families_one_other_or_both)
{
    static const uint16_t additional[] = {TURN_ADDITIONAL_ADDRESS_FAMILY,
                                          TURN_ADDITIONAL_ADDRESS_FAMILY_DRAFT};
    static const uint16_t errors[] = {TURN_ADDRESS_ERROR_CODE, TURN_ADDRESS_ERROR_CODE_DRAFT};
    struct stun_view v;
    unsigned ip4, ip6;
    const uint8_t *p;
    size_t n;
    SETUP(c);

    CHECK(turnclient_challenge(&c));
    CHECK_EQ_INT(allocate_with(&c, TURN_REQUESTED_ADDRESS_FAMILY, IP6, 4, 0, NULL, 0), 0);
    CHECK(turnclient_answer(&c, &v));
    relayed(&v, &ip4, &ip6);
    CHECK(ip4 == 0 && ip6 == 1);
    CHECK_EQ_INT(turnclient_permit(&c, "198.51.100.3:4000"), 443);
    CHECK_EQ_INT(turnclient_permit(&c, "[2001:db8:f::3]:4000"), 0);
    CHECK_EQ_INT(turnclient_refresh(&c, 0), 0);
    for (size_t i = 0; i < 2; i++) {
        CHECK_EQ_INT(allocate_with(&c, additional[i], IP6, 4, 0, NULL, 0), 0);
        CHECK(turnclient_answer(&c, &v));
        relayed(&v, &ip4, &ip6);
        CHECK(ip4 == 1 && ip6 == 1);
        CHECK_EQ_INT(turnclient_permit(&c, "198.51.100.3:4000"), 0);
        CHECK_EQ_INT(turnclient_permit(&c, "[2001:db8:f::3]:4000"), 0);
        CHECK_EQ_INT(turnclient_refresh(&c, 0), 0);
        host.open_error[1] = EAFNOSUPPORT;
        CHECK_EQ_INT(allocate_with(&c, additional[i], IP6, 4, 0, NULL, 0), 0);
        CHECK(turnclient_answer(&c, &v));
        relayed(&v, &ip4, &ip6);
        CHECK(ip4 == 1 && ip6 == 0);
        p = stun_get(&v, errors[i], &n);
        CHECK(p && n > 4 && p[0] == 2 && p[2] == 4 && p[3] == 40);
        CHECK_EQ_INT(turnclient_refresh(&c, 0), 0);
        host.open_error[0] = ENOBUFS;
        CHECK_EQ_INT(allocate_with(&c, additional[i], IP6, 4, 0, NULL, 0), 508);
        host.open_error[0] = host.open_error[1] = 0;
    }
    TURNHOST_CLOSE(&host);
}

TEST(a_refresh_can_mean_one_family)
{
    SETUP(c);

    CHECK(turnclient_challenge(&c));
    CHECK_EQ_INT(allocate_with(&c, TURN_ADDITIONAL_ADDRESS_FAMILY, IP6, 4, 0, NULL, 0), 0);
    CHECK_EQ_INT(turnclient_permit(&c, "[2001:db8:f::3]:4000"), 0);
    turnclient_begin(&c, TURN_REFRESH);
    stun_put_u32(&c.w, TURN_LIFETIME, 0);
    stun_put(&c.w, TURN_REQUESTED_ADDRESS_FAMILY, IP6, 4);
    CHECK_EQ_INT(turnclient_ask(&c), 0);
    CHECK_EQ_INT(host.relays, 1);
    CHECK_EQ_INT(turnclient_indicate(&c, "[2001:db8:f::3]:4000", "gone"), 0);
    turnclient_begin(&c, TURN_REFRESH);
    stun_put(&c.w, TURN_REQUESTED_ADDRESS_FAMILY, IP6, 4);
    CHECK_EQ_INT(turnclient_ask(&c), 443);
    turnclient_begin(&c, TURN_REFRESH);
    stun_put_u32(&c.w, TURN_LIFETIME, 0);
    stun_put(&c.w, TURN_REQUESTED_ADDRESS_FAMILY, IP4, 4);
    CHECK_EQ_INT(turnclient_ask(&c), 0);
    CHECK_EQ_INT(turnhost_figures(&host).allocations, 0);
    TURNHOST_CLOSE(&host);
}

TEST(an_even_port_and_the_next_one_for_its_token)
{
    struct stun_view v;
    struct addr even, odd;
    uint8_t token[8];
    const uint8_t *p;
    size_t n;
    struct turnclient other;
    SETUP(c);

    turnclient_init(&other, &host, "203.0.113.7:40002", "5001");
    CHECK(turnclient_challenge(&c));
    strcpy(other.nonce, c.nonce);
    host.next_port = 50001;
    CHECK_EQ_INT(allocate_with(&c, TURN_EVEN_PORT, PAIR, 1, 0, NULL, 0), 0);
    CHECK(turnclient_answer(&c, &v) && stun_get_xaddr(&v, TURN_XOR_RELAYED_ADDRESS, &even));
    CHECK_EQ_INT(addr_port(&even), 50002);
    p = stun_get(&v, TURN_RESERVATION_TOKEN, &n);
    CHECK(p && n == 8);
    memcpy(token, p, 8);
    CHECK_EQ_INT(host.relays, 2);
    CHECK(addr_eq(&((struct turnhost_relay *)host.opened)->given.client, &c.flow.client));
    token[0] ^= 1;
    CHECK_EQ_INT(allocate_with(&other, TURN_RESERVATION_TOKEN, token, 8, 0, NULL, 0), 508);
    token[0] ^= 1;
    CHECK_EQ_INT(allocate_with(&other, TURN_RESERVATION_TOKEN, token, 8, 0, NULL, 0), 0);
    CHECK(turnclient_answer(&other, &v) && stun_get_xaddr(&v, TURN_XOR_RELAYED_ADDRESS, &odd));
    CHECK_EQ_INT(addr_port(&odd), 50003);
    CHECK_EQ_INT(turnclient_refresh(&other, 0), 0);
    CHECK_EQ_INT(allocate_with(&other, TURN_RESERVATION_TOKEN, token, 8, 0, NULL, 0), 508); /* only once */
    CHECK_EQ_INT(turnclient_refresh(&c, 0), 0);
    CHECK_EQ_INT(allocate_with(&c, TURN_EVEN_PORT, PAIR, 1, 0, NULL, 0), 0);
    CHECK_EQ_INT(host.relays, 2);
    turnhost_pass(&host, 32); /* nobody came for it */
    CHECK_EQ_INT(host.relays, 1);
    TURNHOST_CLOSE(&host);
}

/* One user can't hold all of them, by as many names and addresses as he likes. */
TEST(reserved_ports_are_shared_among_users)
{
    enum { SHARE = 8, MORE = 4 };
    struct turnclient c;
    char from[32];

    CHECK(!turnhost_open_server(&host, NULL));
    for (unsigned i = 0; i <= SHARE + MORE; i++) {
        bool another = i == SHARE + MORE;

        snprintf(from, sizeof(from), "203.0.113.%u:40000", 1 + i);
        turnclient_init(&c, &host, from, another ? "5002" : "5001");
        snprintf(c.name, sizeof(c.name), "%u:%s", TURNHOST_UNIX + 1000 + i, another ? "5002" : "5001");
        turn_rest_password(c.password, TURNHOST_SECRET, 32, c.name);
        CHECK(turnclient_challenge(&c));
        CHECK_EQ_INT(allocate_with(&c, TURN_EVEN_PORT, PAIR, 1, 0, NULL, 0), i < SHARE || another ? 0 : 508);
    }
    CHECK_EQ_INT(host.relays, 2 * (SHARE + 1));
    turnhost_pass(&host, 32);
    turnclient_init(&c, &host, "203.0.113.100:40000", "5001");
    CHECK(turnclient_challenge(&c));
    CHECK_EQ_INT(allocate_with(&c, TURN_EVEN_PORT, PAIR, 1, 0, NULL, 0), 0);
    TURNHOST_CLOSE(&host);
}

TEST(only_who_made_an_allocation_may_use_it)
{
    struct turnclient other;
    SETUP(c);

    CHECK_EQ_INT(turnclient_allocate(&c), 0);
    turnclient_init(&other, &host, "203.0.113.7:40000", "5002");
    strcpy(other.nonce, c.nonce);
    CHECK_EQ_INT(turnclient_refresh(&other, 0), 441);
    CHECK_EQ_INT(turnclient_permit(&other, "198.51.100.3:4000"), 441);
    CHECK_EQ_INT(turnclient_bind(&other, 0x4000, "198.51.100.3:4000"), 441);
    CHECK_EQ_INT(turnclient_allocate(&other), 437);
    other.flow.proto = TURN_TCP; /* another 5-tuple */
    CHECK_EQ_INT(turnclient_permit(&other, "198.51.100.3:4000"), 437);
    CHECK_EQ_INT(turnhost_figures(&host).allocations, 1);
    TURNHOST_CLOSE(&host);
}

TEST(permissions_all_or_none)
{
    SETUP(c);

    CHECK_EQ_INT(turnclient_allocate(&c), 0);
    turnclient_begin(&c, TURN_CREATE_PERMISSION);
    CHECK_EQ_INT(turnclient_ask(&c), 400);
    turnclient_begin(&c, TURN_CREATE_PERMISSION);
    turnclient_peer(&c, "198.51.100.3:4000");
    turnclient_peer(&c, "127.0.0.1:4000");
    CHECK_EQ_INT(turnclient_ask(&c), 403);
    CHECK_EQ_INT(turnhost_figures(&host).permissions, 0);
    turnclient_begin(&c, TURN_CREATE_PERMISSION);
    turnclient_peer(&c, "198.51.100.3:4000");
    turnclient_peer(&c, "[2001:db8:f::3]:4000");
    CHECK_EQ_INT(turnclient_ask(&c), 443);
    turnclient_begin(&c, TURN_CREATE_PERMISSION);
    turnclient_peer(&c, "198.51.100.3:4000");
    turnclient_peer(&c, "198.51.100.4:0");
    turnclient_peer(&c, "198.51.100.3:4001");
    turnclient_peer(&c, "192.0.2.1:9");
    CHECK_EQ_INT(turnclient_ask(&c), 0);
    CHECK_EQ_INT(turnhost_figures(&host).permissions, 3);
    TURNHOST_CLOSE(&host);
}

TEST(a_foreign_peer_needs_a_socket_and_our_own_do_not)
{
    SETUP(c);

    CHECK_EQ_INT(turnclient_allocate(&c), 0);
    host.no_foreign = true;
    CHECK_EQ_INT(turnclient_permit(&c, "198.51.100.5:4000"), 508);
    CHECK_EQ_INT(turnclient_bind(&c, 0x4000, "198.51.100.5:4000"), 508);
    CHECK_EQ_INT(turnclient_permit(&c, "192.0.2.1:10000"), 0);
    CHECK_EQ_INT(turnclient_bind(&c, 0x4000, "192.0.2.1:10000"), 0);
    CHECK_EQ_INT(turnhost_figures(&host).permissions, 1);
    CHECK_EQ_INT(turnhost_figures(&host).refused_capacity, 2);
    host.no_foreign = false;
    CHECK_EQ_INT(turnclient_permit(&c, "198.51.100.5:4000"), 0);
    TURNHOST_CLOSE(&host);
}

TEST(permissions_have_a_limit)
{
    char peer[32];
    SETUP(c);

    CHECK_EQ_INT(turnclient_allocate(&c), 0);
    for (unsigned i = 0; i < 128; i++) {
        snprintf(peer, sizeof(peer), "198.51.100.%u:1", i);
        CHECK_EQ_INT(turnclient_permit(&c, peer), 0);
    }
    CHECK_EQ_INT(turnclient_permit(&c, "198.51.100.128:1"), 508);
    CHECK_EQ_INT(turnhost_figures(&host).permissions, 128);
    CHECK_EQ_INT(turnclient_permit(&c, "198.51.100.5:1"), 0); /* a known one is refreshed all the same */
    TURNHOST_CLOSE(&host);
}

TEST(channels_of_all_numbers_one_to_one_with_peers)
{
    static const uint16_t wrong[] = {0, 1, 0x3fff, 0x8000, 0xffff};
    SETUP(c);

    CHECK_EQ_INT(turnclient_allocate(&c), 0);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        CHECK_EQ_INT(turnclient_bind(&c, wrong[i], "198.51.100.3:4000"), 400);
    turnclient_begin(&c, TURN_CHANNEL_BIND);
    turnclient_peer(&c, "198.51.100.3:4000");
    CHECK_EQ_INT(turnclient_ask(&c), 400);
    turnclient_begin(&c, TURN_CHANNEL_BIND);
    stun_put_u32(&c.w, TURN_CHANNEL_NUMBER, 0x40000000);
    CHECK_EQ_INT(turnclient_ask(&c), 400);
    CHECK_EQ_INT(turnclient_bind(&c, 0x4000, "198.51.100.3:4000"), 0);
    CHECK_EQ_INT(turnclient_bind(&c, 0x7fff, "198.51.100.3:4001"), 0);
    CHECK_EQ_INT(turnclient_bind(&c, 0x5000, "192.0.2.1:10000"), 0);
    CHECK_EQ_INT(turnclient_bind(&c, 0x4000, "198.51.100.3:4000"), 0);   /* refreshed */
    CHECK_EQ_INT(turnclient_bind(&c, 0x4000, "198.51.100.3:4002"), 400); /* another peer */
    CHECK_EQ_INT(turnclient_bind(&c, 0x4001, "198.51.100.3:4000"), 400); /* another number */
    CHECK_EQ_INT(turnclient_bind(&c, 0x4001, "192.0.2.1:5060"), 403);
    CHECK_EQ_INT(turnclient_bind(&c, 0x4001, "[2001:db8:f::3]:4000"), 443);
    CHECK_EQ_INT(turnclient_bind(&c, 0x4001, "[::1]:4000"), 443); /* the family comes first: RFC 8656 12.2 */
    CHECK_EQ_INT(turnhost_figures(&host).channels, 3);
    CHECK_EQ_INT(turnhost_figures(&host).permissions, 2);
    TURNHOST_CLOSE(&host);
}

TEST(limits_of_allocations_answer_486)
{
    const struct turn_limits l = {.allocations = 3, .allocations_per_user = 2, .allocations_per_source = 2};
    struct turnclient c[5];
    const char *const from[] = {"203.0.113.7:1", "203.0.113.7:2", "203.0.113.8:1", "203.0.113.7:4",
                                "203.0.113.9:1"};
    const char *const who[] = {"5001", "5001", "5001", "5002", "5003"};
    const unsigned code[] = {0, 0, 486, 486, 0};

    CHECK(!turnhost_open_server(&host, &l));
    for (size_t i = 0; i < 5; i++) {
        turnclient_init(&c[i], &host, from[i], who[i]);
        CHECK_EQ_INT(turnclient_allocate(&c[i]), code[i]);
    }
    CHECK_EQ_INT(turnclient_refresh(&c[1], 0), 0);
    CHECK_EQ_INT(turnclient_allocate(&c[2]), 0);
    CHECK_EQ_INT(turnclient_allocate(&c[3]), 486); /* all together */
    CHECK_EQ_INT(turnhost_figures(&host).refused_quota, 3);
    CHECK_EQ_INT(turnhost_figures(&host).users, 2);
    TURNHOST_CLOSE(&host);
}

TEST(strangers_cost_nothing_and_are_not_answered_without_end)
{
    const struct turn_limits l = {.challenges_per_second = 5, .bindings_per_second = 7};
    struct turnclient c;
    unsigned answered = 0, bound = 0;

    CHECK(!turnhost_open_server(&host, &l));
    for (unsigned i = 0; i < 20; i++) {
        turnclient_init(&c, &host, "203.0.113.7:40000", "5001");
        addr_set_port(&c.flow.client, (uint16_t)(1000 + i));
        turnclient_begin(&c, TURN_ALLOCATE);
        turnclient_send(&c);
        answered += turnclient_code(&c) == 401;
        turnclient_begin(&c, STUN_BINDING);
        turnclient_send(&c);
        bound += turnclient_code(&c) == 0;
    }
    CHECK_EQ_INT(answered, 5);
    CHECK_EQ_INT(bound, 7);
    CHECK_EQ_INT(turnhost_figures(&host).silenced, 15 + 13);
    turnhost_pass(&host, 1);
    CHECK(turnclient_challenge(&c));
    CHECK_EQ_INT(turnclient_allocate(&c), 0); /* with a credential there is no such limit */
    TURNHOST_CLOSE(&host);
}

#ifdef TESTING_OOM
TEST(strangers_and_relayed_datagrams_allocate_nothing)
{
    static const uint8_t stranger[] = {0,   TURN_ALLOCATE, 0,   0,   0x21, 0x12, 0xa4, 0x42, 't', 'r',
                                       'a', 'n',           's', 'a', 'c',  't',  'i',  'o',  'n', ' '};
    static const uint8_t data[] = {0x40, 0, 0, 4, 'd', 'a', 't', 'a'};
    struct addr peer;
    uint64_t before;
    SETUP(c);

    CHECK_EQ_INT(turnclient_allocate(&c), 0);
    CHECK_EQ_INT(turnclient_bind(&c, 0x4000, "198.51.100.3:4000"), 0);
    CHECK(!addr_parse(&peer, "198.51.100.3:4000"));
    before = oom_seen;
    for (unsigned i = 0; i < 10000; i++) {
        struct turn_flow f = c.flow;

        turn_server_recv(host.server, &c.flow, data, sizeof(data), host.now_us);
        turn_server_from_peer(host.server, host.opened, &peer, false, data, sizeof(data), host.now_us);
        f.client.u.in.sin_addr.s_addr ^= i;
        f.proto = TURN_TCP;
        turn_server_recv(host.server, &f, stranger, sizeof(stranger), host.now_us);
    }
    CHECK_EQ_INT(oom_seen - before, 0);
    CHECK_EQ_INT(turnhost_figures(&host).challenged, 10001);
    CHECK_EQ_INT(turnhost_figures(&host).to_peer + turnhost_figures(&host).to_client, 20000);
    TURNHOST_CLOSE(&host);
}
#endif

TEST(a_host_without_room_loses_answers_only)
{
    SETUP(c);

    CHECK(turnclient_challenge(&c));
    host.no_room = true;
    CHECK_EQ_INT(turnclient_allocate(&c), 999);
    host.no_room = false;
    CHECK_EQ_INT(turnhost_figures(&host).dropped_room, 1);
    CHECK_EQ_INT(turnclient_refresh(&c, 600), 0);
    TURNHOST_CLOSE(&host);
}
