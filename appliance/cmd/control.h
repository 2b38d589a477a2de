/*
 * cmd/control: DIR/control.sock (mode 0600): the command line's way into the running server. One request a connection: a JSON line
 * {"argv":[…],"json":bool,"input":"…"}, one JSON line back {"status":0,"out":"…","err":"…"}. At most 16 MiB, 8 connections, 10 s for
 * the request and 10 s for its answer; a client that hangs keeps nobody else waiting, and the main loop neither.
 */
#ifndef CMD_CONTROL_H
#define CMD_CONTROL_H

#include "cmd/cmd.h"
#include <stdint.h>

struct control;

/* For a request, and for its answer. Tests make it shorter, before they listen. */
extern uint32_t control_patience_ms;

/* Whoever calls this holds the lock on DIR. What sv holds may still be filled in until control_serve is called. */
int control_listen(struct control **cp, const char *dir, const struct service *sv);
int control_fd(const struct control *c); /* watch for reading in the main loop */
void control_serve(struct control *c);   /* whatever can go on without waiting */
void control_free(struct control *c);    /* closes and unlinks */
/* Makes sure that no (other) server runs on DIR until *lock is closed. EADDRINUSE: one does. */
int control_lock(int *lock, const char *dir);
/* Client: why, of all that is asked from now on, for the audit; kept, not copied. NULL: none. */
void control_reason(const char *reason);
/* Client. ECONNREFUSED/ENOENT: no server; then run the command here. */
int control_call(const char *dir, int argc, char *const *argv, const char *input, size_t len, bool json,
                 int *status, char **out, char **err);

#endif
