#include "web/http.h"
#include "core/hex.h"
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

static const char *const methods[HTTP_METHODS] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"};

const char *http_method_name(enum http_method m)
{
    return m < HTTP_METHODS ? methods[m] : "?";
}

static bool is_tchar(char c)
{
    return isalnum((unsigned char)c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

size_t http_head_find(const char *p, size_t len, size_t *scan, int *bad)
{
    *bad = 0;
    for (size_t i = *scan; i < len; i++) {
        if (p[i] != '\n')
            continue;
        if (!i || p[i - 1] != '\r') {
            *bad = 400;
            return 0;
        }
        if (i >= 3 && p[i - 2] == '\n') {
            if (i + 1 <= HTTP_HEAD_MAX)
                return i + 1;
            *bad = 431;
            return 0;
        }
    }
    *scan = len;
    if (len >= HTTP_TARGET_MAX + 32 && !memchr(p, '\n', HTTP_TARGET_MAX + 32))
        *bad = 414;
    else if (len >= HTTP_HEAD_MAX)
        *bad = 431;
    return 0;
}

const char *http_field(const struct http_head *h, const char *name)
{
    for (size_t i = 0; i < h->field_count; i++)
        if (!strcmp(h->fields[i].name, name))
            return h->fields[i].value;
    return "";
}

static size_t field_count(const struct http_head *h, const char *name)
{
    size_t n = 0;

    for (size_t i = 0; i < h->field_count; i++)
        n += !strcmp(h->fields[i].name, name);
    return n;
}

static bool list_has(const char *list, const char *token)
{
    size_t want = strlen(token);

    while (*list) {
        size_t n;

        list += strspn(list, " \t,");
        n = strcspn(list, " \t,;");
        if (n == want && !strncasecmp(list, token, n))
            return true;
        list += strcspn(list, ",");
    }
    return false;
}

bool http_has(const struct http_head *h, const char *name, const char *token)
{
    for (size_t i = 0; i < h->field_count; i++)
        if (!strcmp(h->fields[i].name, name) && list_has(h->fields[i].value, token))
            return true;
    return false;
}

/* A "." or ".." between slashes (or at the end) climbs; nothing we serve is named so. */
static bool has_dot_segment(const char *path)
{
    for (const char *p = path; (p = strstr(p, "/.")); p++) {
        size_t n = strcspn(p + 1, "/");

        if (n == 1 || (n == 2 && p[2] == '.'))
            return true;
    }
    return false;
}

int http_path_decode(char *out, size_t sz, const char *raw, size_t len)
{
    size_t n = 0;

    if (!len || raw[0] != '/')
        return EBADMSG;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)raw[i];

        if (c == '%') {
            int hi = i + 2 < len ? hex_value(raw[i + 1]) : -1;
            int lo = i + 2 < len ? hex_value(raw[i + 2]) : -1;

            if (hi < 0 || lo < 0)
                return EBADMSG;
            c = (unsigned char)(hi << 4 | lo);
            if (c == '/')
                return EBADMSG;
            i += 2;
        }
        if (c < 0x20 || c == 0x7f || c == '\\')
            return EBADMSG;
        if (n + 1 >= sz)
            return EOVERFLOW;
        out[n++] = (char)c;
    }
    out[n] = '\0';
    return has_dot_segment(out) ? EBADMSG : 0;
}

size_t http_host_namelen(const char *host)
{
    const char *end;

    if (*host == '[' && (end = strchr(host, ']')))
        return (size_t)(end - host) + 1;
    return strcspn(host, ":");
}

bool http_host_valid(const char *host)
{
    size_t n = http_host_namelen(host);
    bool literal = *host == '[';

    if (!n || n > 255)
        return false;
    for (size_t i = 0; i < n; i++) {
        char c = host[i];

        if (literal ? !(isxdigit((unsigned char)c) || strchr("[]:.", c))
                    : !(isalnum((unsigned char)c) || c == '-' || c == '.' || c == '_'))
            return false;
    }
    if (literal && host[n - 1] != ']')
        return false;
    if (!host[n])
        return true;
    return host[n] == ':' && host[n + 1] && strlen(host + n + 1) <= 5 &&
           strspn(host + n + 1, "0123456789") == strlen(host + n + 1);
}

/* The status for a method that we do not serve: known ones are refused, others not understood. */
static int method_decode(enum http_method *m, const char *s, size_t len)
{
    static const char *const refused[] = {"OPTIONS", "TRACE", "CONNECT"};

    for (size_t i = 0; i < HTTP_METHODS; i++)
        if (len == strlen(methods[i]) && !memcmp(s, methods[i], len)) {
            *m = (enum http_method)i;
            return 0;
        }
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        if (len == strlen(refused[i]) && !memcmp(s, refused[i], len))
            return 405;
    for (size_t i = 0; i < len; i++)
        if (!is_tchar(s[i]))
            return 400;
    return len ? 501 : 400;
}

/* "https://host[:port]/path": the host goes before the Host header's (RFC 9112 3.2.2). *path is what is left. 0 or 400. */
static int absolute_decode(struct http_head *h, char **path)
{
    char *p = *path, *host;
    size_t n;

    if (!strncasecmp(p, "http://", 7))
        host = p + 7;
    else if (!strncasecmp(p, "https://", 8))
        host = p + 8;
    else
        return 0;
    n = strcspn(host, "/?");
    h->absolute = true;
    h->host = p; /* moved to the front, so that a terminator fits behind it */
    memmove(p, host, n);
    p[n] = '\0';
    if (!http_host_valid(h->host))
        return 400;
    *path = host + n;
    if (**path != '/')
        *--*path = '/'; /* an empty path is "/" (RFC 9110 4.2.3) */
    return 0;
}

static int target_decode(struct http_head *h, char *target)
{
    size_t len = strlen(target);
    char *q;

    if (len > HTTP_TARGET_MAX)
        return 414;
    for (size_t i = 0; i < len; i++)
        if (target[i] <= 0x20 || target[i] >= 0x7f || target[i] == '#')
            return 400;
    if (absolute_decode(h, &target))
        return 400;
    h->target = target;
    len = strlen(target);
    q = strchr(target, '?');
    if (q)
        *q++ = '\0';
    h->query = q ? q : target + len;
    switch (http_path_decode(h->path, sizeof(h->path), target, strlen(target))) {
    case 0:
        return 0;
    case EOVERFLOW:
        return 414;
    default:
        return 400;
    }
}

static int version_decode(struct http_head *h, const char *s)
{
    if (!strcmp(s, "HTTP/1.1"))
        return 0;
    h->http10 = !strcmp(s, "HTTP/1.0");
    if (h->http10)
        return 0;
    return strncmp(s, "HTTP/", 5) ? 400 : 505;
}

/* METHOD SP target SP version (RFC 9112 3). The version is looked at first, so that HTTP/2 prefaces get 505. */
static int request_line_decode(struct http_head *h, char *line)
{
    char *target = strchr(line, ' '), *version;
    int err;

    if (!target)
        return 400;
    *target++ = '\0';
    version = strchr(target, ' ');
    if (!version)
        return 400;
    *version++ = '\0';
    if ((err = version_decode(h, version)))
        return err;
    if ((err = method_decode(&h->method, line, strlen(line))))
        return err;
    return target_decode(h, target);
}

static int field_decode(struct http_head *h, char *line)
{
    char *colon = strchr(line, ':'), *value, *end;

    if (h->field_count == HTTP_FIELDS_MAX)
        return 431;
    if (!colon || colon == line)
        return 400;
    for (char *p = line; p < colon; p++) {
        if (!is_tchar(*p))
            return 400; /* also folded lines and "Name :" */
        *p = (char)tolower((unsigned char)*p);
    }
    *colon = '\0';
    value = colon + 1 + strspn(colon + 1, " \t");
    for (end = value + strlen(value); end > value && (end[-1] == ' ' || end[-1] == '\t'); end--)
        ;
    *end = '\0';
    for (const char *p = value; *p; p++)
        if (((unsigned char)*p < 0x20 && *p != '\t') || *p == 0x7f)
            return 400;
    h->fields[h->field_count++] = (struct http_field){.name = line, .value = value};
    return 0;
}

static int length_decode(struct http_head *h)
{
    const char *cl = http_field(h, "content-length");
    size_t count = field_count(h, "content-length");

    if (field_count(h, "transfer-encoding"))
        return count ? 400 : 411; /* both is an attempt at smuggling; chunked bodies are not taken */
    if (count > 1)
        return 400;
    if (!count)
        return h->method == HTTP_POST || h->method == HTTP_PUT || h->method == HTTP_PATCH ? 411 : 0;
    if (!*cl || strlen(cl) > 15 || strspn(cl, "0123456789") != strlen(cl))
        return 400;
    h->length = 0;
    for (; *cl; cl++)
        h->length = h->length * 10 + (uint64_t)(*cl - '0');
    return 0;
}

static int fields_check(struct http_head *h)
{
    const char *expect = http_field(h, "expect");
    size_t hosts = field_count(h, "host");

    const char *host = http_field(h, "host");

    if (field_count(h, "origin") > 1) /* which one would count? RFC 6454 7.3 */
        return 400;
    if (hosts > 1 || (!hosts && !h->http10) || (hosts && !http_host_valid(host)))
        return 400;
    for (size_t i = 0; i < h->field_count && !h->absolute; i++)
        if (!strcmp(h->fields[i].name, "host"))
            h->host = h->fields[i].value;
    h->keep_alive = h->http10 ? http_has(h, "connection", "keep-alive") : !http_has(h, "connection", "close");
    if (*expect && strcasecmp(expect, "100-continue"))
        return 417;
    h->expect_continue = *expect && !h->http10;
    return length_decode(h);
}

int http_head_decode(struct http_head *h, char *p, size_t len)
{
    char *end = p + len, *line = p;
    bool first = true;

    memset(h, 0, sizeof(*h));
    h->host = h->query = h->target = (char *)"";
    if (memchr(p, '\0', len))
        return 400;
    while (line < end) {
        char *eol = memchr(line, '\r', (size_t)(end - line));
        int err;

        if (!eol || eol + 1 >= end || eol[1] != '\n')
            return 400;
        *eol = '\0';
        if (eol == line)
            break;
        err = first ? request_line_decode(h, line) : field_decode(h, line);
        if (err)
            return err;
        first = false;
        line = eol + 2;
    }
    return first ? 400 : fields_check(h);
}

const char *http_reason(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {
        {101, "Switching Protocols"},
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {303, "See Other"},
        {304, "Not Modified"},
        {307, "Temporary Redirect"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {411, "Length Required"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {421, "Misdirected Request"},
        {422, "Unprocessable Content"},
        {426, "Upgrade Required"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {505, "HTTP Version Not Supported"},
    };

    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Status";
}
