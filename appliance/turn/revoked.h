/*
 * turn/revoked: users whose REST credentials of before are no longer good: their DN has another password, is disabled or removed. A credential
 * carries its end, and all are made for the same time: one that ends before a user's bound was made before he was put here.
 *
 * A table of fixed size; who is in it counts for nothing any more when all credentials of before are over. When more are revoked than find
 * room, the one whose credentials end first is forgotten early, which is told. Relay thread.
 */
#ifndef TURN_REVOKED_H
#define TURN_REVOKED_H

#include <stdbool.h>
#include <stdint.h>

struct revoked;

enum { REVOKED_SETS = 1024, REVOKED_WAYS = 16 }; /* places: 16,384 */

int revoked_alloc(struct revoked **rp); /* ENOMEM */
void revoked_free(struct revoked *r);
/* Those that are added from here on are the latest. */
void revoked_begin(struct revoked *r);
/* From now on the user's credentials that end before end_s (Unix seconds) are not good. False: another had to be forgotten early. */
bool revoked_add(struct revoked *r, const char *user, int64_t end_s, int64_t unix_s);
/* Is he one of the latest? By keyhash() of his name. */
bool revoked_lately(const struct revoked *r, uint64_t user);
bool revoked_is(const struct revoked *r, const char *user, int64_t expiry_s);

#endif
