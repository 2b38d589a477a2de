#include "core/utf8.h"

#include <stdint.h>

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
