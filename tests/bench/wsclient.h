/* bench/wsclient: a SIP-over-WebSocket connection as a browser makes it (TLS, RFC 6455, subprotocol sip). */
#ifndef BENCH_WSCLIENT_H
#define BENCH_WSCLIENT_H

#include <stdbool.h>
#include <stdint.h>

struct wsclient;

/* Messages are 0-terminated and valid during the call; NULL = the connection has ended. */
typedef void(wsclient_h)(const char *text, void *arg);

/* Connects to 127.0.0.1:port from this address (NULL = any) and upgrades (blocking: some milliseconds), then lives on the loop. errno
 * values; EPROTO = refused. */
int wsclient_open(struct wsclient **wp, uint16_t port, const char *from, wsclient_h *h, void *arg);
/* Fetches a page on a connection of its own, blocking, and forgets it. *status: of the answer, 0 = none. */
int wsclient_get(uint16_t port, const char *from, const char *path, unsigned *status);
void wsclient_close(struct wsclient *w);
int wsclient_send(struct wsclient *w, const char *text);

#endif
