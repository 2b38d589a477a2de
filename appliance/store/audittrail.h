/*
 * store/audittrail: the triggers that make an entry of the audit of each changed row, on the writer's connection only: they are TEMP, so that
 * no database file, backup or other program has them. Private to store/.
 */
#ifndef STORE_AUDITTRAIL_H
#define STORE_AUDITTRAIL_H

#include "store/writer.h"

struct audittrail_row { /* NULL: "", or NULL where there is no such row */
    const char *noun, *key, *what, *before, *after;
};

/* Once the schema is today's. */
int audittrail_start(struct store *s);
/* An entry in the name of who asked for the transaction. */
int audittrail_insert(struct store_tx *tx, const struct audittrail_row *row);

#endif
