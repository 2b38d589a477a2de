/* store/retention: takes the oldest rows out, a few at a time, so that neither call records nor provisioning wait for it. Any thread but the writer's. */
#ifndef STORE_RETENTION_H
#define STORE_RETENTION_H

#include "store/store.h"

enum retention_table { RETENTION_CDR, RETENTION_AUDIT, RETENTION_SELFTEST, RETENTION_TABLES };
enum { RETENTION_BATCH = 500 }; /* rows of one transaction */

/* "cdr", "audit", "selftest" */
const char *retention_name(enum retention_table t);
/*
 * Removes what is older than before_ms (0: nothing for its age), and the oldest of what is beyond max_rows (0: any number may stay), in
 * transactions of RETENTION_BATCH rows; at most limit rows (0: all), so that the caller can stop in between. *removed also counts what an error
 * left done. The newest entry of the audit always stays, since numbers must not come again.
 */
int retention_run(struct store *s, enum retention_table t, int64_t before_ms, int64_t max_rows, size_t limit,
                  size_t *removed);

#endif
