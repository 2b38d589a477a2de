/* cmd/opt: splits a verb's arguments into options (--name VALUE, --name=VALUE, --flag) and words. "--" ends the options. */
#ifndef CMD_OPT_H
#define CMD_OPT_H

#include <stdbool.h>
#include <stddef.h>

struct buf;

struct opt {            /* one option: either value or flag */
    const char *name;   /* without -- */
    const char **value; /* left alone when the option is absent */
    bool *flag;
};

/* Words go to words[] (at most max). EINVAL with a line on err: unknown option, no value, too many or too few words. */
int opt_parse(struct buf *err, const struct opt *opts, size_t n, int argc, char *const *argv,
              const char **words, size_t min, size_t max, size_t *count);
/* A whole decimal number within min..max. EINVAL. */
int opt_number(const char *s, long min, long max, long *n);

#endif
