#include "cmd/args.h"
#include "cmd/verb.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct verb_option *option_find(const struct verb *v, const char *name, size_t len)
{
    for (size_t i = 0; i < v->option_count; i++)
        if (strlen(v->options[i].name) == len && !strncmp(v->options[i].name, name, len))
            return &v->options[i];
    return NULL;
}

/* Takes the option at argv[*i] and, when it stands apart, its value. */
static int option_take(struct args *a, struct buf *err, int argc, char *const *argv, int *i)
{
    const char *name = argv[*i] + 2, *equals = strchr(name, '=');
    const size_t len = equals ? (size_t)(equals - name) : strlen(name);
    const struct verb_option *o = argv[*i][1] == '-' ? option_find(a->verb, name, len) : NULL;

    if (!o)
        return buf_printf(err, "unknown option %s\n", argv[*i]), EINVAL;
    if (!o->value && equals)
        return buf_printf(err, "--%s takes no value\n", o->name), EINVAL;
    if (o->value && !equals && *i + 1 == argc)
        return buf_printf(err, "--%s needs a value: %s\n", o->name, o->value), EINVAL;
    a->value[o - a->verb->options] = !o->value ? "" : equals ? equals + 1 : argv[++*i];
    return 0;
}

static int complete(const struct args *a, struct buf *err)
{
    if (a->words < a->verb->words_min)
        return buf_printf(err, "missing: %s\n", a->verb->words), EINVAL;
    for (size_t i = 0; i < a->verb->option_count; i++)
        if (a->verb->options[i].needed && !a->value[i])
            return buf_printf(err, "--%s is needed: %s\n", a->verb->options[i].name,
                              a->verb->options[i].value),
                   EINVAL;
    return 0;
}

int args_parse(struct args *a, const struct verb *v, struct buf *err, int argc, char *const *argv)
{
    bool options = true;

    *a = (struct args){.verb = v};
    for (int i = 0; i < argc; i++) {
        if (options && !strcmp(argv[i], "--")) {
            options = false;
        } else if (options && argv[i][0] == '-' && argv[i][1]) {
            if (option_take(a, err, argc, argv, &i))
                return EINVAL;
        } else if (a->words == v->words_max) {
            return buf_printf(err, "one word too many: %s\n", argv[i]), EINVAL;
        } else {
            a->word[a->words++] = argv[i];
        }
    }
    return complete(a, err);
}

const char *args_get(const struct args *a, const char *option)
{
    const struct verb_option *o = option_find(a->verb, option, strlen(option));

    if (!o)
        abort();
    return a->value[o - a->verb->options];
}

bool args_flag(const struct args *a, const char *option)
{
    return args_get(a, option) != NULL;
}

int args_number(const char *s, long min, long max, long *n)
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
