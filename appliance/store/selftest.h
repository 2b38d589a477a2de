/*
 * store/selftest: what self-tests found (the last SELFTEST_OF_DN of each DN, the last SELFTEST_OF_LINKS of all that were made by links), and
 * the one-time links that let somebody without a DN make one. Of a link's token only a hash is kept.
 */
#ifndef STORE_SELFTEST_H
#define STORE_SELFTEST_H

#include "store/dn.h"

enum {
    SELFTEST_OF_DN = 10,
    SELFTEST_OF_LINKS = 100,
    SELFTEST_LINKS_MAX = 1000, /* that may be open at a time */
    SELFTEST_HOURS_MAX = 30 * 24,
    SELFTEST_TOKEN_MAX = 23, /* 128 bits in base64url */
    SELFTEST_TESTS_MAX = 12288,
};

struct selftest { /* a result */
    char id[40];  /* sorts by time */
    char dn[DN_MAX];
    char note[DN_NAME_MAX]; /* of the link; dn is "" */
    int64_t time_ms;
    char source[64]; /* the browser's IP address */
    char browser[96], system[96], verdict[8];
    char tests[SELFTEST_TESTS_MAX]; /* JSON array, as admin/report wrote it */
};
typedef bool(selftest_h)(const struct selftest *t, void *arg); /* true = stop */
/* Newest first. dn NULL: all; "": those of links. */
int selftest_each(struct store_reader *r, const char *dn, selftest_h *h, void *arg);
int selftest_get(struct store_reader *r, const char *id, struct selftest *out); /* ENOENT */

struct selftest_link {
    int64_t id;
    char note[DN_NAME_MAX];
    int64_t created_ms, expires_ms, used_ms;
};
/* token: the only time that it is told. EINVAL with why, ENOSPC: too many are open. */
int selftest_link_add(struct store *s, const char *note, unsigned hours, struct selftest_link *out,
                      char token[SELFTEST_TOKEN_MAX], char *why, size_t whysz);
typedef bool(selftest_link_h)(const struct selftest_link *l, void *arg); /* true = stop */
/* Those that are good yet, the first to end first. */
int selftest_link_each(struct store_reader *r, int64_t now_ms, selftest_link_h *h, void *arg);
/* It is good no more. ENOENT: there is none, or it is over or used. */
int selftest_link_remove(struct store *s, int64_t id);

/* ---- for threads that never wait: questions for store_questions(), answered by the writer when it is on disk ---- */

struct selftest_use { /* a link that is used */
    char token[SELFTEST_TOKEN_MAX + 1];
    int err; /* ENOENT: there is no such link; EALREADY: it was used; ETIME: it is over */
    struct selftest_link link;
};
void selftest_use_answer(void *use, void *store);

struct selftest_put {       /* a result that is kept */
    struct selftest result; /* id and time_ms are set here; note, when link is */
    int64_t link;           /* 0 = made by a DN */
    char session[65];       /* SHA-256: replaces the result of the same one */
    int err;
};
void selftest_put_answer(void *put, void *store);

#endif
