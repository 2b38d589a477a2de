/*
 * service/backup: the backups that lie in the data directory, and making, restoring and removing them. (store/backup.h and store/restore.h know what a
 * backup is.)
 *
 *   DIR/backups/scheduled-20261128T063000Z.db, …-….db.enc    made by backup.every; backup.keep of them
 *   DIR/backups/hand-….db.enc                                made by a person in the console; backup.keep of them
 *   DIR/dngate.db.before-v9, dngate.db.before-restore        what there was before a migration, before a restore
 *
 * All of these block, for seconds where there are many call records; any thread but the writer's. Errors: service/service.h.
 */
#ifndef SERVICE_BACKUP_H
#define SERVICE_BACKUP_H

#include "service/service.h"
#include "store/restore.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BACKUP_NAME_MAX = 96, BACKUPS_MAX = 256 };

struct service_backup {
    char name[BACKUP_NAME_MAX];
    const char *why; /* "scheduled", "hand", "migration", "restore" */
    int64_t bytes, time_ms;
    bool encrypted;
};

/* The newest first, into v; returns how many. */
size_t service_backup_list(struct service *sv, struct service_backup v[static BACKUPS_MAX]);
/* Where one of the list lies. ENOENT. */
int service_backup_path(struct service *sv, const char *name, char *path, size_t sz);
/* why: "hand" or "scheduled"; passphrase NULL: not encrypted. keep: so many of that kind stay, 0 = all. ENOSPC: there would be too little room left. */
int service_backup_make(struct service *sv, const char *why, const char *passphrase, unsigned keep,
                        struct service_backup *out, struct backup_info *info);
int service_backup_remove(struct service *sv, const char *name);

/* From a file: checked, then taken over; calls go on. passphrase "" or NULL: none. what: the name that the audit and complaints have for it.
 * EINVAL: it is no backup, damaged, or of another passphrase; ENOTSUP: of a newer version. Nothing has changed then. */
int service_restore(struct service *sv, const char *file, const char *what, const char *passphrase,
                    struct restore_result *out);

/* A file for an upload, empty, in the data directory: whoever asked removes it, or the next start does. */
int service_upload_begin(struct service *sv, char *path, size_t sz);
/* Removes what an earlier run left half made. */
void service_backup_tidy(struct service *sv);

#endif
