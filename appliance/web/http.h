/*
 * web/http: the head of an HTTP/1.1 request as it reaches us (RFC 9112), strict where laxness is how requests get smuggled:
 * CRLF line ends only, no folding, one Host, one Content-Length, no Transfer-Encoding. Pure: no I/O, any thread.
 */
#ifndef WEB_HTTP_H
#define WEB_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HTTP_HEAD_MAX = 16384,  /* request line and headers together, else 431 */
    HTTP_TARGET_MAX = 4096, /* path and query, else 414 */
    HTTP_PATH_MAX = 1024,   /* decoded path, else 414 */
    HTTP_FIELDS_MAX = 64,   /* header lines, else 431 */
};

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_PUT, HTTP_PATCH, HTTP_DELETE, HTTP_METHODS };
#define HTTP_ALLOW "GET, HEAD, POST, PUT, PATCH, DELETE"

struct http_field {
    char *name; /* lower case */
    char *value;
};

struct http_head { /* points into the text given to http_head_decode */
    enum http_method method;
    char *target;                 /* path and query as sent, without the query after decoding */
    char path[HTTP_PATH_MAX + 1]; /* decoded */
    char *query;                  /* raw; "" when none */
    char *host;                   /* "" only in HTTP/1.0; of the target when that is in absolute form */
    bool absolute;                /* the target was "https://host/path" (RFC 9112 3.2.2) */
    bool http10, keep_alive, expect_continue;
    uint64_t length; /* of the body */
    struct http_field fields[HTTP_FIELDS_MAX];
    size_t field_count;
};

/* Name of a method: "GET" … */
const char *http_method_name(enum http_method m);
/* Where the head ends: its length with the blank line, 0 when there is more to come. *scan is where an earlier call
 * stopped (start with 0). *bad is set to the status to answer when it can no longer become a head: 400, 414, 431. */
size_t http_head_find(const char *p, size_t len, size_t *scan, int *bad);
/* Decodes a whole head in place (writes terminators into it). Returns 0, or the status to answer: 400, 405, 411, 414,
 * 417, 431, 501, 505. */
int http_head_decode(struct http_head *h, char *p, size_t len);
/* A header's value, "" when absent; name in lower case. */
const char *http_field(const struct http_head *h, const char *name);
/* True when a header's comma separated list, in as many lines as it comes (RFC 9110 5.3), holds the token (case-insensitive), parameters
 * ignored; name in lower case. */
bool http_has(const struct http_head *h, const char *name, const char *token);
/* Decodes %xx of a path and refuses what has no business in one: NUL and other controls, "\", an encoded "/", and "." or
 * ".." segments. EBADMSG, EOVERFLOW. */
int http_path_decode(char *out, size_t sz, const char *raw, size_t len);
/* True for a Host value that may be echoed into a header or a page: name or address literal with an optional port. */
bool http_host_valid(const char *host);
/* Length of the name part of a valid Host value, without ":port". */
size_t http_host_namelen(const char *host);
const char *http_reason(int status);

#endif
