#include "web/wsframe.h"
#include "core/utf8.h"
#include <errno.h>
#include <string.h>

enum { FIN = 0x80, RSV = 0x70, OPCODE = 0x0f, MASK = 0x80, LEN7 = 0x7f };

void ws_decoder_init(struct ws_decoder *d, size_t message_max, struct budget_account *a)
{
    memset(d, 0, sizeof(*d));
    buf_init_charged(&d->msg, message_max, a);
    d->head_need = 2;
}

void ws_decoder_reset(struct ws_decoder *d)
{
    buf_reset(&d->msg);
}

bool ws_decoder_partial(const struct ws_decoder *d)
{
    return d->head_len || d->in_payload || d->in_message;
}

static enum ws_event bad(struct ws_decoder *d, uint16_t code, const char *why)
{
    d->code = code;
    d->why = why;
    return WS_BAD;
}

static bool is_control(uint8_t opcode)
{
    return opcode & 8;
}

/* The first two bytes tell how long the head is and most of what can be wrong with it. */
static enum ws_event head_start(struct ws_decoder *d)
{
    uint8_t len7 = d->head[1] & LEN7;

    d->fin = d->head[0] & FIN;
    d->opcode = d->head[0] & OPCODE;
    if (d->head[0] & RSV)
        return bad(d, 1002, "reserved bit");
    if (!(d->head[1] & MASK))
        return bad(d, 1002, "unmasked frame");
    switch (d->opcode) {
    case WS_OP_CONT:
        if (!d->in_message)
            return bad(d, 1002, "continuation of nothing");
        break;
    case WS_OP_TEXT:
    case WS_OP_BINARY:
        if (d->in_message)
            return bad(d, 1002, "message inside a message");
        break;
    case WS_OP_CLOSE:
    case WS_OP_PING:
    case WS_OP_PONG:
        if (!d->fin || len7 > WS_CTL_MAX)
            return bad(d, 1002, "control frame too long or in fragments");
        break;
    default:
        return bad(d, 1002, "unknown opcode");
    }
    d->head_need = 6 + (len7 == 126 ? 2 : len7 == 127 ? 8 : 0);
    return WS_MORE;
}

static enum ws_event head_done(struct ws_decoder *d)
{
    uint8_t len7 = d->head[1] & LEN7;
    size_t ext = d->head_need - 6;
    uint64_t len = ext ? 0 : len7;

    for (size_t i = 0; i < ext; i++)
        len = len << 8 | d->head[2 + i];
    if ((ext == 2 && len < 126) || (ext == 8 && (len <= UINT16_MAX || len >> 63)))
        return bad(d, 1002, "length not minimal");
    memcpy(d->mask, d->head + 2 + ext, 4);
    d->left = len;
    d->pos = 0;
    d->in_payload = true;
    d->head_len = 0;
    d->head_need = 2;
    if (is_control(d->opcode)) {
        d->ctl_len = 0;
        return WS_MORE;
    }
    if (d->opcode != WS_OP_CONT) {
        buf_clear(&d->msg);
        d->text = d->opcode == WS_OP_TEXT;
        d->in_message = true;
    }
    if (!d->skim && len > d->msg.max - d->msg.len)
        return bad(d, 1009, "message too long");
    return WS_MORE;
}

static enum ws_event close_received(struct ws_decoder *d)
{
    d->code = 1005;
    if (!d->ctl_len)
        return WS_CLOSE;
    if (d->ctl_len == 1)
        return bad(d, 1002, "close code cut short");
    d->code = (uint16_t)(d->ctl[0] << 8 | d->ctl[1]);
    if (d->code < 1000 || d->code > 4999 || (d->code >= 1004 && d->code <= 1006) ||
        (d->code > 1014 && d->code < 3000))
        return bad(d, 1002, "close code not allowed");
    if (!utf8_valid(d->ctl + 2, d->ctl_len - 2))
        return bad(d, 1007, "close reason not UTF-8");
    return WS_CLOSE;
}

static enum ws_event frame_done(struct ws_decoder *d)
{
    d->in_payload = false;
    switch (d->opcode) {
    case WS_OP_PING:
        return WS_PING;
    case WS_OP_PONG:
        return WS_PONG;
    case WS_OP_CLOSE:
        return close_received(d);
    default:
        if (!d->fin)
            return WS_MORE;
        d->in_message = false;
        if (d->skim)
            return WS_MORE;
        if (d->text && !utf8_valid(d->msg.data, d->msg.len))
            return bad(d, 1007, "text not UTF-8");
        return WS_MESSAGE;
    }
}

/* Unmasks through a small stack buffer, because the input is the caller's. */
static enum ws_event payload_take(struct ws_decoder *d, const uint8_t *p, size_t n)
{
    uint8_t plain[512];

    while (n) {
        size_t chunk = n < sizeof(plain) ? n : sizeof(plain);

        for (size_t i = 0; i < chunk; i++)
            plain[i] = p[i] ^ d->mask[(d->pos + i) & 3];
        if (is_control(d->opcode)) {
            memcpy(d->ctl + d->ctl_len, plain, chunk);
            d->ctl_len += chunk;
        } else if (!d->skim && buf_write(&d->msg, plain, chunk)) {
            return bad(d, 1013, "no room for the message");
        }
        d->pos += chunk;
        d->left -= chunk;
        p += chunk;
        n -= chunk;
    }
    return WS_MORE;
}

enum ws_event ws_decode(struct ws_decoder *d, const uint8_t *p, size_t n, size_t *used)
{
    enum ws_event ev = WS_MORE;
    size_t i = 0;

    while (ev == WS_MORE && (i < n || (d->in_payload && !d->left))) {
        if (d->in_payload) {
            size_t take = d->left < n - i ? (size_t)d->left : n - i;

            ev = payload_take(d, p + i, take);
            i += take;
            if (ev == WS_MORE && !d->left)
                ev = frame_done(d);
            continue;
        }
        d->head[d->head_len++] = p[i++];
        if (d->head_len == 2)
            ev = head_start(d);
        if (ev == WS_MORE && d->head_len > 2 && d->head_len == d->head_need)
            ev = head_done(d);
    }
    *used = i;
    return ev;
}

int ws_encode(struct buf *out, enum ws_opcode op, const void *p, size_t n)
{
    uint8_t head[10] = {(uint8_t)(FIN | op)};
    size_t len = 2;

    if (out->len + n + sizeof(head) > out->max)
        return EMSGSIZE;
    if (n < 126) {
        head[1] = (uint8_t)n;
    } else if (n <= UINT16_MAX) {
        head[1] = 126;
        head[2] = (uint8_t)(n >> 8);
        head[3] = (uint8_t)n;
        len = 4;
    } else {
        head[1] = 127;
        for (int i = 0; i < 8; i++)
            head[2 + i] = (uint8_t)((uint64_t)n >> (56 - 8 * i));
        len = 10;
    }
    buf_write(out, head, len);
    buf_write(out, p, n);
    return out->err;
}

int ws_encode_close(struct buf *out, uint16_t code, const char *reason)
{
    uint8_t body[WS_CTL_MAX] = {(uint8_t)(code >> 8), (uint8_t)code};
    size_t n = strnlen(reason, sizeof(body) - 2);

    memcpy(body + 2, reason, n);
    return ws_encode(out, WS_OP_CLOSE, body, n + 2);
}
