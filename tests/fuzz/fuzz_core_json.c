/* JSON from outside: parse, walk everything, and write every string back so that it reads as the same string. */
#include "core/buf.h"
#include "core/json.h"

#include <stdlib.h>
#include <string.h>

static void again(const char *s)
{
    struct json *j;
    struct buf b;

    buf_init(&b, 1 << 20);
    if (!buf_json_str(&b, s)) {
        if (json_parse(&j, b.data, b.len, NULL, 0) || strcmp(json_str(json_root(j)), s))
            abort();
        json_free(j);
    }
    buf_reset(&b);
}

/* Recursion is bounded by the parser's depth limit; *depth counts how deep we are. */
static void walk(const struct json_val *v, int *depth)
{
    const char *s = json_str(v), *named = json_get_str(v, "a");

    if (++*depth > 40)
        abort();
    if (s)
        again(s);
    if (named)
        again(named);
    for (size_t i = 0, n = json_arr_size(v); i < n && i < 64; i++)
        walk(json_arr_at(v, i), depth);
    --*depth;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct json *j;
    char why[128];
    int64_t n;
    bool b;
    int depth = 0;

    if (json_parse(&j, (const char *)data, size, why, sizeof(why)))
        return 0;
    walk(json_root(j), &depth);
    (void)json_get_int(json_root(j), "n", &n);
    (void)json_get_bool(json_root(j), "b", &b);
    json_free(j);
    return 0;
}
