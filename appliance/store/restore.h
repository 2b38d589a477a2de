/*
 * store/restore: brings a backup into a data directory, in two steps:
 *
 *   restore_stage   the command line's process    FILE is copied to DIR/restore.db, checked, brought to today's schema, trunk
 *                                                 passwords sealed with this DIR's key. Nothing else has changed so far.
 *   restore_apply   where the store is open:      one transaction takes over DNs, trunks, users and settings and adds call
 *                   the server, or the command    records and audit; listeners are told to look again at everything.
 *                   line when there is none       Calls go on.
 *   restore_replace when DIR/dngate.db itself     puts restore.db in its place; no process may have it open.
 *                   cannot be opened
 *
 * Call records and audit entries that the box has and the backup does not are kept. What was there before is kept as
 * DIR/dngate.db.before-restore, itself a backup. Blocks.
 */
#ifndef STORE_RESTORE_H
#define STORE_RESTORE_H

#include "store/backup.h"

struct store;

enum { RESTORE_NOTES_MAX = 1024 };

struct restore_result {
    struct backup_info backup;
    int64_t cdrs_kept;             /* that the backup did not have */
    char notes[RESTORE_NOTES_MAX]; /* lines of what a person must look after; "" = nothing */
};

/* passphrase: of a FILE that is encrypted; NULL: none was given. ENOENT, EUCLEAN, EBADMSG, ENOTSUP …; ENOKEY: it needs a passphrase; EKEYREJECTED:
 * another one. why: a line that names FILE; DIR is as it was then. */
int restore_stage(const char *dir, const char *file, const char *passphrase, struct restore_result *res,
                  char *why, size_t whysz);
/* Takes back what restore_stage did. */
void restore_unstage(const char *dir);
/* ENOENT: nothing is staged. Fills res->backup, cdrs_kept; adds to notes. */
int restore_apply(struct store *s, struct restore_result *res, char *why, size_t whysz);
int restore_replace(const char *dir, struct restore_result *res, char *why, size_t whysz);

#endif
