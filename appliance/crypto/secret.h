/*
 * crypto/secret: seals secrets that must be read back (trunk passwords) with AES-256-GCM and the key of
 * DIR/secret.key (32 random bytes, mode 0600, made at first use). Any thread after alloc.
 */
#ifndef CRYPTO_SECRET_H
#define CRYPTO_SECRET_H

#include <stddef.h>
#include <stdint.h>

struct secret;

int secret_alloc(struct secret **sp, const char *keyfile); /* errno of open/read; EINVAL wrong size */
void secret_free(struct secret *s);                        /* wipes the key */
/* "v1:" base64(nonce|tag|cipher) into out. context is authenticated too (e.g. "trunk/genesys"). EOVERFLOW. */
int secret_seal(const struct secret *s, char *out, size_t sz, const char *context, const char *plain);
/* EBADMSG when it was not sealed by this key and context. */
int secret_open(const struct secret *s, char *out, size_t sz, const char *context, const char *sealed);

/* A key of its own for a purpose: HMAC-SHA-256 of the label (RFC 5869 2.3, one block). The same as long as the key is. */
void secret_derive(const struct secret *s, uint8_t out[32], const char *label);

#endif
