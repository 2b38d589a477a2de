/* store/audit: who changed what, written in the transaction of the change; reading comes with the console. Never pass a secret. */
#ifndef STORE_AUDIT_H
#define STORE_AUDIT_H

struct store;
struct store_tx;

/* On the writer thread. */
int audit_write(struct store_tx *tx, const char *what_fmt, ...) __attribute__((format(printf, 2, 3)));
/* For what changes no row, such as a call that is hung up. Any other thread; waits until it is durable. */
int audit_note(struct store *s, const char *what);

#endif
