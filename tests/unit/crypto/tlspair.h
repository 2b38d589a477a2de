/* A TLS client of mbedtls and a session of crypto/tls, joined by memory. For the unit test and the fuzz target of crypto/tls. */
#ifndef TESTS_CRYPTO_TLSPAIR_H
#define TESTS_CRYPTO_TLSPAIR_H

#include "core/rnd.h"
#include "crypto/cert.h"
#include "crypto/init.h"
#include "crypto/tls.h"
#include <mbedtls/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TLSPAIR_PIPE = 1 << 17 };

struct pipe_bytes { /* one direction; what does not fit is not taken */
    uint8_t data[TLSPAIR_PIPE];
    size_t len;
    size_t room; /* bytes that it takes before it says that it is full */
    bool broken;
};

struct tlspair {
    struct pipe_bytes up, down; /* to the server, to the client */
    struct tls *server;
    mbedtls_ssl_context client;
    mbedtls_ssl_config conf;
};

static size_t pipe_put(struct pipe_bytes *w, const void *p, size_t n)
{
    if (n > w->room)
        n = w->room;
    if (n > sizeof(w->data) - w->len)
        n = sizeof(w->data) - w->len;
    memcpy(w->data + w->len, p, n);
    w->len += n;
    w->room -= n;
    return n;
}

static size_t pipe_take(struct pipe_bytes *w, void *p, size_t n)
{
    if (n > w->len)
        n = w->len;
    memcpy(p, w->data, n);
    memmove(w->data, w->data + n, w->len - n);
    w->len -= n;
    return n;
}

static ssize_t server_send_h(const void *p, size_t n, void *arg)
{
    struct pipe_bytes *w = arg;

    return w->broken ? -1 : (ssize_t)pipe_put(w, p, n);
}

static int client_send_h(void *arg, const unsigned char *p, size_t n)
{
    n = pipe_put(&((struct tlspair *)arg)->up, p, n);
    return n ? (int)n : MBEDTLS_ERR_SSL_WANT_WRITE;
}

static int client_recv_h(void *arg, unsigned char *p, size_t n)
{
    n = pipe_take(&((struct tlspair *)arg)->down, p, n);
    return n ? (int)n : MBEDTLS_ERR_SSL_WANT_READ;
}

static int client_rng_h(void *arg, unsigned char *p, size_t n)
{
    (void)arg;
    rnd_bytes(p, n);
    return 0;
}

static bool tlspair_open(struct tlspair *x, struct tls_server *s, mbedtls_ssl_protocol_version version,
                         const char **alpn)
{
    memset(x, 0, sizeof(*x));
    x->up.room = x->down.room = SIZE_MAX;
    mbedtls_ssl_init(&x->client);
    mbedtls_ssl_config_init(&x->conf);
    if (crypto_init() ||
        mbedtls_ssl_config_defaults(&x->conf, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
                                    MBEDTLS_SSL_PRESET_DEFAULT))
        return false;
    mbedtls_ssl_conf_authmode(&x->conf, MBEDTLS_SSL_VERIFY_NONE);
    mbedtls_ssl_conf_rng(&x->conf, client_rng_h, NULL);
    mbedtls_ssl_conf_min_tls_version(&x->conf, version);
    mbedtls_ssl_conf_max_tls_version(&x->conf, version);
    if (alpn && mbedtls_ssl_conf_alpn_protocols(&x->conf, alpn))
        return false;
    if (mbedtls_ssl_setup(&x->client, &x->conf) || mbedtls_ssl_set_hostname(&x->client, NULL))
        return false;
    mbedtls_ssl_set_bio(&x->client, x, client_send_h, client_recv_h, NULL);
    return !tls_session_alloc(&x->server, s, server_send_h, &x->down);
}

static void tlspair_close(struct tlspair *x)
{
    tls_free(x->server);
    mbedtls_ssl_free(&x->client);
    mbedtls_ssl_config_free(&x->conf);
}

/* Feeds the server at most max bytes of what waits for it, and appends what it reads to out. */
static ssize_t tlspair_serve(struct tlspair *x, size_t max, uint8_t *out, size_t sz, size_t *len)
{
    static uint8_t in[TLSPAIR_PIPE];
    size_t n = pipe_take(&x->up, in, max < sizeof(in) ? max : sizeof(in));
    ssize_t got;

    tls_feed(x->server, in, n);
    while ((got = tls_read(x->server, out + *len, sz - *len)) > 0)
        *len += (size_t)got;
    return got;
}

/* A file's text; "" when it cannot be read. */
static void text_read(const char *path, char *text, size_t sz)
{
    FILE *f = fopen(path, "r");

    text[0] = '\0';
    if (!f)
        return;
    text[fread(text, 1, sz - 1, f)] = '\0';
    fclose(f);
}

/* Made once. */
static char tlspair_cert[8192], tlspair_key[2048];

static int tlspair_server(struct tls_server **sp)
{
    char dir[] = "/tmp/dngate-tls-XXXXXX", path[2][64];

    if (!tlspair_key[0] && mkdtemp(dir)) {
        snprintf(path[0], sizeof(path[0]), "%s/cert.pem", dir);
        snprintf(path[1], sizeof(path[1]), "%s/key.pem", dir);
        if (!cert_make(path[0], path[1], "localhost")) {
            text_read(path[0], tlspair_cert, sizeof(tlspair_cert));
            text_read(path[1], tlspair_key, sizeof(tlspair_key));
        }
        unlink(path[0]);
        unlink(path[1]);
        rmdir(dir);
    }
    return tls_server_alloc(sp, tlspair_cert, tlspair_key);
}

#endif
