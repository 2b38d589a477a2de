/*
 * service/sentence: texts with names in them, "Trunk {trunk} is down: {why}.", so that who speaks another language than English gets a code that
 * stays the same and what stands for the names, and this side fills in the English. Pure; no thread.
 */
#ifndef SERVICE_SENTENCE_H
#define SERVICE_SENTENCE_H

#include "core/buf.h"

#include <stdbool.h>
#include <stddef.h>

enum { SENTENCE_PARAMS_MAX = 4, SENTENCE_PARAM_MAX = 160 };

struct sentence_params { /* by value */
    struct {
        const char *name; /* static; NULL: from here on none */
        bool number;
        char value[SENTENCE_PARAM_MAX];
    } v[SENTENCE_PARAMS_MAX];
};

/* A further one; one too many is left out. */
__attribute__((format(printf, 3, 4))) void sentence_text(struct sentence_params *p, const char *name,
                                                         const char *fmt, ...);
/* decimals: how many. */
void sentence_number(struct sentence_params *p, const char *name, double value, int decimals);

/* The text with its names replaced, cut to fit. A name that has nothing to stand for takes the blank before it along. */
void sentence_fill(char *out, size_t sz, const char *text, const struct sentence_params *p);
/* {"trunk":"genesys","n":3} */
void sentence_json(struct buf *out, const struct sentence_params *p);

#endif
