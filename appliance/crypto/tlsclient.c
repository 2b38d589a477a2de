#include "crypto/tlsclient.h"

#include "core/clock.h"
#include "core/file.h"
#include "crypto/init.h"
#include "crypto/rng.h"
#include "crypto/tlspeer.h"

#include <mbedtls/ssl.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct tlsclient {
    int fd;
    uint64_t until_ms; /* 0: for ever */
    mbedtls_x509_crt trusted;
    mbedtls_ssl_context ssl;
    mbedtls_ssl_config conf;
};

/* Who sends a byte now and then would keep us for ever: a socket's timeout is that of one read. */
static bool is_late(const struct tlsclient *c)
{
    return c->until_ms && clock_ms() >= c->until_ms;
}

static int send_h(void *arg, const unsigned char *p, size_t n)
{
    const struct tlsclient *c = arg;
    ssize_t sent = is_late(c) ? -1 : send(c->fd, p, n, MSG_NOSIGNAL);

    return sent > 0 ? (int)sent : MBEDTLS_ERR_SSL_INTERNAL_ERROR;
}

static int recv_h(void *arg, unsigned char *p, size_t n)
{
    const struct tlsclient *c = arg;
    ssize_t got = is_late(c) ? -1 : recv(c->fd, p, n, 0);

    return got >= 0 ? (int)got : MBEDTLS_ERR_SSL_TIMEOUT;
}

static int conf_setup(mbedtls_ssl_config *conf, const char **alpn)
{
    if (mbedtls_ssl_config_defaults(conf, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
                                    MBEDTLS_SSL_PRESET_DEFAULT))
        return ENOMEM;
    mbedtls_ssl_conf_authmode(conf, MBEDTLS_SSL_VERIFY_NONE);
    mbedtls_ssl_conf_rng(conf, rng_h, NULL);
    return alpn && mbedtls_ssl_conf_alpn_protocols(conf, alpn) ? EINVAL : 0;
}

static int client_alloc(struct tlsclient **cp, int fd, const char **alpn)
{
    struct tlsclient *c = calloc(1, sizeof(*c));
    int err;

    if (!c)
        return ENOMEM;
    c->fd = fd;
    mbedtls_x509_crt_init(&c->trusted);
    mbedtls_ssl_init(&c->ssl);
    mbedtls_ssl_config_init(&c->conf);
    mbedtls_ssl_set_bio(&c->ssl, c, send_h, recv_h, NULL);
    err = crypto_init();
    if (!err)
        err = conf_setup(&c->conf, alpn);
    if (err)
        tlsclient_close(c);
    else
        *cp = c;
    return err;
}

static int shake(struct tlsclient *c, const char *host)
{
    if (mbedtls_ssl_setup(&c->ssl, &c->conf) || mbedtls_ssl_set_hostname(&c->ssl, host))
        return ENOMEM;
    return mbedtls_ssl_handshake(&c->ssl) ? EPROTO : 0;
}

int tlsclient_open(struct tlsclient **cp, int fd, const char **alpn)
{
    struct tlsclient *c;
    int err = client_alloc(&c, fd, alpn);

    if (err)
        return err;
    err = shake(c, NULL);
    if (err)
        tlsclient_close(c);
    else
        *cp = c;
    return err;
}

static int trust(struct tlsclient *c, const char *file, char *why, size_t whysz)
{
    char *pem;
    size_t n;
    int err = file_read(file, TLS_CA_FILE_MAX, &pem, &n);

    if (err) {
        snprintf(why, whysz, "%s: %s", file, strerror(err));
        return err;
    }
    err = mbedtls_x509_crt_parse(&c->trusted, (const unsigned char *)pem, n + 1) < 0 ? EBADMSG : 0;
    free(pem);
    if (err)
        snprintf(why, whysz, "%s: no PEM file with certificates", file);
    mbedtls_ssl_conf_authmode(&c->conf, MBEDTLS_SSL_VERIFY_REQUIRED);
    mbedtls_ssl_conf_ca_chain(&c->conf, &c->trusted, NULL);
    return err;
}

static int refused(const struct tlsclient *c, const char *host, const char *file, char *why, size_t whysz)
{
    const uint32_t flags = mbedtls_ssl_get_verify_result(&c->ssl);

    if (!flags || flags == UINT32_MAX) {
        snprintf(why, whysz, "no TLS: the handshake failed");
        return EPROTO;
    }
    if (flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED)
        snprintf(why, whysz, "its certificate is not signed by a CA of %s", file);
    else if (flags & MBEDTLS_X509_BADCERT_CN_MISMATCH)
        snprintf(why, whysz, "its certificate is not for %s", host);
    else if (flags & (MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE))
        snprintf(why, whysz, "its certificate is not valid now");
    else
        snprintf(why, whysz, "its certificate is refused (%#x)", (unsigned)flags);
    return EKEYREJECTED;
}

int tlsclient_open_trusted(struct tlsclient **cp, int fd, const char **alpn, const char *host,
                           const char *ca_file, uint64_t until_ms, char *why, size_t whysz)
{
    const char *file = *ca_file ? ca_file : tls_trust_default();
    struct tlsclient *c;
    int err;

    if (!file) {
        snprintf(why, whysz, "this machine has no list of trusted CAs: name a file");
        return ENOENT;
    }
    err = client_alloc(&c, fd, alpn);
    if (err) {
        snprintf(why, whysz, "%s", strerror(err));
        return err;
    }
    c->until_ms = until_ms;
    err = trust(c, file, why, whysz);
    if (!err && shake(c, host))
        err = refused(c, host, file, why, whysz);
    if (err)
        tlsclient_close(c);
    else
        *cp = c;
    return err;
}

void tlsclient_close(struct tlsclient *c)
{
    if (!c)
        return;
    if (mbedtls_ssl_is_handshake_over(&c->ssl))
        (void)mbedtls_ssl_close_notify(&c->ssl);
    mbedtls_ssl_free(&c->ssl);
    mbedtls_ssl_config_free(&c->conf);
    mbedtls_x509_crt_free(&c->trusted);
    free(c);
}

int tlsclient_write(struct tlsclient *c, const void *p, size_t n)
{
    const unsigned char *from = p;

    while (n) {
        const int sent = mbedtls_ssl_write(&c->ssl, from, n);

        if (sent <= 0)
            return EPIPE;
        from += sent;
        n -= (size_t)sent;
    }
    return 0;
}

ssize_t tlsclient_read(struct tlsclient *c, void *p, size_t n)
{
    int ret;

    do
        ret = mbedtls_ssl_read(&c->ssl, p, n);
    while (ret == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET);
    return ret;
}
