/* app_dir: the data directory at the start: one server at a time. Main thread. */
#ifndef APP_DIR_H
#define APP_DIR_H

#include <stddef.h>

/* Before the database is opened: it must not be migrated under a server that runs. Held until *lock is closed. One clear line in why. */
int app_dir_lock(int *lock, const char *dir, char *why, size_t whysz);

#endif
