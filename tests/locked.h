/* tests/locked: a data directory whose database another process has locked. */
#ifndef TESTS_LOCKED_H
#define TESTS_LOCKED_H

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Where SQLite keeps the locks of its write-ahead log: the file format's section 2.2.2. */
enum { WAL_LOCKS_AT = 120, WAL_LOCKS = 8 };

/* Another process that lets nobody read or write the database, until it is killed. */
__attribute__((unused)) static pid_t database_lock(const char *dir)
{
    char path[128], ready;
    int fds[2];
    pid_t pid;

    (void)snprintf(path, sizeof(path), "%s/dngate.db-shm", dir);
    if (pipe(fds))
        return -1;
    pid = fork();
    if (!pid) {
        struct flock lock = {
            .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = WAL_LOCKS_AT, .l_len = WAL_LOCKS};
        int fd = open(path, O_RDWR);

        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (fd < 0 || fcntl(fd, F_SETLKW, &lock) || write(fds[1], "", 1) != 1)
            _exit(1);
        for (;;)
            (void)pause();
    }
    (void)close(fds[1]);
    if (pid > 0 && read(fds[0], &ready, 1) != 1)
        pid = -1;
    (void)close(fds[0]);
    return pid;
}

__attribute__((unused)) static void database_unlock(pid_t pid)
{
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
}

#endif
