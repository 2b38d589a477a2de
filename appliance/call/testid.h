/*
 * call/testid: who makes a self-test: a SIP user that nobody provisions and that is kept nowhere.
 *
 *   user      ~selftest-EXPIRY-RANDOM                    no DN has a ~
 *   password  base64url(HMAC(key, user))                 so that whoever has the key knows it, after a restart, too
 *   session   EXPIRY~RANDOM~WHO~HMAC, WHO = d5001, l12   what the page shows to leave its result; says whose it is
 *
 * Such a user may register, which binds nothing, and call TESTID_ECHO (call/echo), until the second EXPIRY. Pure functions; any thread.
 */
#ifndef CALL_TESTID_H
#define CALL_TESTID_H

#include "store/dn.h"

enum { TESTID_SECONDS = 1800, TESTID_KEY_LEN = 32, TESTID_WHO_MAX = DN_MAX + 1 };

/* The label of its key: store_key(). */
#define TESTID_KEY "selftest"

struct testid {
    char user[64], password[48];
    char session[192];
};

/* Whom alone it may call. */
#define TESTID_ECHO "selftest"

/* Of a test by this DN, or, when dn is "", by this link; until now_s + TESTID_SECONDS. */
void testid_make(struct testid *id, const uint8_t key[TESTID_KEY_LEN], int64_t now_s, const char *dn,
                 int64_t link);
/* Does it want to be one of ours? */
bool testid_named(const char *user);
/* The hashes of its password, with dn->enabled false when its time is over. ENOENT: it is none of ours. */
int testid_lookup(struct dn *dn, const uint8_t key[TESTID_KEY_LEN], int64_t now_s, const char *user);
/* Whose session it is: a DN, or "" and a link. EACCES: we did not make it; ETIME: it is over. */
int testid_session(const uint8_t key[TESTID_KEY_LEN], int64_t now_s, const char *session, char dn[DN_MAX],
                   int64_t *link);

#endif
