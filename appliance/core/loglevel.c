#include "core/loglevel.h"
#include "core/log.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { ITEM_MAX = 48, ITEMS_MAX = 24 };

/* "debug" (first) or "sip=debug" (behind it). */
static int item_take(char *item, bool first, bool apply)
{
    char *value = strchr(item, '=');
    enum log_level level;

    if (!value == !first)
        return EINVAL;
    if (value)
        *value++ = '\0';
    if (!item[0] || log_level_decode(&level, value ? value : item))
        return EINVAL;
    if (value && item[strspn(item, "abcdefghijklmnopqrstuvwxyz_")])
        return EINVAL;
    return apply ? log_set_level(value ? item : NULL, level) : 0;
}

static int walk(const char *text, bool apply)
{
    char item[ITEM_MAX];
    unsigned count = 0;
    int err = 0;

    while (!err && *(text += strspn(text, ", "))) {
        size_t n = strcspn(text, ", ");

        if (n >= sizeof(item) || count == ITEMS_MAX)
            return EINVAL;
        memcpy(item, text, n);
        item[n] = '\0';
        err = item_take(item, !count++, apply);
        text += n;
    }
    return count ? err : EINVAL;
}

int loglevel_check(const char *text)
{
    return walk(text, false);
}

int loglevel_apply(const char *text)
{
    int err = walk(text, false);

    return err ? err : walk(text, true);
}
