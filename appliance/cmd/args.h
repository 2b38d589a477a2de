/*
 * cmd/args: takes apart what stands behind a verb, as the verb's table says (cmd/verb.h): words, options (--name VALUE, --name=VALUE) and
 * flags (--name). "--" ends the options. Private to cmd/.
 */
#ifndef CMD_ARGS_H
#define CMD_ARGS_H

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct verb;

enum { ARGS_WORDS_MAX = 2, ARGS_OPTIONS_MAX = 20 };

struct args {
    const struct verb *verb;
    const char *word[ARGS_WORDS_MAX]; /* NULL: not given */
    size_t words;
    const char *value[ARGS_OPTIONS_MAX]; /* as in verb->options; NULL: not given; a flag: "" */
};

/* EINVAL with a line on err: unknown option, no value, too many or too few words, an option that is needed. */
int args_parse(struct args *a, const struct verb *v, struct buf *err, int argc, char *const *argv);
/* The value of an option, NULL when it was not given. Aborts on one that the verb's table lacks: a bug. */
const char *args_get(const struct args *a, const char *option);
bool args_flag(const struct args *a, const char *option);
/* A whole decimal number within min..max. EINVAL. */
int args_number(const char *s, long min, long max, long *n);

#endif
