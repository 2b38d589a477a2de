/* store/audit: who changed what, written in the transaction of the change. On the writer thread; reading comes with the console. */
#ifndef STORE_AUDIT_H
#define STORE_AUDIT_H

struct store_tx;

/* Never pass a secret. */
int audit_write(struct store_tx *tx, const char *what_fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
