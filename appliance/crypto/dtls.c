/* crypto/dtls: see dtls.h. */
#include "crypto/dtls.h"

#include "core/metric.h"
#include "core/rnd.h"
#include "crypto/hash.h"
#include "crypto/rng.h"

#include <mbedtls/ecp.h>
#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    DTLS_MTU = 1200,
    RETRANSMIT_MIN_MS = 250, /* doubles up to … */
    RETRANSMIT_MAX_MS = 8000,
    SRTP_KEY = 16,
    SRTP_SALT = 14,
    CERT_DER_MAX = 1024,
    RECORD_HDR = 13,
};

METRIC_COUNTER(malformed, "dngate_dtls_malformed_total", NULL, "Datagrams that are no DTLS records");

struct dtls_identity {
    mbedtls_x509_crt crt;
    mbedtls_pk_context key;
    mbedtls_ssl_config conf[2]; /* by enum dtls_role */
    uint8_t fp[SHA256_LEN];
};

struct dtls {
    mbedtls_ssl_context ssl;
    enum dtls_role role;
    enum dtls_state state;
    uint8_t remote_fp[SHA256_LEN];
    bool wrong_peer, peer_verified, keyed;
    uint8_t material[2 * (SRTP_KEY + SRTP_SALT)]; /* RFC 5764 4.2 */
    dtls_send_h *sendh;
    void *arg;
    const uint8_t *in; /* the datagram being pushed in */
    size_t in_len;
    uint64_t now_ms, timer_start;
    uint32_t timer_int, timer_fin;
};

static const int ciphersuites[] = {
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, /* a peer with an RSA certificate, as server */
    0,
};
static const uint16_t groups[] = {
    MBEDTLS_SSL_IANA_TLS_GROUP_X25519,
    MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1,
    MBEDTLS_SSL_IANA_TLS_GROUP_SECP384R1,
    MBEDTLS_SSL_IANA_TLS_GROUP_NONE,
};
static const mbedtls_ssl_srtp_profile profiles[] = {MBEDTLS_TLS_SRTP_AES128_CM_HMAC_SHA1_80,
                                                    MBEDTLS_TLS_SRTP_UNSET};

/* ---- identity ---- */

static void cert_validity(char from[16], char to[16])
{
    time_t now = time(NULL), begin = now - 86400, end = now + 365 * 86400;
    struct tm tm;

    strftime(from, 16, "%Y%m%d%H%M%S", gmtime_r(&begin, &tm));
    strftime(to, 16, "%Y%m%d%H%M%S", gmtime_r(&end, &tm));
}

/* A self-signed certificate: only its fingerprint matters, it names nobody. */
static int cert_create(struct dtls_identity *id)
{
    mbedtls_x509write_cert wr;
    uint8_t der[CERT_DER_MAX], serial[8];
    char from[16], to[16];
    int n, err = EIO;

    mbedtls_x509write_crt_init(&wr);
    rnd_bytes(serial, sizeof(serial));
    serial[0] = (serial[0] & 0x7f) | 1;
    cert_validity(from, to);
    mbedtls_x509write_crt_set_subject_key(&wr, &id->key);
    mbedtls_x509write_crt_set_issuer_key(&wr, &id->key);
    mbedtls_x509write_crt_set_md_alg(&wr, MBEDTLS_MD_SHA256);
    if (mbedtls_x509write_crt_set_serial_raw(&wr, serial, sizeof(serial)) ||
        mbedtls_x509write_crt_set_subject_name(&wr, "CN=WebRTC") ||
        mbedtls_x509write_crt_set_issuer_name(&wr, "CN=WebRTC") ||
        mbedtls_x509write_crt_set_validity(&wr, from, to))
        goto out;
    n = mbedtls_x509write_crt_der(&wr, der, sizeof(der), rng_h, NULL); /* written at the end of der */
    if (n <= 0 || mbedtls_x509_crt_parse_der(&id->crt, der + sizeof(der) - n, (size_t)n))
        goto out;
    hash_sha256(id->fp, id->crt.raw.p, id->crt.raw.len);
    err = 0;
out:
    mbedtls_x509write_crt_free(&wr);
    return err;
}

static int conf_setup(struct dtls_identity *id, enum dtls_role role)
{
    mbedtls_ssl_config *c = &id->conf[role];
    int endpoint = role == DTLS_CLIENT ? MBEDTLS_SSL_IS_CLIENT : MBEDTLS_SSL_IS_SERVER;

    if (mbedtls_ssl_config_defaults(c, endpoint, MBEDTLS_SSL_TRANSPORT_DATAGRAM, MBEDTLS_SSL_PRESET_DEFAULT))
        return ENOMEM;
    mbedtls_ssl_conf_min_tls_version(c, MBEDTLS_SSL_VERSION_TLS1_2);
    mbedtls_ssl_conf_max_tls_version(c, MBEDTLS_SSL_VERSION_TLS1_2);
    mbedtls_ssl_conf_rng(c, rng_h, NULL);
    mbedtls_ssl_conf_ciphersuites(c, ciphersuites);
    mbedtls_ssl_conf_groups(c, groups);
    /* Both sides must show a certificate; whether it is the right one is decided by verify_h alone. */
    mbedtls_ssl_conf_authmode(c, MBEDTLS_SSL_VERIFY_REQUIRED);
    mbedtls_ssl_conf_ca_chain(c, &id->crt, NULL);
    mbedtls_ssl_conf_handshake_timeout(c, RETRANSMIT_MIN_MS, RETRANSMIT_MAX_MS);
    if (role == DTLS_SERVER) {
        mbedtls_ssl_conf_cert_req_ca_list(c, MBEDTLS_SSL_CERT_REQ_CA_LIST_DISABLED);
        mbedtls_ssl_conf_dtls_cookies(c, NULL, NULL, NULL); /* ICE has verified the source */
    }
    if (mbedtls_ssl_conf_own_cert(c, &id->crt, &id->key) ||
        mbedtls_ssl_conf_dtls_srtp_protection_profiles(c, profiles))
        return ENOMEM;
    return 0;
}

int dtls_identity_alloc(struct dtls_identity **idp)
{
    struct dtls_identity *id = calloc(1, sizeof(*id));
    int err = EIO;

    if (!id)
        return ENOMEM;
    mbedtls_x509_crt_init(&id->crt);
    mbedtls_pk_init(&id->key);
    mbedtls_ssl_config_init(&id->conf[DTLS_CLIENT]);
    mbedtls_ssl_config_init(&id->conf[DTLS_SERVER]);
    if (mbedtls_pk_setup(&id->key, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY)) ||
        mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(id->key), rng_h, NULL))
        goto out;
    err = cert_create(id);
    if (!err)
        err = conf_setup(id, DTLS_CLIENT);
    if (!err)
        err = conf_setup(id, DTLS_SERVER);
out:
    if (err) {
        dtls_identity_free(id);
        return err;
    }
    *idp = id;
    return 0;
}

void dtls_identity_free(struct dtls_identity *id)
{
    if (!id)
        return;
    mbedtls_ssl_config_free(&id->conf[DTLS_CLIENT]);
    mbedtls_ssl_config_free(&id->conf[DTLS_SERVER]);
    mbedtls_pk_free(&id->key);
    mbedtls_x509_crt_free(&id->crt);
    free(id);
}

const uint8_t *dtls_identity_fingerprint(const struct dtls_identity *id)
{
    return id->fp;
}

/* ---- what mbedtls calls ---- */

static int bio_send_h(void *arg, const unsigned char *p, size_t n)
{
    struct dtls *d = arg;

    d->sendh(p, n, d->arg);
    return (int)n;
}

static int bio_recv_h(void *arg, unsigned char *p, size_t sz)
{
    struct dtls *d = arg;
    size_t n = d->in_len;

    if (!d->in)
        return MBEDTLS_ERR_SSL_WANT_READ;
    if (n > sz)
        n = sz;
    memcpy(p, d->in, n);
    d->in = NULL;
    return (int)n;
}

static void timer_set_h(void *arg, uint32_t int_ms, uint32_t fin_ms)
{
    struct dtls *d = arg;

    d->timer_start = d->now_ms;
    d->timer_int = int_ms;
    d->timer_fin = fin_ms;
}

static int timer_get_h(void *arg)
{
    struct dtls *d = arg;
    uint64_t passed = d->now_ms - d->timer_start;

    if (!d->timer_fin)
        return -1;
    if (passed >= d->timer_fin)
        return 2;
    return passed >= d->timer_int ? 1 : 0;
}

/* The chain means nothing for WebRTC (RFC 8122): the leaf's fingerprint is everything. */
static int verify_h(void *arg, mbedtls_x509_crt *crt, int depth, uint32_t *flags)
{
    struct dtls *d = arg;
    uint8_t fp[SHA256_LEN];

    *flags = 0;
    if (depth)
        return 0;
    hash_sha256(fp, crt->raw.p, crt->raw.len);
    d->peer_verified = hash_equal(fp, d->remote_fp, sizeof(fp));
    d->wrong_peer = !d->peer_verified;
    if (d->wrong_peer)
        *flags = MBEDTLS_X509_BADCERT_OTHER;
    return 0;
}

/* Not mbedtls_ssl_export_keying_material(): it crashes in the server role of 3.6.6. */
static void export_h(void *arg, mbedtls_ssl_key_export_type type, const unsigned char *secret,
                     size_t secret_len, const unsigned char client_random[32],
                     const unsigned char server_random[32], mbedtls_tls_prf_types prf)
{
    struct dtls *d = arg;
    uint8_t rnd[64];

    if (type != MBEDTLS_SSL_KEY_EXPORT_TLS12_MASTER_SECRET)
        return;
    memcpy(rnd, client_random, 32);
    memcpy(rnd + 32, server_random, 32);
    d->keyed = !mbedtls_ssl_tls_prf(prf, secret, secret_len, "EXTRACTOR-dtls_srtp", rnd, sizeof(rnd),
                                    d->material, sizeof(d->material));
}

/* ---- association ---- */

int dtls_alloc(struct dtls **dp, const struct dtls_identity *id, enum dtls_role role,
               const uint8_t remote_fp[32], dtls_send_h *sendh, void *arg)
{
    struct dtls *d = calloc(1, sizeof(*d));

    if (!d)
        return ENOMEM;
    mbedtls_ssl_init(&d->ssl);
    d->role = role;
    d->sendh = sendh;
    d->arg = arg;
    memcpy(d->remote_fp, remote_fp, sizeof(d->remote_fp));
    if (mbedtls_ssl_setup(&d->ssl, &id->conf[role]) || mbedtls_ssl_set_hostname(&d->ssl, NULL)) {
        d->state = DTLS_FAILED;
        dtls_free(d);
        return ENOMEM;
    }
    mbedtls_ssl_set_mtu(&d->ssl, DTLS_MTU);
    mbedtls_ssl_set_bio(&d->ssl, d, bio_send_h, bio_recv_h, NULL);
    mbedtls_ssl_set_timer_cb(&d->ssl, d, timer_set_h, timer_get_h);
    mbedtls_ssl_set_verify(&d->ssl, verify_h, d);
    mbedtls_ssl_set_export_keys_cb(&d->ssl, export_h, d);
    *dp = d;
    return 0;
}

void dtls_free(struct dtls *d)
{
    if (!d)
        return;
    if (d->state == DTLS_UP)
        (void)mbedtls_ssl_close_notify(&d->ssl);
    mbedtls_ssl_free(&d->ssl);
    explicit_bzero(d, sizeof(*d));
    free(d);
}

static bool handshake_done(const struct dtls *d)
{
    mbedtls_dtls_srtp_info info;

    mbedtls_ssl_get_dtls_srtp_negotiation_result(&d->ssl, &info);
    return info.MBEDTLS_PRIVATE(chosen_dtls_srtp_profile) == MBEDTLS_TLS_SRTP_AES128_CM_HMAC_SHA1_80 &&
           d->peer_verified && d->keyed;
}

static void handshake_step(struct dtls *d)
{
    int ret = mbedtls_ssl_handshake(&d->ssl);

    switch (ret) {
    case 0:
        d->state = handshake_done(d) ? DTLS_UP : DTLS_FAILED;
        break;
    case MBEDTLS_ERR_SSL_WANT_READ:
    case MBEDTLS_ERR_SSL_WANT_WRITE:
    case MBEDTLS_ERR_SSL_INVALID_RECORD: /* to be discarded in silence: RFC 6347 4.1.2.7 */
    case MBEDTLS_ERR_SSL_UNEXPECTED_RECORD:
        break;
    default:
        d->state = DTLS_FAILED;
        break;
    }
}

int dtls_start(struct dtls *d)
{
    if (d->role == DTLS_CLIENT && d->state == DTLS_HANDSHAKE)
        handshake_step(d);
    return d->state == DTLS_FAILED ? EPROTO : 0;
}

/* After the handshake: retransmissions of the last flight and close_notify; anything else is no business of ours. */
static void read_step(struct dtls *d)
{
    uint8_t rubbish[64];
    int ret;

    do {
        ret = mbedtls_ssl_read(&d->ssl, rubbish, sizeof(rubbish));
    } while (ret > 0);
    if (ret == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY)
        d->state = DTLS_CLOSED;
}

/* Whole records of DTLS and nothing else: anybody can send a datagram in the browser's name before there are keys. */
static bool well_formed(const uint8_t *p, size_t n)
{
    while (n >= RECORD_HDR) {
        size_t len = RECORD_HDR + ((size_t)p[11] << 8 | p[12]);

        if (p[0] < 20 || p[0] > 23 || p[1] != 0xfe || len > n)
            return false;
        p += len;
        n -= len;
    }
    return n == 0;
}

int dtls_recv(struct dtls *d, const uint8_t *p, size_t n)
{
    if (!well_formed(p, n)) {
        metric_add(&malformed, 1);
        return 0;
    }
    d->in = p;
    d->in_len = n;
    if (d->state == DTLS_HANDSHAKE)
        handshake_step(d);
    else if (d->state == DTLS_UP)
        read_step(d);
    d->in = NULL;
    return 0;
}

void dtls_tick(struct dtls *d, uint64_t now_ms)
{
    if (!d->now_ms) /* a timer that was set before the first tick starts now */
        d->timer_start = now_ms;
    d->now_ms = now_ms;
    if (d->state == DTLS_HANDSHAKE && timer_get_h(d) == 2)
        handshake_step(d);
}

enum dtls_state dtls_state(const struct dtls *d)
{
    return d->state;
}

bool dtls_wrong_peer(const struct dtls *d)
{
    return d->wrong_peer;
}

int dtls_keys(const struct dtls *d, struct dtls_keys *keys)
{
    const uint8_t *ckey = d->material, *skey = ckey + SRTP_KEY, *csalt = skey + SRTP_KEY,
                  *ssalt = csalt + SRTP_SALT;
    bool client = d->role == DTLS_CLIENT;

    if (d->state != DTLS_UP)
        return ENOTCONN;
    keys->profile = 0x0001;
    keys->len = SRTP_KEY + SRTP_SALT;
    memcpy(keys->local, client ? ckey : skey, SRTP_KEY);
    memcpy(keys->local + SRTP_KEY, client ? csalt : ssalt, SRTP_SALT);
    memcpy(keys->remote, client ? skey : ckey, SRTP_KEY);
    memcpy(keys->remote + SRTP_KEY, client ? ssalt : csalt, SRTP_SALT);
    return 0;
}
