#include "core/utf8.h"

#include <stdint.h>
#include <string.h>

static size_t utf8_want(uint8_t lead)
{
    if (lead < 0x80)
        return 1;
    if (lead >= 0xc2 && lead <= 0xdf)
        return 2;
    if (lead >= 0xe0 && lead <= 0xef)
        return 3;
    return lead >= 0xf0 && lead <= 0xf4 ? 4 : 0;
}

size_t utf8_seq(const char *s, size_t n)
{
    const uint8_t *p = (const uint8_t *)s;
    size_t want = n ? utf8_want(p[0]) : 0;

    if (!want || want > n)
        return 0;
    for (size_t i = 1; i < want; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    /* The second byte rules out overlong forms, surrogates and what lies above U+10FFFF. */
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) ||
        (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    return want;
}

bool utf8_valid(const void *p, size_t n)
{
    const char *s = p;

    while (n) {
        size_t len = utf8_seq(s, n);

        if (!len)
            return false;
        s += len;
        n -= len;
    }
    return true;
}

static uint32_t code_point(const char *s, size_t n)
{
    const uint8_t *p = (const uint8_t *)s;
    uint32_t c = n == 1 ? p[0] : p[0] & (0x7fu >> n);

    for (size_t i = 1; i < n; i++)
        c = c << 6 | (p[i] & 0x3f);
    return c;
}

/* What a screen shows as nothing and yet changes what it shows: a name could be made to read as another one's. */
static bool is_hidden(uint32_t c)
{
    static const struct {
        uint32_t from, to;
    } hidden[] = {{0x00, 0x1f},     {0x7f, 0x9f},     {0xad, 0xad},     {0x61c, 0x61c},
                  {0x180e, 0x180e}, {0x200b, 0x200b}, {0x200e, 0x200f}, {0x2028, 0x202e},
                  {0x2060, 0x206f}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe007f}};

    for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
        if (c >= hidden[i].from && c <= hidden[i].to)
            return true;
    return false;
}

size_t utf8_shown(const char *s, size_t n, size_t *step)
{
    const size_t seq = utf8_seq(s, n);

    *step = seq ? seq : 1;
    return seq && !is_hidden(code_point(s, seq)) ? seq : 0;
}

void utf8_text(char *dst, size_t sz, const char *src)
{
    size_t left = strlen(src), n = 0, step;

    for (; left; src += step, left -= step) {
        const size_t seq = utf8_shown(src, left, &step);

        if (n + step >= sz)
            break;
        if (*src == ' ' || *src == '\t' || *src == '\n') {
            if (n && dst[n - 1] != ' ')
                dst[n++] = ' ';
        } else {
            memcpy(dst + n, src, seq);
            n += seq;
        }
    }
    while (n && dst[n - 1] == ' ')
        n--;
    dst[n] = '\0';
}
