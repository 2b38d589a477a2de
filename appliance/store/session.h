/*
 * store/session: who is signed in to the console. Of a session's token only a hash is kept, so that sessions outlive a restart and nobody
 * who reads the database can take one over. A session goes with its user, with his password, and with its time.
 */
#ifndef STORE_SESSION_H
#define STORE_SESSION_H

#include "crypto/token.h"
#include "store/user.h"

enum {
    SESSION_ID_MAX = 17,
    SESSIONS_OF_USER = 16, /* more: his oldest ends */
    SESSIONS_MAX = 1024,   /* more: the oldest of all ends */
};

struct session {
    char id[SESSION_ID_MAX];
    char user[64];
    enum user_role role; /* the user's, now */
    bool totp;           /* the user has a second factor */
    char address[48], user_agent[256];
    int64_t created_ms, seen_ms, expires_ms;
};

/* Takes user, address, user_agent and expires_ms, fills in the rest. token: the only time that it is told. ENOENT: no such user. */
int session_add(struct store *s, struct session *io, char token[TOKEN_MAX]);
/* ENOENT: there is none, or its time was over at now_ms, or it was idle for longer than idle_ms. */
int session_find(struct store_reader *r, const char *token, int64_t now_ms, int64_t idle_ms,
                 struct session *out);
typedef bool(session_h)(const struct session *s, void *arg); /* true = stop */
/* Those that are good, the last seen first; of one user, or of all when that is NULL. */
int session_each(struct store_reader *r, const char *user, int64_t now_ms, int64_t idle_ms, session_h *h,
                 void *arg);
/* Ends it. user: only if it is his; NULL: whoever's. ENOENT. */
int session_remove(struct store *s, const char *id, const char *user);
/* Ends all of a user; *n says how many. */
int session_remove_all(struct store *s, const char *user, size_t *n);
/* It was used. */
int session_seen(struct store *s, const char *id, int64_t ms);

#endif
