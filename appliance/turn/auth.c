#include "turn/auth.h"

#include "core/hex.h"
#include "core/rnd.h"
#include "core/table.h"
#include "crypto/hash.h"
#include "turn/codec.h"
#include "turn/revoked.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ALGORITHM_MD5 = 1,
    ALGORITHM_SHA256 = 2,
    NONCE_COOKIE_LEN = 13,
    NONCE_TIME_LEN = 8,
    NONCE_MAC_LEN = 16, /* bytes of the HMAC; twice that in hex */
    NONCE_LEN = NONCE_COOKIE_LEN + NONCE_TIME_LEN + 2 * NONCE_MAC_LEN
};

/*
 * RFC 8489 9.2: "obMatJos2" and 24 bits of features in base64: password algorithms and user name anonymity. Bit 0 is the leftmost by section
 * 18.1 and the rightmost in the example of appendix B.1, and both are read by clients: we set either pair.
 */
static const char nonce_cookie[NONCE_COOKIE_LEN + 1] = "obMatJos2wAAD";

/* What PASSWORD-ALGORITHMS offers (RFC 8489 14.11): SHA-256, MD5, both without parameters. */
static const uint8_t offered[] = {0, ALGORITHM_SHA256, 0, 0, 0, ALGORITHM_MD5, 0, 0};

/* A user's keys for either algorithm; the password itself is not kept. */
struct keys {
    uint8_t md5[MD5_LEN], sha256[SHA256_LEN];
};

struct known { /* a name that USERHASH finds */
    uint8_t hash[SHA256_LEN];
    struct keys keys; /* of a static user */
    char name[];
};

struct turn_auth {
    char realm[TURN_REALM_MAX + 1];
    uint8_t secret[TURN_SECRET_MAX], nonce_key[SHA256_LEN];
    size_t secret_len;
    uint64_t now_s;
    int64_t unix_s;
    struct table *by_hash, *statics;         /* of struct known */
    struct known *learned[TURN_LEARNED_MAX]; /* a ring */
    size_t next;
    struct revoked *revoked;
};

/* ---------------------------------------------------------------- REST names */

int turn_rest_name(char *name, size_t sz, int64_t expiry_s, const char *who)
{
    int n = snprintf(name, sz, "%lld:%s", (long long)expiry_s, who);

    return n < 0 || (size_t)n >= sz || n > TURN_NAME_MAX ? EOVERFLOW : 0;
}

void turn_rest_password(char out[TURN_REST_PASSWORD_LEN], const void *secret, size_t secret_len,
                        const char *name)
{
    uint8_t mac[SHA1_LEN];

    hash_hmac_sha1(mac, secret, secret_len, name, strlen(name));
    (void)base64_enc(out, TURN_REST_PASSWORD_LEN, mac, sizeof(mac)); /* it fits */
}

/* "digits:somebody": its expiry, and where somebody begins; NULL when it is no such name. */
static const char *rest_parse(const char *name, int64_t *expiry)
{
    const char *p = name;

    *expiry = 0;
    while (*p >= '0' && *p <= '9' && p - name < 18)
        *expiry = *expiry * 10 + (*p++ - '0');
    return p > name && *p == ':' && p[1] ? p + 1 : NULL;
}

/* ---------------------------------------------------------------- keys */

static void keys_make(struct keys *k, const char *name, const char *realm, const char *password)
{
    char text[TURN_NAME_MAX + TURN_REALM_MAX + TURN_PASSWORD_MAX + 3];
    int n = snprintf(text, sizeof(text), "%s:%s:%s", name, realm, password);

    hash_md5(k->md5, text, (size_t)n);
    hash_sha256(k->sha256, text, (size_t)n);
    explicit_bzero(text, sizeof(text));
}

static void userhash(uint8_t out[SHA256_LEN], const char *name, const char *realm)
{
    char text[TURN_NAME_MAX + TURN_REALM_MAX + 2];
    int n = snprintf(text, sizeof(text), "%s:%s", name, realm);

    hash_sha256(out, text, (size_t)n);
}

/* ---------------------------------------------------------------- users */

static void known_free(struct turn_auth *a, struct known *k)
{
    if (!k)
        return;
    if (table_get(a->by_hash, k->hash, sizeof(k->hash)) == k)
        table_del(a->by_hash, k->hash, sizeof(k->hash));
    explicit_bzero(&k->keys, sizeof(k->keys));
    free(k);
}

/* A known name that USERHASH finds from now on. */
static struct known *known_alloc(struct turn_auth *a, const char *name)
{
    size_t n = strlen(name);
    struct known *k = calloc(1, sizeof(*k) + n + 1);

    if (!k)
        return NULL;
    memcpy(k->name, name, n);
    userhash(k->hash, name, a->realm);
    if (table_put(a->by_hash, k->hash, sizeof(k->hash), k)) {
        free(k);
        return NULL;
    }
    return k;
}

static bool name_ok(const char *name)
{
    return name && *name && strlen(name) <= TURN_NAME_MAX;
}

int turn_auth_learn(struct turn_auth *a, const char *name)
{
    uint8_t hash[SHA256_LEN];
    int64_t expiry;
    struct known *k;

    if (!name_ok(name) || !rest_parse(name, &expiry))
        return EINVAL;
    userhash(hash, name, a->realm);
    if (table_get(a->by_hash, hash, sizeof(hash)))
        return 0;
    k = known_alloc(a, name);
    if (!k)
        return ENOMEM;
    known_free(a, a->learned[a->next]);
    a->learned[a->next] = k;
    a->next = (a->next + 1) % TURN_LEARNED_MAX;
    return 0;
}

int turn_auth_set_user(struct turn_auth *a, const char *name, const char *password)
{
    int64_t expiry;
    struct known *k;

    if (!name_ok(name) || rest_parse(name, &expiry) ||
        (password && (!*password || strlen(password) > TURN_PASSWORD_MAX)))
        return EINVAL;
    k = table_get(a->statics, name, strlen(name));
    if (!password) {
        table_del(a->statics, name, strlen(name));
        known_free(a, k);
        return 0;
    }
    if (!k) {
        if (table_count(a->statics) == TURN_USERS_MAX)
            return ENOSPC;
        k = known_alloc(a, name);
        if (!k)
            return ENOMEM;
        if (table_put(a->statics, name, strlen(name), k)) {
            known_free(a, k);
            return ENOMEM;
        }
    }
    keys_make(&k->keys, name, a->realm, password);
    return 0;
}

/* ---------------------------------------------------------------- life */

int turn_auth_alloc(struct turn_auth **ap, const char *realm, const void *secret, size_t secret_len)
{
    struct turn_auth *a;

    if (!realm || !*realm || strlen(realm) > TURN_REALM_MAX || secret_len < TURN_SECRET_MIN ||
        secret_len > TURN_SECRET_MAX)
        return EINVAL;
    a = calloc(1, sizeof(*a));
    if (!a)
        return ENOMEM;
    memcpy(a->realm, realm, strlen(realm));
    memcpy(a->secret, secret, secret_len);
    a->secret_len = secret_len;
    rnd_bytes(a->nonce_key, sizeof(a->nonce_key));
    if (table_alloc(&a->by_hash, TURN_LEARNED_MAX + TURN_USERS_MAX + 1) ||
        table_alloc(&a->statics, TURN_USERS_MAX) || revoked_alloc(&a->revoked)) {
        turn_auth_free(a);
        return ENOMEM;
    }
    *ap = a;
    return 0;
}

bool turn_auth_revoke(struct turn_auth *a, const char *users, size_t count)
{
    bool kept = true;

    revoked_begin(a->revoked);
    for (size_t i = 0; i < count; i++, users += strlen(users) + 1)
        kept &= revoked_add(a->revoked, users, a->unix_s + TURN_REST_SECONDS, a->unix_s);
    return kept;
}

bool turn_auth_revoked(const struct turn_auth *a, uint64_t user)
{
    return revoked_lately(a->revoked, user);
}

static bool static_free(void *val, void *arg)
{
    known_free(arg, val);
    return false;
}

void turn_auth_free(struct turn_auth *a)
{
    if (!a)
        return;
    for (size_t i = 0; i < TURN_LEARNED_MAX; i++)
        known_free(a, a->learned[i]);
    if (a->statics)
        table_each(a->statics, static_free, a);
    table_free(a->statics);
    table_free(a->by_hash);
    revoked_free(a->revoked);
    explicit_bzero(a, sizeof(*a));
    free(a);
}

void turn_auth_now(struct turn_auth *a, uint64_t now_us, int64_t unix_s)
{
    a->now_s = now_us / 1000000;
    a->unix_s = unix_s;
}

/* ---------------------------------------------------------------- nonces */

static void nonce_make(const struct turn_auth *a, char out[NONCE_LEN + 1], uint32_t time,
                       const struct addr *client)
{
    uint8_t text[4 + 16] = {(uint8_t)(time >> 24), (uint8_t)(time >> 16), (uint8_t)(time >> 8),
                            (uint8_t)time};
    uint8_t mac[SHA256_LEN];
    size_t n = addr_af(client) == AF_INET6 ? 16 : 4;

    memcpy(text + 4, n == 16 ? (const void *)&client->u.in6.sin6_addr : (const void *)&client->u.in.sin_addr,
           n);
    hash_hmac_sha256(mac, a->nonce_key, sizeof(a->nonce_key), text, 4 + n);
    memcpy(out, nonce_cookie, NONCE_COOKIE_LEN);
    hash_hex(out + NONCE_COOKIE_LEN, text, 4);
    hash_hex(out + NONCE_COOKIE_LEN + NONCE_TIME_LEN, mac, NONCE_MAC_LEN);
}

static bool nonce_ok(const struct turn_auth *a, const struct codec_bytes *nonce, const struct addr *client)
{
    char ours[NONCE_LEN + 1];
    uint32_t time = 0;

    if (nonce->n != NONCE_LEN)
        return false;
    for (size_t i = 0; i < NONCE_TIME_LEN; i++) {
        int digit = hex_value((char)nonce->p[NONCE_COOKIE_LEN + i]);

        if (digit < 0)
            return false;
        time = time << 4 | (uint32_t)digit;
    }
    nonce_make(a, ours, time, client);
    return hash_equal(ours, nonce->p, NONCE_LEN) && (uint32_t)a->now_s - time <= TURN_NONCE_SECONDS;
}

void turn_auth_challenge(const struct turn_auth *a, struct codec_answer *answer, const struct addr *client)
{
    char nonce[NONCE_LEN + 1];

    nonce_make(a, nonce, (uint32_t)a->now_s, client);
    codec_put(answer, STUN_REALM, a->realm, strlen(a->realm));
    codec_put(answer, STUN_NONCE, nonce, NONCE_LEN);
    codec_put(answer, TURN_PASSWORD_ALGORITHMS, offered, sizeof(offered));
}

/* ---------------------------------------------------------------- requests */

/* Which algorithm the key is of; 0: what was offered came back changed, or half (RFC 8489 9.2.4: 400). */
static unsigned algorithm_of(const struct turn_msg *m)
{
    if (!m->algorithms.p && !m->algorithm)
        return ALGORITHM_MD5; /* a client of RFC 5389 */
    if (!m->algorithms.p || m->algorithms.n != sizeof(offered) ||
        memcmp(m->algorithms.p, offered, sizeof(offered)))
        return 0;
    return m->algorithm == ALGORITHM_MD5 || m->algorithm == ALGORITHM_SHA256 ? m->algorithm : 0;
}

/* The name that a request says; false when it can be nobody's. A USERHASH that we don't know stands for itself: it is nobody's name, and
 * is treated as one. */
static bool name_of(const struct turn_auth *a, const struct turn_msg *m, char name[TURN_NAME_MAX + 1])
{
    const struct known *k;

    if (m->username.p) {
        if (!m->username.n || m->username.n > TURN_NAME_MAX || memchr(m->username.p, 0, m->username.n))
            return false;
        memcpy(name, m->username.p, m->username.n);
        name[m->username.n] = '\0';
        return true;
    }
    if (m->userhash.n != SHA256_LEN)
        return false;
    k = table_get(a->by_hash, m->userhash.p, SHA256_LEN);
    if (k)
        memcpy(name, k->name, strlen(k->name) + 1);
    else
        hash_hex(name, m->userhash.p, SHA256_LEN);
    return true;
}

/* The keys of a name that is somebody's now; those of nobody are random, so that checking them takes as long. */
static bool keys_of(struct turn_auth *a, bool late, struct turn_login *login, struct keys *keys)
{
    const struct known *k = table_get(a->statics, login->name, strlen(login->name));
    char password[TURN_REST_PASSWORD_LEN];
    int64_t expiry;
    const char *who = rest_parse(login->name, &expiry);
    bool valid = who && expiry > a->unix_s && (late || !revoked_is(a->revoked, who, expiry));

    turn_rest_password(password, a->secret, a->secret_len, login->name);
    keys_make(keys, login->name, a->realm, password);
    if (k)
        *keys = k->keys;
    else if (!valid)
        rnd_bytes(keys, sizeof(*keys));
    login->user = k ? login->name : who;
    login->rest = !k;
    explicit_bzero(password, sizeof(password));
    return k || valid;
}

static bool realm_ok(const struct turn_auth *a, const struct turn_msg *m)
{
    return m->realm.n == strlen(a->realm) && !memcmp(m->realm.p, a->realm, m->realm.n);
}

unsigned turn_auth_read(const struct turn_auth *a, const struct turn_msg *m, const struct addr *client,
                        struct turn_login *login, bool *shown)
{
    login->klen = 0;
    login->algorithm = algorithm_of(m);
    *shown = m->mi || m->mi256;
    if (!*shown)
        return 401;
    if ((!m->username.p && !m->userhash.p) || !m->realm.p || !m->nonce.p)
        return 400;
    if (!nonce_ok(a, &m->nonce, client)) {
        *shown = false; /* nothing wrong with it so far */
        return 438;
    }
    if (!login->algorithm)
        return 400;
    return name_of(a, m, login->name) ? 0 : 401;
}

unsigned turn_auth_prove(struct turn_auth *a, const struct turn_msg *m, bool late, struct turn_login *login)
{
    struct keys keys;
    bool somebody = keys_of(a, late, login, &keys) && realm_ok(a, m), sha256;
    bool right;

    sha256 = login->algorithm == ALGORITHM_SHA256;
    login->klen = sha256 ? SHA256_LEN : MD5_LEN;
    memcpy(login->key, sha256 ? keys.sha256 : keys.md5, login->klen);
    explicit_bzero(&keys, sizeof(keys));
    right = codec_verify(m, login->key, login->klen) && somebody;
    if (!right)
        login->klen = 0;
    return right ? 0 : 401;
}
