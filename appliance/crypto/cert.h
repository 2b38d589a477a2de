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
/* Checks that both files can be read and belong together; fills info. On error why is one clear line.
 * ENOENT/EACCES, EBADMSG (not PEM), EKEYREJECTED (key does not match), ETIME (expired: info is filled). */
int cert_check(const char *certfile, const char *keyfile, struct cert_info *info, char *why, size_t whysz);

#endif
