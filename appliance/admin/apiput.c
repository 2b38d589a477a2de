/* What handlers write answers with. */
#include "admin/api.h"

#include <math.h>
#include <string.h>

static void comma(struct buf *out)
{
    if (out->len && !strchr("{[:", out->data[out->len - 1]))
        buf_puts(out, ",");
}

void api_put_name(struct buf *out, const char *name)
{
    comma(out);
    buf_json_str(out, name);
    buf_puts(out, ":");
}

void api_put_str(struct buf *out, const char *name, const char *s)
{
    api_put_name(out, name);
    buf_json_str(out, s);
}

void api_put_int(struct buf *out, const char *name, int64_t n)
{
    api_put_name(out, name);
    buf_printf(out, "%lld", (long long)n);
}

void api_put_real(struct buf *out, const char *name, double n)
{
    api_put_name(out, name);
    if (isfinite(n))
        buf_printf(out, "%.6g", n);
    else
        buf_puts(out, "null");
}

void api_put_bool(struct buf *out, const char *name, bool b)
{
    api_put_name(out, name);
    buf_puts(out, b ? "true" : "false");
}

void api_list_begin(struct buf *out)
{
    buf_puts(out, "{\"items\":[");
}

void api_item(struct buf *out)
{
    comma(out);
    buf_puts(out, "{");
}

void api_list_end(struct buf *out, int64_t total, const char *next)
{
    buf_puts(out, "]");
    if (total >= 0)
        api_put_int(out, "total", total);
    api_put_str(out, "next", next);
    buf_puts(out, "}");
}
