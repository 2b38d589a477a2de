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
/* Seals it into d, whose DN is there; "" = none. */
int dnrow_seal(const struct store *s, struct dn *d, const char *trunk_password);
/* Are they the same password? Sealed twice, one looks different. */
bool dnrow_same_sealed(const struct store *s, const struct dn *a, const struct dn *b);
int dn_check_trunk_password(const char *password, char *why, size_t whysz);
/* Checks; *why says "column: what a person should change". */
int dn_check_password(const char *password, char *why, size_t whysz);
int dn_check_limit(uint32_t limit, char *why, size_t whysz);
int dn_check_name(const char *name, char *why, size_t whysz);

#endif
