/*
 * A nonce is 28 bytes in hex: when it was made (4, seconds), chance (8), and a truncated HMAC over both and the
 * realm (16). So we know our own nonces without keeping any; only those that were used rightly get an entry, for
 * their highest nonce count.
 */
#include "crypto/digest.h"
#include "core/hex.h"
#include "core/clock.h"
#include "core/metric.h"
#include "core/rnd.h"
#include "core/table.h"
#include "crypto/hash.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>

enum {
    TIME_LEN = 4,
    CHANCE_LEN = 8,
    BODY_LEN = TIME_LEN + CHANCE_LEN,
    MAC_LEN = 16,
    NONCE_LEN = BODY_LEN + MAC_LEN,
    NONCE_HEXLEN = 2 * NONCE_LEN + 1,
    NC_LEN = 8,
    REALM_MAX = 128,
    NONCE_SECONDS = 300,
    USED_MAX = 16384,
};

METRIC_GAUGE(limit_used, "dngate_limit_used", "name=\"digest_nonces\"",
             "Entries in use of a bounded table, queue or buffer");
METRIC_GAUGE(limit_max, "dngate_limit_max", "name=\"digest_nonces\"",
             "Most entries of a bounded table, queue or buffer");

struct used {
    TAILQ_ENTRY(used) le;
    uint8_t body[BODY_LEN];
    uint32_t made;
    uint32_t nc; /* highest seen */
};

struct digest {
    char realm[REALM_MAX];
    uint8_t key[SHA256_LEN];
    uint32_t seconds;
    uint32_t floor; /* nonces made then or before are stale */
    struct table *used;
    TAILQ_HEAD(, used) by_age; /* first used first */
};

static uint32_t now_seconds(void)
{
    return (uint32_t)(clock_ms() / 1000) + 1; /* never 0, which is `floor` before anything was forgotten */
}

int digest_alloc(struct digest **dp, const char *realm, uint32_t nonce_seconds)
{
    struct digest *d;
    int err;

    if (!dp || !realm || strlen(realm) >= REALM_MAX)
        return EINVAL;
    d = calloc(1, sizeof(*d));
    if (!d)
        return ENOMEM;
    TAILQ_INIT(&d->by_age);
    memcpy(d->realm, realm, strlen(realm) + 1);
    d->seconds = nonce_seconds ? nonce_seconds : NONCE_SECONDS;
    rnd_bytes(d->key, sizeof(d->key));
    err = table_alloc(&d->used, USED_MAX);
    if (err) {
        digest_free(d);
        return err;
    }
    metric_set(&limit_max, USED_MAX);
    *dp = d;
    return 0;
}

static void used_forget(struct digest *d, struct used *u)
{
    table_del(d->used, u->body, sizeof(u->body));
    TAILQ_REMOVE(&d->by_age, u, le);
    metric_add(&limit_used, -1);
    free(u);
}

void digest_free(struct digest *d)
{
    struct used *u;

    if (!d)
        return;
    while ((u = TAILQ_FIRST(&d->by_age)))
        used_forget(d, u);
    table_free(d->used);
    explicit_bzero(d, sizeof(*d));
    free(d);
}

static void nonce_mac(const struct digest *d, uint8_t mac[SHA256_LEN], const uint8_t body[BODY_LEN])
{
    uint8_t text[BODY_LEN + REALM_MAX];
    size_t n = strlen(d->realm);

    memcpy(text, body, BODY_LEN);
    memcpy(text + BODY_LEN, d->realm, n);
    hash_hmac_sha256(mac, d->key, sizeof(d->key), text, BODY_LEN + n);
}

const char *digest_nonce(struct digest *d, char *buf, size_t sz)
{
    uint8_t nonce[BODY_LEN + SHA256_LEN];
    uint32_t made = now_seconds();

    if (sz < NONCE_HEXLEN)
        abort(); /* a cut nonce would refuse everybody */
    memcpy(nonce, &made, TIME_LEN);
    rnd_bytes(nonce + TIME_LEN, CHANCE_LEN);
    nonce_mac(d, nonce + BODY_LEN, nonce);
    hash_hex(buf, nonce, NONCE_LEN);
    return buf;
}

static bool nonce_decode(uint8_t out[NONCE_LEN], const char *hex)
{
    if (strlen(hex) != NONCE_HEXLEN - 1)
        return false;
    for (size_t i = 0; i < NONCE_LEN; i++) {
        int hi = hex_value(hex[2 * i]), lo = hex_value(hex[2 * i + 1]);

        if (hi < 0 || lo < 0)
            return false;
        out[i] = (uint8_t)(hi << 4 | lo);
    }
    return true;
}

static bool nc_decode(uint32_t *nc, const char *s)
{
    *nc = 0;
    if (strlen(s) != NC_LEN)
        return false;
    for (; *s; s++) {
        int v = hex_value(*s);

        if (v < 0)
            return false;
        *nc = *nc << 4 | (uint32_t)v;
    }
    return *nc > 0;
}

/* The response of RFC 7616 3.4.1 with qop=auth, compared in constant time. */
static bool response_is_right(const struct digest_response *r, const char *ha1)
{
    const char *a2[] = {r->method, r->uri};
    char want[SHA256_HEXLEN], ha2[SHA256_HEXLEN], got[SHA256_HEXLEN];
    const char *all[] = {ha1, r->nonce, r->nc, r->cnonce, r->qop, ha2};
    size_t n = strlen(r->response);

    if (r->alg == DIGEST_MD5) {
        hash_joined_md5(ha2, a2, 2);
        hash_joined_md5(want, all, 6);
    } else {
        hash_joined_sha256(ha2, a2, 2);
        hash_joined_sha256(want, all, 6);
    }
    if (n != strlen(want))
        return false;
    for (size_t i = 0; i < n; i++) /* some clients send capitals */
        got[i] =
            r->response[i] >= 'A' && r->response[i] <= 'F' ? (char)(r->response[i] | 0x20) : r->response[i];
    return hash_equal(got, want, n);
}

static void used_make_room(struct digest *d, uint32_t now)
{
    struct used *u;

    while ((u = TAILQ_FIRST(&d->by_age)) &&
           (now - u->made > d->seconds || table_count(d->used) >= USED_MAX)) {
        if (u->made > d->floor)
            d->floor = u->made;
        used_forget(d, u);
    }
}

/* Notes the first right use of a nonce. */
static int used_add(struct digest *d, const uint8_t body[BODY_LEN], uint32_t made, uint32_t nc)
{
    struct used *u = calloc(1, sizeof(*u));

    if (!u)
        return ENOMEM;
    memcpy(u->body, body, BODY_LEN);
    u->made = made;
    u->nc = nc;
    if (table_put(d->used, u->body, BODY_LEN, u)) {
        free(u);
        return ENOMEM;
    }
    TAILQ_INSERT_TAIL(&d->by_age, u, le);
    metric_add(&limit_used, 1);
    return 0;
}

static int nonce_use(struct digest *d, const uint8_t body[BODY_LEN], uint32_t nc)
{
    uint32_t now = now_seconds(), made;
    struct used *u;

    memcpy(&made, body, TIME_LEN);
    used_make_room(d, now);
    if (now - made > d->seconds || made <= d->floor)
        return ESTALE;
    u = table_get(d->used, body, BODY_LEN);
    if (!u)
        return used_add(d, body, made, nc);
    if (nc <= u->nc)
        return EALREADY;
    u->nc = nc;
    return 0;
}

static bool complete(const struct digest_response *r)
{
    return r->user && *r->user && r->realm && r->nonce && r->uri && *r->uri && r->response && r->qop &&
           r->cnonce && *r->cnonce && r->nc && r->method;
}

int digest_verify(struct digest *d, const struct digest_response *r, const char *ha1_hex)
{
    uint8_t nonce[NONCE_LEN] = {0}, mac[SHA256_LEN];
    bool right, ours;
    uint32_t nc;

    if (!complete(r) || strcasecmp(r->qop, "auth") || strcmp(r->realm, d->realm) || !nc_decode(&nc, r->nc))
        return EBADMSG;
    ours = nonce_decode(nonce, r->nonce);
    nonce_mac(d, mac, nonce);
    ours &= hash_equal(mac, nonce + BODY_LEN, MAC_LEN);
    right = response_is_right(r, ha1_hex);
    if (!ours)
        return EBADMSG;
    return right ? nonce_use(d, nonce, nc) : EACCES;
}
