/* The TURN server with its thread and real sockets: every transport, peers inside and outside, and what happens when ports or descriptors
 * run out. */
/* TSAN */
#include "live.h"

#include <sys/resource.h>

static unsigned client_end(struct client *c)
{
    client_begin(c, TURN_REFRESH);
    stun_put_u32(&c->w, TURN_LIFETIME, 0);
    return client_ask(c);
}

/* text, of 5 letters, which makes padding. */
static bool client_data(const struct client *c, const char *text)
{
    uint8_t p[12] = {CHANNEL >> 8, CHANNEL & 0xff, 0, 5};
    size_t n = c->stream ? 12 : 9;

    memcpy(p + 4, text, 5);
    return send(c->fd, p, n, MSG_NOSIGNAL) == (ssize_t)n;
}

static bool client_hears(struct client *c, const char *text)
{
    return client_read(c) >= 9 && c->in[0] == CHANNEL >> 8 && c->in[3] == 5 && !memcmp(c->in + 4, text, 5);
}

/* ---- peers ---- */

/* What the worker is sent next, sent back in capitals. */
static bool worker_answers(const char *text, const char *answer)
{
    struct wire_packet p;

    while (!wire_read(worker, &p, 1)) {
        if (!wire_sleep(worker))
            continue;
        if (!readable(wire_fd(worker)))
            return false;
        wire_woken(worker);
    }
    return p.n == 5 && !memcmp(p.p, text, 5) && addr_eq(&p.dst, &own) &&
           wire_send(worker, &p.dst, &p.src, (const uint8_t *)answer, 5);
}

static int peer_open(struct addr *at)
{
    struct sockaddr_in sin;
    socklen_t len = sizeof(sin);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (bind(fd, &loopback.u.sa, addr_len(&loopback)) || getsockname(fd, (struct sockaddr *)&sin, &len))
        return -1;
    addr_set_sockaddr(at, (struct sockaddr *)&sin);
    return fd;
}

static bool peer_answers(int fd, const char *text, const char *answer)
{
    char p[64];
    struct sockaddr_in from;
    socklen_t len = sizeof(from);

    return readable(fd) && recvfrom(fd, p, sizeof(p), 0, (struct sockaddr *)&from, &len) == 5 &&
           !memcmp(p, text, 5) && sendto(fd, answer, 5, 0, (struct sockaddr *)&from, len) == 5;
}

/* ---- what is served ---- */

TEST(binding_by_udp_and_tcp_on_one_port)
{
    static const int types[] = {SOCK_DGRAM, SOCK_STREAM};

    CHECK_EQ_INT(started(49152, 49200), 0);
    for (unsigned i = 0; i < 2; i++) {
        struct sockaddr_in sin;
        socklen_t len = sizeof(sin);
        struct addr we, told;
        struct client c;

        client_init(&c, connected(types[i]), i);
        CHECK(c.fd >= 0 && !getsockname(c.fd, (struct sockaddr *)&sin, &len));
        addr_set_sockaddr(&we, (struct sockaddr *)&sin);
        client_begin(&c, STUN_BINDING);
        CHECK_EQ_INT(client_ask(&c), 0);
        CHECK(stun_get_xaddr(&c.v, STUN_XOR_MAPPED_ADDRESS, &told) && addr_eq(&told, &we));
        close(c.fd);
    }
    CHECK(figure_reaches("dngate_turn_bindings_total", 2));
    stopped();
}

/* Both ways between a client and a peer of ours, and one that is not, by both transports. */
TEST(peers_inside_and_outside_by_udp_and_tcp)
{
    static const int types[] = {SOCK_DGRAM, SOCK_STREAM};
    struct addr at;
    int peer;

    CHECK_EQ_INT(started(49152, 65000), 0);
    peer = peer_open(&at);
    CHECK(peer >= 0);
    for (unsigned i = 0; i < 4; i++) {
        bool inside = i & 1;
        struct client c;

        client_init(&c, connected(types[i / 2]), i / 2);
        CHECK_EQ_INT(client_allocate(&c), 0);
        CHECK_EQ_INT(client_bind(&c, inside ? &own : &at), 0);
        CHECK(client_data(&c, "hello"));
        CHECK(inside ? worker_answers("hello", "HELLO") : peer_answers(peer, "hello", "HELLO"));
        CHECK(client_hears(&c, "HELLO"));
        CHECK_EQ_INT(client_end(&c), 0);
        close(c.fd);
    }
    CHECK(figure_reaches("dngate_turn_own_packets_total", 4));
    CHECK(figure_reaches("dngate_turn_foreign_packets_total{direction=\"out\"}", 2));
    CHECK(figure_reaches("dngate_turn_allocations_total{event=\"closed\"}", 4));
    CHECK_EQ_INT(figure("dngate_turn_allocations"), 0);
    close(peer);
    stopped();
}

/* When public.address means another address: calls that are there go on, new ones are told. */
TEST(another_address_is_told_from_then_on)
{
    struct addr other, told = {0};
    struct client before, after;

    CHECK(!addr_parse_ip(&other, "127.0.0.2", 0));
    CHECK_EQ_INT(started(49152, 49200), 0);
    client_init(&before, connected(SOCK_DGRAM), false);
    CHECK_EQ_INT(client_allocate(&before), 0);
    CHECK(stun_get_xaddr(&before.v, TURN_XOR_RELAYED_ADDRESS, &told) && addr_eq_ip(&told, &loopback));
    CHECK_EQ_INT(client_bind(&before, &own), 0);
    CHECK_EQ_INT(turn_set_told(turn, &other, 1), 0);
    client_init(&after, connected(SOCK_DGRAM), false);
    for (unsigned i = 0; i < WAIT_MS / 50 && !addr_eq_ip(&told, &other); i++) {
        if (i)
            CHECK_EQ_INT(client_end(&after), 0); /* its thread had not heard yet */
        CHECK_EQ_INT(client_allocate(&after), 0);
        CHECK(stun_get_xaddr(&after.v, TURN_XOR_RELAYED_ADDRESS, &told));
    }
    CHECK(addr_eq_ip(&told, &other));
    CHECK_EQ_INT(client_bind(&after, &own), 0);
    for (unsigned i = 0; i < 2; i++) {
        CHECK(client_data(i ? &after : &before, "hello"));
        CHECK(worker_answers("hello", "HELLO"));
        CHECK(client_hears(i ? &after : &before, "HELLO"));
    }
    close(before.fd);
    close(after.fd);
    stopped();
}

/* Nobody outside may be reached: calls go on inside, and no socket is ever opened. */
TEST(without_foreign_peers_there_are_no_relay_sockets)
{
    struct turn_rules rules = {.own = &own, .own_n = 1};
    struct addr at;
    struct client c;
    int peer;

    CHECK_EQ_INT(started(49152, 65000), 0);
    CHECK_EQ_INT(turn_set_rules(turn, &rules), 0);
    peer = peer_open(&at);
    client_init(&c, connected(SOCK_DGRAM), false);
    CHECK_EQ_INT(client_allocate(&c), 0);
    CHECK_EQ_INT(client_bind(&c, &at), 403);
    close(peer);
    close(c.fd);
    CHECK(figure_reaches("dngate_turn_allocations", 1));
    CHECK_EQ_INT(figure("dngate_turn_relay_sockets"), 0);
    stopped();
}

/* ---- what runs out ---- */

TEST(relay_ports_run_out_and_come_back)
{
    struct client c[3];

    CHECK_EQ_INT(started(49200, 49201), 0);
    for (unsigned i = 0; i < 3; i++) {
        client_init(&c[i], connected(SOCK_DGRAM), false);
        CHECK_EQ_INT(client_allocate(&c[i]), i < 2 ? 0 : 508);
    }
    CHECK_EQ_INT(client_end(&c[0]), 0);
    CHECK_EQ_INT(client_allocate(&c[2]), 0);
    for (unsigned i = 0; i < 3; i++)
        close(c[i].fd);
    stopped();
}

/* Without descriptors an address has no socket: peers inside are reached, the others when descriptors are there again. */
TEST(descriptors_run_out_and_come_back)
{
    struct rlimit was, none;
    struct addr at;
    struct client c;
    int peer, highest;

    CHECK_EQ_INT(started(49152, 65000), 0);
    peer = peer_open(&at);
    client_init(&c, connected(SOCK_DGRAM), false);
    CHECK(c.fd >= 0 && !getrlimit(RLIMIT_NOFILE, &was));
    highest = dup(0); /* the lowest that is free: from there on there shall be none */
    close(highest);
    none = (struct rlimit){(rlim_t)highest, was.rlim_max};
    CHECK(!setrlimit(RLIMIT_NOFILE, &none));
    CHECK_EQ_INT(client_allocate(&c), 0);
    CHECK_EQ_INT(client_bind(&c, &at), 508);
    CHECK(!setrlimit(RLIMIT_NOFILE, &was));
    CHECK_EQ_INT(client_bind(&c, &at), 0);
    CHECK(client_data(&c, "hello") && peer_answers(peer, "hello", "HELLO") && client_hears(&c, "HELLO"));
    close(peer);
    close(c.fd);
    stopped();
}

TEST(a_taken_port_is_said)
{
    struct turn *second = NULL;
    char why[256] = "";

    CHECK_EQ_INT(started(49152, 65000), 0);
    setup.port = turn_port(turn);
    CHECK_EQ_INT(turn_start(&second, &setup, why, sizeof(why)), EADDRINUSE);
    CHECK(strstr(why, "turn.port") && strstr(why, "UDP"));
    setup.bind_count = 0;
    CHECK_EQ_INT(turn_start(&second, &setup, why, sizeof(why)), EINVAL);
    stopped();
}

/* An administrator's user, made and unmade while it runs. */
TEST(users_come_and_go)
{
    bool made = false;
    unsigned code = 0;
    struct client c;

    CHECK_EQ_INT(started(49152, 65000), 0);
    CHECK_EQ_INT(turn_set_user(turn, "anna", SECRET SECRET SECRET SECRET "x"), EINVAL);
    CHECK_EQ_INT(turn_set_user(turn, "anna", "a good one"), 0);
    for (unsigned i = 0; i < WAIT_MS / 10 && !(made && code); i++) { /* changes travel */
        client_init(&c, connected(SOCK_DGRAM), false);
        snprintf(c.name, sizeof(c.name), "anna");
        snprintf(c.password, sizeof(c.password), "a good one");
        code = client_allocate(&c);
        made = made || !code;
        if (made)
            CHECK_EQ_INT(turn_set_user(turn, "anna", NULL), 0);
        close(c.fd);
        (void)poll(NULL, 0, 10);
    }
    CHECK_EQ_INT(code, 401);
    CHECK_EQ_INT(turn_learn(turn, c.name), 0);
    stopped();
}
