/* crypto/tlspriv: what tls.c and tlspeer.c share. */
#ifndef CRYPTO_TLSPRIV_H
#define CRYPTO_TLSPRIV_H

#include "crypto/tls.h"

#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>

#include <stdatomic.h>

struct tls_server { /* of a client, too */
    atomic_uint refs;
    mbedtls_x509_crt crt;
    mbedtls_pk_context key;
    mbedtls_ssl_config conf;
};

struct tls {
    mbedtls_ssl_context ssl;
    struct tls_server *server;
    enum tls_state state;
    int err;           /* of mbedtls, with which it failed */
    bool stuck;        /* the transport did not take all of what mbedtls had for it */
    const uint8_t *in; /* what is fed in */
    size_t in_len;
    tls_send_h *sendh;
    void *arg;
};

#endif
