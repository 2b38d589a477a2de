/* bench/console/readers: see readers.h. */
#include "readers.h"

#include "core/clock.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { READERS = 4 };

static const char *const paths[] = {"/api/admin/v1/status", "/api/admin/v1/dns?limit=50",
                                    "/api/admin/v1/calls", "/api/admin/v1/cdr?limit=50"};

static pid_t pids[READERS];
static unsigned long *done; /* by each, in memory that they share with us */

static void reader(struct https h, unsigned long *count, unsigned per_s)
{
    const uint64_t start = clock_us();

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)setpriority(PRIO_PROCESS, 0, 0);
    h.buf = NULL;
    if (!https_open(&h, h.port))
        _exit(1);
    for (uint64_t n = 0;; n++) {
        const uint64_t due = start + n * 1000000 / per_s, now = clock_us();

        if (due > now)
            usleep((useconds_t)(due - now));
        if (https_call(&h, "GET", paths[n % (sizeof(paths) / sizeof(*paths))], NULL) != 200)
            _exit(1);
        ++*count;
    }
}

void readers_start(const struct https *admin, unsigned per_s)
{
    if (!done)
        done = mmap(NULL, READERS * sizeof(*done), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (done == MAP_FAILED)
        abort();
    memset(done, 0, READERS * sizeof(*done));
    fflush(stdout);
    for (unsigned i = 0; i < READERS; i++) {
        pids[i] = fork();
        if (pids[i] == 0)
            reader(*admin, &done[i], per_s / READERS);
    }
}

unsigned long readers_stop(void)
{
    unsigned long n = 0;

    for (unsigned i = 0; i < READERS; i++) {
        int status = 0;

        kill(pids[i], SIGKILL);
        (void)waitpid(pids[i], &status, 0);
        if (WIFEXITED(status))
            fprintf(stderr, "bench: a reader was refused after %lu answers\n", done[i]);
        n += done[i];
    }
    return n;
}
