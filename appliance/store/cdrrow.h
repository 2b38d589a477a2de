/* store/cdrrow: one call record as a database row and as a line of the spill file; one table of fields serves both. */
#ifndef STORE_CDRROW_H
#define STORE_CDRROW_H

#include "store/cdr.h"
#include "store/sql.h"

struct buf;

/* Inserts it; a record that is there already (a replay) changes nothing. */
int cdrrow_insert(struct sql *sql, const struct cdr *c);
/* "SELECT all columns FROM cdr WHERE ", as cdrrow_read takes them. */
extern const char cdrrow_select[];
/* Of SQL: the name of cdr_result(). */
#define CDRROW_RESULT                                                                                        \
    "CASE WHEN answer_ms <> 0 THEN 'answered' WHEN code IN (486, 600) THEN 'busy' "                          \
    "WHEN code IN (408, 480) THEN 'no_answer' WHEN code = 487 THEN 'cancelled' "                             \
    "WHEN code BETWEEN 500 AND 599 THEN 'failed' ELSE 'refused' END"
/* A query for the record with this id. */
const char *cdrrow_select_one(void);
void cdrrow_read(sqlite3_stmt *st, struct cdr *c);

/* One JSON object with a newline; reals as text, to come back exactly. */
int cdrrow_encode(struct buf *out, const struct cdr *c);
/* EBADMSG when it is not such a line (a crash may have cut it). */
int cdrrow_decode(struct cdr *c, const char *line, size_t len);

#endif
