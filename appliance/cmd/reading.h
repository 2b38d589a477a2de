/* cmd/reading: what verbs share that read long lists (cdr, audit) in the command line's own process, so that no length of a list is a burden to
 * the server. Private to cmd/. */
#ifndef CMD_READING_H
#define CMD_READING_H

#include "cmd/verb.h"

/* Runs with c->sv.store there to be read; within a server its store is there already. Returns the exit status. */
int cmd_reading(struct cmd *c, int (*run)(struct cmd *c, const void *what), const void *what);
/* An option that is a moment: a date, a time (UTC), or so long ago (30m, 12h, 7d); *ms stays when it is not given. CMD_USAGE with a line on err. */
int cmd_moment(struct cmd *c, const struct args *a, const char *option, int64_t *ms);

#endif
