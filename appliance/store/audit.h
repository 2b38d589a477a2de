/*
 * store/audit: who changed what, written in the transaction of the change.
 *
 * A changed row of dn, trunk, user, … becomes an entry by itself, with the row before and after as JSON: triggers of the writer's own
 * connection see to that (store/audittrail.c), so that no change is without one. audit_write() says in words what it was; what changes no row
 * is written by it alone. JSON holds no secret: of a password it says that there is one, and that it became another.
 */
#ifndef STORE_AUDIT_H
#define STORE_AUDIT_H

#include "store/store.h"

struct store_tx;

enum { AUDIT_JSON_MAX = 16384 };

struct audit_entry {
    int64_t id, time_ms;
    char who[64];               /* user of the console or of the machine, "system" */
    char via[16];               /* console, key, cli, system */
    char address[48];           /* IP address of who did it; "" for the machine itself */
    char noun[32];              /* dn, trunk, user, setting, calls, … */
    char key[128];              /* which of them; "" = none, or many */
    char what[256];             /* "dn 5001 added" */
    char reason[256];           /* as who did it gave it */
    const char *before, *after; /* JSON objects; "" = there was or is none. Valid during the handler */
};

/* On the writer thread. Words for the one row that was changed since the last call; when it was none or more, an entry of its own. */
int audit_write(struct store_tx *tx, const char *what_fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same, naming the thing: for what changes no row of the tables that are watched. */
int audit_write_about(struct store_tx *tx, const char *noun, const char *key, const char *what_fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* For what changes no row, such as a call that is hung up: "calls hangup: ID", whose first word is the noun. Any other thread; waits until it
 * is durable. */
int audit_note(struct store *s, const char *what);
int audit_note_about(struct store *s, const char *noun, const char *key, const char *what);

struct audit_filter { /* NULL or 0: any */
    const char *q;    /* somewhere in what, key, who, address or reason, in any case of ASCII */
    const char *who, *noun, *key;
    int64_t from_ms, to_ms; /* Unix ms: then or later, before then */
    int64_t before_id;      /* older than this one, newest first; or … */
    int64_t after_id;       /* … newer than this one, oldest first, when oldest_first is set */
    bool oldest_first;
    size_t limit; /* 0 = 100 */
};

typedef bool(audit_h)(const struct audit_entry *e, void *arg); /* true: enough */
int audit_each(struct store_reader *r, const struct audit_filter *f, audit_h *h, void *arg);
/* ENOENT. */
int audit_get(struct store_reader *r, int64_t id, audit_h *h, void *arg);
/* How many there are in all that fit. With a q all of them are looked at: half a second for a million. */
int audit_count(struct store_reader *r, const struct audit_filter *f, int64_t *count);
/* The newest one's number; 0: there is none. */
int audit_newest(struct store_reader *r, int64_t *id);

/* Told on the writer thread after a commit that may have brought entries, also another process's (within 1 s). One listener; NULL: none. Not
 * from the handler. */
typedef void(audit_news_h)(void *arg);
int audit_listen(struct store *s, audit_news_h *h, void *arg);

#endif
