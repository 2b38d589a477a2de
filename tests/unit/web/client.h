/* A blocking HTTPS and WebSocket client for the tests of web/: TLS by mbedtls, so that versions can be forced and certificates seen. */
#ifndef TESTS_WEB_CLIENT_H
#define TESTS_WEB_CLIENT_H

#include <arpa/inet.h>
#include <errno.h>
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/sha256.h>
#include <mbedtls/ssl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <psa/crypto.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CLIENT_TIMEOUT_MS = 15000 }; /* for what certainly comes */

struct client {
    int fd;
    bool tls, eof;
    mbedtls_net_context net;
    mbedtls_ssl_context ssl;
    mbedtls_ssl_config conf;
    mbedtls_ctr_drbg_context rng;
    mbedtls_entropy_context entropy;
    char in[300000];
    size_t len;
    size_t piece; /* bytes that one read takes at most; 0 = as many as there are */
};

static int client_rcvbuf; /* bytes of the next clients' receive buffers; 0 = what the system gives */
static int client_cork;   /* 1: what the next clients say waits for more, for a moment at most */

static const char
    *client_ip; /* where the next clients come from: "127.0.0.2"; NULL = as the system chooses */

static inline int client_connect(uint16_t port)
{
    struct sockaddr_in from = {.sin_family = AF_INET};
    struct sockaddr_in sin = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval tv = {.tv_sec = CLIENT_TIMEOUT_MS / 1000};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0 && client_rcvbuf)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &client_rcvbuf, sizeof(client_rcvbuf));
    if (fd >= 0 && client_ip &&
        (inet_pton(AF_INET, client_ip, &from.sin_addr) != 1 ||
         bind(fd, (struct sockaddr *)&from, sizeof(from)))) {
        close(fd);
        return -1;
    }
    if (fd >= 0 && connect(fd, (struct sockaddr *)&sin, sizeof(sin))) {
        close(fd);
        return -1;
    }
    if (client_cork)
        setsockopt(fd, IPPROTO_TCP, TCP_CORK, &client_cork, sizeof(client_cork));
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
    return fd;
}

static inline struct client *client_plain(uint16_t port)
{
    struct client *c = calloc(1, sizeof(*c));

    c->fd = client_connect(port);
    return c;
}

static const int *client_suites; /* that the next clients offer; NULL = all */
static const char **client_alpn; /* the same; NULL = none */

/* version 0 = whatever both like best. NULL when the handshake fails. */
static void client_close(struct client *c);
static inline struct client *client_tls(uint16_t port, mbedtls_ssl_protocol_version version)
{
    struct client *c = client_plain(port);
    int err;

    psa_crypto_init();
    c->tls = true;
    c->net.fd = c->fd;
    mbedtls_ssl_init(&c->ssl);
    mbedtls_ssl_config_init(&c->conf);
    mbedtls_ctr_drbg_init(&c->rng);
    mbedtls_entropy_init(&c->entropy);
    mbedtls_ctr_drbg_seed(&c->rng, mbedtls_entropy_func, &c->entropy, NULL, 0);
    mbedtls_ssl_config_defaults(&c->conf, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
                                MBEDTLS_SSL_PRESET_DEFAULT);
    mbedtls_ssl_conf_authmode(&c->conf, MBEDTLS_SSL_VERIFY_NONE);
    mbedtls_ssl_conf_rng(&c->conf, mbedtls_ctr_drbg_random, &c->rng);
    if (client_suites)
        mbedtls_ssl_conf_ciphersuites(&c->conf, client_suites);
    if (client_alpn)
        mbedtls_ssl_conf_alpn_protocols(&c->conf, client_alpn);
    if (version) {
        mbedtls_ssl_conf_min_tls_version(&c->conf, version);
        mbedtls_ssl_conf_max_tls_version(&c->conf, version);
    }
    mbedtls_ssl_setup(&c->ssl, &c->conf);
    mbedtls_ssl_set_hostname(&c->ssl, "localhost");
    mbedtls_ssl_set_bio(&c->ssl, &c->net, mbedtls_net_send, mbedtls_net_recv, NULL);
    while ((err = mbedtls_ssl_handshake(&c->ssl)) == MBEDTLS_ERR_SSL_WANT_READ ||
           err == MBEDTLS_ERR_SSL_WANT_WRITE)
        ;
    if (err) {
        if (getenv("TEST_VERBOSE"))
            printf("handshake: -0x%x\n", (unsigned)-err);
        client_close(c);
        return NULL;
    }
    return c;
}

static inline void client_close(struct client *c)
{
    if (!c)
        return;
    if (c->tls) {
        mbedtls_ssl_free(&c->ssl);
        mbedtls_ssl_config_free(&c->conf);
        mbedtls_ctr_drbg_free(&c->rng);
        mbedtls_entropy_free(&c->entropy);
    }
    close(c->fd);
    free(c);
}

static inline bool client_send(struct client *c, const void *p, size_t n)
{
    const uint8_t *s = p;

    while (n) {
        ssize_t r = c->tls ? mbedtls_ssl_write(&c->ssl, s, n) : send(c->fd, s, n, MSG_NOSIGNAL);

        if (r <= 0)
            return false;
        s += r;
        n -= (size_t)r;
    }
    return true;
}

static inline bool client_puts(struct client *c, const char *s)
{
    return client_send(c, s, strlen(s));
}

/* One more read; false at the end of the stream or after the time-out. */
static inline bool client_read(struct client *c)
{
    ssize_t n;
    size_t room = sizeof(c->in) - 1 - c->len;

    if (c->piece && room > c->piece)
        room = c->piece;
    if (c->tls)
        do
            n = mbedtls_ssl_read(&c->ssl, (unsigned char *)c->in + c->len, room);
        while (n == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET);
    else
        n = recv(c->fd, c->in + c->len, room, 0);
    if (n <= 0) {
        c->eof = n == 0 || n == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY || n == MBEDTLS_ERR_NET_CONN_RESET ||
                 n == MBEDTLS_ERR_SSL_CONN_EOF || (n == -1 && errno == ECONNRESET);
        return false;
    }
    c->len += (size_t)n;
    c->in[c->len] = '\0';
    return true;
}

static inline bool client_wait(struct client *c, size_t n)
{
    while (c->len < n)
        if (!client_read(c))
            return false;
    return true;
}

static inline void client_take(struct client *c, size_t n)
{
    memmove(c->in, c->in + n, c->len - n);
    c->len -= n;
    c->in[c->len] = '\0';
}

/* True once the server has closed; what it sends before is kept. */
static inline bool client_closed(struct client *c)
{
    while (client_read(c))
        ;
    return c->eof;
}

/* An answer, body included, copied out of the stream. */
struct answer {
    int status;
    char head[8192];
    char *body;
    size_t len;
};

static inline void answer_free(struct answer *a)
{
    free(a->body);
    a->body = NULL;
}

/* A header's value in buf, "" when absent. */
static inline const char *answer_header(const struct answer *a, const char *name, char *buf, size_t sz)
{
    size_t n = strlen(name);

    buf[0] = '\0';
    for (const char *p = a->head; (p = strstr(p, "\r\n")); p++) {
        p += 2;
        if (strncasecmp(p, name, n) || p[n] != ':')
            continue;
        snprintf(buf, sz, "%.*s", (int)strcspn(p + n + 2, "\r"), p + n + 2);
        break;
    }
    return buf;
}

static inline bool answer_read(struct client *c, struct answer *a, bool head_only)
{
    char text[32];
    size_t head, want;
    char *end;

    memset(a, 0, sizeof(*a));
    while (!(end = strstr(c->in, "\r\n\r\n")))
        if (!client_read(c))
            return false;
    head = (size_t)(end - c->in) + 4;
    snprintf(a->head, sizeof(a->head), "%.*s", (int)head, c->in);
    a->status = atoi(a->head + 9);
    want = head_only ? 0 : strtoul(answer_header(a, "Content-Length", text, sizeof(text)), NULL, 10);
    if (!client_wait(c, head + want))
        return false;
    a->body = malloc(want + 1);
    memcpy(a->body, c->in + head, want);
    a->body[want] = '\0';
    a->len = want;
    client_take(c, head + want);
    return true;
}

static inline int client_ask(struct client *c, struct answer *a, const char *request)
{
    if (!c || !client_puts(c, request) || !answer_read(c, a, !strncmp(request, "HEAD", 4)))
        return -1;
    return a->status;
}

/* The SHA-256 of the certificate that this connection was shown. */
static inline void client_fingerprint(struct client *c, uint8_t out[32])
{
    const mbedtls_x509_crt *crt = mbedtls_ssl_get_peer_cert(&c->ssl);

    memset(out, 0, 32);
    if (crt)
        mbedtls_sha256(crt->raw.p, crt->raw.len, out, 0);
}

/* ---------------------------------------------------------------- WebSocket */

struct frame {
    uint8_t opcode;
    bool fin;
    char *data;
    size_t len;
};

static inline bool ws_put(struct client *c, uint8_t first, bool masked, const void *p, size_t n)
{
    uint8_t head[14] = {first, (uint8_t)(masked ? 0x80 : 0)}, mask[4] = {0x11, 0x22, 0x33, 0x44};
    uint8_t *copy = malloc(n + 1);
    size_t len = 2;
    bool ok;

    if (n < 126) {
        head[1] |= (uint8_t)n;
    } else if (n < 65536) {
        head[1] |= 126;
        head[2] = (uint8_t)(n >> 8);
        head[3] = (uint8_t)n;
        len = 4;
    } else {
        head[1] |= 127;
        for (int i = 0; i < 8; i++)
            head[2 + i] = (uint8_t)((uint64_t)n >> (56 - 8 * i));
        len = 10;
    }
    if (masked) {
        memcpy(head + len, mask, 4);
        len += 4;
    }
    for (size_t i = 0; i < n; i++)
        copy[i] = (uint8_t)(((const uint8_t *)p)[i] ^ (masked ? mask[i & 3] : 0));
    ok = client_send(c, head, len) && client_send(c, copy, n);
    free(copy);
    return ok;
}

static inline bool ws_get(struct client *c, struct frame *f)
{
    size_t head = 2, len;

    memset(f, 0, sizeof(*f));
    if (!client_wait(c, 2))
        return false;
    len = (uint8_t)c->in[1] & 0x7f;
    if (len == 126)
        head = 4;
    if (!client_wait(c, head))
        return false;
    if (head == 4)
        len = (size_t)((uint8_t)c->in[2] << 8 | (uint8_t)c->in[3]);
    if (!client_wait(c, head + len))
        return false;
    f->fin = c->in[0] & 0x80;
    f->opcode = c->in[0] & 0x0f;
    f->data = malloc(len + 1);
    memcpy(f->data, c->in + head, len);
    f->data[len] = '\0';
    f->len = len;
    client_take(c, head + len);
    return true;
}

/* The code of the Close frame that comes next; 0 when something else does. */
static inline int ws_close_code(struct client *c)
{
    struct frame f;
    int code = 0;

    if (ws_get(c, &f) && f.opcode == 8 && f.len >= 2)
        code = (uint8_t)f.data[0] << 8 | (uint8_t)f.data[1];
    free(f.data);
    return code;
}

static inline int ws_ask(struct client *c, struct answer *a, uint16_t port, const char *origin,
                         const char *protocol, const char *extra)
{
    char req[1024];

    snprintf(
        req, sizeof(req),
        "GET /ws HTTP/1.1\r\nHost: localhost:%u\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s%s%s%s%s%s%s\r\n",
        port, origin ? "Origin: " : "", origin ? origin : "", origin ? "\r\n" : "",
        protocol ? "Sec-WebSocket-Protocol: " : "", protocol ? protocol : "", protocol ? "\r\n" : "", extra);
    return client_ask(c, a, req);
}

#endif
