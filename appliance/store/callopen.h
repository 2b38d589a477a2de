/*
 * store/callopen: the rows of call_open, one for each call that runs, by which a start after a crash finds the calls that were cut
 * off. Writer thread, inside its transactions.
 */
#ifndef STORE_CALLOPEN_H
#define STORE_CALLOPEN_H

#include "store/cdr.h"
#include "store/sql.h"

/* What is known of a call by now. */
int callopen_put(struct sql *sql, const struct cdr *c, int64_t now_ms);
/* Its record is written. */
int callopen_delete(struct sql *sql, const char *id);
/* Every call that runs was up at this time. */
int callopen_seen(struct sql *sql, int64_t now_ms);
/* Makes records of all rows and deletes them; *count: how many had no record yet. */
int callopen_close_all(struct sql *sql, const char *reason, size_t *count);

#endif
