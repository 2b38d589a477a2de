/* store/restorepriv: what stage, apply and replace share. Private to store/restore*.c. */
#ifndef STORE_RESTOREPRIV_H
#define STORE_RESTOREPRIV_H

#include "store/restore.h"

/* DIR/restore.db. Returns buf. */
const char *restore_path(char *buf, size_t sz, const char *dir);
/* Gives a file to the owner of DIR, when root restores for a server that is not. */
void restore_chown(const char *dir, const char *path);
void restore_note(struct restore_result *res, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Adds the call records and the audit entries of from that are not in to. In a transaction. */
int restore_merge(struct sql *to, struct sql *from);
/* Makes the rows of one table those of from. In a transaction. */
int restore_table(struct sql *to, struct sql *from, const char *table);
/* Writes the tls/ files of an open backup to DIR; those that were there stay as NAME.before-restore. */
int restore_tls(struct sql *from, const char *dir, struct restore_result *res);

#endif
