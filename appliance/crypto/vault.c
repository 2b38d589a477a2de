#include "crypto/vault.h"
#include "core/rnd.h"
#include "crypto/hash.h"

#include <argon2.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <mbedtls/gcm.h>

enum {
    FORMAT = 1,
    KDF_ARGON2ID = 1,
    PASSES = 3,
    MEMORY_KIB = 64 * 1024,
    LANES = 1,
    PASSES_MAX = 16, /* what a foreign file may ask for */
    MEMORY_MAX_KIB = 1024 * 1024,
    LANES_MAX = 16,
    SALT_LEN = 16,
    CHECK_LEN = 16,
    KEY_LEN = 32,
    TAG_LEN = 16,
    NONCE_LEN = 12,
    CHUNK = 64 * 1024,
    CHUNK_MAX = 1024 * 1024,
    MAGIC_LEN = 14,
    AT_FORMAT = MAGIC_LEN,
    AT_KDF = 15,
    AT_PASSES = 16,
    AT_MEMORY = 20,
    AT_LANES = 24,
    AT_SALT = 28,
    AT_CHECK = 44,
    AT_CHUNK = 60,
};

static const char magic[] = "dngate backup\n";
_Static_assert(sizeof(magic) - 1 == MAGIC_LEN, "the magic");
_Static_assert(AT_CHUNK + 4 == VAULT_HEAD_LEN, "the head");

struct vault {
    mbedtls_gcm_context gcm;
    uint8_t head[VAULT_HEAD_LEN];
    uint8_t *plain, *sealed; /* a chunk; one with its tag */
    size_t chunk;
    uint32_t number; /* of the next chunk */
};

static void put32(uint8_t *p, uint32_t n)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(n >> (24 - 8 * i));
}

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

bool vault_is(const void *head, size_t n)
{
    return n >= MAGIC_LEN && !memcmp(head, magic, MAGIC_LEN);
}

/* ---------------------------------------------------------------- key */

/* The chunks' key, and the check as it must be. */
static int derive(const uint8_t head[VAULT_HEAD_LEN], const char *passphrase, uint8_t key[KEY_LEN],
                  uint8_t check[CHECK_LEN])
{
    uint8_t both[2 * KEY_LEN], mac[SHA256_LEN];
    const size_t n = strlen(passphrase);
    int rc;

    if (n < VAULT_PASSPHRASE_MIN || n > VAULT_PASSPHRASE_MAX)
        return EINVAL;
    rc = argon2id_hash_raw(get32(head + AT_PASSES), get32(head + AT_MEMORY), get32(head + AT_LANES),
                           passphrase, n, head + AT_SALT, SALT_LEN, both, sizeof(both));
    if (rc == ARGON2_OK) {
        memcpy(key, both, KEY_LEN);
        hash_hmac_sha256(mac, both + KEY_LEN, KEY_LEN, magic, MAGIC_LEN);
        memcpy(check, mac, CHECK_LEN);
    }
    explicit_bzero(both, sizeof(both));
    return rc == ARGON2_OK ? 0 : rc == ARGON2_MEMORY_ALLOCATION_ERROR ? ENOMEM : EINVAL;
}

static int vault_init(struct vault *v, const uint8_t key[KEY_LEN], size_t chunk)
{
    v->chunk = chunk;
    v->plain = malloc(chunk);
    v->sealed = malloc(chunk + TAG_LEN);
    if (!v->plain || !v->sealed || mbedtls_gcm_setkey(&v->gcm, MBEDTLS_CIPHER_ID_AES, key, KEY_LEN * 8))
        return ENOMEM;
    return 0;
}

static void vault_reset(struct vault *v)
{
    mbedtls_gcm_free(&v->gcm);
    if (v->plain)
        explicit_bzero(v->plain, v->chunk);
    free(v->plain);
    free(v->sealed);
    explicit_bzero(v, sizeof(*v));
}

static void nonce_make(uint8_t nonce[NONCE_LEN], uint32_t number, bool last)
{
    put32(nonce, 0);
    put32(nonce + 4, number);
    put32(nonce + 8, last);
}

/* ---------------------------------------------------------------- files */

/* As many as there are, up to n. */
static int read_full(int fd, uint8_t *p, size_t n, size_t *got)
{
    ssize_t r = 1;

    for (*got = 0; *got < n && r; *got += (size_t)r) {
        r = read(fd, p + *got, n - *got);
        if (r < 0)
            return errno;
    }
    return 0;
}

static int write_full(int fd, const uint8_t *p, size_t n)
{
    for (ssize_t w; n; p += w, n -= (size_t)w) {
        w = write(fd, p, n);
        if (w < 0)
            return errno;
    }
    return 0;
}

/* ---------------------------------------------------------------- sealing */

static int seal_chunks(struct vault *v, int from, int to)
{
    uint8_t nonce[NONCE_LEN];
    bool last = false;
    size_t n;
    int err = 0;

    while (!err && !last) {
        err = read_full(from, v->plain, v->chunk, &n);
        if (err)
            break;
        last = n < v->chunk;
        if (v->number == UINT32_MAX)
            return EFBIG;
        nonce_make(nonce, v->number++, last);
        if (mbedtls_gcm_crypt_and_tag(&v->gcm, MBEDTLS_GCM_ENCRYPT, n, nonce, NONCE_LEN, v->head,
                                      VAULT_HEAD_LEN, v->plain, v->sealed, TAG_LEN, v->sealed + n))
            return EIO;
        err = write_full(to, v->sealed, n + TAG_LEN);
    }
    return err;
}

int vault_seal(int from, int to, const char *passphrase)
{
    struct vault v = {.number = 0};
    uint8_t key[KEY_LEN];
    int err;

    memcpy(v.head, magic, MAGIC_LEN);
    v.head[AT_FORMAT] = FORMAT;
    v.head[AT_KDF] = KDF_ARGON2ID;
    put32(v.head + AT_PASSES, PASSES);
    put32(v.head + AT_MEMORY, MEMORY_KIB);
    put32(v.head + AT_LANES, LANES);
    rnd_bytes(v.head + AT_SALT, SALT_LEN);
    put32(v.head + AT_CHUNK, CHUNK);
    mbedtls_gcm_init(&v.gcm);
    err = derive(v.head, passphrase, key, v.head + AT_CHECK);
    if (!err)
        err = vault_init(&v, key, CHUNK);
    if (!err)
        err = write_full(to, v.head, VAULT_HEAD_LEN);
    if (!err)
        err = seal_chunks(&v, from, to);
    explicit_bzero(key, sizeof(key));
    vault_reset(&v);
    return err;
}

/* ---------------------------------------------------------------- opening */

static int open_chunks(struct vault *v, int from, int to)
{
    uint8_t nonce[NONCE_LEN];
    bool last = false;
    size_t n;
    int err = 0;

    while (!err && !last) {
        err = read_full(from, v->sealed, v->chunk + TAG_LEN, &n);
        if (err)
            break;
        last = n < v->chunk + TAG_LEN;
        if (n < TAG_LEN)
            return EBADMSG;
        n -= TAG_LEN;
        nonce_make(nonce, v->number++, last);
        if (mbedtls_gcm_auth_decrypt(&v->gcm, n, nonce, NONCE_LEN, v->head, VAULT_HEAD_LEN, v->sealed + n,
                                     TAG_LEN, v->sealed, v->plain))
            return EBADMSG;
        err = write_full(to, v->plain, n);
    }
    return err;
}

static int head_check(const uint8_t head[VAULT_HEAD_LEN])
{
    const uint32_t chunk = get32(head + AT_CHUNK), lanes = get32(head + AT_LANES);

    if (!vault_is(head, VAULT_HEAD_LEN))
        return EBADMSG;
    if (head[AT_FORMAT] != FORMAT || head[AT_KDF] != KDF_ARGON2ID)
        return head[AT_FORMAT] > FORMAT ? ENOTSUP : EBADMSG;
    if (!get32(head + AT_PASSES) || get32(head + AT_PASSES) > PASSES_MAX ||
        get32(head + AT_MEMORY) > MEMORY_MAX_KIB || !lanes || lanes > LANES_MAX ||
        get32(head + AT_MEMORY) < 8 * lanes || !chunk || chunk > CHUNK_MAX)
        return EBADMSG;
    return 0;
}

int vault_open(int from, int to, const char *passphrase)
{
    struct vault v = {.number = 0};
    uint8_t key[KEY_LEN] = {0}, check[CHECK_LEN] = {0};
    size_t n;
    int err = read_full(from, v.head, VAULT_HEAD_LEN, &n);

    if (!err)
        err = n < VAULT_HEAD_LEN ? EBADMSG : head_check(v.head);
    if (err)
        return err;
    mbedtls_gcm_init(&v.gcm);
    err = derive(v.head, passphrase, key, check);
    if (err == EINVAL || (!err && memcmp(check, v.head + AT_CHECK, CHECK_LEN) != 0))
        err = EKEYREJECTED; /* one that is too short was never that of a file */
    if (!err)
        err = vault_init(&v, key, get32(v.head + AT_CHUNK));
    if (!err)
        err = open_chunks(&v, from, to);
    explicit_bzero(key, sizeof(key));
    vault_reset(&v);
    return err;
}
