/*
 * web/ws: a connection that has become a WebSocket (RFC 6455): handshake, frames, pings, the times and amounts that a peer may take,
 * the closing. What it is for is its service's: SIP is one (web/wssip), live push of the console will be another. WEB thread.
 */
#ifndef WEB_WS_H
#define WEB_WS_H

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

struct ws_service {
    const char *protocol; /* the subprotocol that the peer must offer */
    const char *what;     /* for who comes without an upgrade: "This address speaks …" */
    size_t message_max;
    size_t out_max;     /* bytes that may wait for a slow peer; 0 = WS_OUT_MAX */
    bool origin_needed; /* nobody without Origin, whatever ws.require_origin says */
    /* The handshake is good; an error refuses it with 503. */
    int (*open)(struct conn *c, void *arg);
    /* A whole message, valid until the return; an error closes with 1013. */
    int (*message)(struct conn *c, const void *p, size_t n, void *arg);
    /* The end of each that was opened. */
    void (*closed)(struct conn *c, void *arg);
};

/* Answers a handshake for a service: 101 and c->ws, or an error: 400, 403, 405, 426, 503. */
void ws_upgrade(struct conn *c, const struct ws_service *s, void *arg);
/* A message: text when it is UTF-8. A peer that is too far behind is closed. */
void ws_send(struct conn *c, const void *p, size_t n);
/* The peer has proved who he is: his buffers do not count among the strangers'. */
void ws_known(struct conn *c);
/* Sends Close and waits for the peer's. */
void ws_close(struct conn *c, uint16_t code, const char *reason);

/* For conn.c: bytes that came (how many were taken; sets c->dead when it is over); its time; everything queued was sent; the end. */
size_t ws_rx(struct conn *c, const uint8_t *p, size_t n);
bool ws_timer(struct conn *c);
bool ws_flushed(struct conn *c);
void ws_free(struct conn *c);

#endif
