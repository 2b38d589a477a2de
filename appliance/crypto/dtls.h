/*
 * crypto/dtls: one DTLS-SRTP association (RFC 5764, RFC 8842) on mbedtls, without sockets or threads of its own:
 * datagrams are pushed in and come out by a callback. DTLS 1.2, profile AES128_CM_SHA1_80 (mbedtls knows no GCM profiles).
 * Owner: the media worker of its path. The identity (certificate and key) is shared, read only.
 */
#ifndef CRYPTO_DTLS_H
#define CRYPTO_DTLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dtls_identity; /* a P-256 certificate of its own, made at every start */
struct dtls;

enum dtls_role { DTLS_CLIENT /* setup:active */, DTLS_SERVER /* setup:passive */ };
enum dtls_state { DTLS_HANDSHAKE, DTLS_UP, DTLS_FAILED, DTLS_CLOSED };

struct dtls_keys {                 /* RFC 5764 4.2: ours protects what we send, theirs what we receive */
    uint16_t profile;              /* 0x0001 AES128_CM_SHA1_80 */
    uint8_t local[46], remote[46]; /* master key + salt, libsrtp layout */
    size_t len;
};

int dtls_identity_alloc(struct dtls_identity **idp);
void dtls_identity_free(struct dtls_identity *id);
/* SHA-256 fingerprint, for a=fingerprint. */
const uint8_t *dtls_identity_fingerprint(const struct dtls_identity *id);

typedef void(dtls_send_h)(const uint8_t *p, size_t n, void *arg);

/* remote_fp: the peer's SHA-256 fingerprint from SDP; a peer that shows another certificate fails the handshake. */
int dtls_alloc(struct dtls **dp, const struct dtls_identity *id, enum dtls_role role,
               const uint8_t remote_fp[32], dtls_send_h *sendh, void *arg);
void dtls_free(struct dtls *d); /* sends close_notify when up; wipes keys */
/* Starts the client's handshake (a server waits for the ClientHello). EPROTO. */
int dtls_start(struct dtls *d);
/* A datagram from the peer. May call sendh. Returns 0 also for rubbish (ignored, counted). */
int dtls_recv(struct dtls *d, const uint8_t *p, size_t n);
/* Retransmission clock; call with clock_ms() about every 50 ms during the handshake. */
void dtls_tick(struct dtls *d, uint64_t now_ms);
enum dtls_state dtls_state(const struct dtls *d);
/* Whether the handshake failed because the peer's certificate is not the one of its SDP. */
bool dtls_wrong_peer(const struct dtls *d);
/* Once DTLS_UP. ENOTCONN before. */
int dtls_keys(const struct dtls *d, struct dtls_keys *keys);

#endif
