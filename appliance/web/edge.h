/* web/edge: the only place where connections meet libwebsockets: sockets, TLS records, timers, the loop. WEB thread. */
#ifndef WEB_EDGE_H
#define WEB_EDGE_H

#include "web/server.h"

/* Makes the loop and puts sockets, mailbox and certificate into it. */
int edge_open(struct web *w, char *why, size_t whysz);
/* Runs until w->stop. */
void edge_run(struct web *w);
void edge_close(struct web *w);
/* Makes edge_run look at w->stop and w->reload. Any thread. */
void edge_wake(struct web *w);

/* For a connection: ask to be written, be called back after ms (0 = not at all), end what we send. */
void edge_want_write(struct conn *c);
void edge_timer(struct conn *c, uint64_t ms);
void edge_shutdown(struct conn *c);
void edge_kill(struct conn *c);
/* Reads no more of it: neither memory nor time for what it sends. */
void edge_deafen(struct conn *c);
/* Reads no more for now, or again. */
void edge_hold(struct conn *c, bool hold);

#endif
