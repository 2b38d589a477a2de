#include "cmd/opt.h"
#include "core/buf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct opt *opt_find(const struct opt *opts, size_t n, const char *name, size_t len)
{
    for (size_t i = 0; i < n; i++)
        if (strlen(opts[i].name) == len && !strncmp(opts[i].name, name, len))
            return &opts[i];
    return NULL;
}

/* Takes the option at argv[*i] and, when it stands apart, its value. */
static int opt_take(struct buf *err, const struct opt *opts, size_t n, int argc, char *const *argv, int *i)
{
    const char *name = argv[*i] + 2, *equals = strchr(name, '=');
    size_t len = equals ? (size_t)(equals - name) : strlen(name);
    const struct opt *o = argv[*i][1] == '-' ? opt_find(opts, n, name, len) : NULL;

    if (!o) {
        buf_printf(err, "unknown option %s\n", argv[*i]);
        return EINVAL;
    }
    if (o->flag) {
        *o->flag = true;
        if (equals)
            buf_printf(err, "--%s takes no value\n", o->name);
        return equals ? EINVAL : 0;
    }
    if (!equals && *i + 1 == argc) {
        buf_printf(err, "--%s needs a value\n", o->name);
        return EINVAL;
    }
    *o->value = equals ? equals + 1 : argv[++*i];
    return 0;
}

int opt_parse(struct buf *err, const struct opt *opts, size_t n, int argc, char *const *argv,
              const char **words, size_t min, size_t max, size_t *count)
{
    bool options = true;

    *count = 0;
    for (int i = 0; i < argc; i++) {
        if (options && !strcmp(argv[i], "--")) {
            options = false;
        } else if (options && argv[i][0] == '-' && argv[i][1]) {
            if (opt_take(err, opts, n, argc, argv, &i))
                return EINVAL;
        } else if (*count == max) {
            buf_printf(err, "one word too many: %s\n", argv[i]);
            return EINVAL;
        } else {
            words[(*count)++] = argv[i];
        }
    }
    if (*count >= min)
        return 0;
    buf_puts(err, "something is missing\n");
    return EINVAL;
}

int opt_number(const char *s, long min, long max, long *n)
{
    char *end;
    long v;

    errno = 0;
    v = strtol(s, &end, 10);
    if (errno || end == s || *end || s[0] == ' ' || s[0] == '+' || v < min || v > max)
        return EINVAL;
    *n = v;
    return 0;
}
