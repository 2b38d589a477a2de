/* store/setup: the one-time link by which the first administrator is made. Of its token only a hash is kept. */
#ifndef STORE_SETUP_H
#define STORE_SETUP_H

#include "crypto/token.h"
#include "store/user.h"

enum { SETUP_MINUTES = 30 };

/* A new link, in place of an older one. EPERM: there is an administrator already. token: the only time that it is told. */
int setup_link_make(struct store *s, char token[TOKEN_MAX], int64_t *expires_ms);
/* The first administrator; the link is used up. EPERM: there is one already; EACCES: it is no link, or was used, or its time is over; EINVAL
 * with why. */
int setup_use(struct store *s, const char *token, const char *name, const char *password, char *why,
              size_t whysz);

#endif
