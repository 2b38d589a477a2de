/*
 * crypto/tlspeer: is the peer of a TLS session who it must be? By its certificate, whom we trust, and a name (RFC 5922 for SIP, RFC 5280 for
 * the chain). For sessions of tls_mutual_alloc, once their handshake is done and before a byte of theirs is believed.
 *
 * A name is a host's or an address. It must stand in the certificate: as DNS name, IP address, or SIP URI of a domain; as common name only
 * where there is none of these. A wildcard means nothing but itself (RFC 5922 7.2): who wants *.example.com says so.
 *
 * Owner: a tls_trust is immutable, and whose it is frees it.
 */
#ifndef CRYPTO_TLSPEER_H
#define CRYPTO_TLSPEER_H

#include "crypto/tls.h"

enum { TLS_PEER_WHY_MAX = 200, TLS_CA_FILE_MAX = 4 * 1024 * 1024 };

struct tls_trust; /* CAs that we believe */

/* pem: one or more certificates. EBADMSG, ENOMEM; why is one clear line. */
int tls_trust_alloc(struct tls_trust **tp, const char *pem, char *why, size_t whysz);
/* Those in a file (PEM); NULL: those that this machine trusts. Blocks. The file's errno, too; ENOENT: the machine has none. */
int tls_trust_file(struct tls_trust **tp, const char *file, char *why, size_t whysz);
void tls_trust_free(struct tls_trust *t); /* t may be NULL */
/* Where this machine keeps whom it trusts; NULL: nowhere usual. */
const char *tls_trust_default(void);

/* Has the peer shown a certificate? */
bool tls_peer_shown(const struct tls *t);
/* 0: it is. EKEYREJECTED: why is a clause ("its certificate is for a.example, not b.example"). A server's must be one for servers, too. */
int tls_peer_check(const struct tls *t, const struct tls_trust *trust, const char *name, char *why,
                   size_t whysz);
/* "it is for a.example, signed by CN=CA, good until 2027-01-31; TLSv1.3" */
void tls_peer_tell(const struct tls *t, char *text, size_t sz);
/* Tells the peer that its certificate is not taken (an alert), as far as the transport takes it at once. */
void tls_peer_refuse(struct tls *t);

#endif
