/*
 * crypto/tls: one TLS session (TLS 1.3, RFC 8446, and 1.2, RFC 5246) on mbedtls as a filter between bytes, without a socket of
 * its own: records that came are fed in and plain bytes read out; plain bytes are written and records leave by a callback. Browsers'
 * sessions show a certificate and ask for none; those with SIP trunks ask for the peer's, too, whose judge is crypto/tlspeer.
 *
 *   socket ─ bytes ─► tls_feed ─► tls_read ─► plain bytes        plain bytes ─► tls_write ─► tls_send_h ─ records ─► socket
 *                                                                                tls_flush when the socket takes more
 *
 * Owner: one thread at a time. A session may move to another as a whole, between two calls; tls_bind says where its records go then.
 * What new sessions show and agree to is a tls_server: immutable, counted, shared by all threads. Another certificate is another
 * tls_server: nobody waits for a handshake, and old sessions end with what they began with.
 */
#ifndef CRYPTO_TLS_H
#define CRYPTO_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct tls;
struct tls_server;

enum tls_state { TLS_HANDSHAKE, TLS_UP, TLS_CLOSED /* by the peer's close_notify */, TLS_FAILED };
enum { TLS_PLAIN_MAX = 16384 /* of one record, RFC 8446 5.1 */ };

/* cert: the certificate and its chain, key: the key of the first, both PEM and 0-terminated; the texts stay the caller's. EBADMSG (no
 * such pair; cert_check says more), ENOMEM. Application protocols (RFC 7301): http/1.1 and those of RFC 7443 for STUN and TURN; a client
 * that names only others is refused, one that names none is welcome. */
int tls_server_alloc(struct tls_server **sp, const char *cert, const char *key);
/* For peers that prove who they are: asks for the peer's certificate and takes any, which crypto/tlspeer judges before a byte is read. client:
 * begins the handshake; cert and key NULL: has none to show (client only). No application protocol. Errors as above. */
int tls_mutual_alloc(struct tls_server **sp, bool client, const char *cert, const char *key);
/* With the last reference it is gone, the key wiped. s may be NULL. */
void tls_server_unref(struct tls_server *s);

/* How many of n bytes the transport takes now; 0: none, tls_flush later; -1: broken. */
typedef ssize_t(tls_send_h)(const void *p, size_t n, void *arg);

int tls_session_alloc(struct tls **tp, struct tls_server *s, tls_send_h *sendh, void *arg);
void tls_free(struct tls *t); /* says nothing to the peer; wipes keys */
/* Another transport from now on; sendh NULL: none, to send is an error. */
void tls_bind(struct tls *t, tls_send_h *sendh, void *arg);

/* Client: the name that the server is asked for (SNI, RFC 6066 3); "": none. Before the handshake. ENOMEM, EINVAL. */
int tls_ask_for(struct tls *t, const char *name);
/* Drives the handshake alone, as tls_read does before it reads. 0: it is done. EAGAIN. EPROTO: tls_why says why. */
int tls_shake(struct tls *t);

/* Bytes from the peer: to be read out by tls_read, until it returns 0 or less; they stay the caller's. */
void tls_feed(struct tls *t, const void *p, size_t n);
/* So many plain bytes; 0: no more without more from the peer (what is left of a record is kept here); -1: over, see tls_state.
 * Drives the handshake, which may send. */
ssize_t tls_read(struct tls *t, void *p, size_t sz);

/* Takes what one record holds of n > 0 bytes: about TLS_PLAIN_MAX, or what the peer has asked for (RFC 6066 4); *taken says how many.
 * 0: their record is with the transport. EAGAIN: it is taken, but not all of it is with the transport: tls_flush before the next
 * write. ENOTCONN: no handshake yet, or the end. EPIPE: broken. */
int tls_write(struct tls *t, const void *p, size_t n, size_t *taken);
/* 0: nothing waits for the transport any more. EAGAIN, EPIPE. */
int tls_flush(struct tls *t);
/* Something waits for the transport: call tls_flush when that takes more. */
bool tls_pending(const struct tls *t);
/* Tells the peer that this is the end of what we send (close_notify), as far as the transport takes it at once. */
void tls_close(struct tls *t);

enum tls_state tls_state(const struct tls *t);
/* Why a session has failed, as a clause with the peer as "it"; static. */
const char *tls_why(const struct tls *t);
/* The application protocol that was agreed upon: "http/1.1", "stun.turn", "stun.nat-discovery"; "" for none. */
const char *tls_alpn(const struct tls *t);

#endif
