/*
 * call/directory: the database's DNs and trunks in memory, so that no call and no sign-in ever waits for SQLite.
 *
 *   STORE'S WRITER ── told of a change, reads it, posts it by value ──► SIGNALLING ── directory_get()
 *
 * A change is here before whoever made it has his answer: a look-up takes in first what waits. All of it is read again whenever the
 * store says so: each minute, after an import, when another process wrote; what is the same then costs signalling nothing. While the
 * database cannot be read, what was read last stays.
 * Owner: signalling thread, but for the writer's handler inside.
 */
#ifndef CALL_DIRECTORY_H
#define CALL_DIRECTORY_H

#include "store/dn.h"
#include "store/trunk.h"

struct directory;
struct sip_stack;

enum { DIRECTORY_DNS_MAX = 100000, DIRECTORY_RETRY_MS = 500 };

struct directory_config {
    struct store *store;
    /* Signalling thread, never from within a look-up. key "" = any may have changed. */
    void (*dn_changed)(const char *key, void *arg);
    /* All trunks, the disabled ones, too, with their passwords. */
    void (*trunks_changed)(const struct trunk *v, size_t n, void *arg);
    /* Whose password was good and is not any more: DNs with another one, disabled or removed, and at the start those that are disabled; count names, each with its 0, one after the
     * other. Signalling thread, never from within a look-up. An error: the same again, and those of meanwhile, in DIRECTORY_RETRY_MS.
     * May be NULL. */
    int (*dns_revoked)(const char *dns, size_t count, void *arg);
    void *arg;
};

/* Main thread: reads everything, follows the changes from now on. The store's errors, ENOMEM. */
int directory_alloc(struct directory **dp, const struct directory_config *cfg);
/* Signalling thread: takes in what comes, and tells; trunks_changed is called at once with those there are. */
int directory_start(struct directory *d, struct sip_stack *st);
void directory_stop(struct directory *d); /* signalling thread */
/* Main thread, after the signalling thread has ended. */
void directory_free(struct directory *d);

/* DNs in all. */
size_t directory_count(const struct directory *d);
/* ENOENT. Constant time. */
int directory_get(struct directory *d, const char *dn, struct dn *out);

#endif
