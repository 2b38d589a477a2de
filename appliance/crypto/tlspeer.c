/* crypto/tlspeer: see tlspeer.h. */
#include "crypto/tlspeer.h"

#include "core/addr.h"
#include "core/clock.h"
#include "core/file.h"
#include "crypto/certpriv.h"
#include "crypto/init.h"
#include "crypto/tlspriv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <mbedtls/oid.h>

enum { SAN_DNS = 2, SAN_URI = 6, SAN_IP = 7, NAMES_MAX = 120 };

struct tls_trust {
    mbedtls_x509_crt ca;
};

/* ---- whom we believe ---- */

int tls_trust_alloc(struct tls_trust **tp, const char *pem, char *why, size_t whysz)
{
    struct tls_trust *t = calloc(1, sizeof(*t));
    int err = t ? crypto_init() : ENOMEM;

    if (err) {
        free(t);
        snprintf(why, whysz, "%s", strerror(err));
        return err;
    }
    mbedtls_x509_crt_init(&t->ca);
    if (mbedtls_x509_crt_parse(&t->ca, (const unsigned char *)pem, strlen(pem) + 1) < 0) {
        tls_trust_free(t);
        snprintf(why, whysz, "no certificate in PEM form (it begins with -----BEGIN CERTIFICATE-----)");
        return EBADMSG;
    }
    *tp = t;
    return 0;
}

const char *tls_trust_default(void)
{
    static const char *const files[] = {"/etc/ssl/certs/ca-certificates.crt",
                                        "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"};

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        if (!access(files[i], R_OK))
            return files[i];
    return NULL;
}

int tls_trust_file(struct tls_trust **tp, const char *file, char *why, size_t whysz)
{
    char *pem, reason[160];
    size_t n;
    int err;

    if (!file)
        file = tls_trust_default();
    if (!file) {
        snprintf(why, whysz, "this machine has no list of trusted CAs: name one");
        return ENOENT;
    }
    err = file_read(file, TLS_CA_FILE_MAX, &pem, &n);
    if (err) {
        snprintf(why, whysz, "%s: %s", file, strerror(err));
        return err;
    }
    err = tls_trust_alloc(tp, pem, reason, sizeof(reason));
    free(pem);
    if (err)
        snprintf(why, whysz, "%s: %s", file, reason);
    return err;
}

void tls_trust_free(struct tls_trust *t)
{
    if (!t)
        return;
    mbedtls_x509_crt_free(&t->ca);
    free(t);
}

/* ---- whose certificate it is ---- */

static const mbedtls_x509_crt *shown(const struct tls *t)
{
    return mbedtls_ssl_get_peer_cert(&t->ssl);
}

bool tls_peer_shown(const struct tls *t)
{
    return shown(t) != NULL;
}

typedef bool(name_h)(int kind, const char *p, size_t n, void *arg); /* true = stop; SAN_IP: the bytes */

/* Each name that the certificate is for. True when h stopped. */
static bool names_each(const mbedtls_x509_crt *crt, name_h *h, void *arg)
{
    bool any = false;

    for (const mbedtls_x509_sequence *s = &crt->subject_alt_names; s && s->buf.p; s = s->next) {
        const int kind = s->buf.tag & MBEDTLS_ASN1_TAG_VALUE_MASK;

        if (kind != SAN_DNS && kind != SAN_URI && kind != SAN_IP)
            continue;
        any = true;
        if (h(kind, (const char *)s->buf.p, s->buf.len, arg))
            return true;
    }
    for (const mbedtls_x509_name *n = &crt->subject; !any && n && n->oid.p; n = n->next)
        if (n->oid.len == MBEDTLS_OID_SIZE(MBEDTLS_OID_AT_CN) &&
            !memcmp(n->oid.p, MBEDTLS_OID_AT_CN, n->oid.len) &&
            h(SAN_DNS, (const char *)n->val.p, n->val.len, arg))
            return true;
    return false;
}

struct wanted {
    const char *name;
    struct addr ip; /* AF_UNSPEC: name is no address */
};

static bool ip_is(const struct addr *a, const char *p, size_t n)
{
    if (addr_af(a) == AF_INET)
        return n == 4 && !memcmp(p, &a->u.in.sin_addr, n);
    return addr_af(a) == AF_INET6 && n == 16 && !memcmp(p, &a->u.in6.sin6_addr, n);
}

static bool is_it_h(int kind, const char *p, size_t n, void *arg)
{
    const struct wanted *w = arg;

    if (kind == SAN_IP)
        return ip_is(&w->ip, p, n);
    if (kind == SAN_URI) { /* of a domain; one with a user is a person's (RFC 5922 7.1) */
        if (n < 4 || strncasecmp(p, "sip:", 4))
            return false;
        p += 4;
        n -= 4;
    }
    return strlen(w->name) == n && !strncasecmp(p, w->name, n);
}

/* For people: a byte that does not print, or a blank, stands as "?". */
static bool tell_h(int kind, const char *p, size_t n, void *arg)
{
    char *text = arg, one[ADDR_STRLEN];
    size_t len = strlen(text);
    struct addr a = {0};

    if (kind == SAN_IP && (n == 4 || n == 16)) {
        a.u.sa.sa_family = n == 4 ? AF_INET : AF_INET6;
        memcpy(n == 4 ? (void *)&a.u.in.sin_addr : (void *)&a.u.in6.sin6_addr, p, n);
        p = addr_ip(&a, one, sizeof(one));
        n = strlen(one);
    }
    if (len + n + 3 >= NAMES_MAX) {
        (void)snprintf(text + len, NAMES_MAX - len, len ? " …" : "a very long name");
        return true;
    }
    if (len)
        len += (size_t)snprintf(text + len, NAMES_MAX - len, ", ");
    for (size_t i = 0; i < n; i++)
        text[len++] = p[i] > ' ' && p[i] < 0x7f ? p[i] : '?';
    text[len] = '\0';
    return false;
}

static void names_tell(const mbedtls_x509_crt *crt, char text[NAMES_MAX])
{
    text[0] = '\0';
    (void)names_each(crt, tell_h, text);
    if (!text[0])
        (void)snprintf(text, NAMES_MAX, "nobody");
}

/* ---- the judge ---- */

/* Our own certificates of the days: which end of them it is. */
static void days_tell(const mbedtls_x509_crt *crt, char *why, size_t whysz)
{
    struct cert_info info;
    char when[32];

    certinfo_fill(&info, crt);
    if (info.not_after_ms <= clock_wall_ms()) {
        clock_iso8601(when, sizeof(when), info.not_after_ms);
        snprintf(why, whysz, "its certificate ended on %.10s", when);
    } else if (info.not_before_ms > clock_wall_ms()) {
        clock_iso8601(when, sizeof(when), info.not_before_ms);
        snprintf(why, whysz, "its certificate is good from %.10s on only", when);
    } else {
        snprintf(why, whysz, "a certificate above its own is not of these days");
    }
}

static void issuer_tell(const mbedtls_x509_crt *crt, char *text, size_t sz)
{
    char dn[256];

    if (mbedtls_x509_dn_gets(dn, sizeof(dn), &crt->issuer) < 0)
        dn[0] = '\0';
    for (char *p = dn; *p; p++)
        if ((unsigned char)*p < ' ' || (unsigned char)*p >= 0x7f || *p == '"')
            *p = '?';
    snprintf(text, sz, "%.*s", 80, dn);
}

static void flags_tell(const mbedtls_x509_crt *crt, uint32_t flags, char *why, size_t whysz)
{
    char issuer[96];

    if (flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED) {
        issuer_tell(crt, issuer, sizeof(issuer));
        snprintf(why, whysz, "its certificate is signed by nobody we know (%s)", issuer);
    } else if (flags & (MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE)) {
        days_tell(crt, why, whysz);
    } else if (flags &
               (MBEDTLS_X509_BADCERT_BAD_KEY | MBEDTLS_X509_BADCERT_BAD_MD | MBEDTLS_X509_BADCERT_BAD_PK)) {
        snprintf(why, whysz, "its certificate has too weak a key or signature");
    } else {
        snprintf(why, whysz, "its certificate is refused (%#x)", (unsigned)flags);
    }
}

int tls_peer_check(const struct tls *t, const struct tls_trust *trust, const char *name, char *why,
                   size_t whysz)
{
    const mbedtls_x509_crt *crt = shown(t);
    struct wanted want = {.name = name};
    char names[NAMES_MAX];
    uint32_t flags = 0;

    if (!crt) {
        snprintf(why, whysz, "it shows no certificate");
        return EKEYREJECTED;
    }
    /* mbedtls writes to neither, but does not say so. */
    if (mbedtls_x509_crt_verify((mbedtls_x509_crt *)crt, (mbedtls_x509_crt *)&trust->ca, NULL, NULL, &flags,
                                NULL, NULL)) {
        flags_tell(crt, flags, why, whysz);
        return EKEYREJECTED;
    }
    if (mbedtls_ssl_conf_get_endpoint(&t->server->conf) == MBEDTLS_SSL_IS_CLIENT &&
        mbedtls_ssl_get_verify_result(&t->ssl) & MBEDTLS_X509_BADCERT_EXT_KEY_USAGE) {
        snprintf(why, whysz, "its certificate is not for servers (extended key usage)");
        return EKEYREJECTED;
    }
    if (addr_parse_ip(&want.ip, name, 0))
        memset(&want.ip, 0, sizeof(want.ip));
    if (names_each(crt, is_it_h, &want))
        return 0;
    names_tell(crt, names);
    snprintf(why, whysz, "its certificate is for %s, not %s", names, name);
    return EKEYREJECTED;
}

void tls_peer_tell(const struct tls *t, char *text, size_t sz)
{
    const mbedtls_x509_crt *crt = shown(t);
    char names[NAMES_MAX], issuer[96], when[32];
    struct cert_info info;

    if (!crt) {
        snprintf(text, sz, "it shows none; %s", mbedtls_ssl_get_version(&t->ssl));
        return;
    }
    names_tell(crt, names);
    issuer_tell(crt, issuer, sizeof(issuer));
    certinfo_fill(&info, crt);
    clock_iso8601(when, sizeof(when), info.not_after_ms);
    snprintf(text, sz, "it is for %s, signed by %s, good until %.10s; %s", names, issuer, when,
             mbedtls_ssl_get_version(&t->ssl));
}

void tls_peer_refuse(struct tls *t)
{
    if (t->state == TLS_UP && !t->stuck)
        (void)mbedtls_ssl_send_alert_message(&t->ssl, MBEDTLS_SSL_ALERT_LEVEL_FATAL,
                                             MBEDTLS_SSL_ALERT_MSG_BAD_CERT);
}
