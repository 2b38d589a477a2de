/*
 * sip/auth: digest authentication of browsers (RFC 3261 22, RFC 8760): challenges, checks, and slows down or shuts out a source that
 * guesses. A DN that is unknown or disabled is checked against a password nobody has, so that it answers like a wrong password.
 * Private to sip/. Owner: signalling thread.
 */
#ifndef SIP_AUTH_H
#define SIP_AUTH_H

#include "sip/registrar.h"

#include <re.h>

struct auth;

enum {
    AUTH_WAITING_MAX = 512, /* answers held back by the guard's delay */
    AUTH_BANNED_MS = 4000   /* the delay on a connection that is signed in, while its source is banned */
};

/* A request whose delay has passed; check it now. */
typedef void(auth_due_h)(const struct sip_msg *msg, void *arg);

int auth_alloc(struct auth **ap, struct sip_stack *st, const struct registrar_config *cfg,
               const struct sessions *sessions);
void auth_free(struct auth *a);

enum auth_gate { AUTH_NOW, AUTH_WAITS, AUTH_SHUT };
/*
 * Before a request's credentials are looked at: is its source banned (AUTH_SHUT: dropped, connection closed) or slow (AUTH_WAITS: due
 * is called later, or the request is dropped when too many wait)? Requests without credentials never wait. A connection on which
 * somebody has signed in is not shut by its source's ban, only by a wrong password of its own meanwhile.
 */
enum auth_gate auth_gate(struct auth *a, const struct sip_msg *msg, auth_due_h *due, void *arg);
/*
 * Checks the request's credentials for this user. 0 and *dn; EACCES when it was answered with a challenge (or its source was banned).
 * A guest whose time is over is *dn that is not enabled, and 0. former (NULL: none): a password that held before, for whoever has a call from that time; *dn is then that one, and not enabled.
 */
int auth_check(struct auth *a, const struct sip_msg *msg, const char *user, const struct registrar_dn *former,
               struct registrar_dn *dn);
/* Is the password still the one of before? For provisioning changes. */
bool auth_same_password(const struct registrar_dn *a, const struct registrar_dn *b);

#endif
