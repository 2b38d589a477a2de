/* crypto/cert: makes and reads X.509 certificates (ECDSA P-256). Start-up and CLI threads. */
#ifndef CRYPTO_CERT_H
#define CRYPTO_CERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cert_info {
    int64_t not_before_ms, not_after_ms; /* Unix time */
    char subject[256];
    char names[1024];   /* subjectAltName: "DNS:a,IP:1.2.3.4" */
    uint8_t sha256[32]; /* fingerprint of the DER */
    bool self_signed;   /* its issuer is itself */
};

/* Writes a self-signed server certificate for `names` ("localhost,10.0.0.1,gw.example": IP literals become IP SANs)
 * and its key (mode 0600), both PEM, atomically (temp + rename). Valid 825 days. Errors: errno of the file work. */
int cert_make(const char *certfile, const char *keyfile, const char *names);
enum { CERT_CHAIN_MAX = 8, CERT_PEM_MAX = 64 * 1024 };
struct cert_view { /* a PEM text: the server's certificate, and those that lead from it to a root */
    struct cert_info info;
    char issuer[256];
    size_t chain_count; /* behind the first */
    char chain[CERT_CHAIN_MAX][256];
    bool by_us; /* cert_make() made it */
};
/* EBADMSG with why. */
int cert_view(const char *pem, struct cert_view *out, char *why, size_t whysz);
/*
 * May a web server show it? The key fits; each certificate is signed by the one behind it; it is of these days, and says by what names. *key: the
 * key is what why is about. EBADMSG, EKEYREJECTED, ETIME, EINVAL.
 */
int cert_accept(const char *pem, const char *key_pem, bool *key, char *why, size_t whysz);
/* Does this key belong to the first certificate? */
bool cert_fits(const char *pem, const char *key_pem);
/* Is the certificate for this name or address? */
bool cert_names_it(const struct cert_info *info, const char *host);
/* Makes a key (PEM file, mode 0600) and the request for a certificate (PEM) for `names`, as of cert_make(). organization: "" = none. EINVAL: a
 * name, or the organization, cannot stand in one. */
int cert_request(const char *keyfile, const char *names, const char *organization, char *pem, size_t sz);

/* Checks that both files can be read and belong together; fills info. On error why is one clear line.
 * ENOENT/EACCES, EBADMSG (not PEM), EKEYREJECTED (key does not match), ETIME (expired: info is filled). */
int cert_check(const char *certfile, const char *keyfile, struct cert_info *info, char *why, size_t whysz);

#endif
