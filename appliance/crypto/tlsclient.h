/* crypto/tlsclient: one TLS client connection that waits, for the command line's doctor: who answers is asked no certificate, since it is
 * looked at elsewhere. Owner: one thread. */
#ifndef CRYPTO_TLSCLIENT_H
#define CRYPTO_TLSCLIENT_H

#include <stddef.h>
#include <sys/types.h>

struct tlsclient;

/* Shakes hands on a connected, blocking socket, which stays the caller's; its timeouts hold. alpn: NULL-terminated, static. ENOMEM,
 * EPROTO. */
int tlsclient_open(struct tlsclient **cp, int fd, const char **alpn);
void tlsclient_close(struct tlsclient *c);
/* 0 or EPIPE. */
int tlsclient_write(struct tlsclient *c, const void *p, size_t n);
/* Bytes read, 0 or less: none came. */
ssize_t tlsclient_read(struct tlsclient *c, void *p, size_t n);

#endif
