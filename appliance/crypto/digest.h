/*
 * crypto/digest: HTTP/SIP digest of the server's side (RFC 7616, RFC 8760), with nonces that need no memory until
 * they are used: nonce = time | random | HMAC. Replay: a nonce count must rise; the highest counts seen
 * are kept in a bounded table of nonces that were used rightly. When it is full the oldest is forgotten, and every
 * nonce as old as that one is stale from then on: forgetting opens no door to a replay. Not thread safe: one per owner thread.
 */
#ifndef CRYPTO_DIGEST_H
#define CRYPTO_DIGEST_H

#include <stddef.h>
#include <stdint.h>

struct digest;

enum digest_alg { DIGEST_MD5, DIGEST_SHA256 };

/* Life of a nonce in seconds (default 300 when 0). The key is random per process. */
int digest_alloc(struct digest **dp, const char *realm, uint32_t nonce_seconds);
void digest_free(struct digest *d);
/* A fresh nonce into buf (needs 64 bytes). */
const char *digest_nonce(struct digest *d, char *buf, size_t sz);

struct digest_response { /* as the client sent them, 0-terminated copies, all bounded by the caller */
    enum digest_alg alg;
    const char *user, *realm, *nonce, *uri, *response, *qop, *cnonce,
        *nc; /* qop "" = RFC 2069 style: refused */
    const char *method;
};
/*
 * Checks a response against an HA1 in hex. Always does the same work, whether or not the user exists (pass a
 * dummy HA1 then and ignore the result).
 *   0 = right; EACCES = wrong; ESTALE = right, but the nonce is too old (challenge again with stale=true);
 *   EALREADY = right, but nc was seen before; EBADMSG = nonce not ours (perhaps from before a restart: challenge
 *   again), wrong realm, qop other than auth, or a field missing or malformed.
 */
int digest_verify(struct digest *d, const struct digest_response *r, const char *ha1_hex);

#endif
