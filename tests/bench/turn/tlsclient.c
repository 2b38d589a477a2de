/* bench/turn/tlsclient: see tlsclient.h. */
#include "tlsclient.h"

#include "crypto/init.h"

#include <fcntl.h>
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/ssl.h>
#include <stdbool.h>
#include <stdlib.h>

struct tlsclient {
    mbedtls_net_context net;
    mbedtls_ssl_context ssl;
};

static mbedtls_ssl_config conf; /* of all; lives as long as the process */
static mbedtls_ctr_drbg_context rng;
static mbedtls_entropy_context entropy;

static bool prepared(void)
{
    static bool done;

    if (done)
        return true;
    mbedtls_ssl_config_init(&conf);
    mbedtls_ctr_drbg_init(&rng);
    mbedtls_entropy_init(&entropy);
    done = !crypto_init() && !mbedtls_ctr_drbg_seed(&rng, mbedtls_entropy_func, &entropy, NULL, 0) &&
           !mbedtls_ssl_config_defaults(&conf, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
                                        MBEDTLS_SSL_PRESET_DEFAULT);
    mbedtls_ssl_conf_authmode(&conf, MBEDTLS_SSL_VERIFY_NONE);
    mbedtls_ssl_conf_rng(&conf, mbedtls_ctr_drbg_random, &rng);
    return done;
}

struct tlsclient *tlsclient_open(int fd)
{
    struct tlsclient *c = prepared() ? calloc(1, sizeof(*c)) : NULL;

    if (!c)
        return NULL;
    c->net.fd = fd;
    mbedtls_ssl_init(&c->ssl);
    mbedtls_ssl_set_bio(&c->ssl, &c->net, mbedtls_net_send, mbedtls_net_recv, NULL);
    if (mbedtls_ssl_setup(&c->ssl, &conf) || mbedtls_ssl_set_hostname(&c->ssl, NULL) ||
        mbedtls_ssl_handshake(&c->ssl)) {
        tlsclient_close(c);
        return NULL;
    }
    (void)fcntl(fd, F_SETFL, O_NONBLOCK);
    return c;
}

void tlsclient_close(struct tlsclient *c)
{
    if (!c)
        return;
    mbedtls_ssl_free(&c->ssl);
    free(c);
}

void tlsclient_write(struct tlsclient *c, const void *p, size_t n)
{
    (void)mbedtls_ssl_write(&c->ssl, p, n);
}

ssize_t tlsclient_read(struct tlsclient *c, void *p, size_t n)
{
    int got;

    do
        got = mbedtls_ssl_read(&c->ssl, p, n);
    while (got == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET);
    if (got == MBEDTLS_ERR_SSL_WANT_READ || got == MBEDTLS_ERR_SSL_WANT_WRITE)
        return -1;
    return got > 0 ? got : 0;
}
