/* crypto/hash: MD5, SHA-1, SHA-256 and HMAC (mbedtls behind it). Any thread; allocates nothing. */
#ifndef CRYPTO_HASH_H
#define CRYPTO_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MD5_LEN = 16, SHA1_LEN = 20, SHA256_LEN = 32, MD5_HEXLEN = 33, SHA256_HEXLEN = 65 };

void hash_md5(uint8_t out[MD5_LEN], const void *p, size_t n);
void hash_sha256(uint8_t out[SHA256_LEN], const void *p, size_t n);
/* Named so because libre has an hmac_sha1 of another signature, and both may be linked together. */
void hash_hmac_sha1(uint8_t out[SHA1_LEN], const void *key, size_t klen, const void *p, size_t n);
void hash_hmac_sha256(uint8_t out[SHA256_LEN], const void *key, size_t klen, const void *p, size_t n);
/* Lower-case hex with a terminating 0 into out (2n+1 bytes). */
void hash_hex(char *out, const uint8_t *p, size_t n);
/* Constant-time comparison. */
bool hash_equal(const void *a, const void *b, size_t n);
/* HA1 of RFC 2617/8760: H(user ":" realm ":" password) in lower-case hex. */
void hash_ha1_md5(char out[MD5_HEXLEN], const char *user, const char *realm, const char *password);
void hash_ha1_sha256(char out[SHA256_HEXLEN], const char *user, const char *realm, const char *password);
/* H(parts joined by ":") in lower-case hex: the shape of every hash in digest authentication. */
void hash_joined_md5(char out[MD5_HEXLEN], const char *const *parts, size_t n);
void hash_joined_sha256(char out[SHA256_HEXLEN], const char *const *parts, size_t n);
/* Base64 with padding; sz at least 4*((n+2)/3)+1. EOVERFLOW. */
int base64_enc(char *out, size_t sz, const void *p, size_t n);
/* Strict: EBADMSG on anything else than base64, EOVERFLOW when out (sz bytes) is too small. */
int base64_dec(void *out, size_t sz, size_t *n, const char *s);

#endif
