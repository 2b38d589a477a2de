/*
 * store/totp: the second factor of users: its secret sealed with DIR/secret.key, codes of recovery only as hashes. No code is taken twice.
 */
#ifndef STORE_TOTP_H
#define STORE_TOTP_H

#include "crypto/hash.h"
#include "crypto/totp.h"
#include "store/user.h"

enum { RECOVERY_CODES = 10, RECOVERY_MAX = 20 }; /* "abcd-efgh-ijkl-mnop": 80 bits */

/* A new secret, offered to a session's user until he proves that he has it. ENOENT: no such session. */
int totp_offer(struct store *s, const char *session, const char *user, char secret[TOTP_TEXT_MAX]);
/* He knows a code of what was offered: from now on he is asked for one. recovery: the only time that they are told. ENOENT: nothing is
 * offered; EACCES: it is not the code. */
int totp_accept(struct store *s, const char *session, const char *user, const char *code,
                char recovery[RECOVERY_CODES][RECOVERY_MAX]);
/* Takes a code of the app, or one of recovery, which is used up by that. EACCES; EALREADY: it was taken before. */
int totp_use(struct store *s, const char *user, const char *code);

#endif
