/* store/apikey: keys by which programs use /api/admin/v1. Of a key only a hash is kept. */
#ifndef STORE_APIKEY_H
#define STORE_APIKEY_H

#include "crypto/token.h"
#include "store/user.h"

enum {
    APIKEY_ID_MAX = 17,
    APIKEY_MAX = TOKEN_MAX + 4,
    APIKEYS_MAX = 256
}; /* "dng_…", which scanners for secrets can look for */

struct apikey {
    char id[APIKEY_ID_MAX];
    char name[64]; /* what it is for */
    enum user_role role;
    char user[64];                           /* who made it */
    int64_t created_ms, expires_ms, seen_ms; /* expires 0 = never; seen to a minute, 0 = not yet */
};

/* Takes name, role, user and expires_ms, fills in the rest. key: the only time that it is told. EINVAL with why; EEXIST; ENOSPC: there are
 * APIKEYS_MAX. */
int apikey_add(struct store *s, struct apikey *io, char key[APIKEY_MAX], char *why, size_t whysz);
/* ENOENT: there is none, or its time is over. */
int apikey_find(struct store_reader *r, const char *key, int64_t now_ms, struct apikey *out);
typedef bool(apikey_h)(const struct apikey *k, void *arg); /* true = stop */
/* By name; those whose time is over, too. */
int apikey_each(struct store_reader *r, apikey_h *h, void *arg);
/* By id or name. ENOENT. */
int apikey_remove(struct store *s, const char *id);
/* It was used. */
int apikey_seen(struct store *s, const char *id, int64_t ms);

#endif
