/*
 * service/certificate: which certificate the pages show: the files that https.cert and https.key name, else DIR/tls/cert.pem and key.pem, which
 * dngate makes itself until another is put there. The private key goes in and never comes out. Errors: service/service.h, and EPERM: the
 * files are named by settings, and are somebody else's to change.
 *
 *   request ─► DIR/tls/request-key.pem and a text to send to who signs ─► put, without a key ─► that key becomes key.pem
 *
 * The keys of the last SERVICE_REQUESTS_MAX requests wait (request-key-1.pem is of the one before …) until a certificate fits one of them.
 */
#ifndef SERVICE_CERTIFICATE_H
#define SERVICE_CERTIFICATE_H

#include "crypto/cert.h"
#include "service/service.h"

enum {
    SERVICE_CERT_FILE_MAX = 512,
    SERVICE_CSR_MAX = 8192,
    SERVICE_CERT_WARN_DAYS = 21,
    SERVICE_REQUESTS_MAX = 4
};

struct service_certificate {
    struct cert_view view;
    int days;          /* left; negative: it has ended */
    bool own;          /* made by dngate */
    bool elsewhere;    /* https.cert names it */
    bool requested;    /* a key waits for the certificate that was asked for */
    char warning[256]; /* what browsers will not like about it; "" = nothing known */
};

/* The files; whether settings name them. */
bool service_certificate_files(const struct service *sv, char cert[SERVICE_CERT_FILE_MAX],
                               char key[SERVICE_CERT_FILE_MAX]);
int service_certificate_get(struct service *sv, struct service_certificate *out);
/* key NULL: that of the request, or the one that is there. EINVAL with sv->field: "certificate" or "key". */
int service_certificate_put(struct service *sv, const char *pem, const char *key);
/* Makes one for all names of this machine. */
int service_certificate_own(struct service *sv);
/* names: comma or blanks between them; the first is the subject's. */
int service_certificate_request(struct service *sv, const char *names, const char *organization,
                                char csr[SERVICE_CSR_MAX]);
/* Makes dngate's own anew when it ends within SERVICE_CERT_WARN_DAYS, or names not all of public.address; leaves any other alone. *made says
 * whether. */
int service_certificate_tidy(struct service *sv, bool *made);

#endif
