/* app_media: the media workers with what the settings say of them, and what the others tell them and hear of them. Main thread. */
#ifndef APP_MEDIA_H
#define APP_MEDIA_H

#include "core/addr.h"
#include <stddef.h>

struct conf;
struct mbox;
struct media;
struct store;
struct wire;

struct app_media { /* all 0 before */
    struct media *workers;
    struct mbox *events; /* of calls, to signalling */
    struct mbox *seen;   /* by STUN servers outside: from the workers to signalling */
    struct wire *wire;   /* from TURN to the workers */
};

struct app_media_config {
    const struct conf *conf;
    const struct store *store;
    const struct addr *bind;
    size_t bind_count; /* 1 or 2 */
};

/* Errors with one clear line in why; app_media_stop in any case. */
int app_media_start(struct app_media *m, const struct app_media_config *cfg, char *why, size_t whysz);
void app_media_stop(struct app_media *m); /* after all that speak to the workers */

#endif
