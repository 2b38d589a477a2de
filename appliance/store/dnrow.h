/* store/dnrow: one DN as a database row; what dn.c and dnimport.c share. Inside a reader or a transaction. */
#ifndef STORE_DNROW_H
#define STORE_DNROW_H

#include "store/dn.h"
#include "store/sql.h"

struct store_tx;

int dnrow_load(struct sql *sql, const char *dn, struct dn *out); /* ENOENT */
int dnrow_insert(struct sql *sql, const struct dn *d);           /* EEXIST */
int dnrow_update(struct sql *sql, const struct dn *d);           /* ENOENT */
/* Its self-tests, too. ENOENT. */
int dnrow_delete(struct sql *sql, const char *dn);
/* Notice and audit. */
int dnrow_changed(struct store_tx *tx, const char *dn, const char *what);
void dnrow_hash(struct dn *d, const char *password);
/* Checks; *why says "column: what a person should change". */
int dn_check_password(const char *password, char *why, size_t whysz);
int dn_check_limit(uint32_t limit, char *why, size_t whysz);
int dn_check_name(const char *name, char *why, size_t whysz);

#endif
