/* crypto/tls: see tls.h. */
#include "crypto/tlspriv.h"

#include "crypto/init.h"
#include "crypto/rng.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Of TLS 1.2 only what has forward secrecy and authenticated encryption: all browsers of the last ten years have it. */
static const int ciphersuites[] = {
    MBEDTLS_TLS1_3_AES_128_GCM_SHA256,
    MBEDTLS_TLS1_3_AES_256_GCM_SHA384,
    MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    MBEDTLS_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    0,
};
static const char *protocols[] = {"http/1.1", "stun.turn", "stun.nat-discovery", NULL};

/* ---- what sessions share ---- */

static int conf_setup(struct tls_server *s, bool client, bool mutual, bool pair)
{
    mbedtls_ssl_config *c = &s->conf;

    if (mbedtls_ssl_config_defaults(c, client ? MBEDTLS_SSL_IS_CLIENT : MBEDTLS_SSL_IS_SERVER,
                                    MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT))
        return ENOMEM;
    mbedtls_ssl_conf_min_tls_version(c, MBEDTLS_SSL_VERSION_TLS1_2);
    mbedtls_ssl_conf_max_tls_version(c, MBEDTLS_SSL_VERSION_TLS1_3);
    mbedtls_ssl_conf_rng(c, rng_h, NULL);
    mbedtls_ssl_conf_ciphersuites(c, ciphersuites);
    if (mutual)
        mbedtls_ssl_conf_authmode(c, MBEDTLS_SSL_VERIFY_OPTIONAL);
    else if (mbedtls_ssl_conf_alpn_protocols(c, protocols))
        return EINVAL;
    return pair && mbedtls_ssl_conf_own_cert(c, &s->crt, &s->key) ? ENOMEM : 0;
}

static int pem_load(struct tls_server *s, const char *cert, const char *key)
{
    int bad = mbedtls_x509_crt_parse(&s->crt, (const uint8_t *)cert, strlen(cert) + 1);

    if (!bad)
        bad = mbedtls_pk_parse_key(&s->key, (const uint8_t *)key, strlen(key) + 1, NULL, 0, rng_h, NULL);
    if (!bad)
        bad = mbedtls_pk_check_pair(&s->crt.pk, &s->key, rng_h, NULL);
    return bad ? EBADMSG : 0;
}

static int conf_alloc(struct tls_server **sp, bool client, bool mutual, const char *cert, const char *key)
{
    struct tls_server *s = calloc(1, sizeof(*s));
    int err = 0;

    if (!s)
        return ENOMEM;
    atomic_init(&s->refs, 1);
    mbedtls_x509_crt_init(&s->crt);
    mbedtls_pk_init(&s->key);
    mbedtls_ssl_config_init(&s->conf);
    if (cert)
        err = pem_load(s, cert, key);
    if (!err)
        err = conf_setup(s, client, mutual, cert != NULL);
    if (err)
        tls_server_unref(s);
    else
        *sp = s;
    return err;
}

int tls_server_alloc(struct tls_server **sp, const char *cert, const char *key)
{
    return conf_alloc(sp, false, false, cert, key);
}

int tls_mutual_alloc(struct tls_server **sp, bool client, const char *cert, const char *key)
{
    const int err = crypto_init();

    if (err || (!cert && !client))
        return err ? err : EBADMSG;
    return conf_alloc(sp, client, true, cert, key);
}

static struct tls_server *tls_server_ref(struct tls_server *s)
{
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

void tls_server_unref(struct tls_server *s)
{
    if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) > 1)
        return;
    mbedtls_ssl_config_free(&s->conf);
    mbedtls_pk_free(&s->key);
    mbedtls_x509_crt_free(&s->crt);
    free(s);
}

/* ---- what mbedtls calls ---- */

static int bio_send_h(void *arg, const unsigned char *p, size_t n)
{
    struct tls *t = arg;
    ssize_t sent = t->sendh ? t->sendh(p, n, t->arg) : -1;

    t->stuck = sent >= 0 && (size_t)sent < n;
    if (sent < 0)
        return MBEDTLS_ERR_SSL_INTERNAL_ERROR;
    return sent ? (int)sent : MBEDTLS_ERR_SSL_WANT_WRITE;
}

static int bio_recv_h(void *arg, unsigned char *p, size_t sz)
{
    struct tls *t = arg;
    size_t n = t->in_len < sz ? t->in_len : sz;

    if (!n)
        return MBEDTLS_ERR_SSL_WANT_READ;
    memcpy(p, t->in, n);
    t->in += n;
    t->in_len -= n;
    return (int)n;
}

/* ---- a session ---- */

int tls_session_alloc(struct tls **tp, struct tls_server *s, tls_send_h *sendh, void *arg)
{
    struct tls *t = calloc(1, sizeof(*t));

    if (!t)
        return ENOMEM;
    mbedtls_ssl_init(&t->ssl);
    t->server = tls_server_ref(s);
    tls_bind(t, sendh, arg);
    mbedtls_ssl_set_bio(&t->ssl, t, bio_send_h, bio_recv_h, NULL);
    if (mbedtls_ssl_setup(&t->ssl, &s->conf)) {
        tls_free(t);
        return ENOMEM;
    }
    *tp = t;
    return 0;
}

void tls_free(struct tls *t)
{
    if (!t)
        return;
    mbedtls_ssl_free(&t->ssl);
    tls_server_unref(t->server);
    free(t);
}

void tls_bind(struct tls *t, tls_send_h *sendh, void *arg)
{
    t->sendh = sendh;
    t->arg = arg;
}

/* Who has sent more but not taken our flight speaks no TLS: each flight answers the one before, and the kernel takes ours whole unless
 * earlier ones are still there. */
static void handshake_step(struct tls *t)
{
    int ret = mbedtls_ssl_handshake(&t->ssl);
    bool waits = ret == MBEDTLS_ERR_SSL_WANT_READ || ret == MBEDTLS_ERR_SSL_WANT_WRITE;

    if (!ret) {
        t->state = TLS_UP;
    } else if (!waits || (t->stuck && t->in_len)) {
        t->state = TLS_FAILED;
        t->err = ret;
    }
}

int tls_ask_for(struct tls *t, const char *name)
{
    const int ret = mbedtls_ssl_set_hostname(&t->ssl, name[0] ? name : NULL);

    return ret == MBEDTLS_ERR_SSL_ALLOC_FAILED ? ENOMEM : ret ? EINVAL : 0;
}

int tls_shake(struct tls *t)
{
    if (t->state == TLS_HANDSHAKE)
        handshake_step(t);
    if (t->state == TLS_HANDSHAKE)
        return EAGAIN;
    return t->state == TLS_UP ? 0 : EPROTO;
}

void tls_feed(struct tls *t, const void *p, size_t n)
{
    t->in = p;
    t->in_len = n;
}

ssize_t tls_read(struct tls *t, void *p, size_t sz)
{
    int ret;

    if (t->state == TLS_HANDSHAKE)
        handshake_step(t);
    if (t->state == TLS_HANDSHAKE)
        return 0;
    if (t->state != TLS_UP)
        return -1;
    do
        ret = mbedtls_ssl_read(&t->ssl, p, sz);
    while ((!ret && sz) /* a record without bytes (RFC 8446 5.1): mbedtls ends it when there are many */
           || ret == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET);
    if (ret > 0)
        return ret;
    if (ret == MBEDTLS_ERR_SSL_WANT_READ || ret == MBEDTLS_ERR_SSL_WANT_WRITE)
        return 0;
    t->state = ret == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY ? TLS_CLOSED : TLS_FAILED;
    t->err = ret;
    return -1;
}

int tls_write(struct tls *t, const void *p, size_t n, size_t *taken)
{
    int ret, max;

    *taken = 0;
    if (t->state != TLS_UP)
        return ENOTCONN;
    if (t->stuck)
        return EAGAIN;
    max = mbedtls_ssl_get_max_out_record_payload(&t->ssl);
    if (max > 0 && n > (size_t)max)
        n = (size_t)max;
    ret = mbedtls_ssl_write(&t->ssl, p, n);
    if (ret != MBEDTLS_ERR_SSL_WANT_WRITE && ret <= 0) {
        t->state = TLS_FAILED;
        return EPIPE;
    }
    *taken = n;
    return t->stuck ? EAGAIN : 0;
}

/* mbedtls keeps the rest of a record, and sends it before anything else: what a repeated write names is not looked at again. */
int tls_flush(struct tls *t)
{
    int ret;

    if (!t->stuck)
        return 0;
    if (t->state == TLS_HANDSHAKE) {
        handshake_step(t);
    } else {
        ret = mbedtls_ssl_write(&t->ssl, (const uint8_t *)"", 1);
        if (ret < 0 && ret != MBEDTLS_ERR_SSL_WANT_WRITE)
            t->state = TLS_FAILED;
    }
    if (t->state == TLS_FAILED)
        return EPIPE;
    return t->stuck ? EAGAIN : 0;
}

bool tls_pending(const struct tls *t)
{
    return t->stuck;
}

void tls_close(struct tls *t)
{
    if (t->state == TLS_UP && !t->stuck)
        (void)mbedtls_ssl_close_notify(&t->ssl);
}

enum tls_state tls_state(const struct tls *t)
{
    return t->state;
}

/* What the peer's fatal alert says (RFC 8446 6.2). */
static const char *alert_words(const struct tls *t)
{
    switch (t->ssl.MBEDTLS_PRIVATE(in_msg)[1]) {
    case MBEDTLS_SSL_ALERT_MSG_HANDSHAKE_FAILURE:
        return "it finds no cipher or key in common with us";
    case MBEDTLS_SSL_ALERT_MSG_PROTOCOL_VERSION:
        return "it speaks neither TLS 1.2 nor 1.3";
    case MBEDTLS_SSL_ALERT_MSG_BAD_CERT:
    case MBEDTLS_SSL_ALERT_MSG_UNSUPPORTED_CERT:
    case MBEDTLS_SSL_ALERT_MSG_CERT_REVOKED:
    case MBEDTLS_SSL_ALERT_MSG_CERT_EXPIRED:
    case MBEDTLS_SSL_ALERT_MSG_CERT_UNKNOWN:
    case MBEDTLS_SSL_ALERT_MSG_UNKNOWN_CA:
    case MBEDTLS_SSL_ALERT_MSG_ACCESS_DENIED:
        return "it refuses our certificate";
    case MBEDTLS_SSL_ALERT_MSG_CERT_REQUIRED:
        return "it wants a certificate from us, and we show none";
    case MBEDTLS_SSL_ALERT_MSG_UNRECOGNIZED_NAME:
        return "it does not know the name that we ask for";
    default:
        return "it breaks the handshake off";
    }
}

const char *tls_why(const struct tls *t)
{
    if (t->state == TLS_CLOSED)
        return "it has closed the connection";
    switch (t->err) {
    case MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE:
        return alert_words(t);
    case MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION:
        return "it speaks neither TLS 1.2 nor 1.3";
    case MBEDTLS_ERR_SSL_INVALID_RECORD:
    case MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE:
    case MBEDTLS_ERR_SSL_DECODE_ERROR:
        return "it speaks no TLS there";
    case MBEDTLS_ERR_SSL_INTERNAL_ERROR: /* of our transport */
        return "the connection broke in the handshake";
    default:
        return "the handshake failed";
    }
}

const char *tls_alpn(const struct tls *t)
{
    const char *name = mbedtls_ssl_get_alpn_protocol(&t->ssl);

    return name ? name : "";
}
