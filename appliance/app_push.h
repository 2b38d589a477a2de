/*
 * app_push: GET /api/admin/v1/events: what goes on, pushed to the console. Main thread.
 *
 *   subprotocol dngate-events, the console's cookie, an Origin. On opening a snapshot of each topic, then what has changed, at most once a
 *   second; nothing is asked or written while nobody listens:
 *
 *   {"topic":"status","at_ms":n,"data":{… as GET /status}}
 *   {"topic":"calls|registrations|trunks","at_ms":n,"data":{"items":[…]}}      all of it; of a long list the first part, the others as "set"
 *   {"topic":"calls","at_ms":n,"set":[…items that are new or other…],"gone":[ids; of registrations DNs, of trunks names]}
 *
 * Quality alone makes a call other every third second only. A session that is over is closed with 4401.
 */
#ifndef APP_PUSH_H
#define APP_PUSH_H

#include <stdint.h>

struct app_push;
struct service;
struct web_push;

/* Before web_start. sv must outlive it. ENOMEM, ENOSPC. */
int app_push_alloc(struct app_push **pp, struct service *sv);
struct web_push *app_push_web(const struct app_push *p);
void app_push_free(struct app_push *p);    /* after web_free */
int app_push_fd(const struct app_push *p); /* readable: app_push_serve() */
void app_push_serve(struct app_push *p);
/* Once a second. */
void app_push_tick(struct app_push *p);

#endif
