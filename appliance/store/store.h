/*
 * store/store: the SQLite database DIR/dngate.db: open, migrate, one writer thread, change notices.
 *
 * WAL, foreign keys on. Provisioning writes are acknowledged after a commit with synchronous=FULL; CDRs are batched and committed
 * within 500 ms, spilled to DIR/cdr.spill when the writer cannot write and replayed later (never dropped).
 * Parts of core/health kept here: store, disk.
 * Reads happen on the caller's thread through a reader (one connection per thread, opened on demand).
 * Works the same inside the server and inside a command line process while the server runs or not.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mbox;
struct store;
struct store_reader;

/* Opens or makes DIR and the database, migrates it (db/migrations), starts the writer. On failure why is one clear line:
 * ENOTSUP database of a newer version; EACCES, ENOSPC, EIO, EUCLEAN (corrupt). */
int store_open(struct store **sp, const char *dir, char *why, size_t whysz);
/* Writes what waits, closes. */
void store_close(struct store *s);

int store_reader_alloc(struct store_reader **rp, struct store *s);
void store_reader_free(struct store_reader *r);
/* Another number than last time from the same reader: something in the database has changed meanwhile. */
int store_reader_version(struct store_reader *r, int64_t *version);

/* The data directory. */
const char *store_dir(const struct store *s);

/* A key that outlives a restart, of DIR/secret.key: another for each label. */
void store_key(const struct store *s, uint8_t out[32], const char *label);

/* For questions to the writer (core/ask) by threads that must not wait for it, with answers of store/ that are meant for it. */
struct mbox *store_questions(const struct store *s);
/* Answers no more; what waits is dropped. Between the end of who asks and the freeing of its ask_box. s may be NULL. */
void store_questions_end(struct store *s);

enum store_noun { STORE_DN, STORE_TRUNK, STORE_USER, STORE_SETTING };
/* Told after commit, on the writer thread: post to your own mailbox. key = dn, trunk name, … ; a change made by another process is
 * noticed within 1 s (PRAGMA data_version) and told with key "". So is everything once a minute: what a listener lost is made good. */
typedef void(store_change_h)(enum store_noun noun, const char *key, void *arg);
int store_listen(struct store *s, store_change_h *h,
                 void *arg); /* ENOSPC: too many. Never write from the handler: EDEADLK */
/* No call of h is running or will come after this returns. Not from the handler. */
void store_unlisten(struct store *s, store_change_h *h, void *arg);

/* How often everything is told again; tests make it shorter, before the store is opened. */
extern uint32_t store_again_ms;

/* Where the data directory is: as last looked at by the writer, every 2 s; 0: not yet. Any thread. */
void store_disk(uint64_t *free_bytes, uint64_t *size);

struct store_actor {
    char who[64];     /* user of the console, login name or uid of who uses the command line; "" = "system" */
    char via[16];     /* "console", "key" (of the API), "cli", "system" */
    char address[48]; /* IP address; "" = this machine */
    char reason[256]; /* why, in words; "" = none was given */
};
/* Whom the audit names for writes of the calling thread from now on; NULL: the system. */
void store_actor_set(const struct store_actor *a);
/* The same by one word: "cli:root" is root by the command line, "system:NAME" a part of the system, "" the system, any other name a user of the console. */
void store_actor(const char *who);
/* Why, of the writes that follow; NULL or "" takes it back. */
void store_actor_reason(const char *reason);

/* Errors that every write may return besides its own: EBUSY (database locked by another process for 5 s), ENOSPC, EIO, EDEADLK.
 * store_strerror: any of the store's errors in words for people. */
const char *store_strerror(int err);

#endif
