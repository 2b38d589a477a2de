/*
 * web/wsframe: WebSocket framing of the server's side (RFC 6455 5): unmasks, joins fragments up to a limit, refuses what the
 * RFC refuses. Pure: no I/O; one owner.
 */
#ifndef WEB_WSFRAME_H
#define WEB_WSFRAME_H

#include "core/buf.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ws_event {
    WS_MORE,    /* everything was consumed, nothing is complete */
    WS_MESSAGE, /* d->msg holds a whole text or binary message until the next call */
    WS_PING,    /* d->ctl: answer with the same bytes */
    WS_PONG,
    WS_CLOSE, /* d->code: the peer's (1005 = none given) */
    WS_BAD,   /* d->code: close with it, d->why says why: 1002, 1007, 1009, 1013 */
};

enum { WS_CTL_MAX = 125, WS_FRAME_HEAD_MAX = 14 };

enum ws_opcode {
    WS_OP_CONT = 0,
    WS_OP_TEXT = 1,
    WS_OP_BINARY = 2,
    WS_OP_CLOSE = 8,
    WS_OP_PING = 9,
    WS_OP_PONG = 10
};

struct ws_decoder {
    struct buf msg; /* its max is the longest message */
    uint8_t ctl[WS_CTL_MAX];
    size_t ctl_len;
    uint16_t code;
    const char *why;
    bool skim; /* only the peer's Close matters any more: data is not kept and not told */
    /* private */
    uint8_t head[WS_FRAME_HEAD_MAX];
    size_t head_len, head_need;
    uint64_t left; /* payload bytes still to come */
    uint64_t pos;  /* payload bytes seen: index into the mask */
    uint8_t mask[4], opcode;
    bool in_payload, fin, in_message, text;
};

/* What a message takes is charged to a (core/budget; NULL: to nobody). */
void ws_decoder_init(struct ws_decoder *d, size_t message_max, struct budget_account *a);
/* Is a frame or a message of several begun and not at its end? */
bool ws_decoder_partial(const struct ws_decoder *d);
void ws_decoder_reset(struct ws_decoder *d); /* frees */
/* Takes bytes until something is complete; *used says how many. After WS_CLOSE and WS_BAD the stream is over. */
enum ws_event ws_decode(struct ws_decoder *d, const uint8_t *p, size_t n, size_t *used);

/* Appends one unfragmented, unmasked frame. ENOMEM, EMSGSIZE (out's limit; nothing is written then). */
int ws_encode(struct buf *out, enum ws_opcode op, const void *p, size_t n);
int ws_encode_close(struct buf *out, uint16_t code, const char *reason);

#endif
