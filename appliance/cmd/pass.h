/*
 * cmd/pass: hands a command on from a verb that runs in the command line's own process: to the running server, or, when there is
 * none, to the store opened here.
 */
#ifndef CMD_PASS_H
#define CMD_PASS_H

#include "cmd/cmd.h"

/* Returns the exit status; *out (free) is what it printed, NULL when it failed: then a line is on c->err. */
int cmd_pass(struct cmd *c, int argc, char *const *argv, const char *input, size_t len, bool json,
             char **out);

#endif
