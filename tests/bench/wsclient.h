/* bench/wsclient: a SIP-over-WebSocket connection as a browser makes it (TLS, RFC 6455, subprotocol sip). */
#ifndef BENCH_WSCLIENT_H
#define BENCH_WSCLIENT_H

#include <stdbool.h>
#include <stdint.h>

struct wsclient;

/* Messages are 0-terminated and valid during the call; NULL = the connection has ended. */
typedef void(wsclient_h)(const char *text, void *arg);

/* Connects to 127.0.0.1:port and upgrades (blocking: some milliseconds), then lives on the loop. errno values; EPROTO = refused. */
int wsclient_open(struct wsclient **wp, uint16_t port, wsclient_h *h, void *arg);
void wsclient_close(struct wsclient *w);
int wsclient_send(struct wsclient *w, const char *text);

#endif
