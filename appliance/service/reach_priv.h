/* service/reach, the inside. */
#ifndef SERVICE_REACH_PRIV_H
#define SERVICE_REACH_PRIV_H

#include "service/reach.h"

/* Asks the ports of f->at from its own on, all by one socket; fills err, mapped and silent. */
void reach_ice(const struct reach_config *cfg, struct reach_found *f);
/* A request by HTTP over TLS; 0 when the answer's status is this. */
int reach_http(const struct addr *at, const char *host, bool websocket);

#endif
