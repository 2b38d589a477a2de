/* web/reply: writes the head of an answer with the headers that every answer carries. Pure but for the clock. */
#ifndef WEB_REPLY_H
#define WEB_REPLY_H

#include "core/buf.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { REPLY_DETAIL_MAX = 256 };

struct reply {
    int status;
    const char *type;  /* NULL = no body */
    const char *cache; /* NULL = no-store */
    const char *extra; /* further "Name: value\r\n" lines or NULL */
    const char *host;  /* Host of the request, valid or "" */
    size_t length;
    bool tls, close;
    bool pieces,
        chunked; /* of a length that is not known; in chunks (RFC 9112 7.1), not up to the end of the connection */
};

int reply_head(struct buf *out, const struct reply *r);
/* What a person should know about a status that web itself answers with. */
const char *reply_detail(int status);
/* What a person of a banned source should know, with the time left; returns out. */
const char *reply_ban_detail(char *out, size_t sz, uint32_t left_s);

#endif
