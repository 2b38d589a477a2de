/* Addresses: what people write, what the kernel hands over, and that equal addresses compare and hash equal. */
#include "addrs.h"
#include "testing.h"

#include "core/addr.h"

#include <arpa/inet.h>
#include <errno.h>

static struct addr parsed(const char *s)
{
    struct addr a = {0};

    CHECK_OR(!addr_parse(&a, s), );
    return a;
}

TEST(parse_and_print_round_trip)
{
    static const char *const good[] = {"1.2.3.4:5060", "[::1]:5060", "[2001:db8::1]:0",
                                       "255.255.255.255:65535"};

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct addr a = parsed(good[i]);
        char buf[ADDR_STRLEN];

        CHECK_STR(addr_str(&a, buf, sizeof(buf)), good[i]);
    }
}

TEST(parse_refuses_what_is_no_address)
{
    static const char *const bad[] = {
        "",         "1.2.3.4",       "1.2.3.4:",  "1.2.3.4:65536", "1.2.3.4:-1", "1.2.3.4:5x",
        "::1:5060", "[::1]",         "[::1:5060", "1.2.3:5060",    "host:5060",  ":5060",
        "[::1]]:1", "1.2.3.4 :5060", "::1]:5060", "1.2.3.4]:5060", "[1.2.3.4:1"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct addr a;

        if (!addr_parse(&a, bad[i])) {
            testing_fail(__FILE__, __LINE__, "accepted \"%s\"", bad[i]);
            return;
        }
    }
}

TEST(mapped_ipv4_is_ipv4)
{
    struct addr v4 = parsed("10.1.2.3:5060"), mapped;
    struct sockaddr_in6 in6;

    CHECK_EQ_INT(addr_to_in6(&v4, &in6), sizeof(in6));
    CHECK(IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr));
    addr_set_sockaddr(&mapped, (const struct sockaddr *)&in6);
    CHECK_EQ_INT(addr_af(&mapped), AF_INET);
    CHECK(addr_eq(&mapped, &v4));
    CHECK_EQ_INT(addr_parse_ip(&mapped, "::ffff:10.1.2.3", 5060), 0);
    CHECK(addr_eq(&mapped, &v4));
}

TEST(equality_is_address_and_port)
{
    struct addr a = parsed("10.1.2.3:1"), b = parsed("10.1.2.3:2"), c = parsed("[::1]:1");

    CHECK(!addr_eq(&a, &b));
    CHECK(addr_eq_ip(&a, &b));
    CHECK(!addr_eq_ip(&a, &c));
    addr_set_port(&b, 1);
    CHECK(addr_eq(&a, &b));
}

TEST(kinds)
{
    struct addr any4 = parsed("0.0.0.0:1"), any6 = parsed("[::]:1"), lo = parsed("127.8.8.8:1"),
                ll = parsed("[fe80::1]:1"), ll4 = parsed("169.254.1.1:1"), global = parsed("192.0.2.1:1"),
                none = {0};

    CHECK(addr_is_any(&any4) && addr_is_any(&any6) && !addr_is_any(&lo));
    CHECK(addr_is_loopback(&lo) && !addr_is_loopback(&global));
    CHECK(addr_is_linklocal(&ll) && addr_is_linklocal(&ll4) && !addr_is_linklocal(&global));
    CHECK(!addr_isset(&none, false) && !addr_is_any(&none) && !addr_eq(&none, &none));
    addr_set_port(&global, 0);
    CHECK(addr_isset(&global, false) && !addr_isset(&global, true));
}

TEST(unknown_family_is_unset)
{
    struct sockaddr sa = {.sa_family = AF_UNIX};
    struct addr a;
    char buf[ADDR_STRLEN];

    addr_set_sockaddr(&a, &sa);
    CHECK(!addr_isset(&a, false));
    CHECK_STR(addr_ip(&a, buf, sizeof(buf)), "-");
}

TEST(source_towards_loopback_is_loopback)
{
    struct addr dst = parsed("127.0.0.1:5060"), src;

    CHECK_EQ_INT(addr_source_for(&src, &dst), 0);
    CHECK(addr_is_loopback(&src));
    CHECK_EQ_INT(addr_port(&src), 0);
}

/* Index of the address to use towards dst among those that we bound. */
static int chosen(const char *a, const char *b, const char *dst)
{
    struct addr v[2], d;
    size_t n = 0;

    addr_parse_ip(&v[n++], a, 0);
    if (b)
        addr_parse_ip(&v[n++], b, 0);
    addr_parse_ip(&d, dst, 5060);
    return (int)addr_choose(v, n, &d);
}

TEST(choose_what_reaches)
{
    CHECK_EQ_INT(chosen("0.0.0.0", "::", "127.0.0.1"), 0);
    CHECK_EQ_INT(chosen("0.0.0.0", "::", "::1"), 1);
    CHECK_EQ_INT(chosen("0.0.0.0", NULL, "::1"), 1); /* none */
    CHECK_EQ_INT(chosen("192.0.2.1", "127.0.0.2", "127.0.0.1"), 1);
    CHECK_EQ_INT(chosen("127.0.0.2", "192.0.2.1", "198.51.100.1"), 1);
    CHECK_EQ_INT(chosen("192.0.2.1", NULL, "127.0.0.1"), 0);
    CHECK_EQ_INT(chosen("127.0.0.2", NULL, "192.0.2.1"), 0);
}

TEST(resolve_localhost)
{
    struct addr a;
    size_t n;

    CHECK_EQ_INT(addr_resolve_all(&a, 1, &n, "localhost", 5060), 0);
    CHECK(addr_is_loopback(&a));
    CHECK_EQ_INT(addr_port(&a), 5060);
    CHECK_EQ_INT(addr_resolve_all(&a, 1, &n, "10.0.0.1", 1), 0);
}

TEST(interfaces_are_global_ones)
{
    struct addr v[32];
    size_t n = addr_interfaces(v, 32);

    for (size_t i = 0; i < n; i++)
        CHECK(!addr_is_loopback(&v[i]) && !addr_is_linklocal(&v[i]));
}

TEST(an_address_is_in_a_network_or_not)
{
    static const struct {
        const char *ip, *net;
        bool in;
    } v[] = {{"10.1.2.3", "10.1.0.0/16", true},        {"10.2.2.3", "10.1.0.0/16", false},
             {"10.1.2.3", "0.0.0.0/0", true},          {"::1", "0.0.0.0/0", false},
             {"192.0.2.127", "192.0.2.0/25", true},    {"192.0.2.128", "192.0.2.0/25", false},
             {"2001:db8::7", "2001:db8::/32", true},   {"2001:db9::7", "2001:db8::/32", false},
             {"::ffff:10.1.2.3", "10.1.0.0/16", true}, {"192.0.2.7", "192.0.2.7", true},
             {"192.0.2.8", "192.0.2.7", false}};
    struct addr a, base;
    unsigned bits;

    for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
        CHECK_EQ_INT(addr_parse_ip(&a, v[i].ip, 0), 0);
        CHECK_EQ_INT(addr_parse_net(&base, &bits, v[i].net), 0);
        CHECK_EQ_INT(addr_in_net(&a, &base, bits), v[i].in);
    }
}
