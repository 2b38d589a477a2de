/* app_api: the HTTP resources, and what they share: who signs in, and the way to TURN. Main thread. */
#ifndef APP_API_H
#define APP_API_H

#include "service/service.h"
#include <stdbool.h>
#include <stdint.h>

struct app_api;
struct app_turn;
struct guard;
struct mbox;
struct store;

struct app_api_config {
    const struct store *store;
    const struct app_turn *turn; /* NULL: none */
    struct guard *guard;
    struct mbox *signalling;       /* for questions to it */
    const struct service *service; /* what the console's REST works with; the command line's, too */
    bool lab;
};

/* Registers the routes; before web_start. All of cfg must outlive the web server. ENOMEM, ENOSPC. */
int app_api_start(struct app_api **ap, const struct app_api_config *cfg);
/* The port of TURN over TLS besides https.port, once it is known; 0 = none. */
void app_api_turns(struct app_api *a, uint16_t port);
/* Main thread: readable when requests of the console's REST wait, and what serves them. */
int app_api_fd(const struct app_api *a);
void app_api_serve(struct app_api *a);
/* WEB thread: who shows this Cookie is signed in to the console, as far as one knows. */
bool app_api_known(const char *cookie, void *app_api);
/* After web_stop, before web_free. */
void app_api_free(struct app_api *a);

#endif
