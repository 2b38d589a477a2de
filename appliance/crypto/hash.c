#include "crypto/hash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <mbedtls/base64.h>
#include <mbedtls/constant_time.h>
#include <mbedtls/md5.h>
#include <mbedtls/sha1.h>
#include <mbedtls/sha256.h>

enum { HMAC_BLOCK = 64 }; /* of SHA-1 and SHA-256 alike, RFC 2104 */

/* The software hashes cannot fail; if one ever does, going on would mean to trust garbage. */
static void must(int err)
{
    if (err)
        abort();
}

void hash_md5(uint8_t out[MD5_LEN], const void *p, size_t n)
{
    must(mbedtls_md5(p, n, out));
}

void hash_sha256(uint8_t out[SHA256_LEN], const void *p, size_t n)
{
    must(mbedtls_sha256(p, n, out, 0));
}

static void sha1_two(uint8_t out[SHA1_LEN], const uint8_t block[HMAC_BLOCK], const void *p, size_t n)
{
    mbedtls_sha1_context c;

    mbedtls_sha1_init(&c);
    must(mbedtls_sha1_starts(&c));
    must(mbedtls_sha1_update(&c, block, HMAC_BLOCK));
    must(mbedtls_sha1_update(&c, p, n));
    must(mbedtls_sha1_finish(&c, out));
    mbedtls_sha1_free(&c);
}

static void sha256_two(uint8_t out[SHA256_LEN], const uint8_t block[HMAC_BLOCK], const void *p, size_t n)
{
    mbedtls_sha256_context c;

    mbedtls_sha256_init(&c);
    must(mbedtls_sha256_starts(&c, 0));
    must(mbedtls_sha256_update(&c, block, HMAC_BLOCK));
    must(mbedtls_sha256_update(&c, p, n));
    must(mbedtls_sha256_finish(&c, out));
    mbedtls_sha256_free(&c);
}

static void xor_block(uint8_t block[HMAC_BLOCK], uint8_t with)
{
    for (size_t i = 0; i < HMAC_BLOCK; i++)
        block[i] ^= with;
}

enum { IPAD = 0x36, OPAD = 0x5c };

void hash_hmac_sha1(uint8_t out[SHA1_LEN], const void *key, size_t klen, const void *p, size_t n)
{
    uint8_t block[HMAC_BLOCK] = {0};

    if (klen > HMAC_BLOCK)
        must(mbedtls_sha1(key, klen, block));
    else if (klen)
        memcpy(block, key, klen);
    xor_block(block, IPAD);
    sha1_two(out, block, p, n);
    xor_block(block, IPAD ^ OPAD);
    sha1_two(out, block, out, SHA1_LEN);
    explicit_bzero(block, sizeof(block));
}

void hash_hmac_sha256(uint8_t out[SHA256_LEN], const void *key, size_t klen, const void *p, size_t n)
{
    uint8_t block[HMAC_BLOCK] = {0};

    if (klen > HMAC_BLOCK)
        must(mbedtls_sha256(key, klen, block, 0));
    else if (klen)
        memcpy(block, key, klen);
    xor_block(block, IPAD);
    sha256_two(out, block, p, n);
    xor_block(block, IPAD ^ OPAD);
    sha256_two(out, block, out, SHA256_LEN);
    explicit_bzero(block, sizeof(block));
}

void hash_hex(char *out, const uint8_t *p, size_t n)
{
    static const char digit[] = "0123456789abcdef";

    for (size_t i = 0; i < n; i++) {
        *out++ = digit[p[i] >> 4];
        *out++ = digit[p[i] & 15];
    }
    *out = '\0';
}

bool hash_equal(const void *a, const void *b, size_t n)
{
    return !mbedtls_ct_memcmp(a, b, n);
}

void hash_joined_md5(char out[MD5_HEXLEN], const char *const *parts, size_t n)
{
    mbedtls_md5_context c;
    uint8_t sum[MD5_LEN];

    mbedtls_md5_init(&c);
    must(mbedtls_md5_starts(&c));
    for (size_t i = 0; i < n; i++) {
        if (i)
            must(mbedtls_md5_update(&c, (const uint8_t *)":", 1));
        must(mbedtls_md5_update(&c, (const uint8_t *)parts[i], strlen(parts[i])));
    }
    must(mbedtls_md5_finish(&c, sum));
    mbedtls_md5_free(&c);
    hash_hex(out, sum, sizeof(sum));
}

void hash_joined_sha256(char out[SHA256_HEXLEN], const char *const *parts, size_t n)
{
    mbedtls_sha256_context c;
    uint8_t sum[SHA256_LEN];

    mbedtls_sha256_init(&c);
    must(mbedtls_sha256_starts(&c, 0));
    for (size_t i = 0; i < n; i++) {
        if (i)
            must(mbedtls_sha256_update(&c, (const uint8_t *)":", 1));
        must(mbedtls_sha256_update(&c, (const uint8_t *)parts[i], strlen(parts[i])));
    }
    must(mbedtls_sha256_finish(&c, sum));
    mbedtls_sha256_free(&c);
    hash_hex(out, sum, sizeof(sum));
}

void hash_ha1_md5(char out[MD5_HEXLEN], const char *user, const char *realm, const char *password)
{
    hash_joined_md5(out, (const char *const[]){user, realm, password}, 3);
}

void hash_ha1_sha256(char out[SHA256_HEXLEN], const char *user, const char *realm, const char *password)
{
    hash_joined_sha256(out, (const char *const[]){user, realm, password}, 3);
}

int base64_enc(char *out, size_t sz, const void *p, size_t n)
{
    size_t len;

    if (!sz)
        return EOVERFLOW;
    out[0] = '\0'; /* of nothing, mbedtls writes nothing */
    return mbedtls_base64_encode((unsigned char *)out, sz, &len, p, n) ? EOVERFLOW : 0;
}

int base64_dec(void *out, size_t sz, size_t *n, const char *s)
{
    int err = mbedtls_base64_decode(out, sz, n, (const unsigned char *)s, strlen(s));

    if (err == MBEDTLS_ERR_BASE64_BUFFER_TOO_SMALL)
        return EOVERFLOW;
    return err ? EBADMSG : 0;
}
