#include "crypto/secret.h"
#include "core/file.h"
#include "core/rnd.h"
#include "crypto/hash.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <mbedtls/gcm.h>

enum { KEY_LEN = 32, NONCE_LEN = 12, TAG_LEN = 16, HEAD_LEN = NONCE_LEN + TAG_LEN, PLAIN_MAX = 1024 };

static const char prefix[] = "v1:";
enum { PREFIX_LEN = sizeof(prefix) - 1 };

struct secret {
    uint8_t key[KEY_LEN];
};

static int key_load(uint8_t key[KEY_LEN], const char *file)
{
    char *p = NULL;
    size_t n = 0;
    int err = file_read(file, KEY_LEN, &p, &n);

    if (err)
        return err == EFBIG ? EINVAL : err;
    if (n == KEY_LEN)
        memcpy(key, p, KEY_LEN);
    explicit_bzero(p, n);
    free(p);
    return n == KEY_LEN ? 0 : EINVAL;
}

static int key_load_or_make(uint8_t key[KEY_LEN], const char *file)
{
    int err = key_load(key, file);

    if (err != ENOENT)
        return err;
    rnd_bytes(key, KEY_LEN);
    err = file_create(file, key, KEY_LEN, 0600);
    return err == EEXIST ? key_load(key, file) : err; /* another process was first: its key counts */
}

int secret_alloc(struct secret **sp, const char *keyfile)
{
    struct secret *s;
    int err;

    if (!sp || !keyfile)
        return EINVAL;
    s = calloc(1, sizeof(*s));
    if (!s)
        return ENOMEM;
    err = key_load_or_make(s->key, keyfile);
    if (err)
        secret_free(s);
    else
        *sp = s;
    return err;
}

void secret_free(struct secret *s)
{
    if (!s)
        return;
    explicit_bzero(s, sizeof(*s));
    free(s);
}

static int gcm_seal(const struct secret *s, uint8_t *box, const char *context, const char *plain, size_t n)
{
    mbedtls_gcm_context gcm;
    int err;

    mbedtls_gcm_init(&gcm);
    err = mbedtls_gcm_setkey(&gcm, MBEDTLS_CIPHER_ID_AES, s->key, KEY_LEN * 8);
    if (!err)
        err = mbedtls_gcm_crypt_and_tag(&gcm, MBEDTLS_GCM_ENCRYPT, n, box, NONCE_LEN,
                                        (const uint8_t *)context, strlen(context), (const uint8_t *)plain,
                                        box + HEAD_LEN, TAG_LEN, box + NONCE_LEN);
    mbedtls_gcm_free(&gcm);
    return err ? ENOMEM : 0;
}

static int gcm_open(const struct secret *s, char *plain, const char *context, const uint8_t *box, size_t n)
{
    mbedtls_gcm_context gcm;
    int err;

    mbedtls_gcm_init(&gcm);
    err = mbedtls_gcm_setkey(&gcm, MBEDTLS_CIPHER_ID_AES, s->key, KEY_LEN * 8);
    if (!err)
        err = mbedtls_gcm_auth_decrypt(&gcm, n, box, NONCE_LEN, (const uint8_t *)context, strlen(context),
                                       box + NONCE_LEN, TAG_LEN, box + HEAD_LEN, (uint8_t *)plain);
    mbedtls_gcm_free(&gcm);
    return err ? EBADMSG : 0;
}

int secret_seal(const struct secret *s, char *out, size_t sz, const char *context, const char *plain)
{
    uint8_t box[HEAD_LEN + PLAIN_MAX];
    size_t n = strlen(plain);
    int err;

    if (n > PLAIN_MAX || sz <= PREFIX_LEN)
        return EOVERFLOW;
    rnd_bytes(box, NONCE_LEN);
    err = gcm_seal(s, box, context, plain, n);
    if (err)
        return err;
    memcpy(out, prefix, PREFIX_LEN);
    return base64_enc(out + PREFIX_LEN, sz - PREFIX_LEN, box, HEAD_LEN + n);
}

int secret_open(const struct secret *s, char *out, size_t sz, const char *context, const char *sealed)
{
    uint8_t box[HEAD_LEN + PLAIN_MAX];
    size_t n;

    if (strncmp(sealed, prefix, PREFIX_LEN) || base64_dec(box, sizeof(box), &n, sealed + PREFIX_LEN) ||
        n < HEAD_LEN)
        return EBADMSG;
    n -= HEAD_LEN;
    if (n >= sz)
        return EOVERFLOW;
    out[n] = '\0';
    return gcm_open(s, out, context, box, n);
}

void secret_derive(const struct secret *s, uint8_t out[32], const char *label)
{
    hash_hmac_sha256(out, s->key, sizeof(s->key), label, strlen(label));
}
