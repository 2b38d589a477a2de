/*
 * store/spill: DIR/cdr.spill, where call records wait when the database cannot take them. Lines of JSON, appended, synced and
 * replayed by the writer threads of one or more processes; no other thread may, because locks and disks make it wait.
 *
 *   append: open cdr.spill, lock, write + fdatasync; alone, so that a write cut short can be taken back
 *   replay: rename to cdr.spill.replay (from here on appends make a new file), lock (waits for an append that still holds the
 *           old one), hand over every record, let the caller commit, unlink
 *
 * A crash between commit and unlink replays records again: their id makes that harmless.
 */
#ifndef STORE_SPILL_H
#define STORE_SPILL_H

#include "store/cdr.h"

/* Appends n records as one write. Errors: errno of the file work (ENOSPC); none or all of them are in the file then. */
int spill_append(const char *dir, const struct cdr *v, size_t n);
/* Bytes that wait. */
uint64_t spill_size(const char *dir);
/* True when records wait. */
bool spill_exists(const char *dir);

typedef int(spill_h)(const struct cdr *c, void *arg); /* an error stops the replay */
typedef int(spill_commit_h)(void *arg);               /* after the last record; an error keeps the file */
/* Hands over what waits. ENOENT nothing; EAGAIN another process was faster. A line that a crash has cut is logged and skipped. */
int spill_replay(const char *dir, spill_h *h, spill_commit_h *commit, void *arg);

#endif
