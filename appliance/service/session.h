/*
 * service/session: signing in to the console and what a session is good for. Nothing here belongs to the thread that calls: whoever may
 * take half a second (argon2id) may sign somebody in. Errors: service/service.h, and EACCES: not with these words.
 */
#ifndef SERVICE_SESSION_H
#define SERVICE_SESSION_H

#include "service/service.h"
#include "store/session.h"
#include "store/totp.h"

struct service_signin {
    const char *name, *password;
    const char *code; /* of the second factor, or a code of recovery; "" = none was given */
    const char *address, *user_agent;
    bool totp_wanted; /* out: with EACCES: name and password are right, a code is wanted */
    bool waits; /* out: with EACCES: it was not looked at, after too many wrong ones (service/codeguess) */
};
/* Takes as long whether or not there is such a user. token: for his cookie. */
int service_signin(struct service *sv, struct service_signin *in, struct session *out, char token[TOKEN_MAX]);
/* A session of a user who has proved already who he is. */
int service_session_open(struct service *sv, const struct service_signin *in, struct session *out,
                         char token[TOKEN_MAX]);
/* Whose token is it? ENOENT: nobody's (any more). The reader is the caller's. */
int service_session_find(const struct service *sv, struct store_reader *r, const char *token,
                         struct session *out);
/* Until when it is good when nothing more is done. */
int64_t service_session_until(const struct service *sv, const struct session *s);
/* user NULL: of all. */
int service_session_each(struct service *sv, const char *user, session_h *h, void *arg);
/* user: only if it is his; NULL: whoever's. */
int service_session_end(struct service *sv, const char *id, const char *user);
int service_session_end_all(struct service *sv, const char *user, size_t *n);
/* Password of a user who is signed in, by the old one; his other sessions end. EACCES. */
int service_session_password(struct service *sv, const char *user, const char *session, const char *old,
                             const char *password);

/* The second factor of who is signed in. secret and uri: what his app needs. */
enum { SERVICE_TOTP_URI_MAX = 256 };
int service_totp_offer(struct service *sv, const char *user, const char *session, char secret[TOTP_TEXT_MAX],
                       char uri[SERVICE_TOTP_URI_MAX]);
/* EINVAL at code: it is not the one. ENOENT: none was offered. */
int service_totp_accept(struct service *sv, const char *user, const char *session, const char *code,
                        char recovery[RECOVERY_CODES][RECOVERY_MAX]);
/* EACCES: it is not his password. */
int service_totp_off(struct service *sv, const char *user, const char *session, const char *password);

#endif
