/* store/cdrrow: one call record as a database row and as a line of the spill file; one table of fields serves both. */
#ifndef STORE_CDRROW_H
#define STORE_CDRROW_H

#include "store/cdr.h"
#include "store/sql.h"

struct buf;

/* Inserts it; a record that is there already (a replay) changes nothing. */
int cdrrow_insert(struct sql *sql, const struct cdr *c);
/* A query for records, newest first. Parameters: from_ms, to_ms (0 = open), id before which, limit, a pattern for the path (GLOB), the
 * result's name ('' = any), the least id that one of from_ms can have, and with by_dn the DN. Columns as cdrrow_read takes them. */
const char *cdrrow_select(bool by_dn);
/* The same for the one with this id. */
const char *cdrrow_select_one(void);
void cdrrow_read(sqlite3_stmt *st, struct cdr *c);

/* One JSON object with a newline; reals as text, to come back exactly. */
int cdrrow_encode(struct buf *out, const struct cdr *c);
/* EBADMSG when it is not such a line (a crash may have cut it). */
int cdrrow_decode(struct cdr *c, const char *line, size_t len);

#endif
