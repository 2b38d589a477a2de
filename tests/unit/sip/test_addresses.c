/* Which address of ours a peer is told: by what we bound, by public.address, by where the peer is. */
/* TSAN */
/* SLOW */
#include "testing.h"

#include "core/addr.h"
#include "core/buf.h"
#include "core/health.h"
#include "core/mbox.h"
#include "sip/outside.h"
#include "sip/resolver.h"
#include "sip/stack.h"
#include "sip/trunks.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { WAIT_MS = 10000 };

static struct sip_stack *open_stack(const char *bind1, const char *bind2, const char *public_address)
{
    struct sip_stack_config cfg = {.bind_count = bind2 ? 2 : 1, .software = "dngate/test"};
    struct sip_stack *st = NULL;
    char why[256] = "";

    addr_parse_ip(&cfg.bind[0], bind1, 0);
    if (bind2)
        addr_parse_ip(&cfg.bind[1], bind2, 0);
    snprintf(cfg.public_address, sizeof(cfg.public_address), "%s", public_address);
    if (sip_stack_alloc(&st, &cfg, why, sizeof(why)))
        testing_fail(__FILE__, __LINE__, "%s", why);
    return st;
}

/* What a peer at dst is told, "-" when it cannot be served; without the port, which must be ours. */
static const char *told(const struct sip_stack *st, const char *dst)
{
    static char ip[ADDR_STRLEN];
    struct addr a, d;
    uint16_t port;

    addr_parse_ip(&d, dst, 5060);
    if (sip_stack_laddr(st, &a, &d))
        return "-";
    (void)sip_stack_udp_port(st, &port);
    CHECK_OR(addr_port(&a) == port, ;);
    return addr_ip(&a, ip, sizeof(ip));
}

static bool listens(const struct sip_stack *st, const char *ip)
{
    struct addr a;

    addr_parse_ip(&a, ip, 0);
    return sip_stack_listens(st, &a);
}

TEST(what_is_bound_is_what_loopback_peers_are_told)
{
    static const struct {
        const char *bind1, *bind2, *public_address, *dst, *want;
    } cases[] = {
        {"0.0.0.0", NULL, "", "127.0.0.1", "127.0.0.1"},
        {"0.0.0.0", NULL, "", "127.0.0.9", "127.0.0.1"},
        {"127.0.0.2", NULL, "", "127.0.0.1", "127.0.0.2"},
        {"127.0.0.2", NULL, "192.0.2.1", "127.0.0.1", "127.0.0.2"},
        {"127.0.0.2", NULL, "192.0.2.1", "198.51.100.1", "192.0.2.1"},
        {"127.0.0.2", NULL, "2001:db8::1", "198.51.100.1", "127.0.0.2"},
        {"127.0.0.2", NULL, "", "::1", "-"},
        {"127.0.0.2", "::1", "", "127.0.0.1", "127.0.0.2"},
        {"127.0.0.2", "::1", "", "::1", "::1"},
        {"127.0.0.2", "127.0.0.3", "", "127.0.0.1", "127.0.0.2"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sip_stack *st = open_stack(cases[i].bind1, cases[i].bind2, cases[i].public_address);

        CHECK_OR(st, return );
        CHECK_STR(told(st, cases[i].dst), cases[i].want);
        CHECK_OR(listens(st, cases[i].bind1), ;);
        CHECK_OR(listens(st, "127.0.0.77") == !strcmp(cases[i].bind1, "0.0.0.0"), ;);
        sip_stack_free(st);
    }
}

/* Several public addresses: each peer is told the one that fits. None of them is an interface's. */
TEST(each_peer_is_told_the_address_that_fits)
{
    static const struct {
        const char *public_address, *dst, *want;
    } cases[] = {
        {"192.168.9.5,203.0.113.9", "192.168.9.77", "192.168.9.5"},
        {"203.0.113.9,192.168.9.5", "192.168.9.77", "192.168.9.5"},
        {"192.168.9.5,203.0.113.9", "198.51.100.7", "203.0.113.9"},
        {"203.0.113.9,203.0.113.10", "198.51.100.7", "203.0.113.9"},
        {"10.1.0.5,192.168.9.5,203.0.113.9", "192.168.77.1", "192.168.9.5"}, /* the nearest of them */
        {"10.1.0.5,192.168.9.5,203.0.113.9", "10.9.9.9", "10.1.0.5"},
        {"10.1.0.5,203.0.113.9", "100.64.3.3", "10.1.0.5"},
        {"203.0.113.9", "192.168.9.77", "203.0.113.9"}, /* the only one is everybody's */
        {"192.168.9.5", "198.51.100.7", "192.168.9.5"},
        {"fd00::5,2001:db8::9", "198.51.100.7", "127.0.0.2"}, /* of the other family */
        {"192.168.9.5,203.0.113.9", "127.0.0.1", "127.0.0.2"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sip_stack *st = open_stack("127.0.0.2", NULL, cases[i].public_address);

        CHECK_OR(st, return );
        CHECK_STR(told(st, cases[i].dst), cases[i].want);
        sip_stack_free(st);
    }
}

/* bind.address on an interface, with the lab or another loopback peer. */
TEST(an_interface_that_is_bound_is_told_to_loopback_peers)
{
    struct sip_stack *st;
    char ip[ADDR_STRLEN];
    struct addr v[16];
    size_t n = addr_interfaces(v, 16);

    for (size_t i = 0; i < n; i++) {
        if (addr_af(&v[i]) != AF_INET)
            continue;
        st = open_stack(addr_ip(&v[i], ip, sizeof(ip)), "127.0.0.2", "");
        CHECK_OR(st, return );
        CHECK_STR(told(st, "127.0.0.1"), "127.0.0.2");
        CHECK_STR(told(st, ip), ip);
        sip_stack_free(st);
        st = open_stack(ip, NULL, "");
        CHECK_OR(st, return );
        CHECK_STR(told(st, "127.0.0.1"), ip);
        sip_stack_free(st);
        return;
    }
}

/* ------------------------------------------------------------------ what is sent from where */

static struct trunk_config peers[2];

static int trunks_start_h(struct sip_stack *st, void *arg)
{
    int err = trunks_alloc(arg, st);

    return err ? err : trunks_set(*(struct trunks **)arg, peers, 2);
}

static int trunks_stop_h(struct sip_stack *st, void *arg)
{
    (void)st;
    trunks_free(*(struct trunks **)arg);
    return 0;
}

/* A socket on 127.0.0.1 and a trunk that is there. */
static int trunk_open(struct trunk_config *v, const char *name, int type)
{
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    struct sockaddr_storage ss;
    socklen_t len = sizeof(ss);
    struct addr a;

    addr_parse_ip(&a, "127.0.0.1", 0);
    CHECK_OR(!bind(fd, &a.u.sa, addr_len(&a)) && !getsockname(fd, (struct sockaddr *)&ss, &len), ;);
    CHECK_OR(type == SOCK_DGRAM || !listen(fd, 4), ;);
    addr_set_sockaddr(&a, (struct sockaddr *)&ss);
    *v = (struct trunk_config){.port = addr_port(&a), .transport = type == SOCK_STREAM, .ping_seconds = 60};
    snprintf(v->name, sizeof(v->name), "%s", name);
    snprintf(v->host, sizeof(v->host), "127.0.0.1");
    return fd;
}

/* Who sent the OPTIONS, and does its Via say so? */
static bool from(const struct sockaddr_storage *ss, const char *text, const char *ip)
{
    char via[64], str[ADDR_STRLEN];
    struct addr a;

    addr_set_sockaddr(&a, (const struct sockaddr *)ss);
    snprintf(via, sizeof(via), " %s:", ip);
    return !strcmp(addr_ip(&a, str, sizeof(str)), ip) && strstr(strstr(text, "Via:"), via);
}

TEST(it_is_sent_from_what_is_told)
{
    int udp = trunk_open(&peers[0], "udp", SOCK_DGRAM), tcp = trunk_open(&peers[1], "tcp", SOCK_STREAM), conn;
    struct sip_stack *st = open_stack("127.0.0.2", "::1", "");
    struct sockaddr_storage ss;
    socklen_t len = sizeof(ss);
    struct trunks *trunks = NULL;
    char text[4096] = "";

    CHECK_OR(st && !sip_stack_start(st, trunks_start_h, trunks_stop_h, &trunks), return );
    CHECK_OR(recvfrom(udp, text, sizeof(text) - 1, 0, (struct sockaddr *)&ss, &len) > 0, ;);
    CHECK_OR(from(&ss, text, "127.0.0.2"), ;);
    len = sizeof(ss);
    conn = accept(tcp, (struct sockaddr *)&ss, &len);
    memset(text, 0, sizeof(text));
    CHECK_OR(recv(conn, text, sizeof(text) - 1, 0) > 0, ;);
    CHECK_OR(from(&ss, text, "127.0.0.2"), ;);
    sip_stack_free(st);
    close(conn);
    close(tcp);
    close(udp);
}

/* ------------------------------------------------------------------ public.address as a name */

static _Atomic bool dns_works;

static int lookup_h(struct addr *v, size_t max, size_t *n, const char *host, uint16_t port)
{
    if (!dns_works || strcmp(host, "gw.example") || max < 2)
        return EHOSTUNREACH;
    addr_parse_ip(&v[0], "2001:db8::7", port);
    addr_parse_ip(&v[1], "192.0.2.7", port);
    *n = 2;
    return 0;
}

/* Is this in the health of the box? Waits for it. */
static bool health_says(const char *text)
{
    bool found = false;

    for (int i = 0; i < WAIT_MS && !found; i++) {
        struct buf b;

        buf_init(&b, 8192);
        found = !health_json(&b) && strstr(b.data, text);
        buf_reset(&b);
        (void)poll(NULL, 0, 1);
    }
    return found;
}

/* The stack's own thread may look; so it is asked after it has ended. */
TEST(a_public_name_that_does_not_resolve_yet_is_asked_for_again)
{
    const uint32_t was = resolver_retry_ms;
    struct sip_stack *st;

    health_reset();
    dns_works = false;
    resolver_lookup = lookup_h;
    resolver_retry_ms = 10;
    st = open_stack("127.0.0.2", NULL, "gw.example");
    CHECK_OR(st && !sip_stack_start(st, NULL, NULL, NULL), return );
    CHECK_OR(health_says("public.address=gw.example cannot be resolved"), ;);
    CHECK_OR(health_ready(), ;); /* nothing that a restart could mend */
    dns_works = true;
    CHECK_OR(health_says("\"address\":{\"state\":\"up\""), ;);
    sip_stack_stop(st);
    CHECK_STR(told(st, "198.51.100.1"), "192.0.2.7");
    CHECK_STR(told(st, "127.0.0.1"), "127.0.0.2");
    sip_stack_free(st);
    resolver_retry_ms = was;
}

static _Atomic unsigned lookups;

static int turning_h(struct addr *v, size_t max, size_t *n, const char *host, uint16_t port)
{
    const unsigned turn = lookups++ % 2;

    if (strcmp(host, "two.example") || max < 2)
        return EHOSTUNREACH;
    addr_parse_ip(&v[turn], "192.0.2.7", port);
    addr_parse_ip(&v[!turn], "192.0.2.8", port);
    *n = 2;
    return 0;
}

TEST(another_order_of_the_same_addresses_is_no_change)
{
    const uint32_t was = resolver_again_ms;
    struct sip_stack *st;

    lookups = 0;
    resolver_lookup = turning_h;
    resolver_again_ms = 1;
    st = open_stack("127.0.0.2", NULL, "two.example");
    CHECK_OR(st && !sip_stack_start(st, NULL, NULL, NULL), return );
    for (unsigned turn = 1; turn < 7; turn++) {
        for (int i = 0; i < WAIT_MS && lookups < turn; i++)
            (void)poll(NULL, 0, 1);
        CHECK_OR(lookups >= turn, ;);
    }
    sip_stack_stop(st);
    CHECK_STR(told(st, "198.51.100.1"), "192.0.2.7");
    sip_stack_free(st);
    resolver_again_ms = was;
}

/* ------------------------------------------------------------------ public.address as a STUN server's word */

enum { ICE_PORT = 10000 };

/* The world outside: what it answers to the next question, and how often it was asked. */
static struct {
    struct mbox *answers;
    _Atomic int asked;
    _Atomic int say; /* of the ones below */
} outside;

enum {
    SILENCE,
    ADDRESS,
    OTHER_ADDRESS,
    MOVED_PORT,
    LOOPBACK,
    OTHER_FAMILY,
    REFUSAL,
    OTHER_TID,
    OTHER_SERVER
};

static int ask_h(const struct addr *server, const uint8_t tid[12], void *arg)
{
    struct stun_seen seen = {.server = *server, .port = ICE_PORT};

    (void)arg;
    outside.asked++;
    memcpy(seen.tid, tid, sizeof(seen.tid));
    CHECK_OR(!seen.tid[0] && !seen.tid[1] && !seen.tid[2] && !seen.tid[3], ;);
    addr_parse_ip(&seen.mapped, outside.say == OTHER_ADDRESS ? "203.0.113.8" : "203.0.113.7", ICE_PORT);
    switch (outside.say) {
    case SILENCE:
        return 0;
    case MOVED_PORT:
        addr_set_port(&seen.mapped, 40001);
        break;
    case LOOPBACK:
        addr_parse_ip(&seen.mapped, "127.0.0.1", ICE_PORT);
        break;
    case OTHER_FAMILY:
        addr_parse_ip(&seen.mapped, "2001:db8::7", ICE_PORT);
        break;
    case REFUSAL:
        memset(&seen.mapped, 0, sizeof(seen.mapped));
        seen.code = 400;
        break;
    case OTHER_TID:
        seen.tid[11] ^= 1;
        break;
    case OTHER_SERVER:
        addr_set_port(&seen.server, 3479);
        break;
    default:
        break;
    }
    return mbox_post(outside.answers, &seen);
}

static struct sip_stack *open_outside(const char *public_address, int say)
{
    struct sip_stack_config cfg = {.bind_count = 1, .software = "dngate/test", .outside = {.askh = ask_h}};
    struct sip_stack *st = NULL;
    char why[256] = "";

    health_reset();
    resolver_lookup = addr_resolve_all;
    resolver_retry_ms = resolver_again_ms = 20;
    outside_wait_ms = 1;
    outside.asked = 0;
    outside.say = say;
    addr_parse_ip(&cfg.bind[0], "127.0.0.2", 0);
    snprintf(cfg.public_address, sizeof(cfg.public_address), "%s", public_address);
    if (mbox_alloc(&outside.answers, "test_outside", sizeof(struct stun_seen), 64))
        return NULL;
    cfg.outside.answers = outside.answers;
    if (sip_stack_alloc(&st, &cfg, why, sizeof(why)))
        testing_fail(__FILE__, __LINE__, "%s", why);
    else if (sip_stack_start(st, NULL, NULL, NULL))
        testing_fail(__FILE__, __LINE__, "not started");
    return st;
}

static void close_outside(struct sip_stack *st)
{
    sip_stack_free(st);
    mbox_free(outside.answers, NULL, NULL);
    resolver_retry_ms = 5000;
    resolver_again_ms = 60000;
    outside_wait_ms = 500;
}

/* Until so many more questions have gone out. */
static bool asked_again(int n)
{
    const int until = outside.asked + n;

    for (int i = 0; i < WAIT_MS && outside.asked < until; i++)
        (void)poll(NULL, 0, 1);
    return outside.asked >= until;
}

TEST(what_a_stun_server_sees_is_told)
{
    struct sip_stack *st = open_outside("stun:192.0.2.1", ADDRESS);
    struct sip_public pub;

    CHECK_OR(st, return );
    CHECK_OR(health_says("203.0.113.7:10000 by stun:192.0.2.1"), ;);
    sip_stack_public_copy(st, &pub);
    CHECK_OR(pub.count == 1 && !pub.name[0][0], ;);
    outside.say = OTHER_ADDRESS; /* the provider's router has a new one */
    CHECK_OR(health_says("203.0.113.8:10000 by stun:192.0.2.1"), ;);
    outside.say = SILENCE;
    CHECK_OR(health_says("does not answer any more: 203.0.113.8 stays"), ;);
    CHECK_OR(health_ready(), ;);
    outside.say = MOVED_PORT;
    CHECK_OR(health_says("203.0.113.7:40001 by stun:192.0.2.1"), ;);
    sip_stack_stop(st);
    CHECK_STR(told(st, "198.51.100.1"), "203.0.113.7");
    CHECK_STR(told(st, "127.0.0.1"), "127.0.0.2");
    close_outside(st);
}

/* Who has no way to ask knows nothing, as when nobody answers. */
TEST(a_stun_server_that_cannot_be_asked_does_not_answer)
{
    struct sip_stack *st = open_stack("127.0.0.2", NULL, "stun:192.0.2.1");

    CHECK_OR(st, return );
    health_reset();
    resolver_lookup = addr_resolve_all;
    outside_wait_ms = 1;
    CHECK_OR(!sip_stack_start(st, NULL, NULL, NULL), ;);
    CHECK_OR(health_says("public.address=stun:192.0.2.1 does not answer: the machine's own addresses"), ;);
    sip_stack_free(st);
    outside_wait_ms = 500;
}

TEST(what_is_no_answer_of_its_is_not_believed)
{
    static const int cases[] = {SILENCE, LOOPBACK, OTHER_FAMILY, REFUSAL, OTHER_TID, OTHER_SERVER};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sip_stack *st = open_outside("stun:192.0.2.1", cases[i]);
        struct sip_public pub;

        CHECK_OR(st, return );
        CHECK_OR(health_says("public.address=stun:192.0.2.1 does not answer: the machine's own addresses"),
                 ;);
        CHECK_OR(health_ready(), ;);
        CHECK_OR(asked_again(5), ;); /* it goes on */
        sip_stack_public_copy(st, &pub);
        CHECK_EQ_INT(pub.count, 0);
        outside.say = ADDRESS;
        CHECK_OR(health_says("\"address\":{\"state\":\"up\""), ;);
        close_outside(st);
    }
}

/* The Internet's word is for the Internet: a peer in a private network is told the address that is listed for it. */
TEST(a_list_of_the_lan_and_what_is_seen)
{
    struct sip_stack *st = open_outside("192.168.9.5 stun:192.0.2.1", ADDRESS);
    struct sip_public pub;

    CHECK_OR(st, return );
    CHECK_OR(health_says("203.0.113.7:10000 by"), ;);
    sip_stack_public_copy(st, &pub);
    CHECK_EQ_INT(pub.count, 2);
    sip_stack_stop(st);
    CHECK_STR(told(st, "198.51.100.1"), "203.0.113.7");
    CHECK_STR(told(st, "192.168.9.9"), "192.168.9.5");
    close_outside(st);
}
