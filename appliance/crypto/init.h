/* crypto/init: mbedtls' PSA core, which TLS 1.3 needs before its first handshake. */
#ifndef CRYPTO_INIT_H
#define CRYPTO_INIT_H

/* Any thread, any number of times. EIO when the library's self-set-up fails. */
int crypto_init(void);

#endif
