/* crypto/certpriv: what cert.c and certpem.c share. */
#ifndef CRYPTO_CERTPRIV_H
#define CRYPTO_CERTPRIV_H

#include "crypto/cert.h"

#include <mbedtls/pk.h>
#include <mbedtls/x509_crt.h>

enum { CERT_NAMES_MAX = 32, CERT_NAME_LEN = 254, CERT_KEY_PEM_MAX = 1024 };

/* The names of a certificate to be, as mbedtls takes them. */
struct san {
    mbedtls_x509_san_list list[CERT_NAMES_MAX];
    char name[CERT_NAMES_MAX][CERT_NAME_LEN];
    size_t count;
    mbedtls_x509_san_list *first;
};

int san_parse(struct san *san, const char *names);
void certinfo_fill(struct cert_info *info, const mbedtls_x509_crt *crt);
/* A new P-256 key, and its PEM text. EIO. */
int certkey_make(mbedtls_pk_context *key, char pem[CERT_KEY_PEM_MAX]);

#endif
