/* turn/streams in time: who says nothing, or half of something, goes; owners of allocations stay as long as those; strangers make room
 * for strangers. Time is what the test says it is. */
#include "testing.h"

#include "net/poller.h"
#include "turn/streams.h"
#include "turnhost.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define SECOND UINT64_C(1000000)

static struct turnhost host; /* relayed addresses, and a client's words */
static struct turn_server *server;
static struct streams *streams;
static struct poller *poller;
static uint64_t now_us;
static unsigned gone;

/* ---- a server that sends by streams ---- */

static uint8_t *room_h(void *arg, const struct turn_flow *f, size_t n)
{
    (void)arg;
    return streams_room(streams, f, n);
}

static void push_h(void *arg, const struct turn_flow *f, size_t n)
{
    (void)arg;
    streams_push(streams, f, n);
}

static int opened(void)
{
    const struct turn_config c = {.realm = TURNHOST_REALM, .secret = TURNHOST_SECRET, .secret_len = 32};
    struct turn_host calls = turnhost_calls;
    int err;

    calls.room = room_h;
    calls.push = push_h;
    host = (struct turnhost){.next_port = TURNHOST_RELAY_FIRST};
    now_us = 1000 * SECOND;
    gone = 0;
    err = poller_alloc(&poller);
    if (!err)
        err = turn_server_alloc(&server, &c, &calls, &host);
    if (!err)
        err = streams_alloc(&streams, poller, server);
    if (err)
        return err;
    turn_server_tick(server, now_us, TURNHOST_UNIX);
    streams_now(streams, now_us);
    return 0;
}

static void closed(void)
{
    streams_free(streams);
    turn_server_free(server);
    poller_free(poller);
    streams = NULL;
    server = NULL;
    poller = NULL;
}

/* Handles what is there, so many seconds later. */
static void pass(unsigned seconds)
{
    now_us += seconds * SECOND;
    streams_now(streams, now_us);
    turn_server_tick(server, now_us, TURNHOST_UNIX + (int64_t)(now_us / SECOND) - 1000);
    poller_wait(poller, 0);
    poller_handle(poller);
    streams_round(streams, now_us);
}

static void gone_h(void *arg, const struct addr *client)
{
    (void)arg;
    (void)client;
    gone++;
}

/* The client's end of a new connection. */
static int connection(const char *from)
{
    struct turn_stream_in in = {.goneh = gone_h};
    int fd[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd))
        return -1;
    in.fd = fd[1];
    if (addr_parse(&in.client, from) || addr_parse(&in.local, "192.0.2.1:3478"))
        abort();
    streams_adopt(streams, &in, now_us);
    return fd[0];
}

static bool is_open(int fd)
{
    char c;

    return recv(fd, &c, 1, MSG_PEEK) < 0 && errno == EAGAIN;
}

/* What the client has in its message goes by the connection; the answer's code, 999 = none. */
static unsigned asked(struct turnclient *c, int fd)
{
    struct stun_view v;
    ssize_t got;
    size_t n;

    if (stun_end(&c->w, &n) || send(fd, c->msg, n, MSG_NOSIGNAL) != (ssize_t)n)
        return 999;
    pass(0);
    got = recv(fd, host.last, sizeof(host.last), 0);
    if (got <= 0 || stun_parse(&v, host.last, (size_t)got))
        return 999;
    host.last_n = (size_t)got;
    return v.cls == STUN_SUCCESS ? 0 : stun_get_error(&v);
}

static unsigned allocated(struct turnclient *c, int fd)
{
    const uint8_t *nonce;
    struct stun_view v;
    size_t n;

    turnclient_init(c, &host, "203.0.113.7:40000", "5001");
    turnclient_want_udp(c);
    if (asked(c, fd) != 401 || stun_parse(&v, host.last, host.last_n))
        return 999;
    nonce = stun_get(&v, STUN_NONCE, &n);
    if (!nonce || n >= sizeof(c->nonce))
        return 999;
    memcpy(c->nonce, nonce, n);
    turnclient_want_udp(c);
    turnclient_sign(c);
    return asked(c, fd);
}

static struct streams_count counts(void)
{
    struct streams_count n;

    streams_counts(streams, &n);
    return n;
}

/* ---- what happens ---- */

TEST(who_says_nothing_or_half_of_it_goes)
{
    struct turnclient c;
    int silent, half;

    CHECK_EQ_INT(opened(), 0);
    turnclient_init(&c, &host, "203.0.113.2:1", "5001");
    turnclient_begin(&c, STUN_BINDING);
    CHECK(streams_due_us(streams) == POLLER_FOREVER); /* nobody is there: nothing to wake up for */
    CHECK((silent = connection("203.0.113.1:1")) >= 0 && (half = connection("203.0.113.2:1")) >= 0);
    for (unsigned s = 0; s < STREAMS_FIRST_MS / 1000 - 1; s++) {
        CHECK(send(half, c.msg + s, 1, MSG_NOSIGNAL) == 1); /* a byte a second buys no time */
        pass(1);
        CHECK(streams_due_us(streams) != POLLER_FOREVER);
    }
    CHECK(is_open(silent) && is_open(half));
    pass(2);
    CHECK(!is_open(silent) && !is_open(half));
    CHECK_EQ_INT(counts().timeouts, 2);
    CHECK_EQ_INT(gone, 2);
    CHECK(streams_due_us(streams) == POLLER_FOREVER);
    close(silent);
    close(half);
    closed();
}

TEST(a_stranger_stays_while_it_asks)
{
    struct turnclient c;
    int fd;

    CHECK_EQ_INT(opened(), 0);
    CHECK((fd = connection("203.0.113.7:40000")) >= 0);
    turnclient_init(&c, &host, "203.0.113.7:40000", "5001");
    for (unsigned i = 0; i < 5; i++) {
        turnclient_begin(&c, STUN_BINDING);
        CHECK_EQ_INT(asked(&c, fd), 0);
        pass(STREAMS_IDLE_MS / 1000 - 2);
    }
    CHECK(is_open(fd));
    pass(4);
    CHECK(!is_open(fd));
    close(fd);
    closed();
}

TEST(an_owner_stays_as_long_as_the_allocation)
{
    struct turnclient c;
    int fd;

    CHECK_EQ_INT(opened(), 0);
    CHECK((fd = connection("203.0.113.7:40000")) >= 0);
    CHECK_EQ_INT(allocated(&c, fd), 0);
    CHECK_EQ_INT(counts().strangers, 0);
    for (unsigned i = 0; i < 590; i++) /* it has 600 s */
        pass(1);
    CHECK(is_open(fd));
    for (unsigned i = 0; i < 20; i++)
        pass(1);
    CHECK_EQ_INT(counts().strangers, 1); /* what was his has expired */
    CHECK(is_open(fd));
    for (unsigned i = 0; i < STREAMS_IDLE_MS / 1000; i++)
        pass(1);
    CHECK(!is_open(fd));
    CHECK_EQ_INT(host.relays, 0);
    close(fd);
    closed();
}

TEST(the_end_of_a_connection_ends_its_allocation)
{
    struct turnclient c;
    int fd;

    CHECK_EQ_INT(opened(), 0);
    CHECK((fd = connection("203.0.113.7:40000")) >= 0);
    CHECK_EQ_INT(allocated(&c, fd), 0);
    CHECK_EQ_INT(host.relays, 1);
    close(fd);
    pass(0);
    CHECK_EQ_INT(host.relays, 0);
    CHECK_EQ_INT(gone, 1);
    CHECK_EQ_INT(counts().now[TURN_TCP], 0);
    closed();
}

/* The one that has been silent for longest goes; an owner never does. */
TEST(strangers_make_room_for_strangers)
{
    static int fd[STREAMS_STRANGERS_MAX + 1];
    struct rlimit files;
    struct turnclient c;
    int owner;

    CHECK(!getrlimit(RLIMIT_NOFILE, &files));
    if (files.rlim_max < 3 * STREAMS_STRANGERS_MAX)
        return; /* both ends of all do not fit into one process here */
    files.rlim_cur = 3 * STREAMS_STRANGERS_MAX;
    CHECK(!setrlimit(RLIMIT_NOFILE, &files));

    CHECK_EQ_INT(opened(), 0);
    CHECK((owner = connection("203.0.113.7:40000")) >= 0);
    CHECK_EQ_INT(allocated(&c, owner), 0);
    for (unsigned i = 0; i < STREAMS_STRANGERS_MAX; i++)
        CHECK((fd[i] = connection("203.0.113.1:1")) >= 0);
    turnclient_begin(&c, STUN_BINDING);
    CHECK_EQ_INT(asked(&c, fd[0]), 0);
    CHECK((fd[STREAMS_STRANGERS_MAX] = connection("203.0.113.2:1")) >= 0);
    pass(0);
    CHECK(is_open(owner) && is_open(fd[0]) && !is_open(fd[1]) && is_open(fd[2]));
    CHECK(is_open(fd[STREAMS_STRANGERS_MAX]));
    CHECK_EQ_INT(counts().strangers, STREAMS_STRANGERS_MAX);
    for (unsigned i = 0; i <= STREAMS_STRANGERS_MAX; i++)
        close(fd[i]);
    close(owner);
    closed();
    CHECK_EQ_INT(gone, STREAMS_STRANGERS_MAX + 2);
}
