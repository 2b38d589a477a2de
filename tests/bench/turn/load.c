/* bench/turn/load: see load.h. */
#include "load.h"

#include "core/clock.h"
#include "core/rnd.h"
#include "crypto/hash.h"
#include "stun/stun.h"
#include "tlsclient.h"
#include "turn/auth.h"

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    ALLOCATE = 3,
    CHANNEL_BIND = 9,
    ATTR_CHANNEL = 0x000c,
    ATTR_PEER = 0x0012,
    ATTR_TRANSPORT = 0x0019,
    CHANNEL = 0x4000,
    AGAIN_MS = 1000,
    RX_MAX = 4096,
    READS = 8,
    SOURCES = 0x7f000200, /* 127.0.2.0 */
    STRANGERS = 0x7f010000,
};

struct load_client {
    struct io io;
    struct load *load;
    enum load_state state;
    struct tlsclient *tls;
    uint64_t asked_ms, last_us; /* last_us: how long the datagram before took; 0: none */
    double jitter_us;
    char nonce[256], realm[TURN_REALM_MAX + 1];
    uint8_t rx[RX_MAX];
    size_t rx_len;
};

static unsigned openings;
static char user[64], password[64];

/* ---- what is sent ---- */

static void state_set(struct load_client *c, enum load_state state)
{
    c->load->per_state[c->state]--;
    c->load->per_state[state]++;
    c->state = state;
}

static void transmit(struct load_client *c, const void *p, size_t n)
{
    if (c->tls)
        tlsclient_write(c->tls, p, n);
    else
        (void)!send(c->io.fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void put_credentials(struct stun_writer *w, const struct load_client *c)
{
    char hex[MD5_HEXLEN];
    uint8_t key[MD5_LEN];

    if (!c->nonce[0])
        return;
    hash_ha1_md5(hex, user, c->realm, password);
    for (unsigned i = 0; i < MD5_LEN; i++) {
        const char pair[3] = {hex[2 * i], hex[2 * i + 1], 0};

        key[i] = (uint8_t)strtoul(pair, NULL, 16);
    }
    stun_put(w, STUN_USERNAME, user, strlen(user));
    stun_put(w, STUN_REALM, c->realm, strlen(c->realm));
    stun_put(w, STUN_NONCE, c->nonce, strlen(c->nonce));
    stun_put_integrity(w, key, sizeof(key));
}

static void ask(struct load_client *c)
{
    uint16_t method = c->state == LOAD_ALLOCATED ? CHANNEL_BIND : ALLOCATE;
    uint8_t mem[STUN_MSG_MAX], tid[STUN_TID_LEN];
    struct stun_writer w;
    size_t n;

    rnd_bytes(tid, sizeof(tid));
    stun_begin(&w, mem, sizeof(mem), method, STUN_REQUEST, tid);
    if (method == ALLOCATE) {
        stun_put_u32(&w, ATTR_TRANSPORT, 17u << 24);
    } else {
        stun_put_u32(&w, ATTR_CHANNEL, (uint32_t)CHANNEL << 16);
        stun_put_xaddr(&w, ATTR_PEER, &c->load->peer);
    }
    put_credentials(&w, c);
    c->asked_ms = clock_ms();
    if (!stun_end(&w, &n))
        transmit(c, mem, n);
}

static void send_datagram(struct load_client *c)
{
    uint8_t p[4 + LOAD_PAYLOAD] = {CHANNEL >> 8, CHANNEL & 0xff, LOAD_PAYLOAD >> 8, LOAD_PAYLOAD & 0xff};
    uint64_t now = clock_us();

    memcpy(p + 4, &now, sizeof(now));
    transmit(c, p, sizeof(p));
    c->load->sent++;
}

/* ---- what comes ---- */

static void text_get(const struct stun_view *v, uint16_t type, char *out, size_t sz)
{
    size_t n;
    const uint8_t *p = stun_get(v, type, &n);

    if (p && n < sz) {
        memcpy(out, p, n);
        out[n] = 0;
    }
}

static void answer(struct load_client *c, const uint8_t *p, size_t n)
{
    struct stun_view v;

    if (stun_parse(&v, p, n) || (v.cls != STUN_SUCCESS && v.cls != STUN_ERROR))
        return;
    if (v.cls == STUN_ERROR) {
        unsigned code = stun_get_error(&v);

        if ((code != 401 && code != 438) || (code == 401 && c->state != LOAD_NEW)) {
            if (c->load->per_state[LOAD_FAILED] == 0)
                fprintf(stderr, "bench: TURN answers %u\n", code);
            state_set(c, LOAD_FAILED);
            return;
        }
        text_get(&v, STUN_REALM, c->realm, sizeof(c->realm));
        text_get(&v, STUN_NONCE, c->nonce, sizeof(c->nonce));
        if (c->state == LOAD_NEW)
            state_set(c, LOAD_CHALLENGED);
        ask(c);
    } else if (v.method == ALLOCATE && c->state == LOAD_CHALLENGED) {
        state_set(c, LOAD_ALLOCATED);
        if (c->load->bind)
            ask(c);
    } else if (v.method == CHANNEL_BIND && c->state == LOAD_ALLOCATED) {
        state_set(c, LOAD_BOUND);
    }
}

static void message(struct load_client *c, const uint8_t *p, size_t n)
{
    struct load *l = c->load;
    uint64_t sent_us, us;

    if (p[0] >> 6 != 1) {
        answer(c, p, n);
        return;
    }
    if (n < 4 + sizeof(sent_us))
        return;
    l->got++;
    memcpy(&sent_us, p + 4, sizeof(sent_us));
    us = clock_us() - sent_us;
    l->rtt_us[us < LOAD_RTT_MAX_US ? us / 100 : LOAD_RTT_MAX_US / 100 - 1]++;
    if (c->last_us) /* RFC 3550 6.4.1 */
        c->jitter_us += (fabs((double)us - (double)c->last_us) - c->jitter_us) / 16;
    c->last_us = us;
}

static void cut(struct load_client *c)
{
    size_t at = 0;

    while (c->rx_len - at >= 4) {
        const uint8_t *p = c->rx + at;
        size_t n = (size_t)(p[2] << 8 | p[3]) + (p[0] >> 6 == 1 ? 4 : 20), all = (n + 3) & ~(size_t)3;

        if (c->rx_len - at < all)
            break;
        message(c, p, n);
        at += all;
    }
    memmove(c->rx, c->rx + at, c->rx_len - at);
    c->rx_len -= at;
}

static void readable(void *arg)
{
    struct load_client *c = arg;

    for (unsigned i = 0; i < READS; i++) {
        ssize_t n = c->tls ? tlsclient_read(c->tls, c->rx + c->rx_len, RX_MAX - c->rx_len)
                           : recv(c->io.fd, c->rx + c->rx_len, RX_MAX - c->rx_len, MSG_DONTWAIT);

        if (n <= 0) {
            if (n == 0 && c->load->kind != LOAD_UDP && c->state != LOAD_FAILED) {
                state_set(c, LOAD_FAILED);
                loop_unwatch(&c->io);
            }
            return;
        }
        if (c->load->kind == LOAD_UDP) {
            message(c, c->rx, (size_t)n);
        } else {
            c->rx_len += (size_t)n;
            cut(c);
        }
    }
}

static void echo_readable(void *arg)
{
    struct load *l = arg;
    uint8_t p[RX_MAX];
    struct sockaddr_in from;
    socklen_t len = sizeof(from);
    ssize_t n;

    while ((n = recvfrom(l->echo.fd, p, sizeof(p), MSG_DONTWAIT, (struct sockaddr *)&from, &len)) > 0)
        (void)!sendto(l->echo.fd, p, (size_t)n, MSG_DONTWAIT, (struct sockaddr *)&from, len);
}

/* ---- start and stop ---- */

/* From an address of its own each time: ports that come again are no old client's. */
static int bind_source(int fd)
{
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(SOURCES + openings)};

    (void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &(int){1}, sizeof(int));
    return bind(fd, (struct sockaddr *)&from, sizeof(from));
}

static int client_open(struct load_client *c, const struct subject *s)
{
    struct addr to = c->load->server;
    int type = c->load->kind == LOAD_UDP ? SOCK_DGRAM : SOCK_STREAM;

    if (c->load->kind == LOAD_TLS)
        addr_set_port(&to, s->tls_port);
    c->io = (struct io){socket(AF_INET, type | SOCK_CLOEXEC, 0), readable, c};
    if (c->io.fd < 0 || bind_source(c->io.fd) || connect(c->io.fd, &to.u.sa, addr_len(&to)))
        return errno;
    if (c->load->kind != LOAD_UDP)
        (void)setsockopt(c->io.fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    if (c->load->kind == LOAD_TLS && !(c->tls = tlsclient_open(c->io.fd)))
        return EPROTO;
    return loop_watch(&c->io);
}

static void credentials(const struct subject *s)
{
    if (s->user) {
        snprintf(user, sizeof(user), "%s", s->user);
        snprintf(password, sizeof(password), "%s", s->password);
        return;
    }
    (void)turn_rest_name(user, sizeof(user), (int64_t)time(NULL) + 3600, "bench");
    turn_rest_password(password, SUBJECT_SECRET, strlen(SUBJECT_SECRET), user);
}

int load_open(struct load *l, enum load_kind kind, unsigned n, const struct subject *s, bool own)
{
    uint16_t port = s->own_port;
    int err;

    *l = (struct load){.kind = kind, .count = n, .bind = true, .echo = {-1, echo_readable, l}};
    credentials(s);
    openings++;
    l->clients = calloc(n, sizeof(*l->clients));
    if (!l->clients)
        return ENOMEM;
    for (unsigned i = 0; i < n; i++)
        l->clients[i].io.fd = -1;
    l->per_state[LOAD_NEW] = n;
    if (!own) {
        l->echo.fd = loop_udp(&port);
        if (l->echo.fd < 0 || loop_watch(&l->echo))
            return EMFILE;
    }
    err = addr_parse_ip(&l->server, "127.0.0.1", s->port);
    if (!err)
        err = addr_parse_ip(&l->peer, "127.0.0.1", port);
    for (unsigned i = 0; i < n && !err; i++) {
        l->clients[i].load = l;
        err = client_open(&l->clients[i], s);
    }
    return err;
}

void load_close(struct load *l)
{
    for (unsigned i = 0; i < l->count && l->clients; i++) {
        tlsclient_close(l->clients[i].tls);
        loop_unwatch(&l->clients[i].io);
    }
    loop_unwatch(&l->echo);
    free(l->clients);
    *l = (struct load){.echo = {.fd = -1}};
}

static unsigned under_way(const struct load *l)
{
    unsigned done = l->per_state[LOAD_BOUND] + l->per_state[LOAD_FAILED];

    return l->started - done - (l->bind ? 0 : l->per_state[LOAD_ALLOCATED]);
}

static void ask_again(struct load *l)
{
    uint64_t now = clock_ms();

    for (unsigned i = 0; i < l->started; i++) {
        struct load_client *c = &l->clients[i];
        bool waits = c->state < LOAD_ALLOCATED || (c->state == LOAD_ALLOCATED && l->bind);

        if (waits && now - c->asked_ms > AGAIN_MS)
            ask(c);
    }
}

void load_start(struct load *l, unsigned window)
{
    while (l->started < l->count && under_way(l) < window)
        ask(&l->clients[l->started++]);
    ask_again(l);
}

void load_tick(struct load *l, uint64_t n)
{
    for (unsigned i = 0; i < l->count; i++)
        if ((n + i * 7) % LOAD_INTERVAL_MS == 0 && l->clients[i].state == LOAD_BOUND)
            send_datagram(&l->clients[i]);
}

void load_reset(struct load *l)
{
    l->sent = l->got = 0;
    memset(l->rtt_us, 0, sizeof(l->rtt_us));
    for (unsigned i = 0; i < l->count; i++) {
        l->clients[i].last_us = 0;
        l->clients[i].jitter_us = 0;
    }
}

double load_jitter_ms(const struct load *l, double *greatest)
{
    double sum = 0;

    *greatest = 0;
    for (unsigned i = 0; i < l->count; i++) {
        sum += l->clients[i].jitter_us;
        if (l->clients[i].jitter_us > *greatest)
            *greatest = l->clients[i].jitter_us;
    }
    *greatest /= 1e3;
    return l->count ? sum / l->count / 1e3 : 0;
}

double load_rtt_ms(const struct load *l, double quantile)
{
    double left = quantile * (double)l->got;

    for (unsigned i = 0; i < LOAD_RTT_MAX_US / 100; i++) {
        left -= l->rtt_us[i];
        if (left <= 0)
            return i / 10.0;
    }
    return LOAD_RTT_MAX_US / 1000.0;
}

int load_stranger(const struct subject *s, unsigned i)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(s->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(STRANGERS + 1 + i)};
    uint8_t mem[64], tid[STUN_TID_LEN];
    struct stun_writer w;
    size_t n = 0;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), err = 0;

    rnd_bytes(tid, sizeof(tid));
    stun_begin(&w, mem, sizeof(mem), ALLOCATE, STUN_REQUEST, tid);
    stun_put_u32(&w, ATTR_TRANSPORT, 17u << 24);
    (void)stun_end(&w, &n);
    if (fd < 0 || bind(fd, (struct sockaddr *)&from, sizeof(from)) ||
        sendto(fd, mem, n, 0, (struct sockaddr *)&to, sizeof(to)) < 0)
        err = errno;
    if (fd >= 0)
        close(fd);
    return err;
}
