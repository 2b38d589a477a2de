#include "service/sentence.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static char *next(struct sentence_params *p, const char *name, bool number)
{
    for (size_t i = 0; i < SENTENCE_PARAMS_MAX; i++)
        if (!p->v[i].name) {
            p->v[i].name = name;
            p->v[i].number = number;
            return p->v[i].value;
        }
    return NULL;
}

void sentence_text(struct sentence_params *p, const char *name, const char *fmt, ...)
{
    char *value = next(p, name, false);
    va_list ap;

    if (!value)
        return;
    va_start(ap, fmt);
    vsnprintf(value, SENTENCE_PARAM_MAX, fmt, ap);
    va_end(ap);
}

void sentence_number(struct sentence_params *p, const char *name, double number, int decimals)
{
    char *value = next(p, name, true);

    if (value)
        snprintf(value, SENTENCE_PARAM_MAX, "%.*f", decimals, number);
}

static const char *value_of(const struct sentence_params *p, const char *name, size_t len)
{
    for (size_t i = 0; i < SENTENCE_PARAMS_MAX && p->v[i].name; i++)
        if (strlen(p->v[i].name) == len && !memcmp(p->v[i].name, name, len))
            return p->v[i].value;
    return "";
}

void sentence_fill(char *out, size_t sz, const char *text, const struct sentence_params *p)
{
    size_t n = 0;

    while (*text && n + 1 < sz) {
        const char *end = *text == '{' ? strchr(text, '}') : NULL;

        if (end) {
            const char *value = value_of(p, text + 1, (size_t)(end - text) - 1);

            if (!*value && n && out[n - 1] == ' ')
                n--;
            while (*value && n + 1 < sz)
                out[n++] = *value++;
            text = end + 1;
        } else {
            out[n++] = *text++;
        }
    }
    out[n] = '\0';
}

void sentence_json(struct buf *out, const struct sentence_params *p)
{
    buf_puts(out, "{");
    for (size_t i = 0; i < SENTENCE_PARAMS_MAX && p->v[i].name; i++) {
        buf_printf(out, "%s\"%s\":", i ? "," : "", p->v[i].name);
        if (p->v[i].number)
            buf_puts(out, p->v[i].value);
        else
            buf_json_str(out, p->v[i].value);
    }
    buf_puts(out, "}");
}
