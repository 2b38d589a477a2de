/*
 * core/table: a small hash table with byte-string keys and a named limit. One owner thread.
 * Values are the caller's; the table never frees them. Keys are copied.
 */
#ifndef CORE_TABLE_H
#define CORE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table;

typedef bool(table_h)(void *val, void *arg); /* true = stop */

/* EINVAL, ENOMEM. max = most entries. */
int table_alloc(struct table **tp, size_t max);
void table_free(struct table *t);
/* Keys are byte strings of at most 4096 bytes; val is not NULL (EINVAL). EEXIST, ENOSPC (limit), ENOMEM. */
int table_put(struct table *t, const void *key, size_t klen, void *val);
/* Another value under a key that is there; returns the one before. NULL: it is not there, and nothing changed. Never fails for memory. */
void *table_swap(struct table *t, const void *key, size_t klen, void *val);
void *table_get(const struct table *t, const void *key, size_t klen);
/* Removes and returns the value, or NULL. */
void *table_del(struct table *t, const void *key, size_t klen);
size_t table_count(const struct table *t);
/* Visits all, in no order; the handler may delete any entry and add some (which it may or may not visit). Returns the value at which it stopped, or NULL. */
void *table_each(struct table *t, table_h *h, void *arg);

#endif
