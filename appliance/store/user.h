/* store/user: administrators. Passwords only as argon2id. */
#ifndef STORE_USER_H
#define STORE_USER_H

#include "store/store.h"

enum user_role { USER_ADMIN, USER_SUPERVISOR, USER_READONLY };
struct user {
    char name[64];
    enum user_role role;
    char pwhash[128];
    int64_t created_ms, changed_ms;
};
const char *user_role_name(enum user_role r);
int user_role_decode(enum user_role *r, const char *name);                /* EINVAL */
int user_get(struct store_reader *r, const char *name, struct user *out); /* ENOENT */
typedef bool(user_h)(const struct user *u, void *arg);
int user_each(struct store_reader *r, user_h *h, void *arg);
int user_add(struct store *s, const char *name, enum user_role role, const char *password, char *why,
             size_t whysz); /* min 8 chars */
int user_passwd(struct store *s, const char *name, const char *password, char *why, size_t whysz);
int user_remove(struct store *s, const char *name); /* ENOENT; EPERM: the last admin stays */

#endif
