/* Certificates as people hand them in and take them out: PEM texts. */
#include "core/addr.h"
#include "core/clock.h"
#include "core/file.h"
#include "crypto/certpriv.h"
#include "crypto/rng.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <mbedtls/oid.h>
#include <mbedtls/x509_csr.h>

enum { RSA_BITS_MIN = 2048 };

static int chain_read(mbedtls_x509_crt *crt, const char *pem, char *why, size_t whysz)
{
    const int bad = mbedtls_x509_crt_parse(crt, (const unsigned char *)pem, strlen(pem) + 1);

    if (bad > 0)
        snprintf(why, whysz, "%d of its certificates cannot be read", bad);
    else if (bad)
        snprintf(why, whysz,
                 "this is no certificate in PEM form: it begins with -----BEGIN CERTIFICATE-----");
    return bad ? EBADMSG : 0;
}

int cert_view(const char *pem, struct cert_view *out, char *why, size_t whysz)
{
    mbedtls_x509_crt crt;
    int err;

    memset(out, 0, sizeof(*out));
    mbedtls_x509_crt_init(&crt);
    err = chain_read(&crt, pem, why, whysz);
    if (!err) {
        certinfo_fill(&out->info, &crt);
        mbedtls_x509_dn_gets(out->issuer, sizeof(out->issuer), &crt.issuer);
        for (const mbedtls_x509_crt *c = crt.next; c && out->chain_count < CERT_CHAIN_MAX; c = c->next)
            mbedtls_x509_dn_gets(out->chain[out->chain_count++], sizeof(out->chain[0]), &c->subject);
        out->by_us = out->info.self_signed && strstr(out->info.subject, "O=dngate") && !out->chain_count;
    }
    mbedtls_x509_crt_free(&crt);
    return err;
}

/* ------------------------------------------------------------------ what is handed in */

static int key_read(mbedtls_pk_context *key, const char *pem, char *why, size_t whysz)
{
    const int bad =
        mbedtls_pk_parse_key(key, (const unsigned char *)pem, strlen(pem) + 1, NULL, 0, rng_h, NULL);

    if (bad == MBEDTLS_ERR_PK_PASSWORD_REQUIRED)
        snprintf(why, whysz, "the key is protected by a password: remove it first");
    else if (bad)
        snprintf(why, whysz, "this is no private key in PEM form");
    return bad ? EBADMSG : 0;
}

bool cert_fits(const char *pem, const char *key_pem)
{
    mbedtls_pk_context key;
    mbedtls_x509_crt crt;
    char why[128];
    bool fits;

    mbedtls_x509_crt_init(&crt);
    mbedtls_pk_init(&key);
    fits = !chain_read(&crt, pem, why, sizeof(why)) && !key_read(&key, key_pem, why, sizeof(why)) &&
           !mbedtls_pk_check_pair(&crt.pk, &key, rng_h, NULL);
    mbedtls_pk_free(&key);
    mbedtls_x509_crt_free(&crt);
    return fits;
}

/* Is one signed by the other, which may sign? Each apart from its list. */
static int signed_by(const mbedtls_x509_crt *crt, const mbedtls_x509_crt *by, uint32_t *flags)
{
    mbedtls_x509_crt one, ca;
    int bad;

    mbedtls_x509_crt_init(&one);
    mbedtls_x509_crt_init(&ca);
    *flags = 0;
    bad = mbedtls_x509_crt_parse_der(&one, crt->raw.p, crt->raw.len) ||
          mbedtls_x509_crt_parse_der(&ca, by->raw.p, by->raw.len);
    if (!bad)
        bad = mbedtls_x509_crt_verify(&one, &ca, NULL, NULL, flags, NULL, NULL);
    mbedtls_x509_crt_free(&one);
    mbedtls_x509_crt_free(&ca);
    return bad;
}

static int chain_check(const mbedtls_x509_crt *crt, char *why, size_t whysz)
{
    unsigned n = 1;

    for (const mbedtls_x509_crt *c = crt; c->next; c = c->next, n++) {
        uint32_t flags;

        if (n > CERT_CHAIN_MAX) {
            snprintf(why, whysz, "there are more than %d certificates behind the first", CERT_CHAIN_MAX);
            return EINVAL;
        }
        if (!signed_by(c, c->next, &flags))
            continue;
        if (flags & MBEDTLS_X509_BADCERT_EXPIRED)
            snprintf(why, whysz, "certificate %u or %u has expired", n, n + 1);
        else
            snprintf(why, whysz,
                     "certificate %u is not signed by certificate %u: first the server's, then the one that "
                     "signed it, and so on",
                     n, n + 1);
        return EINVAL;
    }
    return 0;
}

static int days_check(const struct cert_info *info, char *why, size_t whysz)
{
    const int64_t now_ms = clock_wall_ms();
    char when[32];

    if (info->not_after_ms <= now_ms) {
        clock_iso8601(when, sizeof(when), info->not_after_ms);
        snprintf(why, whysz, "it expired on %.10s", when);
        return ETIME;
    }
    if (info->not_before_ms > now_ms) {
        clock_iso8601(when, sizeof(when), info->not_before_ms);
        snprintf(why, whysz, "it is good from %.10s on only; is the clock of this machine right?", when);
        return ETIME;
    }
    return 0;
}

static int server_check(const mbedtls_x509_crt *crt, char *why, size_t whysz)
{
    struct cert_info info;
    int err;

    certinfo_fill(&info, crt);
    err = days_check(&info, why, whysz);
    if (err)
        return err;
    if (!info.names[0]) {
        snprintf(why, whysz,
                 "it has no subjectAltName: browsers take no certificate that names its hosts elsewhere");
        return EINVAL;
    }
    if (mbedtls_pk_get_type(&crt->pk) == MBEDTLS_PK_RSA && mbedtls_pk_get_bitlen(&crt->pk) < RSA_BITS_MIN) {
        snprintf(why, whysz, "its key is too short: browsers want RSA of %d bits or more, or ECDSA",
                 RSA_BITS_MIN);
        return EINVAL;
    }
    if (mbedtls_x509_crt_check_extended_key_usage(crt, MBEDTLS_OID_SERVER_AUTH,
                                                  MBEDTLS_OID_SIZE(MBEDTLS_OID_SERVER_AUTH))) {
        snprintf(why, whysz, "it is not for servers (extended key usage serverAuth)");
        return EINVAL;
    }
    return 0;
}

int cert_accept(const char *pem, const char *key_pem, bool *key, char *why, size_t whysz)
{
    mbedtls_pk_context pk;
    mbedtls_x509_crt crt;
    int err;

    *key = false;
    mbedtls_x509_crt_init(&crt);
    mbedtls_pk_init(&pk);
    err = chain_read(&crt, pem, why, whysz);
    if (!err) {
        err = key_read(&pk, key_pem, why, whysz);
        *key = err != 0;
    }
    if (!err && mbedtls_pk_check_pair(&crt.pk, &pk, rng_h, NULL)) {
        snprintf(why, whysz, "this key does not belong to the certificate");
        *key = true;
        err = EKEYREJECTED;
    }
    if (!err)
        err = server_check(&crt, why, whysz);
    if (!err)
        err = chain_check(&crt, why, whysz);
    mbedtls_pk_free(&pk);
    mbedtls_x509_crt_free(&crt);
    return err;
}

/* "*.example.com" is for one label. */
static bool dns_matches(const char *pattern, size_t n, const char *host)
{
    const char *dot = strchr(host, '.');

    if (n > 2 && pattern[0] == '*' && pattern[1] == '.')
        return dot && strlen(dot) == n - 1 && !strncasecmp(dot, pattern + 1, n - 1);
    return strlen(host) == n && !strncasecmp(host, pattern, n);
}

bool cert_names_it(const struct cert_info *info, const char *host)
{
    char want[ADDR_STRLEN + 4] = "";
    struct addr a;

    if (!addr_parse_ip(&a, host, 0)) {
        char ip[ADDR_STRLEN];

        snprintf(want, sizeof(want), "IP:%s", addr_ip(&a, ip, sizeof(ip)));
    }
    for (const char *p = info->names; *p;) {
        const size_t n = strcspn(p, ",");

        if (want[0] ? strlen(want) == n && !strncmp(p, want, n)
                    : n > 4 && !strncmp(p, "DNS:", 4) && dns_matches(p + 4, n - 4, host))
            return true;
        p += n + (p[n] == ',');
    }
    return false;
}

/* ------------------------------------------------------------------ what is asked for */

/* What may stand in a name of X.500 as mbedtls reads it. */
static bool plain(const char *s)
{
    for (; *s; s++)
        if ((unsigned char)*s < 0x20 || strchr(",+\"\\<>;=#", *s))
            return false;
    return true;
}

int cert_request(const char *keyfile, const char *names, const char *organization, char *pem, size_t sz)
{
    char keypem[CERT_KEY_PEM_MAX], subject[256];
    const size_t n = strcspn(names, ", ");
    mbedtls_x509write_csr csr;
    mbedtls_pk_context key;
    struct san san;
    int err = san_parse(&san, names);

    if (err || !plain(organization) || strlen(organization) > 64 || !n || n > 64)
        return EINVAL;
    snprintf(subject, sizeof(subject), "CN=%.*s%s%s", (int)n, names, *organization ? ",O=" : "",
             organization);
    mbedtls_pk_init(&key);
    mbedtls_x509write_csr_init(&csr);
    mbedtls_x509write_csr_set_md_alg(&csr, MBEDTLS_MD_SHA256);
    err = certkey_make(&key, keypem);
    if (!err) {
        mbedtls_x509write_csr_set_key(&csr, &key);
        if (mbedtls_x509write_csr_set_subject_name(&csr, subject) ||
            mbedtls_x509write_csr_set_subject_alternative_name(&csr, san.first) ||
            mbedtls_x509write_csr_pem(&csr, (unsigned char *)pem, sz, rng_h, NULL))
            err = EINVAL;
    }
    if (!err)
        err = file_replace(keyfile, keypem, strlen(keypem), 0600);
    explicit_bzero(keypem, sizeof(keypem));
    mbedtls_x509write_csr_free(&csr);
    mbedtls_pk_free(&key);
    return err;
}
