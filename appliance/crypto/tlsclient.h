/* crypto/tlsclient: one TLS client connection that waits. For the command line's doctor who answers is asked no certificate, since it is looked at
 * elsewhere; whoever sends what is not for everybody wants the peer to prove who it is. Owner: one thread. */
#ifndef CRYPTO_TLSCLIENT_H
#define CRYPTO_TLSCLIENT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct tlsclient;

/* Shakes hands on a connected, blocking socket, which stays the caller's; its timeouts hold. alpn: NULL-terminated, static. ENOMEM,
 * EPROTO. */
int tlsclient_open(struct tlsclient **cp, int fd, const char **alpn);
/* The same with a peer that must be host, a name or an IP address, by a certificate of a CA in ca_file (PEM); "": of those that this machine
 * trusts. until_ms: of clock_ms(), after which nothing more is waited for, also later on; 0: the socket's timeouts are all. On error why is one
 * clear line: ENOENT, EBADMSG of the file, EKEYREJECTED of the certificate, EPROTO. */
int tlsclient_open_trusted(struct tlsclient **cp, int fd, const char **alpn, const char *host,
                           const char *ca_file, uint64_t until_ms, char *why, size_t whysz);
void tlsclient_close(struct tlsclient *c);
/* All of it: 0 or EPIPE. */
int tlsclient_write(struct tlsclient *c, const void *p, size_t n);
/* Bytes read, 0 or less: none came. */
ssize_t tlsclient_read(struct tlsclient *c, void *p, size_t n);

#endif
