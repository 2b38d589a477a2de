#include "crypto/certpriv.h"
#include "core/addr.h"
#include "core/buf.h"
#include "core/clock.h"
#include "core/file.h"
#include "core/rnd.h"
#include "crypto/hash.h"
#include "crypto/rng.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <mbedtls/asn1write.h>
#include <mbedtls/ecp.h>
#include <mbedtls/error.h>
#include <mbedtls/oid.h>
#include <mbedtls/pk.h>
#include <mbedtls/x509_crt.h>

enum {
    SERIAL_LEN = 16,
    VALID_DAYS = 825, /* the most that browsers accept */
    DAY = 24 * 3600,
    PEM_MAX = 8192,        /* of what we write */
    FILE_MAX = 256 * 1024, /* of what we read */
};

static bool is_dns_name(const char *s)
{
    for (; *s; s++)
        if (!(*s >= 'a' && *s <= 'z') && !(*s >= 'A' && *s <= 'Z') && !(*s >= '0' && *s <= '9') &&
            *s != '-' && *s != '.' && *s != '_' && *s != '*')
            return false;
    return true;
}

static int san_add(struct san *san, const char *name, size_t n)
{
    mbedtls_x509_san_list *item = &san->list[san->count];
    char *to = san->name[san->count];
    struct addr a;

    if (san->count == CERT_NAMES_MAX || n >= CERT_NAME_LEN)
        return EINVAL;
    memcpy(to, name, n);
    to[n] = '\0';
    item->node.type = MBEDTLS_X509_SAN_DNS_NAME;
    item->node.san.unstructured_name.p = (unsigned char *)to;
    item->node.san.unstructured_name.len = n;
    if (!addr_parse_ip(&a, to, 0)) {
        bool v4 = addr_af(&a) == AF_INET;

        item->node.type = MBEDTLS_X509_SAN_IP_ADDRESS;
        item->node.san.unstructured_name.len = v4 ? 4 : 16;
        memcpy(to, v4 ? (void *)&a.u.in.sin_addr : (void *)&a.u.in6.sin6_addr, v4 ? 4 : 16);
    } else if (!is_dns_name(to)) {
        return EINVAL;
    }
    item->next = san->first; /* last name first: mbedtls writes the list from its end */
    san->first = item;
    san->count++;
    return 0;
}

int san_parse(struct san *san, const char *names)
{
    memset(san, 0, sizeof(*san));
    while (*names) {
        size_t n = strcspn(names, ", ");
        int err = n ? san_add(san, names, n) : 0;

        if (err)
            return err;
        names += n;
        names += strspn(names, ", ");
    }
    return san->count ? 0 : EINVAL;
}

static int crt_set_name(mbedtls_x509write_cert *crt, const char *names)
{
    char dn[128];
    size_t n = strcspn(names, ", ");

    if (n > 64) /* ub-common-name, RFC 5280 appendix A; clients look at the SAN anyway */
        snprintf(dn, sizeof(dn), "CN=dngate,O=dngate");
    else
        snprintf(dn, sizeof(dn), "CN=%.*s,O=dngate", (int)n, names);
    if (mbedtls_x509write_crt_set_subject_name(crt, dn) || mbedtls_x509write_crt_set_issuer_name(crt, dn))
        return EINVAL;
    return 0;
}

static int crt_set_validity(mbedtls_x509write_cert *crt)
{
    time_t now = (time_t)(clock_wall_ms() / 1000);
    time_t from = now - DAY,
           to = from + (time_t)VALID_DAYS * DAY; /* a day back, for clocks that are behind */
    char a[16], b[16];
    struct tm tm;

    strftime(a, sizeof(a), "%Y%m%d%H%M%S", gmtime_r(&from, &tm));
    strftime(b, sizeof(b), "%Y%m%d%H%M%S", gmtime_r(&to, &tm));
    return mbedtls_x509write_crt_set_validity(crt, a, b) ? EINVAL : 0;
}

static int crt_set_extensions(mbedtls_x509write_cert *crt, const struct san *san)
{
    mbedtls_asn1_sequence client = {
        .buf = {.tag = MBEDTLS_ASN1_OID,
                .p = (unsigned char *)MBEDTLS_OID_CLIENT_AUTH,
                .len = MBEDTLS_OID_SIZE(MBEDTLS_OID_CLIENT_AUTH)},
    };
    mbedtls_asn1_sequence usage = {
        .buf = {.tag = MBEDTLS_ASN1_OID,
                .p = (unsigned char *)MBEDTLS_OID_SERVER_AUTH,
                .len = MBEDTLS_OID_SIZE(MBEDTLS_OID_SERVER_AUTH)},
        .next = &client, /* towards trunks it is shown by who calls them, too */
    };

    if (mbedtls_x509write_crt_set_basic_constraints(crt, 0, -1) ||
        mbedtls_x509write_crt_set_key_usage(crt, MBEDTLS_X509_KU_DIGITAL_SIGNATURE) ||
        mbedtls_x509write_crt_set_ext_key_usage(crt, &usage) ||
        mbedtls_x509write_crt_set_subject_key_identifier(crt) ||
        mbedtls_x509write_crt_set_subject_alternative_name(crt, san->first))
        return ENOMEM;
    return 0;
}

static int crt_write(char *pem, size_t sz, mbedtls_pk_context *key, const char *names)
{
    unsigned char serial[SERIAL_LEN];
    mbedtls_x509write_cert crt;
    struct san san;
    int err;

    mbedtls_x509write_crt_init(&crt);
    mbedtls_x509write_crt_set_version(&crt, MBEDTLS_X509_CRT_VERSION_3);
    mbedtls_x509write_crt_set_md_alg(&crt, MBEDTLS_MD_SHA256);
    mbedtls_x509write_crt_set_subject_key(&crt, key);
    mbedtls_x509write_crt_set_issuer_key(&crt, key);
    rnd_bytes(serial, sizeof(serial));
    serial[0] = (unsigned char)((serial[0] & 0x7f) | 0x40); /* positive, and not shorter than it says */
    err = san_parse(&san, names);
    if (!err)
        err = crt_set_name(&crt, names + strspn(names, ", "));
    if (!err)
        err = mbedtls_x509write_crt_set_serial_raw(&crt, serial, sizeof(serial)) ? EINVAL : 0;
    if (!err)
        err = crt_set_validity(&crt);
    if (!err)
        err = crt_set_extensions(&crt, &san);
    if (!err && mbedtls_x509write_crt_pem(&crt, (unsigned char *)pem, sz, rng_h, NULL))
        err = EIO;
    mbedtls_x509write_crt_free(&crt);
    return err;
}

int certkey_make(mbedtls_pk_context *key, char pem[CERT_KEY_PEM_MAX])
{
    return mbedtls_pk_setup(key, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY)) ||
                   mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(*key), rng_h, NULL) ||
                   mbedtls_pk_write_key_pem(key, (unsigned char *)pem, CERT_KEY_PEM_MAX)
               ? EIO
               : 0;
}

int cert_make(const char *certfile, const char *keyfile, const char *names)
{
    char cert[PEM_MAX], keypem[CERT_KEY_PEM_MAX];
    mbedtls_pk_context key;
    int err;

    if (!certfile || !keyfile || !names)
        return EINVAL;
    mbedtls_pk_init(&key);
    err = certkey_make(&key, keypem);
    if (!err)
        err = crt_write(cert, sizeof(cert), &key, names);
    if (!err)
        err = file_replace(keyfile, keypem, strlen(keypem), 0600);
    if (!err)
        err = file_replace(certfile, cert, strlen(cert), 0644);
    explicit_bzero(keypem, sizeof(keypem));
    mbedtls_pk_free(&key);
    return err;
}

static int64_t time_ms(const mbedtls_x509_time *t)
{
    struct tm tm = {.tm_year = t->year - 1900,
                    .tm_mon = t->mon - 1,
                    .tm_mday = t->day,
                    .tm_hour = t->hour,
                    .tm_min = t->min,
                    .tm_sec = t->sec};

    return (int64_t)timegm(&tm) * 1000;
}

static void names_add(struct buf *b, int tag, const unsigned char *p, size_t n)
{
    struct addr a = {0};
    char ip[ADDR_STRLEN];

    if (tag == MBEDTLS_X509_SAN_DNS_NAME) {
        buf_printf(b, "%sDNS:", b->len ? "," : "");
        for (size_t i = 0; i < n; i++)
            buf_write(b, p[i] > ' ' && p[i] < 0x7f && p[i] != ',' ? (const char *)&p[i] : "?", 1);
    } else if (tag == MBEDTLS_X509_SAN_IP_ADDRESS && (n == 4 || n == 16)) {
        a.u.sa.sa_family = n == 4 ? AF_INET : AF_INET6;
        memcpy(n == 4 ? (void *)&a.u.in.sin_addr : (void *)&a.u.in6.sin6_addr, p, n);
        buf_printf(b, "%sIP:%s", b->len ? "," : "", addr_ip(&a, ip, sizeof(ip)));
    }
}

void certinfo_fill(struct cert_info *info, const mbedtls_x509_crt *crt)
{
    struct buf names;

    memset(info, 0, sizeof(*info));
    info->not_before_ms = time_ms(&crt->valid_from);
    info->not_after_ms = time_ms(&crt->valid_to);
    mbedtls_x509_dn_gets(info->subject, sizeof(info->subject), &crt->subject);
    info->self_signed = crt->issuer_raw.len == crt->subject_raw.len &&
                        !memcmp(crt->issuer_raw.p, crt->subject_raw.p, crt->subject_raw.len);
    hash_sha256(info->sha256, crt->raw.p, crt->raw.len);
    buf_init(&names, sizeof(info->names) - 1);
    for (const mbedtls_x509_sequence *s = &crt->subject_alt_names; s && s->buf.p; s = s->next)
        names_add(&names, s->buf.tag & MBEDTLS_ASN1_TAG_VALUE_MASK, s->buf.p, s->buf.len);
    if (names.len)
        memcpy(info->names, names.data, names.len + 1); /* cut when there are very many: for people only */
    buf_reset(&names);
}

static int pem_read(const char *file, char **p, size_t *n, char *why, size_t whysz)
{
    int err = file_read(file, FILE_MAX, p, n);

    if (err)
        snprintf(why, whysz, "%s: %s", file, err == EFBIG ? "too big for a PEM file" : strerror(err));
    return err;
}

static int crt_load(mbedtls_x509_crt *crt, const char *file, char *why, size_t whysz)
{
    char *p = NULL;
    size_t n = 0;
    int bad, err = pem_read(file, &p, &n, why, whysz);

    if (err)
        return err;
    bad = mbedtls_x509_crt_parse(crt, (unsigned char *)p, n + 1); /* PEM is told by its terminating 0 */
    free(p);
    if (bad > 0)
        snprintf(why, whysz, "%s: %d of its certificates cannot be read", file, bad);
    else if (bad)
        snprintf(why, whysz, "%s: no certificate in PEM form", file);
    return bad ? EBADMSG : 0;
}

static int key_load(mbedtls_pk_context *key, const char *file, char *why, size_t whysz)
{
    char *p = NULL;
    size_t n = 0;
    int bad, err = pem_read(file, &p, &n, why, whysz);

    if (err)
        return err;
    bad = mbedtls_pk_parse_key(key, (unsigned char *)p, n + 1, NULL, 0, rng_h, NULL);
    explicit_bzero(p, n);
    free(p);
    if (bad == MBEDTLS_ERR_PK_PASSWORD_REQUIRED)
        snprintf(why, whysz, "%s: the key is protected by a password; remove it first", file);
    else if (bad)
        snprintf(why, whysz, "%s: no private key in PEM form", file);
    return bad ? EBADMSG : 0;
}

static int expiry_check(const struct cert_info *info, const char *file, char *why, size_t whysz)
{
    char when[32];

    if (info->not_after_ms > clock_wall_ms())
        return 0;
    clock_iso8601(when, sizeof(when), info->not_after_ms);
    snprintf(why, whysz, "%s: expired on %.10s", file, when);
    return ETIME;
}

int cert_check(const char *certfile, const char *keyfile, struct cert_info *info, char *why, size_t whysz)
{
    mbedtls_x509_crt crt;
    mbedtls_pk_context key;
    struct cert_info local;
    char nowhere[1];
    int err;

    if (!info)
        info = &local;
    if (!why) {
        why = nowhere;
        whysz = sizeof(nowhere);
    }
    mbedtls_x509_crt_init(&crt);
    mbedtls_pk_init(&key);
    err = crt_load(&crt, certfile, why, whysz);
    if (!err)
        err = key_load(&key, keyfile, why, whysz);
    if (err)
        goto out;
    if (mbedtls_pk_check_pair(&crt.pk, &key, rng_h, NULL)) {
        snprintf(why, whysz, "%s: this key does not belong to the certificate %s", keyfile, certfile);
        err = EKEYREJECTED;
        goto out;
    }
    certinfo_fill(info, &crt);
    err = expiry_check(info, certfile, why, whysz);
out:
    mbedtls_pk_free(&key);
    mbedtls_x509_crt_free(&crt);
    return err;
}
