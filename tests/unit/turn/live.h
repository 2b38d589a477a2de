/*
 * A TURN server with its thread and real sockets, on 127.0.0.1, and a client of it by UDP or TCP. The media workers' port is this
 * thread's. Header only.
 */
#ifndef UNIT_TURN_LIVE_H
#define UNIT_TURN_LIVE_H

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

#endif
