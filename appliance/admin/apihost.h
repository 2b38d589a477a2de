/*
 * admin/apihost: the machine under admin/api: it takes requests on the WEB thread, has them done on the MAIN or the ADMIN thread, and answers.
 *
 *   api_alloc → api_routes … (all nouns) → api_open → web_start … web_stop → api_free
 */
#ifndef ADMIN_APIHOST_H
#define ADMIN_APIHOST_H

#include "service/service.h"
#include <stdbool.h>

struct api;
struct api_route;
struct web_req;
struct web_resp;

struct api_entry { /* a route, and what it was registered with */
    const struct api_route *r;
    void *arg;
};

/* sv is copied for each request, as the command line's server does, so that what it holds may still be filled in until api_serve is called. */
int api_alloc(struct api **ap, const struct service *sv);
/* Registers all that was added by api_routes() with web/, and starts the ADMIN thread. ENOSPC, ENOMEM, errors of pthread_create(3). */
int api_open(struct api *a);
/* MAIN thread: readable when requests wait, and what serves them. */
int api_fd(const struct api *a);
void api_serve(struct api *a);
/* WEB thread: a session with this Cookie was good within the last hour: whoever has it is not kept out for what others at his address do. */
bool api_known(const struct api *a, const char *cookies);
/* After web_stop, before web_free: ends its threads, too. */
void api_free(struct api *a);

/* WEB thread: has a request served as if it was of a route of the tables, with its check of who may: for resources elsewhere that some may
 * see without signing in (admin/status). e must outlive the server. */
void api_hand(struct api *a, const struct api_entry *e, const struct web_req *req, struct web_resp *resp);

#endif
