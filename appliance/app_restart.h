/*
 * app_restart: starting again, asked for by service/restart: the process drains, lets go of everything and executes its program anew, with the
 * words and the environment that it was started with. It keeps its number, so that it needs no supervisor, works as process 1 of a container, and
 * systemd or Docker see no end of it. The program is the one that lies now where this one was started from: a newer one, once it was put there.
 * Main thread.
 */
#ifndef APP_RESTART_H
#define APP_RESTART_H

#include "service/restart.h"

enum { RESTART_ANSWER_MS = 300, RESTART_LOOK_MS = 1000 };

/* Is it time to begin? *seconds: what running calls get. Asks signalling once a second while it waits for a moment without calls. */
bool app_restart_due(struct service *sv, uint32_t *seconds, uint64_t *look_ms);
/* Executes the program anew. Returns only when that is not possible: errno. Nothing of this process must be open any more but what closes itself. */
int app_restart_exec(char *const *argv);

#endif
