/*
 * app_tls: which certificate the front end shows: the configured PEM files, or one made at first start in DIR/tls, and made anew in time or for
 * another public.address. Main thread.
 */
#ifndef APP_TLS_H
#define APP_TLS_H

#include <stddef.h>

struct service;
struct web;

/* Fills the file names; makes the files when none are configured and none are there. Refuses what cannot be used, with one clear line. */
int app_tls_files(struct service *sv, char *cert, char *key, size_t sz, char *why, size_t whysz);
/* A certificate that an administrator changes takes effect at once. *web may still be NULL. */
void app_tls_watch(struct service *sv, struct web **web);
/* To be called now and then. */
void app_tls_tidy(struct service *sv);

#endif
