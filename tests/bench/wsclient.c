/* bench/wsclient: see wsclient.h. */
#include "wsclient.h"
#include "core/rnd.h"
#include "loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/ssl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <psa/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    MESSAGE_MAX = 32768,
    OP_TEXT = 1,
    OP_BINARY = 2,
    OP_CLOSE = 8,
    OP_PING = 9,
    OP_PONG = 10,
    HEADER_MAX = 14
};

struct wsclient {
    struct io io;
    mbedtls_ssl_context ssl;
    wsclient_h *h;
    void *arg;
    size_t len;
    uint8_t in[MESSAGE_MAX + HEADER_MAX + 1];
};

static mbedtls_ssl_config config;

static int random_h(void *arg, unsigned char *p, size_t n)
{
    (void)arg;
    rnd_bytes(p, n);
    return 0;
}

/* One configuration for all; the certificate is the server's own, which nobody vouches for. */
static int config_once(void)
{
    static bool done;

    if (done)
        return 0;
    psa_crypto_init();
    mbedtls_ssl_config_init(&config);
    if (mbedtls_ssl_config_defaults(&config, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
                                    MBEDTLS_SSL_PRESET_DEFAULT))
        return ENOMEM;
    mbedtls_ssl_conf_authmode(&config, MBEDTLS_SSL_VERIFY_NONE);
    mbedtls_ssl_conf_rng(&config, random_h, NULL);
    done = true;
    return 0;
}

static int send_h(void *arg, const unsigned char *p, size_t n)
{
    ssize_t sent = send(*(int *)arg, p, n, MSG_NOSIGNAL);

    if (sent >= 0)
        return (int)sent;
    return errno == EAGAIN ? MBEDTLS_ERR_SSL_WANT_WRITE : MBEDTLS_ERR_SSL_CONN_EOF;
}

static int recv_h(void *arg, unsigned char *p, size_t n)
{
    ssize_t got = recv(*(int *)arg, p, n, 0);

    if (got > 0)
        return (int)got;
    return got < 0 && errno == EAGAIN ? MBEDTLS_ERR_SSL_WANT_READ : MBEDTLS_ERR_SSL_CONN_EOF;
}

static int write_all(struct wsclient *w, const uint8_t *p, size_t n)
{
    while (n) {
        int sent = mbedtls_ssl_write(&w->ssl, p, n);

        if (sent == MBEDTLS_ERR_SSL_WANT_WRITE || sent == MBEDTLS_ERR_SSL_WANT_READ)
            continue;
        if (sent <= 0)
            return EPIPE;
        p += sent;
        n -= (size_t)sent;
    }
    return 0;
}

/* Reads what there is; EAGAIN when nothing more, EPIPE at the end. */
static int read_some(struct wsclient *w)
{
    int n = mbedtls_ssl_read(&w->ssl, w->in + w->len, sizeof(w->in) - 1 - w->len);

    if (n == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET)
        return 0;
    if (n == MBEDTLS_ERR_SSL_WANT_READ || n == MBEDTLS_ERR_SSL_WANT_WRITE)
        return EAGAIN;
    if (n <= 0)
        return EPIPE;
    w->len += (size_t)n;
    return 0;
}

static int frame(struct wsclient *w, unsigned opcode, const void *p, size_t n)
{
    static uint8_t out[MESSAGE_MAX + HEADER_MAX];
    size_t at = 2;

    if (n > MESSAGE_MAX)
        return EMSGSIZE;
    out[0] = (uint8_t)(0x80 | opcode);
    out[1] = (uint8_t)(0x80 | (n < 126 ? n : 126));
    if (n >= 126) {
        out[at++] = (uint8_t)(n >> 8);
        out[at++] = (uint8_t)n;
    }
    memset(out + at, 0, 4); /* masked with zeros: a mask all the same (RFC 6455 5.3) */
    memcpy(out + at + 4, p, n);
    return write_all(w, out, at + 4 + n);
}

int wsclient_send(struct wsclient *w, const char *text)
{
    return w->io.fd < 0 ? ENOTCONN : frame(w, OP_TEXT, text, strlen(text));
}

static void ended(struct wsclient *w)
{
    loop_unwatch(&w->io);
    w->h(NULL, w->arg);
}

/* Takes one frame off the buffer; false when it is not whole yet. Servers do not mask, and this one does not fragment SIP. */
static bool take_frame(struct wsclient *w)
{
    size_t head = 2, n;
    unsigned op;
    char keep;

    if (w->len < 2)
        return false;
    n = w->in[1] & 0x7f;
    if (n == 126) {
        if (w->len < 4)
            return false;
        n = (size_t)w->in[2] << 8 | w->in[3];
        head = 4;
    }
    if (w->len < head + n)
        return false;
    op = w->in[0] & 0x0f;
    keep = (char)w->in[head + n];
    w->in[head + n] = 0;
    if (op == OP_TEXT || op == OP_BINARY)
        w->h((char *)w->in + head, w->arg);
    else if (op == OP_PING)
        frame(w, OP_PONG, w->in + head, n);
    else if (op == OP_CLOSE)
        ended(w);
    w->in[head + n] = (uint8_t)keep;
    w->len -= head + n;
    memmove(w->in, w->in + head + n, w->len);
    return w->io.fd >= 0;
}

static void readable(void *arg)
{
    struct wsclient *w = arg;
    int err;

    while (w->io.fd >= 0 && !(err = read_some(w)))
        while (take_frame(w))
            ;
    if (w->io.fd >= 0 && err == EPIPE)
        ended(w);
}

static int upgrade(struct wsclient *w, uint16_t port)
{
    char req[400], *end = NULL;

    snprintf(
        req, sizeof(req),
        "GET /ws HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nOrigin: https://127.0.0.1:%u\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Protocol: sip\r\n\r\n",
        port, port);
    if (write_all(w, (const uint8_t *)req, strlen(req)))
        return EPIPE;
    while (!end) {
        int err = read_some(w);

        if (err)
            return err;
        w->in[w->len] = 0;
        end = strstr((char *)w->in, "\r\n\r\n");
    }
    if (strncmp((char *)w->in, "HTTP/1.1 101", 12)) {
        fprintf(stderr, "bench: /ws: %.*s\n", (int)strcspn((char *)w->in, "\r\n"), (char *)w->in);
        return EPROTO;
    }
    w->len -= (size_t)(end + 4 - (char *)w->in);
    memmove(w->in, end + 4, w->len);
    return 0;
}

static int bind_from(int fd, const char *from)
{
    struct sockaddr_in sin = {.sin_family = AF_INET};

    if (!from)
        return 0;
    if (inet_pton(AF_INET, from, &sin.sin_addr) != 1)
        return EINVAL;
    return bind(fd, (struct sockaddr *)&sin, sizeof(sin)) ? errno : 0;
}

static int connect_tls(struct wsclient *w, uint16_t port, const char *from)
{
    struct sockaddr_in sin = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval wait = {10, 0};
    int on = 1, err;

    w->io.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (w->io.fd < 0)
        return errno;
    setsockopt(w->io.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    setsockopt(w->io.fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
    err = bind_from(w->io.fd, from);
    if (err)
        return err;
    if (connect(w->io.fd, (struct sockaddr *)&sin, sizeof(sin)))
        return errno;
    if (mbedtls_ssl_setup(&w->ssl, &config))
        return ENOMEM;
    mbedtls_ssl_set_hostname(&w->ssl, NULL);
    mbedtls_ssl_set_bio(&w->ssl, &w->io.fd, send_h, recv_h, NULL);
    do
        err = mbedtls_ssl_handshake(&w->ssl);
    while (err == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET);
    if (err)
        fprintf(stderr, "bench: TLS handshake failed: -0x%x\n", (unsigned)-err);
    return err ? EPROTO : 0;
}

static int alloc(struct wsclient **wp)
{
    struct wsclient *w = calloc(1, sizeof(*w));

    if (!w)
        return ENOMEM;
    w->io = (struct io){.fd = -1, .readable = readable, .arg = w};
    mbedtls_ssl_init(&w->ssl);
    *wp = w;
    return config_once();
}

int wsclient_open(struct wsclient **wp, uint16_t port, const char *from, wsclient_h *h, void *arg)
{
    struct wsclient *w = NULL;
    int err = alloc(&w);

    if (err)
        goto out;
    w->h = h;
    w->arg = arg;
    err = connect_tls(w, port, from);
    if (!err)
        err = upgrade(w, port);
    if (err)
        goto out;
    fcntl(w->io.fd, F_SETFL, O_NONBLOCK);
    err = loop_watch(&w->io);
out:
    if (err)
        wsclient_close(w);
    else
        *wp = w;
    return err;
}

int wsclient_get(uint16_t port, const char *from, const char *path, unsigned *status)
{
    struct wsclient *w = NULL;
    char req[300];
    int err = alloc(&w);

    *status = 0;
    if (!err)
        err = connect_tls(w, port, from);
    if (err)
        goto out;
    snprintf(req, sizeof(req), "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nConnection: close\r\n\r\n", path,
             port);
    err = write_all(w, (const uint8_t *)req, strlen(req));
    while (!err && !(err = read_some(w))) {
        w->in[w->len] = 0;
        if (!*status && !strncmp((char *)w->in, "HTTP/1.1 ", 9))
            *status = (unsigned)strtoul((char *)w->in + 9, NULL, 10);
        if (*status)
            w->len = 0;
    }
out:
    if (w)
        loop_unwatch(&w->io);
    wsclient_close(w);
    return *status ? 0 : err;
}

void wsclient_close(struct wsclient *w)
{
    if (!w)
        return;
    if (w->io.fd >= 0) {
        frame(w, OP_CLOSE, "\x03\xe8", 2);
        loop_unwatch(&w->io);
    }
    mbedtls_ssl_free(&w->ssl);
    free(w);
}
