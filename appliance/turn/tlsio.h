/*
 * turn/tlsio: how the bytes of a stream come and go when a TLS session (crypto/tls) stands between it and its socket. Owner: the RELAY
 * thread.
 */
#ifndef TURN_TLSIO_H
#define TURN_TLSIO_H

#include "turn/stream.h"

struct tls;
struct tlsio;

extern const struct stream_io tlsio_io; /* its arg is a struct tlsio, which it frees */

/* From here on records of t go to fd; t is tlsio's, unless this fails: ENOMEM. */
int tlsio_alloc(struct tlsio **tp, struct tls *t, int fd);

#endif
