#include "store/check.h"
#include "core/utf8.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { PASSWORD_MAX = 128 };

bool check_text(const char *s, size_t sz)
{
    size_t len = strlen(s), n;

    if (len >= sz)
        return false;
    for (size_t i = 0; i < len; i += n) {
        unsigned char c = (unsigned char)s[i];

        n = utf8_seq(s + i, len - i);
        if (!n || c < 0x20 || c == 0x7f)
            return false;
    }
    return true;
}

bool check_word(const char *s, const char *more, size_t sz)
{
    size_t len = strlen(s);

    if (!len || len >= sz)
        return false;
    for (size_t i = 0; i < len; i++)
        if (!(isascii(s[i]) && isalnum((unsigned char)s[i])) && !strchr(more, s[i]))
            return false;
    return true;
}

static size_t utf8_count(const char *s)
{
    size_t n = 0;

    for (; *s; s++)
        n += ((unsigned char)*s & 0xc0) != 0x80;
    return n;
}

int check_password(const char *s, size_t min, char *why, size_t whysz)
{
    if (utf8_count(s) < min)
        snprintf(why, whysz, "the password needs at least %zu characters", min);
    else if (!check_text(s, PASSWORD_MAX))
        snprintf(why, whysz, "the password must be text of at most %d bytes without control characters",
                 PASSWORD_MAX - 1);
    else
        return 0;
    return EINVAL;
}
