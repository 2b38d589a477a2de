/* store/notes: history on its way into the database (store/history), a handful of rows in one transaction. Private to store/: writer thread. */
#ifndef STORE_NOTES_H
#define STORE_NOTES_H

struct mbox;
struct store;

int notes_alloc(struct mbox **mbp);
/* Writes what waits. */
void notes_service(struct store *s);

#endif
