#include "service/trunkreach.h"
#include "core/clock.h"
#include "core/file.h"
#include "core/thread.h"
#include "crypto/tls.h"
#include "crypto/tlspeer.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int socket_error(int fd)
{
    socklen_t len = sizeof(int);
    int err = 0;

    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) ? errno : err;
}

static int tcp_wait(int fd, const struct addr *a)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};

    if (!connect(fd, &a->u.sa, addr_len(a)))
        return 0;
    if (errno != EINPROGRESS)
        return errno;
    return poll(&p, 1, TRUNKREACH_MS) > 0 ? socket_error(fd) : ETIMEDOUT;
}

/* What UDP can say: that a machine is there and nothing listens (ICMP). The blank lines keep a NAT open elsewhere and ask for nothing. */
static int udp_wait(int fd, const struct addr *a)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int err;

    if (connect(fd, &a->u.sa, addr_len(a)) || send(fd, "\r\n\r\n", 4, MSG_NOSIGNAL) < 0)
        return errno;
    if (poll(&p, 1, TRUNKREACH_UDP_MS) <= 0)
        return 0;
    err = socket_error(fd);
    return err == ECONNREFUSED || err == EHOSTUNREACH || err == ENETUNREACH ? err : 0;
}

static int knock(const struct trunkreach *r, const struct addr *a)
{
    const int type = (r->tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK;
    const int fd = socket(addr_af(a), type, 0);
    int err;

    if (fd < 0)
        return errno;
    err = r->tcp ? tcp_wait(fd, a) : udp_wait(fd, a);
    (void)close(fd);
    return err;
}

/* ------------------------------------------------------------------ TLS */

enum { PEM_MAX = 256 * 1024 };

static ssize_t send_h(const void *p, size_t n, void *arg)
{
    const ssize_t sent = send(*(const int *)arg, p, n, MSG_NOSIGNAL);

    return sent > 0 ? sent : -1;
}

/* Whom we believe, and what we show. */
static int terms(const struct trunkreach *r, struct tls_trust **trust, struct tls_server **conf, char *why,
                 size_t whysz)
{
    const bool pem = strstr(r->ca, "-----BEGIN") != NULL;
    char *cert = NULL, *key = NULL;
    size_t n, key_len = 0;
    int err = pem ? tls_trust_alloc(trust, r->ca, why, whysz)
                  : tls_trust_file(trust, r->ca[0] ? r->ca : NULL, why, whysz);

    if (err)
        return err;
    err = file_read(r->cert, PEM_MAX, &cert, &n);
    if (!err)
        err = file_read(r->key, PEM_MAX, &key, &key_len);
    if (!err)
        err = tls_mutual_alloc(conf, true, cert, key);
    if (err)
        (void)snprintf(why, whysz, "%s: no certificate and key that belong together", r->cert);
    if (key)
        explicit_bzero(key, key_len);
    free(key);
    free(cert);
    return err;
}

static int connect_blocking(const struct addr *a)
{
    const struct timeval t = {.tv_sec = TRUNKREACH_MS / 1000};
    const int fd = socket(addr_af(a), SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t));
    if (!connect(fd, &a->u.sa, addr_len(a)))
        return fd;
    (void)close(fd);
    return -1;
}

/* The handshake; then whatever a server of TLS 1.3 has to say to our certificate. */
static int shake(struct tls *t, int fd, char *why, size_t whysz)
{
    const uint64_t end = clock_ms() + TRUNKREACH_TLS_MS;
    uint8_t raw[4096];
    int err = tls_shake(t);

    while (err == EAGAIN) {
        const ssize_t n = clock_ms() < end ? recv(fd, raw, sizeof(raw), 0) : -1;

        if (n <= 0) {
            const bool late = n < 0 && (errno == EAGAIN || clock_ms() >= end);

            (void)snprintf(why, whysz,
                           late ? "it does not end the handshake"
                                : "it closed the connection in the handshake");
            return EPROTO;
        }
        tls_feed(t, raw, (size_t)n);
        err = tls_shake(t);
    }
    if (err)
        (void)snprintf(why, whysz, "%s", tls_why(t));
    return err;
}

static int shown(const struct trunkreach *r, struct tls *t, const struct tls_trust *trust, int fd, char *text,
                 size_t sz)
{
    int err = shake(t, fd, text, sz);

    if (!err)
        err = tls_peer_check(t, trust, r->name, text, sz);
    if (!err)
        tls_peer_tell(t, text, sz);
    tls_close(t);
    return err;
}

static int handshake(const struct trunkreach *r, const struct addr *a, char *text, size_t sz)
{
    struct tls_trust *trust = NULL;
    struct tls_server *conf = NULL;
    struct tls *t = NULL;
    struct addr ip;
    int fd = -1, err = terms(r, &trust, &conf, text, sz) ? EINVAL : 0;

    if (!err) {
        fd = connect_blocking(a);
        err = fd < 0 ? errno : 0;
    }
    if (!err)
        err = tls_session_alloc(&t, conf, send_h, &fd);
    if (!err && r->name[0] != '*' && addr_parse_ip(&ip, r->name, 0))
        err = tls_ask_for(t, r->name);
    else if (!err)
        err = tls_ask_for(t, "");
    if (!err)
        err = shown(r, t, trust, fd, text, sz);
    else if (!text[0])
        (void)snprintf(text, sz, "%s", strerror(err));
    tls_free(t);
    if (fd >= 0)
        (void)close(fd);
    tls_server_unref(conf);
    tls_trust_free(trust);
    return err;
}

/* ------------------------------------------------------------------ */

static void tls_all(struct trunkreach *r)
{
    const uint64_t began = clock_ms();

    for (size_t i = 0; r->tls && !r->dns_err && i < r->count; i++)
        if (!r->err[i])
            r->tls_err[i] = handshake(r, &r->v[i], r->tls_text[i], sizeof(r->tls_text[i]));
    r->tls_ms = (uint32_t)(clock_ms() - began);
}

static void *reach_main(void *arg)
{
    struct trunkreach *r = arg;
    uint64_t began = clock_ms();

    r->literal = !addr_parse_ip(&r->v[0], r->host, r->port);
    r->count = r->literal;
    if (!r->literal)
        r->dns_err = addr_resolve_all(r->v, TRUNKREACH_ADDRS_MAX, &r->count, r->host, r->port);
    r->dns_ms = (uint32_t)(clock_ms() - began);
    atomic_store(&r->phase, 1);
    began = clock_ms();
    for (size_t i = 0; !r->dns_err && i < r->count; i++)
        r->err[i] = knock(r, &r->v[i]);
    r->reach_ms = (uint32_t)(clock_ms() - began);
    atomic_store(&r->phase, 2);
    tls_all(r);
    atomic_store(&r->phase, 3);
    trunkreach_drop(r);
    return NULL;
}

int trunkreach_begin(struct trunkreach **rp, const struct trunkreach_order *o)
{
    const struct trunk *t = o->trunk;
    struct trunkreach *r = calloc(1, sizeof(*r));
    int err;

    if (!r)
        return ENOMEM;
    (void)snprintf(r->host, sizeof(r->host), "%s", t->host);
    r->port = t->port;
    r->tls = t->transport == TRUNK_TLS;
    r->tcp = r->tls || t->transport == TRUNK_TCP;
    (void)snprintf(r->ca, sizeof(r->ca), "%s", t->tls_ca);
    (void)snprintf(r->name, sizeof(r->name), "%s", t->tls_name[0] ? t->tls_name : t->host);
    (void)snprintf(r->cert, sizeof(r->cert), "%s", t->tls_cert[0] ? t->tls_cert : o->cert);
    (void)snprintf(r->key, sizeof(r->key), "%s", t->tls_cert[0] ? t->tls_cert : o->key);
    atomic_init(&r->holders, 2);
    err = thread_detached("trunktest", reach_main, r);
    if (err)
        free(r);
    else
        *rp = r;
    return err;
}

void trunkreach_drop(struct trunkreach *r)
{
    if (r && atomic_fetch_sub(&r->holders, 1) == 1)
        free(r);
}
