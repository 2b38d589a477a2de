#include "service/pcap.h"

#include "core/addr.h"
#include "core/buf.h"
#include "core/json.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    BLOCK_SECTION = 0x0a0d0d0a,
    BLOCK_INTERFACE = 1,
    BLOCK_PACKET = 6,
    ORDER = 0x1a2b3c4d,
    LINK_RAW = 101, /* IPv4 or IPv6, as the first four bits say */
    OPTION_COMMENT = 1,
    COMMENT_MAX = 2048,
    PAYLOAD_MAX = 60000,
    IPV4_HEAD = 20,
    IPV6_HEAD = 40,
    UDP_HEAD = 8,
    TTL = 64,
};

/* ---------------------------------------------------------------- blocks */

static void put32(struct buf *out, uint32_t v)
{
    buf_write(out, &v, sizeof(v));
}

static void put16(struct buf *out, uint16_t v)
{
    buf_write(out, &v, sizeof(v));
}

static void pad(struct buf *out, size_t n)
{
    buf_write(out, "\0\0\0", (4 - n % 4) % 4);
}

static void comment(struct buf *out, const char *text)
{
    const size_t n = strlen(text);

    if (!n)
        return;
    put16(out, OPTION_COMMENT);
    put16(out, (uint16_t)n);
    buf_write(out, text, n);
    pad(out, n);
    put32(out, 0); /* end of options */
}

static void block(struct buf *out, uint32_t type, const struct buf *body)
{
    const uint32_t len = (uint32_t)body->len + 12;

    put32(out, type);
    put32(out, len);
    if (body->len)
        buf_write(out, body->data, body->len);
    put32(out, len);
}

static void section(struct buf *out, struct buf *body, const char *text)
{
    buf_clear(body);
    put32(body, ORDER);
    put16(body, 1); /* version 1.0 */
    put16(body, 0);
    put32(body, UINT32_MAX); /* length is not told */
    put32(body, UINT32_MAX);
    comment(body, text);
    block(out, BLOCK_SECTION, body);
    buf_clear(body);
    put16(body, LINK_RAW);
    put16(body, 0);
    put32(body, 0); /* packets of any length */
    block(out, BLOCK_INTERFACE, body);
}

/* ---------------------------------------------------------------- UDP over IP */

struct end {
    int af;
    uint8_t ip[16];
    uint16_t port;
};

/* "192.0.2.1:5060", "[2001:db8::1]:5060" */
static bool end_read(struct end *e, const char *text)
{
    char ip[64];
    const char *colon = text ? strrchr(text, ':') : NULL;
    size_t n = colon ? (size_t)(colon - text) : 0;

    memset(e, 0, sizeof(*e));
    if (!n || n >= sizeof(ip))
        return false;
    if (*text == '[' && n > 2) {
        text++;
        n -= 2;
    }
    memcpy(ip, text, n);
    ip[n] = '\0';
    e->port = (uint16_t)strtoul(colon + 1, NULL, 10);
    e->af = strchr(ip, ':') ? AF_INET6 : AF_INET;
    return inet_pton(e->af, ip, e->ip) == 1;
}

static uint32_t add16(uint32_t sum, const void *p, size_t n)
{
    const uint8_t *b = p;

    for (size_t i = 0; i < n; i += 2)
        sum += (uint32_t)(b[i] << 8 | (i + 1 < n ? b[i + 1] : 0));
    return sum;
}

static uint16_t folded(uint32_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return htons((uint16_t)~sum);
}

static void udp_head(struct buf *out, const struct end *from, const struct end *to, const char *p, size_t n)
{
    const size_t iplen = from->af == AF_INET6 ? 16 : 4;
    uint16_t head[4] = {htons(from->port), htons(to->port), htons((uint16_t)(UDP_HEAD + n)), 0};
    uint32_t sum = IPPROTO_UDP + (uint32_t)(UDP_HEAD + n);

    sum = add16(add16(sum, from->ip, iplen), to->ip, iplen);
    head[3] = folded(add16(add16(sum, head, sizeof(head)), p, n));
    if (!head[3])
        head[3] = 0xffff;
    buf_write(out, head, sizeof(head));
}

static void ip_head(struct buf *out, const struct end *from, const struct end *to, size_t n)
{
    uint8_t h[IPV6_HEAD] = {0};
    uint16_t len = htons((uint16_t)(UDP_HEAD + n)), sum;

    if (from->af == AF_INET6) {
        h[0] = 0x60;
        memcpy(h + 4, &len, 2);
        h[6] = IPPROTO_UDP;
        h[7] = TTL;
        memcpy(h + 8, from->ip, 16);
        memcpy(h + 24, to->ip, 16);
        buf_write(out, h, IPV6_HEAD);
        return;
    }
    len = htons((uint16_t)(IPV4_HEAD + UDP_HEAD + n));
    h[0] = 0x45;
    memcpy(h + 2, &len, 2);
    h[6] = 0x40; /* don't fragment */
    h[8] = TTL;
    h[9] = IPPROTO_UDP;
    memcpy(h + 12, from->ip, 4);
    memcpy(h + 16, to->ip, 4);
    sum = folded(add16(0, h, IPV4_HEAD));
    memcpy(h + 10, &sum, 2);
    buf_write(out, h, IPV4_HEAD);
}

/* ---------------------------------------------------------------- messages */

/* The message with the length of the body that it has now. */
static void message_copy(struct buf *out, const char *text)
{
    const char *head_end = strstr(text, "\r\n\r\n"), *line = text;
    const size_t body = head_end ? strlen(head_end + 4) : 0;

    for (const char *eol; (eol = strstr(line, "\r\n")) && (!head_end || line <= head_end); line = eol + 2) {
        if (!strncasecmp(line, "Content-Length", 14) || !strncasecmp(line, "l:", 2))
            buf_printf(out, "Content-Length: %zu\r\n", body);
        else
            buf_write(out, line, (size_t)(eol + 2 - line));
    }
    if (!head_end)
        buf_puts(out, "\r\n");
    else
        buf_printf(out, "\r\n%s", head_end + 4);
}

struct writing {
    struct buf *out, *body, *message;
    char notes[COMMENT_MAX]; /* what happened since the last message */
    size_t notes_len;
    int64_t from_ms;
};

__attribute__((format(printf, 2, 3))) static void note(struct writing *w, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(w->notes + w->notes_len, sizeof(w->notes) - w->notes_len, fmt, ap);
    va_end(ap);
    w->notes_len += n > 0 ? (size_t)n : 0;
    if (w->notes_len >= sizeof(w->notes))
        w->notes_len = sizeof(w->notes) - 1;
}

static void packet(struct writing *w, int64_t t_ms, const struct end *from, const struct end *to)
{
    const uint64_t us = (uint64_t)(w->from_ms + t_ms) * 1000;
    const size_t head = (from->af == AF_INET6 ? IPV6_HEAD : IPV4_HEAD) + UDP_HEAD, n = w->message->len;

    buf_clear(w->body);
    put32(w->body, 0); /* interface */
    put32(w->body, (uint32_t)(us >> 32));
    put32(w->body, (uint32_t)us);
    put32(w->body, (uint32_t)(head + n));
    put32(w->body, (uint32_t)(head + n));
    ip_head(w->body, from, to, n);
    udp_head(w->body, from, to, w->message->data, n);
    buf_write(w->body, w->message->data, n);
    pad(w->body, head + n);
    comment(w->body, w->notes);
    block(w->out, BLOCK_PACKET, w->body);
    w->notes[0] = '\0';
    w->notes_len = 0;
}

static void event(struct writing *w, const struct json_val *e)
{
    const char *kind = json_get_str(e, "kind"), *title = json_get_str(e, "title");
    const char *text = json_get_str(e, "text"), *leg = json_get_str(e, "leg"),
               *transport = json_get_str(e, "transport");
    struct end from, to;
    int64_t t_ms = 0;

    (void)json_get_int(e, "t_ms", &t_ms);
    if (!kind || !title || !leg)
        return;
    if (strcmp(kind, "sip") || !text || !end_read(&from, json_get_str(e, "from")) ||
        !end_read(&to, json_get_str(e, "to")) || from.af != to.af) {
        note(w, "%lld ms, %s: %s\n", (long long)t_ms, leg, title);
        return;
    }
    note(w, "%s leg%s%s", leg, transport && strcasecmp(transport, "udp") ? ", in truth by " : "",
         transport && strcasecmp(transport, "udp") ? transport : "");
    buf_clear(w->message);
    message_copy(w->message, text);
    if (w->message->len && w->message->len <= PAYLOAD_MAX)
        packet(w, t_ms, &from, &to);
}

int pcap_write(struct buf *out, const struct json_val *trace)
{
    const struct json_val *events = json_get(trace, "events");
    const char *id = json_get_str(trace, "id");
    struct buf body, message;
    struct writing w = {.out = out, .body = &body, .message = &message};
    char about[128];
    int err;

    if (!id || !events || !json_get_int(trace, "from_ms", &w.from_ms))
        return EBADMSG;
    buf_init(&body, 2 * PAYLOAD_MAX);
    buf_init(&message, 2 * PAYLOAD_MAX);
    snprintf(about, sizeof(about), "Call %.40s of dngate; secrets and digits are masked", id);
    section(out, &body, about);
    for (size_t i = 0; i < json_arr_size(events); i++)
        event(&w, json_arr_at(events, i));
    err = body.err ? body.err : message.err ? message.err : out->err;
    buf_reset(&body);
    buf_reset(&message);
    return err;
}
