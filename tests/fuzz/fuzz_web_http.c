/* The head of an HTTP request as it reaches us, whole and in pieces: what is accepted obeys what http.h promises. */
#include "web/http.h"
#include "web/origin.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void head_check(const struct http_head *h)
{
    const char *p = h->path;

    if (h->method >= HTTP_METHODS || p[0] != '/' || strlen(p) > HTTP_PATH_MAX)
        abort();
    if (strstr(p, "/../") || strstr(p, "/./") || strchr(p, '\\') || strchr(p, '\n'))
        abort();
    if (strlen(p) >= 3 && !strcmp(p + strlen(p) - 3, "/.."))
        abort();
    if (*h->host && !http_host_valid(h->host))
        abort();
    for (size_t i = 0; i < h->field_count; i++)
        if (strpbrk(h->fields[i].value, "\r\n") || strpbrk(h->fields[i].name, "\r\n :"))
            abort();
    if (strpbrk(h->target, " \r\n") || strpbrk(h->query, " \r\n")) /* both are echoed into Location */
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_head *h = malloc(sizeof(*h));
    size_t scan = 0, scan_parts = 0, end, end_parts = 0;
    int bad, bad_parts = 0;
    char *p = malloc(size + 1);

    memcpy(p, data, size);
    p[size] = '\0';
    end = http_head_find(p, size, &scan, &bad);
    for (size_t n = 1; n <= size && !end_parts && !bad_parts; n++)
        end_parts = http_head_find(p, n, &scan_parts, &bad_parts);
    if (size && size < HTTP_TARGET_MAX && (end != end_parts || bad != bad_parts))
        abort(); /* how the bytes were cut must not matter */
    if (end && !http_head_decode(h, p, end)) {
        const char *origin = http_field(h, "origin");

        head_check(h);
        if (origin_allowed(origin, true, h->host, NULL, 0, http_field(h, "x-list")) &&
            strncasecmp(origin, "https://", 8))
            abort();
    }
    free(p);
    free(h);
    return 0;
}
