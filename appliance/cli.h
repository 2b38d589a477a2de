/*
 * cli: runs one command (dn, trunk, user, settings, healthcheck) for the person at the terminal: through the running server when
 * there is one, else in this process on the database. Main thread.
 */
#ifndef CLI_H
#define CLI_H

#include <stdbool.h>

/* Prints to stdout and stderr; returns the exit status (cmd/cmd.h). */
int cli_run(const char *dir, bool json, const char *reason, int argc, char *const *argv);
/* Asks the local server whether it is ready; prints its answer. 0 ready, 1 not or not there. */
int cli_healthcheck(const char *dir);

#endif
