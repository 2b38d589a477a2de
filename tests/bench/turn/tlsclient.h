/* bench/turn/tlsclient: the client's side of TLS over a connected socket, whoever the server says it is. */
#ifndef BENCH_TURN_TLSCLIENT_H
#define BENCH_TURN_TLSCLIENT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct tlsclient;

/* Shakes hands, waiting; NULL when that fails. The socket stays the caller's, and waits no more from then on. */
struct tlsclient *tlsclient_open(int fd);
void tlsclient_close(struct tlsclient *c); /* c may be NULL */
void tlsclient_write(struct tlsclient *c, const void *p, size_t n);
ssize_t tlsclient_read(struct tlsclient *c, void *p, size_t n); /* 0 = the end; -1 = nothing now */

#endif
