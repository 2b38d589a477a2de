/*
 * web/wssip: SIP over WebSocket (RFC 7118) on GET /ws: messages in go to sip_ws_recv, what signalling posts to the server's mailbox
 * goes out. WEB thread.
 */
#ifndef WEB_WSSIP_H
#define WEB_WSSIP_H

#include "web/server.h"

/* Registers the route. ENOSPC. */
int wssip_register(struct web *w);
/* Hands what the signalling thread posted to its connections. */
void wssip_drain(struct web *w);

#endif
