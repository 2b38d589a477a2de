#include "app_dir.h"
#include "cmd/control.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

int app_dir_lock(int *lock, const char *dir, char *why, size_t whysz)
{
    int err;

    if (mkdir(dir, 0700) && errno != EEXIST) {
        err = errno;
        (void)snprintf(why, whysz, "%s: cannot make the data directory: %s", dir, strerror(err));
        return err;
    }
    err = control_lock(lock, dir);
    if (err == EADDRINUSE)
        (void)snprintf(why, whysz, "%s: another dngate serves this data directory", dir);
    else if (err)
        (void)snprintf(why, whysz, "%s: cannot be locked: %s", dir, strerror(err));

    return err;
}
