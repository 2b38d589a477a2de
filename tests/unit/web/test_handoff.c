/* TLS connections that turn out to be TURN's leave the web server whole, and whoever speaks HTTP there notices nothing. */
/* TSAN */
#include "rig.h"
#include "crypto/tls.h"
#include "web/server.h"
#include <poll.h>
#include <sys/socket.h>

/* ---------------------------------------------------------------- the TURN server, in place of turn/ */

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct web_stream got[8];
    unsigned count;
    bool refuse;
} turn = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static int turn_h(const struct web_stream *s, void *arg)
{
    int err;

    pthread_mutex_lock(&turn.lock);
    err = turn.refuse || arg != &turn || turn.count == 8 ? ENOBUFS : 0;
    if (!err)
        turn.got[turn.count++] = *s;
    pthread_cond_broadcast(&turn.changed);
    pthread_mutex_unlock(&turn.lock);
    return err;
}

/* The n-th connection that came, counted from 0; NULL when it doesn't. */
static struct web_stream *turn_wait(unsigned n)
{
    struct timespec until;
    int err = 0;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += CLIENT_TIMEOUT_MS / 1000;
    pthread_mutex_lock(&turn.lock);
    while (turn.count <= n && !err)
        err = pthread_cond_timedwait(&turn.changed, &turn.lock, &until);
    pthread_mutex_unlock(&turn.lock);
    return err ? NULL : &turn.got[n];
}

static ssize_t turn_send_h(const void *p, size_t n, void *arg)
{
    return send(*(int *)arg, p, n, MSG_NOSIGNAL);
}

/* Says something on a connection that has come here. */
static bool turn_says(struct web_stream *s, const char *text, size_t n)
{
    size_t taken;

    tls_bind(s->tls, turn_send_h, &s->fd);
    return !tls_write(s->tls, text, n, &taken) && taken == n;
}

static void turn_ends(struct web_stream *s)
{
    tls_bind(s->tls, turn_send_h, &s->fd);
    tls_close(s->tls);
    tls_free(s->tls);
    close(s->fd);
    free(s->early);
    s->overh(s->over_arg, &s->peer);
}

static bool turn_server_start(uint32_t conns_per_ip)
{
    server_prepare();
    turn.count = 0;
    turn.refuse = false;
    srv.cfg.turn = turn_h;
    srv.cfg.turn_arg = &turn;
    srv.cfg.turns_on = true;
    srv.cfg.conns_per_ip = conns_per_ip;
    return server_start();
}

/* A Binding request (RFC 8489 5). */
static const char binding[20] = {0, 1, 0, 0, 0x21, 0x12, (char)0xa4, 0x42, 1,  2,
                                 3, 4, 5, 6, 7,    8,    9,          10,   11, 12};

static bool reads(struct client *c, const char *text)
{
    const size_t n = strlen(text);
    bool same = client_wait(c, n) && !memcmp(c->in, text, n);

    if (same)
        client_take(c, n);
    return same;
}

/* ---------------------------------------------------------------- tests */

TEST(stun_by_tls_leaves_with_its_session)
{
    uint16_t port[3];

    if (!turn_server_start(0))
        return;
    port[0] = srv.https;
    port[1] = srv.wss;
    port[2] = srv.turns;
    for (unsigned i = 0; i < 6; i++) {
        struct client *c =
            client_tls(port[i / 2], i & 1 ? MBEDTLS_SSL_VERSION_TLS1_2 : MBEDTLS_SSL_VERSION_TLS1_3);
        struct web_stream *s;

        CHECK(c && client_send(c, binding, sizeof(binding)));
        CHECK((s = turn_wait(i)));
        CHECK_EQ_INT(s->early_len, sizeof(binding));
        CHECK_MEM(s->early, binding, sizeof(binding));
        CHECK_EQ_INT(addr_port(&s->local), port[i / 2]);
        CHECK(addr_is_loopback(&s->peer) && addr_port(&s->peer));
        CHECK(turn_says(s, "hello", 5));
        CHECK(reads(c, "hello"));
        turn_ends(s);
        CHECK(client_closed(c));
        client_close(c);
    }
    server_stop();
}

TEST(agreed_on_by_name)
{
    static const char *name[] = {"stun.turn", NULL}, *http[] = {"http/1.1", NULL};
    struct web_stream *s;
    struct client *c;
    struct answer a;

    if (!turn_server_start(0))
        return;
    client_alpn = name;
    CHECK((c = client_tls(srv.https, 0)));
    CHECK(client_puts(c, "x")); /* whatever it is: it is TURN's to judge */
    CHECK((s = turn_wait(0)));
    CHECK_EQ_INT(s->early_len, 1);
    turn_ends(s);
    client_close(c);
    client_alpn = http;
    CHECK((c = client_tls(srv.https, 0)));
    CHECK_EQ_INT(get(c, &a, "/", ""), 200);
    answer_free(&a);
    client_close(c);
    client_alpn = NULL;
    server_stop();
}

TEST(pages_and_websockets_stay)
{
    struct client *ws, *c, *t;
    struct answer a;
    struct frame f;

    if (!turn_server_start(0))
        return;
    CHECK((ws = ws_open()));
    CHECK((c = client_tls(srv.https, 0)));
    CHECK((t = client_tls(srv.https, 0)));
    CHECK(client_send(t, binding, sizeof(binding)));
    CHECK(turn_wait(0));
    CHECK_EQ_INT(get(c, &a, "/", ""), 200);
    answer_free(&a);
    CHECK(ws_put(ws, 0x89, true, "hi", 2));
    CHECK(ws_get(ws, &f));
    CHECK_EQ_INT(f.opcode, 10);
    free(f.data);
    /* A request may well begin with a byte that RFC 7983 has for ChannelData. */
    CHECK_EQ_INT(get(c, &a, "/", ""), 200);
    answer_free(&a);
    CHECK_EQ_INT(turn.count, 1);
    client_close(c);
    client_close(ws);
    turn_ends(turn_wait(0));
    client_close(t);
    server_stop();
}

/* What comes after it left, and was never WEB's, is the new owner's to read. */
TEST(later_bytes_are_the_new_owners)
{
    uint8_t records[4096], plain[sizeof(binding)];
    struct web_stream *s;
    struct client *c;
    ssize_t n = 0;

    if (!turn_server_start(0))
        return;
    CHECK((c = client_tls(srv.turns, 0)));
    CHECK(client_send(c, binding, sizeof(binding)));
    CHECK((s = turn_wait(0)));
    CHECK(client_send(c, binding, sizeof(binding)));
    while (!n) {
        struct pollfd pfd = {.fd = s->fd, .events = POLLIN};

        CHECK_EQ_INT(poll(&pfd, 1, CLIENT_TIMEOUT_MS), 1);
        CHECK((n = recv(s->fd, records, sizeof(records), 0)) > 0);
        tls_feed(s->tls, records, (size_t)n);
        n = tls_read(s->tls, plain, sizeof(plain));
    }
    CHECK_EQ_INT(n, sizeof(binding));
    CHECK_MEM(plain, binding, sizeof(binding));
    turn_ends(s);
    client_close(c);
    server_stop();
}

/* Counted as what it is, also when the end of its handshake and what it says come in one piece. */
TEST(neither_is_closed)
{
    struct client *c;
    int64_t no_tls, no_turn;

    if (!turn_server_start(0))
        return;
    no_tls = metric_get(&web_drop_tls);
    no_turn = metric_get(&web_drop_not_turn);
    client_cork = 1;
    CHECK((c = client_tls(srv.turns, 0)));
    client_cork = 0;
    CHECK(client_puts(c, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    setsockopt(c->fd, IPPROTO_TCP, TCP_CORK, &client_cork, sizeof(client_cork));
    CHECK(client_closed(c));
    CHECK_EQ_INT(c->len, 0);
    CHECK_EQ_INT(metric_get(&web_drop_tls), no_tls);
    CHECK_EQ_INT(metric_get(&web_drop_not_turn), no_turn + 1);
    client_close(c);
    turn.refuse = true;
    CHECK((c = client_tls(srv.turns, 0)));
    CHECK(client_send(c, binding, sizeof(binding)));
    CHECK(client_closed(c));
    client_close(c);
    CHECK_EQ_INT(turn.count, 0);
    server_stop();
}

TEST(who_says_nothing_is_closed)
{
    struct client *c;

    server_prepare();
    srv.cfg.turns_on = true;
    srv.cfg.head_ms = 500;
    if (!server_start())
        return;
    c = client_tls(srv.turns, 0); /* on a slow machine already its handshake may end so */
    CHECK(!c || client_closed(c));
    client_close(c);
    c = client_plain(srv.turns);
    CHECK(client_closed(c));
    client_close(c);
    server_stop();
}

/* One that has left counts with its source until it is over. */
TEST(who_left_still_counts)
{
    struct client *c, *more;
    unsigned n = 1;

    if (!turn_server_start(1))
        return;
    CHECK((c = client_tls(srv.turns, 0)));
    CHECK(client_send(c, binding, sizeof(binding)));
    CHECK(turn_wait(0));
    CHECK(!client_tls(srv.https, 0));
    turn_ends(turn_wait(0));
    do
        more = client_tls(srv.https, 0);
    while (!more && ++n < 1000 && !usleep(20000));
    CHECK(more);
    client_close(more);
    client_close(c);
    server_stop();
}

/* Without a TURN server the same bytes are bad HTTP. */
TEST(without_turn_it_is_http)
{
    struct answer a;
    struct client *c;

    WITH_SERVER;
    CHECK((c = client_tls(srv.https, 0)));
    CHECK(client_send(c, binding, sizeof(binding)) && client_puts(c, "\r\n\r\n"));
    CHECK(answer_read(c, &a, false));
    CHECK_EQ_INT(a.status, 400);
    answer_free(&a);
    client_close(c);
    server_stop();
}
