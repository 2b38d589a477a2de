/* admin/backups: the nouns backup, backups and restore. */
#ifndef ADMIN_BACKUPS_H
#define ADMIN_BACKUPS_H

int admin_backups_routes(void);

#endif
