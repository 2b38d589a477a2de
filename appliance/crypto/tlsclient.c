#include "crypto/tlsclient.h"

#include "crypto/init.h"
#include "crypto/rng.h"

#include <mbedtls/ssl.h>

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct tlsclient {
    int fd;
    mbedtls_ssl_context ssl;
    mbedtls_ssl_config conf;
};

static int send_h(void *arg, const unsigned char *p, size_t n)
{
    const struct tlsclient *c = arg;
    ssize_t sent = send(c->fd, p, n, MSG_NOSIGNAL);

    return sent > 0 ? (int)sent : MBEDTLS_ERR_SSL_INTERNAL_ERROR;
}

static int recv_h(void *arg, unsigned char *p, size_t n)
{
    const struct tlsclient *c = arg;
    ssize_t got = recv(c->fd, p, n, 0);

    return got >= 0 ? (int)got : MBEDTLS_ERR_SSL_TIMEOUT;
}

static int conf_setup(mbedtls_ssl_config *conf, const char **alpn)
{
    if (mbedtls_ssl_config_defaults(conf, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
                                    MBEDTLS_SSL_PRESET_DEFAULT))
        return ENOMEM;
    mbedtls_ssl_conf_authmode(conf, MBEDTLS_SSL_VERIFY_NONE);
    mbedtls_ssl_conf_rng(conf, rng_h, NULL);
    return mbedtls_ssl_conf_alpn_protocols(conf, alpn) ? EINVAL : 0;
}

int tlsclient_open(struct tlsclient **cp, int fd, const char **alpn)
{
    struct tlsclient *c = calloc(1, sizeof(*c));
    int err;

    if (!c)
        return ENOMEM;
    c->fd = fd;
    mbedtls_ssl_init(&c->ssl);
    mbedtls_ssl_config_init(&c->conf);
    mbedtls_ssl_set_bio(&c->ssl, c, send_h, recv_h, NULL);
    err = crypto_init();
    if (!err)
        err = conf_setup(&c->conf, alpn);
    if (!err && (mbedtls_ssl_setup(&c->ssl, &c->conf) || mbedtls_ssl_set_hostname(&c->ssl, NULL)))
        err = ENOMEM;
    if (!err && mbedtls_ssl_handshake(&c->ssl))
        err = EPROTO;
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
    free(c);
}

int tlsclient_write(struct tlsclient *c, const void *p, size_t n)
{
    return mbedtls_ssl_write(&c->ssl, p, n) == (int)n ? 0 : EPIPE;
}

ssize_t tlsclient_read(struct tlsclient *c, void *p, size_t n)
{
    int ret;

    do
        ret = mbedtls_ssl_read(&c->ssl, p, n);
    while (ret == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET);
    return ret;
}
