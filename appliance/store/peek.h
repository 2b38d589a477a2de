/*
 * store/peek: looks at a data directory without touching it: no migration, no writer, nothing made. For the doctor.
 * The store it gives can only be read (store_reader_alloc) and closed.
 */
#ifndef STORE_PEEK_H
#define STORE_PEEK_H

#include "store/store.h"

/* ENOENT: no database yet. EUCLEAN, ENOTSUP (a newer version's), EACCES … with why. */
int peek_open(struct store **sp, const char *dir, char *why, size_t whysz);
/* Whether a writer has something to do first (store_open does): its schema is older than ours; call records wait in cdr.spill. */
int peek_due(struct store *s, bool *older, bool *spilled);
/* quick_check and foreign_key_check; version = its schema's, ours = this program's. EUCLEAN with why. */
int peek_verify(struct store *s, int64_t *version, int64_t *ours, char *why, size_t whysz);

#endif
