/* store/userrow: users' rows for other files of store/, on the writer thread or a reader's. Private to store/. */
#ifndef STORE_USERROW_H
#define STORE_USERROW_H

#include "store/sql.h"
#include "store/user.h"

int user_load(struct sql *sql, const char *name, struct user *out); /* ENOENT */
/* Checks name and password and hashes that into u. EINVAL with why. */
int user_prepare(struct user *u, const char *name, enum user_role role, const char *password, char *why,
                 size_t whysz);
int user_insert(struct store_tx *tx, const struct user *u); /* EEXIST */

#endif
