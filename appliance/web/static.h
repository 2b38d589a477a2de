/* web/static: the embedded pages: which one a path names, in which coding, and whether the client has it already. Pure. */
#ifndef WEB_STATIC_H
#define WEB_STATIC_H

#include "web/http.h"
#include "web/www.h"

struct static_reply {
    int status; /* 200 or 304 */
    const struct www_file *file;
    const uint8_t *data;
    size_t len;
    const char *coding; /* "br", "gzip" or NULL */
    char etag[96];
};

/* "/x/" means "/x/index.html", and every path of the console that is no file its page, which reads the rest of the address itself.
 * NULL when there is none. */
const struct www_file *static_find(const char *path);
/* Where what is asked for is found instead: "/" and "/admin" are the console. NULL: nowhere else. */
const char *static_moved(const char *path);
/* Chooses the coding by Accept-Encoding (RFC 9110 12.5.3) and answers If-None-Match (13.1.2). */
void static_reply(struct static_reply *r, const struct www_file *f, const struct http_head *h);

#endif
