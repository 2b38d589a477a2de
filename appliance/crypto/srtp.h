/*
 * crypto/srtp: one direction's SRTP/SRTCP context (RFC 3711, RFC 7714; libsrtp2 behind it). Owner: a media
 * worker. The names start with srtpctx_ because libsrtp2 and libre own srtp_.
 */
#ifndef CRYPTO_SRTP_H
#define CRYPTO_SRTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct srtpctx;

enum { SRTP_TRAILER_MAX = 32 }; /* room the caller leaves behind the packet */

/* Once, before threads. Counted: every init wants its close. */
int srtpctx_global_init(void);
void srtpctx_global_close(void);
/* profile and key as in struct dtls_keys. inbound: any SSRC is accepted and unprotected, else protected.
 * EINVAL unknown profile or key length, ENOMEM. */
int srtpctx_alloc(struct srtpctx **sp, uint16_t profile, const uint8_t *key, size_t keylen, bool inbound);
void srtpctx_free(struct srtpctx *s);
/* In place; *len is updated. EBADMSG = malformed or authentication failed, EALREADY = replay. */
int srtpctx_protect(struct srtpctx *s, uint8_t *p, size_t *len);
int srtpctx_unprotect(struct srtpctx *s, uint8_t *p, size_t *len);
int srtpctx_protect_rtcp(struct srtpctx *s, uint8_t *p, size_t *len);
int srtpctx_unprotect_rtcp(struct srtpctx *s, uint8_t *p, size_t *len);

#endif
