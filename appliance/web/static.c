#include "web/static.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CONSOLE "/admin/"

static const struct www_file *named(const char *path)
{
    for (size_t i = 0; i < www_file_count; i++)
        if (!strcmp(www_files[i].path, path))
            return &www_files[i];
    return NULL;
}

const struct www_file *static_find(const char *path)
{
    char index[HTTP_PATH_MAX + 16];
    size_t n = strlen(path);
    const struct www_file *f;

    if (n && path[n - 1] == '/') {
        snprintf(index, sizeof(index), "%sindex.html", path);
        f = named(index);
    } else {
        f = named(path);
    }
    if (!f && !strncmp(path, CONSOLE, strlen(CONSOLE)))
        f = named(CONSOLE "index.html");
    return f;
}

const char *static_moved(const char *path)
{
    bool whole = !strcmp(path, "/") || !strcmp(path, "/admin");

    return whole && !static_find(path) && named(CONSOLE "index.html") ? CONSOLE : NULL;
}

/* Is this coding in the list with a weight other than 0? "*" stands for what is not named. */
static bool coding_accepted(const char *list, const char *coding)
{
    bool star = false;

    while (*list) {
        size_t n, item;
        const char *q;
        bool refused;

        list += strspn(list, " \t,");
        item = strcspn(list, ",");
        n = strcspn(list, " \t,;");
        q = memchr(list, ';', item);
        for (; q && q < list + item && tolower((unsigned char)*q) != 'q'; q++)
            ;
        refused = q && q + 1 < list + item && q[1] == '=' && strtod(q + 2, NULL) <= 0.0;
        if (n == strlen(coding) && !strncasecmp(list, coding, n))
            return !refused;
        if (n == 1 && *list == '*')
            star = !refused;
        list += item;
    }
    return star;
}

/* The ETag of a coding: the identity's with -gz or -br inside the quotes. */
static void etag_make(char *out, size_t sz, const char *etag, const char *suffix)
{
    size_t n = strlen(etag);

    if (n && etag[n - 1] == '"' && *suffix)
        snprintf(out, sz, "%.*s%s\"", (int)(n - 1), etag, suffix);
    else
        snprintf(out, sz, "%s", etag);
}

/* Weak comparison: W/ does not matter. */
static bool etag_listed(const char *list, const char *etag)
{
    size_t want = strlen(etag);

    while (*list) {
        size_t n;

        list += strspn(list, " \t,");
        if (*list == '*')
            return true;
        if (!strncmp(list, "W/", 2))
            list += 2;
        n = strcspn(list, " \t,");
        if (n == want && !memcmp(list, etag, n))
            return true;
        list += n;
    }
    return false;
}

void static_reply(struct static_reply *r, const struct www_file *f, const struct http_head *h)
{
    const char *accept = http_field(h, "accept-encoding");
    const char *suffix = "";

    *r = (struct static_reply){.status = 200, .file = f, .data = f->data, .len = f->len};
    if (f->brotli && coding_accepted(accept, "br")) {
        r->data = f->brotli;
        r->len = f->brotli_len;
        r->coding = "br";
        suffix = "-br";
    } else if (f->gzip && coding_accepted(accept, "gzip")) {
        r->data = f->gzip;
        r->len = f->gzip_len;
        r->coding = "gzip";
        suffix = "-gz";
    }
    etag_make(r->etag, sizeof(r->etag), f->etag, suffix);
    if (etag_listed(http_field(h, "if-none-match"), r->etag))
        r->status = 304;
}
