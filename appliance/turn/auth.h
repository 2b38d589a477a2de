/*
 * turn/auth: long-term credentials (RFC 8489 9.2) of two kinds: REST names "expiry:dn" whose password anybody with the secret can compute
 * (draft-uberti-behave-turn-rest-00), so that none is kept; and static users, which an administrator made. Nonces are stateless: they carry
 * their own time and an HMAC over it and the client's address.
 *
 * USERHASH (RFC 8489 14.4) can't be turned back into a name: a bounded table remembers names that were given out.
 *
 * turn_rest_*: any thread. The rest: the relay thread.
 */
#ifndef TURN_AUTH_H
#define TURN_AUTH_H

#include "core/addr.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct turn_auth;

enum {
    TURN_NAME_MAX = 128, /* bytes of a user name, without its 0; RFC 8489 allows 508: nobody needs them */
    TURN_PASSWORD_MAX = 128,
    TURN_REALM_MAX = 64,
    TURN_REST_PASSWORD_LEN = 29 /* base64 of SHA-1, and a 0 */
};

/* "expiry:who" (Unix seconds) into name. EOVERFLOW when it does not fit TURN_NAME_MAX. */
int turn_rest_name(char *name, size_t sz, int64_t expiry_s, const char *who);
void turn_rest_password(char out[TURN_REST_PASSWORD_LEN], const void *secret, size_t secret_len,
                        const char *name);

/* A static user, new or with another password; password NULL: no longer. ENOMEM, EINVAL (empty, too long, "digits:…"), ENOSPC. */
int turn_auth_set_user(struct turn_auth *a, const char *name, const char *password);
/* A REST name was given out: USERHASH finds it. The oldest are forgotten. ENOMEM. */
int turn_auth_learn(struct turn_auth *a, const char *name);

#endif
