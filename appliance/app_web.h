/* app_web: the front end with what the settings say of it, and the console's REST behind it. Main thread. */
#ifndef APP_WEB_H
#define APP_WEB_H

#include "core/addr.h"
#include <stdbool.h>
#include <stddef.h>

struct app_api;
struct app_turn;
struct conf;
struct guard;
struct mbox;
struct service;
struct sip_stack;
struct store;
struct web;
struct web_push;

struct app_web { /* all 0 before */
    struct web *server;
    struct app_api *api;
    const struct conf *conf;
};

struct app_web_config { /* all of it outlives both */
    struct conf *conf;
    struct store *store;
    struct guard *guard;
    struct service *service; /* its https_port is set */
    struct sip_stack *stack;
    struct mbox *signalling; /* for questions */
    struct app_turn *turn;   /* NULL: none */
    struct web_push *push;
    const struct addr *bind;
    size_t bind_count;      /* 1 or 2 */
    const char *cert, *key; /* files */
    bool lab;
};

/* w stays where it is. Errors with one clear line in why. The owner stops what is there, in an order that others' threads demand: web_stop,
 * app_api_free, and web_free when nobody posts to it any more. */
int app_web_start(struct app_web *w, const struct app_web_config *cfg, char *why, size_t whysz);

#endif
