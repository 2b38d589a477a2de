/* The TURN server with its thread and real sockets: every transport, peers inside and outside, connections that are handed over, those who
 * do not read or say nothing of use, and what happens when ports or descriptors run out. */
/* TSAN */
#define TESTING_NO_OOM "threads and sockets: what they wait for would not come"
#include "testing.h"

#include "crypto/hash.h"
#include "metrics.h"
#include "net/wire.h"
#include "stun/stun.h"
#include "turn/codec.h"
#include "turn/turn.h"

#include <errno.h>
#include <poll.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SECRET "0123456789abcdef0123456789abcdef"
#define REALM "dngate"

enum { WAIT_MS = 30000 /* for what certainly comes */, OWN_PORT = 10000, CHANNEL = 0x4001 };

static struct turn *turn;
static struct wire *wire;
static struct wire_end *worker; /* this thread's */
static struct addr loopback, own;
static struct turn_net allow;
static struct turn_setup setup;

/* ---- a server ---- */

static int started(uint16_t relay_min, uint16_t relay_max)
{
    char why[256] = "";
    int err = addr_parse_ip(&loopback, "127.0.0.1", 0);

    own = loopback;
    addr_set_port(&own, OWN_PORT);
    allow = (struct turn_net){loopback, 8};
    if (!err)
        err = wire_alloc(&wire);
    if (!err)
        err = wire_open(&worker, wire, &loopback, 1);
    if (!err)
        err = wire_claim(worker, OWN_PORT);
    setup = (struct turn_setup){
        .server = {.realm = REALM, .secret = SECRET, .secret_len = 32},
        .rules = {.own = &own, .own_n = 1, .allow = &allow, .allow_n = 1, .loopback = true},
        .bind = &loopback,
        .bind_count = 1,
        .relayed = {{loopback, loopback}},
        .relayed_count = 1,
        .relay_min = relay_min,
        .relay_max = relay_max,
        .wire = wire,
    };
    if (!err)
        err = turn_start(&turn, &setup, why, sizeof(why));
    if (err)
        printf("%s\n", why);
    return err;
}

static void stopped(void)
{
    turn_stop(turn);
    turn = NULL;
    wire_free(wire);
    wire = NULL;
}

/* Of /metrics, when its thread has had time to tell: once in half a second. */
static double figure(const char *series)
{
    return metric_value(series);
}

static bool figure_reaches(const char *series, double v)
{
    for (unsigned i = 0; i < WAIT_MS / 50 && figure(series) < v; i++)
        (void)poll(NULL, 0, 50);
    return figure(series) >= v;
}

/* ---- a client ---- */

struct client {
    int fd;
    bool stream;
    char name[64], password[TURN_REST_PASSWORD_LEN], nonce[256];
    uint8_t tid[STUN_TID_LEN], out[1500], in[4096];
    size_t in_n;
    struct stun_writer w;
    struct stun_view v; /* of the last answer */
};

static bool readable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    return poll(&p, 1, WAIT_MS) == 1;
}

static int connected(int type)
{
    struct addr to = loopback;
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

    addr_set_port(&to, turn_port(turn));
    if (fd >= 0 && connect(fd, &to.u.sa, addr_len(&to))) {
        close(fd);
        return -1;
    }
    return fd;
}

static void client_init(struct client *c, int fd, bool stream)
{
    memset(c, 0, sizeof(*c));
    c->fd = fd;
    c->stream = stream;
    (void)turn_rest_name(c->name, sizeof(c->name), (int64_t)time(NULL) + 3600, "5001");
    turn_rest_password(c->password, SECRET, 32, c->name);
}

/* The next message into in; its length, 0 at the end. */
static size_t client_read(struct client *c)
{
    size_t want = c->stream ? 4 : sizeof(c->in);

    for (c->in_n = 0; c->in_n < want;) {
        ssize_t n = readable(c->fd) ? recv(c->fd, c->in + c->in_n, want - c->in_n, 0) : -1;

        if (n <= 0)
            return 0;
        c->in_n += (size_t)n;
        if (!c->stream)
            break;
        if (c->in_n == 4)
            want = ((size_t)(c->in[2] << 8 | c->in[3]) + (c->in[0] & 0x40 ? 4 : 20) + 3) & ~(size_t)3;
    }
    return c->in_n;
}

static void client_begin(struct client *c, uint16_t method)
{
    c->tid[0]++;
    stun_begin(&c->w, c->out, sizeof(c->out), method, STUN_REQUEST, c->tid);
}

static void client_sign(struct client *c)
{
    char text[256];
    uint8_t key[MD5_LEN];

    if (!*c->nonce)
        return;
    hash_md5(key, text, (size_t)snprintf(text, sizeof(text), "%s:%s:%s", c->name, REALM, c->password));
    stun_put(&c->w, STUN_USERNAME, c->name, strlen(c->name));
    stun_put(&c->w, STUN_REALM, REALM, strlen(REALM));
    stun_put(&c->w, STUN_NONCE, c->nonce, strlen(c->nonce));
    stun_put_integrity(&c->w, key, sizeof(key));
}

/* Sends what was begun; the code of the answer, 0 = success, 999 = none. Data that comes meanwhile is passed over. */
static unsigned client_ask(struct client *c)
{
    size_t n;

    client_sign(c);
    if (stun_end(&c->w, &n) || send(c->fd, c->out, n, MSG_NOSIGNAL) != (ssize_t)n)
        return 999;
    while (client_read(c))
        if (!stun_parse(&c->v, c->in, c->in_n) && !memcmp(c->v.tid, c->tid, STUN_TID_LEN))
            return c->v.cls == STUN_SUCCESS ? 0 : stun_get_error(&c->v);
    return 999;
}

static unsigned client_allocate(struct client *c)
{
    unsigned code = 0;

    for (unsigned i = 0; i < 2; i++) {
        const uint8_t *nonce;
        size_t n;

        client_begin(c, TURN_ALLOCATE);
        stun_put_u32(&c->w, TURN_REQUESTED_TRANSPORT, 17u << 24);
        code = client_ask(c);
        nonce = code == 401 ? stun_get(&c->v, STUN_NONCE, &n) : NULL;
        if (!nonce || n >= sizeof(c->nonce))
            break;
        memcpy(c->nonce, nonce, n);
        c->nonce[n] = 0;
    }
    return code;
}

static unsigned client_bind(struct client *c, const struct addr *peer)
{
    client_begin(c, TURN_CHANNEL_BIND);
    stun_put_u32(&c->w, TURN_CHANNEL_NUMBER, (uint32_t)CHANNEL << 16);
    stun_put_xaddr(&c->w, TURN_XOR_PEER_ADDRESS, peer);
    return client_ask(c);
}

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

/* ---- connections ---- */

static sem_t gone;
static atomic_uint gone_count;

static void gone_h(void *arg, const struct addr *client)
{
    (void)arg;
    (void)client;
    atomic_fetch_add(&gone_count, 1);
    sem_post(&gone);
}

/* Two ends of a TCP connection. */
static int tcp_pair(int fd[2])
{
    struct sockaddr_in sin;
    socklen_t len = sizeof(sin);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    fd[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    fd[1] = -1;
    if (!bind(listener, &loopback.u.sa, addr_len(&loopback)) && !listen(listener, 1) &&
        !getsockname(listener, (struct sockaddr *)&sin, &len) &&
        !connect(fd[0], (struct sockaddr *)&sin, sizeof(sin)))
        fd[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    close(listener);
    return fd[1] < 0;
}

TEST(an_adopted_connection_goes_on_from_its_early_bytes)
{
    struct turn_stream_in in = {.goneh = gone_h};
    struct client c;
    int fd[2];

    CHECK_EQ_INT(started(49152, 65000), 0);
    sem_init(&gone, 0, 0);
    atomic_store(&gone_count, 0);
    CHECK_EQ_INT(tcp_pair(fd), 0);
    client_init(&c, fd[0], true);
    client_begin(&c, STUN_BINDING);
    in.fd = fd[1];
    in.client = in.local = own;
    in.early = malloc(12); /* the rest comes by the socket */
    in.early_n = 12;
    CHECK(in.early);
    memcpy(in.early, c.out, 12);
    CHECK_EQ_INT(turn_adopt(turn, &in), 0);
    CHECK(send(fd[0], c.out + 12, STUN_HDR_LEN - 12, 0) == STUN_HDR_LEN - 12);
    CHECK(client_read(&c) && !stun_parse(&c.v, c.in, c.in_n) && c.v.cls == STUN_SUCCESS);
    CHECK_EQ_INT(client_allocate(&c), 0);
    close(fd[0]);
    CHECK_EQ_INT(sem_wait(&gone), 0);
    CHECK(figure_reaches("dngate_turn_allocations_total{event=\"closed\"}", 1));

    CHECK_EQ_INT(tcp_pair(fd), 0); /* one that is open when the server ends */
    in.fd = fd[1];
    in.early = NULL;
    CHECK_EQ_INT(turn_adopt(turn, &in), 0);
    stopped();
    CHECK_EQ_INT(atomic_load(&gone_count), 2);
    close(fd[0]);
    sem_destroy(&gone);
}

TEST(who_does_not_speak_turn_is_cut_off)
{
    static const char *const said[] = {"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
                                       "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03------------",
                                       "\x00\x01\x00\x08zzzzzzzzzzzzzzzzzzzz", "REGISTER sip:a SIP/2.0\r\n"};

    CHECK_EQ_INT(started(49152, 65000), 0);
    for (unsigned i = 0; i < 4; i++) {
        struct client c;

        client_init(&c, connected(SOCK_STREAM), true);
        CHECK(send(c.fd, said[i], 20, MSG_NOSIGNAL) == 20);
        CHECK_EQ_INT(client_read(&c), 0);
        close(c.fd);
    }
    CHECK(figure_reaches("dngate_turn_streams_cut_total{reason=\"not_turn\"}", 4));
    CHECK_EQ_INT(figure("dngate_turn_streams{transport=\"tcp\"}"), 0);
    stopped();
}

TEST(one_source_has_so_many_connections_and_no_more)
{
    enum { MORE = 20, MOST = 256 /* STREAMS_PER_SOURCE */ };
    static int fd[MOST + MORE];
    unsigned closed = 0;
    struct client c;

    CHECK_EQ_INT(started(49152, 65000), 0);
    for (unsigned i = 0; i < MOST + MORE; i++)
        CHECK((fd[i] = connected(SOCK_STREAM)) >= 0);
    for (unsigned i = MOST; i < MOST + MORE; i++) {
        char byte;

        closed += readable(fd[i]) && recv(fd[i], &byte, 1, 0) <= 0;
    }
    CHECK_EQ_INT(closed, MORE);
    client_init(&c, fd[0], true);
    CHECK_EQ_INT(client_allocate(&c), 0); /* is no stranger any more: makes room for another */
    c.fd = connected(SOCK_STREAM);
    client_begin(&c, STUN_BINDING);
    *c.nonce = 0;
    CHECK_EQ_INT(client_ask(&c), 0);
    close(c.fd);
    for (unsigned i = 0; i < MOST + MORE; i++)
        close(fd[i]);
    stopped();
}

/* A client who never reads: what is for him is dropped, whole; others are served, and he himself once he reads again. */
TEST(a_slow_reader_delays_nobody)
{
    static uint8_t sound[1200];
    struct client slow, c;
    struct wire_packet p;
    struct addr relayed;

    CHECK_EQ_INT(started(49152, 65000), 0);
    client_init(&slow, connected(SOCK_STREAM), true);
    CHECK_EQ_INT(client_allocate(&slow), 0);
    CHECK(stun_get_xaddr(&slow.v, TURN_XOR_RELAYED_ADDRESS, &relayed));
    CHECK_EQ_INT(client_bind(&slow, &own), 0);
    client_init(&c, connected(SOCK_DGRAM), false);
    do {
        for (unsigned i = 0; i < 100; i++)
            CHECK(wire_send(worker, &own, &relayed, sound, sizeof(sound)));
        client_begin(&c, STUN_BINDING);
        CHECK_EQ_INT(client_ask(&c), 0);
    } while (figure("dngate_turn_dropped_total{reason=\"slow_reader\"}") < 10);
    client_begin(&slow, STUN_BINDING);
    CHECK_EQ_INT(client_ask(&slow), 0); /* whatever was before it came as whole messages */
    CHECK_EQ_INT(wire_read(worker, &p, 1), 0);
    close(slow.fd);
    close(c.fd);
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
