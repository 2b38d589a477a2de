/*
 * web/wsconn: a connection that has become a WebSocket and carries SIP (RFC 7118). Frames in go to sip_ws_recv, what comes
 * out of the mailbox goes out as frames. WEB thread.
 */
#ifndef WEB_WSCONN_H
#define WEB_WSCONN_H

#include "web/conn.h"

enum {
    WS_PING_MS = 25000,      /* default: silence after which we ping */
    WS_PONG_MS = 10000,      /* default: silence after that which ends it */
    WS_CLOSE_MS = 2000,      /* for the peer's answer to our Close */
    WS_MESSAGE_MS = 30000,   /* default: a message from its first byte to its last, however many fragments */
    WS_SKIM_MAX = 65536,     /* bytes that are looked through for the peer's answer to our Close */
    WS_OUT_MAX = 256 * 1024, /* bytes that may wait for a slow peer */
    WS_RATE = 200,           /* messages a second from one peer, … */
    WS_BURST = 1000,         /* … so many at once; then it is closed with 1008 */
};

/* Answers GET /ws: 101 and c->ws, or an error: 400, 403, 405, 426, 503. */
void ws_upgrade(struct conn *c);
/* Returns how much was taken; sets c->dead when the connection is over. */
size_t ws_rx(struct conn *c, const uint8_t *p, size_t n);
bool ws_timer(struct conn *c);
/* Everything queued was sent. */
bool ws_flushed(struct conn *c);
/* Sends Close and waits for the peer's. */
void ws_close(struct conn *c, uint16_t code, const char *reason);
void ws_free(struct conn *c);
/* Hands what the signalling thread posted to its connections. */
void ws_drain(struct web *w);

#endif
