/*
 * store/cdrbatch: call records on their way into the database: gathered by the writer thread, committed together, spilled
 * when the database cannot take them, replayed when it can again. See store/writer.h for the picture.
 */
#ifndef STORE_CDRBATCH_H
#define STORE_CDRBATCH_H

#include "store/cdr.h"

/* Handler of the mailbox: takes one record into the batch. Writer thread. */
void cdrbatch_h(void *msg, void *arg);
/* Drains the mailbox and commits what is due; all of it when now is set. Returns the error that keeps records in memory. */
int cdrbatch_service(struct store *s, bool now);
/* Milliseconds until something is due, at most max. */
int cdrbatch_wait_ms(const struct store *s, int max);
/* False while the batch has no room for what the mailbox may hold. */
bool cdrbatch_has_room(const struct store *s);
/* The database cannot be written: tells health, until cdrbatch_replay finds that it can. */
void cdrbatch_trouble(struct store *s, int cause);
/* Replays the spill file if there is one. */
int cdrbatch_replay(struct store *s);
/* The end: all that waits is committed, spilled, or at last logged. */
void cdrbatch_finish(struct store *s);
/* Writes a record to the log, as one line, and counts it: the last resort. Any thread. */
void cdrbatch_lose(const struct cdr *c);

#endif
