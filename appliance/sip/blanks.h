/* sip/blanks: the blanks between a message's words (LWS of RFC 3261 25.1): space, tab, and what folds a line. */
#ifndef SIP_BLANKS_H
#define SIP_BLANKS_H

#include <re.h>
#include <stdbool.h>

static inline bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Takes them off the front. */
static inline void blanks_skip(struct pl *pl)
{
    while (pl->l && is_blank(*pl->p)) {
        pl->p++;
        pl->l--;
    }
}

/* Takes them off both ends. */
static inline void blanks_trim(struct pl *pl)
{
    blanks_skip(pl);
    while (pl->l && is_blank(pl->p[pl->l - 1]))
        pl->l--;
}

#endif
