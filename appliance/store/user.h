/* store/user: administrators. Passwords only as argon2id. */
#ifndef STORE_USER_H
#define STORE_USER_H

#include "store/store.h"

enum user_role { USER_ADMIN, USER_SUPERVISOR, USER_READONLY };
struct user {
    char name[64];
    enum user_role role;
    char pwhash[128];
    bool totp; /* asks for a second factor */
    int64_t created_ms, changed_ms;
};
const char *user_role_name(enum user_role r);
int user_role_decode(enum user_role *r, const char *name);                /* EINVAL */
int user_get(struct store_reader *r, const char *name, struct user *out); /* ENOENT */
typedef bool(user_h)(const struct user *u, void *arg);
int user_each(struct store_reader *r, user_h *h, void *arg);
int user_add(struct store *s, const char *name, enum user_role role, const char *password, char *why,
             size_t whysz); /* min 8 chars */
/* True: a name that a user may have. */
bool user_name_valid(const char *name);
struct user_change { /* what shall be other; the rest stays */
    bool set_role;
    enum user_role role;
    const char *password; /* NULL: as it is */
    bool totp_off;        /* no second factor any more */
    const char *
        keep_session; /* of all the user's sessions, which end with his password, this one goes on; NULL = none */
};
/* ENOENT; EPERM: the last admin stays one. */
int user_change(struct store *s, const char *name, const struct user_change *ch, char *why, size_t whysz);
/* There is somebody who can sign in and may do everything. */
int user_has_admin(struct store_reader *r, bool *has);
int user_remove(struct store *s, const char *name); /* ENOENT; EPERM: the last admin stays */

#endif
