/* crypto/srtp: one direction's SRTP/SRTCP context (RFC 3711, RFC 7714; libsrtp2 behind it). Owner: a media worker. */
#ifndef CRYPTO_SRTP_H
#define CRYPTO_SRTP_H

#include <stddef.h>
#include <stdint.h>

struct srtp;

enum { SRTP_TRAILER_MAX = 32 }; /* room the caller leaves behind the packet */

int srtp_global_init(void); /* once, before threads */
void srtp_global_close(void);
/* profile and key as in struct dtls_keys. inbound: any SSRC is accepted and unprotected, else protected. */
int srtp_create(struct srtp **sp, uint16_t profile, const uint8_t *key, size_t keylen, int inbound);
void srtp_free(struct srtp *s);
/* In place; *len is updated. EBADMSG = authentication failed, EALREADY = replay. */
int srtp_protect_rtp(struct srtp *s, uint8_t *p, size_t *len);
int srtp_unprotect_rtp(struct srtp *s, uint8_t *p, size_t *len);
int srtp_protect_rtcp(struct srtp *s, uint8_t *p, size_t *len);
int srtp_unprotect_rtcp(struct srtp *s, uint8_t *p, size_t *len);

#endif
