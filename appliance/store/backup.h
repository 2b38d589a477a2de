/*
 * store/backup: one file that holds what a box is: its database, secret.key and tls/. It is a SQLite database (mode 0600): the
 * tables of the schema as they were at one moment, and with them
 *
 *   backup (made_ms)                one row
 *   backup_file (name, content)     "secret.key", "tls/cert.pem", …
 *
 * It holds secrets. Works in any process, whether a server runs or not: the copy is one read transaction, which no writer waits
 * for. Blocks.
 */
#ifndef STORE_BACKUP_H
#define STORE_BACKUP_H

#include "store/sql.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BACKUP_FILES_MAX = 32, BACKUP_FILE_MAX = 256 * 1024 };

struct backup_info {
    int64_t made_ms; /* 0: a plain copy of a database */
    int64_t version; /* of its schema */
    int64_t dns, trunks, users, cdrs;
    bool cdrs_wait; /* some call records were in cdr.spill and are not in the backup */
};

/* Writes FILE anew: who looks sees the old one or the whole new one. On error why is one line. */
int backup_write(const char *dir, const char *file, struct backup_info *info, char *why, size_t whysz);
/* The same, encrypted with a passphrase (crypto/vault); NULL: not. EINVAL: too short or too long a one. */
int backup_write_sealed(const char *dir, const char *file, const char *passphrase, struct backup_info *info,
                        char *why, size_t whysz);
/* Is an open database sound, ours and of no later version than ours? EUCLEAN, ENOTSUP with why (what is wrong with it). */
int backup_check(struct sql *sql, struct backup_info *info, char *why, size_t whysz);
/* Opens a database file for what it is, without making it WAL, trusting nothing in it. */
int backup_open(struct sql *sql, const char *path);

#endif
