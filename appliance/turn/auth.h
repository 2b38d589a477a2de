/*
 * turn/auth: long-term credentials (RFC 8489 9.2) of two kinds: REST names "expiry:dn" whose password anybody with the secret can compute
 * (draft-uberti-behave-turn-rest-00), so that none is kept; and static users, which an administrator made. Nonces are stateless: they carry
 * their own time and an HMAC over it and the client's IP address, under a key of this process.
 *
 * A USERHASH (RFC 8489 14.4) can't be turned back into a name: static users' are known, and a bounded table remembers the REST names that
 * were given out lately. Names are compared byte by byte: ours are ASCII, where OpaqueString (RFC 8265) changes nothing.
 *
 * turn_rest_*: any thread. The rest: the relay thread.
 */
#ifndef TURN_AUTH_H
#define TURN_AUTH_H

#include "core/addr.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of the secret, as a key that is derived from DIR/secret.key (store_key). */
#define TURN_SECRET_LABEL "turn/rest"

struct turn_auth;
struct turn_msg;
struct codec_answer;

enum {
    TURN_NAME_MAX = 128, /* bytes of a user name, without its 0; RFC 8489 allows 508: nobody needs them */
    TURN_PASSWORD_MAX = 128,
    TURN_REALM_MAX = 64,
    TURN_SECRET_MIN = 16,
    TURN_SECRET_MAX = 64,
    TURN_REST_PASSWORD_LEN = 29,   /* base64 of SHA-1, and a 0 */
    TURN_USERS_MAX = 256,          /* static ones */
    TURN_LEARNED_MAX = 2048,       /* REST names that USERHASH finds */
    TURN_REST_SECONDS = 12 * 3600, /* what a REST name is given out for */
    TURN_NONCE_SECONDS = 3600      /* RFC 8656 5: at least once an hour another */
};

/* "expiry:who" (Unix seconds) into name. EOVERFLOW when it does not fit sz or TURN_NAME_MAX. */
int turn_rest_name(char *name, size_t sz, int64_t expiry_s, const char *who);
void turn_rest_password(char out[TURN_REST_PASSWORD_LEN], const void *secret, size_t secret_len,
                        const char *name);

/* EINVAL (realm or secret empty, too long or too short), ENOMEM. */
int turn_auth_alloc(struct turn_auth **ap, const char *realm, const void *secret, size_t secret_len);
void turn_auth_free(struct turn_auth *a); /* wipes keys */
/* A static user, new or with another password; password NULL: no longer. ENOMEM, EINVAL (empty, too long, like a REST name), ENOSPC. */
int turn_auth_set_user(struct turn_auth *a, const char *name, const char *password);
/* A REST name was given out: USERHASH finds it. The oldest are forgotten. ENOMEM, EINVAL. */
int turn_auth_learn(struct turn_auth *a, const char *name);
/* REST names that were given out to these users until now are not good any more (turn/revoked): count names, each with its 0, one after the
 * other. False: others had to be forgotten. */
bool turn_auth_revoke(struct turn_auth *a, const char *users, size_t count);
/* Was he among those of the last turn_auth_revoke()? By keyhash() of his name. */
bool turn_auth_revoked(const struct turn_auth *a, uint64_t user);
/* The clocks: monotonic for nonces, the wall's for expiries. */
void turn_auth_now(struct turn_auth *a, uint64_t now_us, int64_t unix_s);

/* Who sent a request, and the key that its answer is signed with. */
struct turn_login {
    char name[TURN_NAME_MAX + 1];
    const char *user; /* within name: the DN of a REST name, or all of it */
    uint8_t key[32];
    size_t klen; /* 0: nobody */
    unsigned algorithm;
    bool rest;
};

/*
 * Checks a request as RFC 8489 9.2.4 says, in two steps, so that limits can stand between: what is wrong with it whoever sent it, at the cost
 * of one HMAC (the nonce's), and then, at that of five hashes, whether it is who it says. 0, or the error code 400, 401 or 438.
 * *shown: a credential was there. After 0 login->name is what it says, and nothing else.
 */
unsigned turn_auth_read(const struct turn_auth *a, const struct turn_msg *m, const struct addr *client,
                        struct turn_login *login, bool *shown);
/* late: a name that was revoked is still good: of an allocation that may end its call. */
unsigned turn_auth_prove(struct turn_auth *a, const struct turn_msg *m, bool late, struct turn_login *login);
/* REALM, a fresh NONCE and PASSWORD-ALGORITHMS: what 401 and 438 carry. */
void turn_auth_challenge(const struct turn_auth *a, struct codec_answer *answer, const struct addr *client);

#endif
