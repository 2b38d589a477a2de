/*
 * app_live: what the main thread knows of how the box does: a sample once a second (core's, media's, TURN's and web's own counts, CPU and
 * memory of this process), the last hour from it, a row of the history each minute, and what needs attention. Main thread.
 *
 * All of it is there for struct service's `now` (service/status.h), for the command line and REST. Nothing here is done per call or packet.
 */
#ifndef APP_LIVE_H
#define APP_LIVE_H

#include <stdbool.h>
#include <stdint.h>

struct app_live;
struct media;
struct service;
struct turn;
struct web_push;

struct app_live_config {     /* all of it outlives app_live */
    struct service *service; /* its `now` is set */
    const struct media *media;
    const struct turn *turn; /* NULL: none */
    const char *cert, *key;  /* files of the front end */
    bool lab;
};

/* Before web_start. ENOMEM, ENOSPC. */
int app_live_start(struct app_live **lp, const struct app_live_config *cfg);
void app_live_free(struct app_live *l);                   /* after web_free */
struct web_push *app_live_push(const struct app_live *l); /* for web_config.push */
/* Readable when browsers come and go: app_live_serve(). */
int app_live_fd(const struct app_live *l);
void app_live_serve(struct app_live *l);
/* Does what is due. */
void app_live_tick(struct app_live *l);
/* When it wants to be called again, on clock_ms. */
uint64_t app_live_due_ms(const struct app_live *l);

#endif
