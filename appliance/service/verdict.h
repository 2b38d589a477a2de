/*
 * service/verdict: what was wrong with a call, in words: a pure function of its record and of what its trace knows. One sentence to begin with,
 * why it was so as far as it can be told, and what to do.
 */
#ifndef SERVICE_VERDICT_H
#define SERVICE_VERDICT_H

#include "call/tracefacts.h"
#include "service/sentence.h"
#include "service/service.h"
#include "store/cdr.h"

enum verdict_level { VERDICT_GOOD, VERDICT_WARN, VERDICT_BAD };

struct verdict {
    enum verdict_level level;
    const char *code; /* static: service/verdictwords; with params it is all that the three texts say */
    struct sentence_params params;
    char title[96];               /* "One-way audio: the agent heard nothing" */
    char cause[400], advice[400]; /* "" when there is nothing to say */
};

/* "good", "warn", "bad" */
const char *verdict_level_name(enum verdict_level l);
/* As JSON: {"level","code","params":{},"title","cause","advice"} */
void verdict_json(struct buf *out, const struct verdict *v);
/* facts NULL: there is no trace. */
void verdict_make(struct verdict *v, const struct cdr *c, const struct trace_facts *facts);

#endif
