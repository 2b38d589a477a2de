/* web/listen: the sockets that browsers, and TURN clients by TLS, come to. Main thread, before the loop begins. */
#ifndef WEB_LISTEN_H
#define WEB_LISTEN_H

#include "web/server.h"

/* "http", "https" …: in settings with ".port" behind it, in the log as proto=. */
const char *listen_name(enum listener_kind kind);
/* Opens them all. EADDRINUSE … with the port in why; those that were opened stay in w->listeners. */
int listen_open(struct web *w, char *why, size_t whysz);

#endif
