/*
 * store/desk: a thread that reads the database for threads that must not wait for a disk, as WEB: questions (core/ask) are answered
 * with its struct store_reader as the owner. One thread: what it reads is small or can wait.
 */
#ifndef STORE_DESK_H
#define STORE_DESK_H

#include "store/store.h"

struct mbox;
struct store_desk;

/* ENOMEM, EAGAIN, the store's errors. s must outlive it. */
int store_desk_start(struct store_desk **dp, struct store *s);
/* Where to ask. */
struct mbox *store_desk_mbox(const struct store_desk *d);
/* Ends the thread; while those who asked can still be told. */
void store_desk_stop(struct store_desk *d);

#endif
